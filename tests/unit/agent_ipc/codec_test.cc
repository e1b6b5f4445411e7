#include "agent/ipc/codec.h"

#include <gtest/gtest.h>

#include "agent/ipc/messages.h"

namespace sekisho::ipc {
namespace {

TEST(Codec, CarriesEveryKindOfField) {
  TransferQuestion question;
  question.question_id = 7;
  question.path = std::string("a\0b", 3);
  question.findings.persons = 1500;
  question.findings.data = {{"phone", 3}};
  question.findings.columns = {{"tel", "phone", 3, 0.5}};
  const auto back = Decode<TransferQuestion>(Encode(question));
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(back->path, question.path);
  EXPECT_EQ(back->findings.persons, 1500);
  ASSERT_EQ(back->findings.columns.size(), 1U);
  EXPECT_EQ(back->findings.columns[0].share, 0.5);
}

TEST(Codec, RefusesEveryCutAndAnExtraByte) {
  StatusAnswer status;
  status.media.push_back({"a", "b", "c", "d", "e", "f"});
  const Bytes whole = Encode(status);
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(Decode<StatusAnswer>(ByteSpan(whole).first(size))) << size;
  }
  Bytes longer = whole;
  longer.push_back(std::byte{0});
  EXPECT_FALSE(Decode<StatusAnswer>(longer));
  EXPECT_TRUE(Decode<StatusAnswer>(whole));
}

TEST(Codec, RefusesAnotherType) {
  EXPECT_FALSE(Decode<StatusRequest>(Encode(IdentityRequest{})));
}

// 0x101 is not "allow" because its last byte is 1.
TEST(Codec, RefusesNumbersThatDoNotFit) {
  const Bytes good = Encode(
      TransferAnswer{.question_id = 7, .verdict = TransferVerdict::kAllow});
  ASSERT_TRUE(Decode<TransferAnswer>(good));
  for (size_t byte = good.size() - 7; byte < good.size(); ++byte) {
    Bytes wide = good;
    wide[byte] = std::byte{1};
    EXPECT_FALSE(Decode<TransferAnswer>(wide)) << byte;
  }
}

TEST(Codec, RefusesCountsBeyondThePacket) {
  Bytes packet(2 + 4);
  PutU16(packet.data(), Reply::kType);
  PutU32(packet.data() + 2, 0xffffffffU);
  EXPECT_FALSE(Decode<Reply>(packet));
}

}  // namespace
}  // namespace sekisho::ipc
