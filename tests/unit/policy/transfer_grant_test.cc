#include "policy/transfer_grant.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sekisho::policy {
namespace {

using testing::HasSubstr;

GrantedTransfer Transfer() {
  return {.agent_id = "agent-1",
          .person = "yamada",
          .device = "0951:1666:A1",
          .content_hash = Bytes(32, std::byte{7})};
}

TransferGrant Grant(int64_t id) {
  return {.id = id,
          .from_seconds = 1'000'000,
          .until_seconds = 1'003'600,
          .persons = 60,
          .types = {"address", "custom:ward", "person_name"},
          .holder = HolderOf(Transfer()),
          .match = MatchOf(Transfer())};
}

TEST(TransferGrants, AreReadAsTheyArePrinted) {
  GrantList list;
  list.transfers = {Grant(3), Grant(9)};
  list.transfers[1].types.clear();
  list.answers = {{.id = 4,
                   .from_seconds = 5,
                   .until_seconds = 6,
                   .approved = true,
                   .event_id = {std::byte{1}}},
                  {.id = 5,
                   .from_seconds = 5,
                   .until_seconds = 6,
                   .approved = false,
                   .event_id = {std::byte{2}}}};
  const auto read = ParseGrants(PrintGrants(list));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(*read, list);
  EXPECT_EQ(ParseGrants("sekisho-grants-1\n").value(), GrantList());
}

TEST(TransferGrants, AnythingElseIsRefusedWithItsLine) {
  const std::string good =
      PrintGrants({.transfers = {Grant(3)}, .answers = {}});
  const std::string line = good.substr(good.find('\n') + 1);
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string text = good;
    text.replace(text.find(from), from.size(), to);
    return text;
  };
  for (const std::string& text :
       {std::string(), std::string("sekisho-grants-2\n"), good + "x",
        good + line, with("transfer 3", "transfer 0"),
        with("transfer 3", "transfer 03"), with("1003600", "1000000"),
        with("1003600", "9000000"), with(" 60 ", " -1 "),
        with("address,", "zip,"), with("address,", ","),
        with("address,", "Address,"), with("transfer", "grant"),
        with("transfer 3 ", "transfer 3  "), good + "answer 1 2 3 maybe 00\n",
        good + "answer 1 2 3 denied 00\n"}) {
    const auto read = ParseGrants(text);
    ASSERT_FALSE(read) << text;
    EXPECT_THAT(read.error().message, HasSubstr("grants:"));
  }
}

TEST(TransferGrants, MatchOneTransferAndNoOther) {
  const GrantMatch match = MatchOf(Transfer());
  EXPECT_EQ(MatchOf(Transfer()), match);
  std::vector<GrantedTransfer> others(5, Transfer());
  others[0].agent_id = "agent-2";
  others[1].person = "sato";
  others[2].device = "0951:1666:A2";
  others[3].content_hash[31] = std::byte{8};
  // What one part loses another may not gain.
  others[4].agent_id = "agent-1y";
  others[4].person = "amada";
  for (const GrantedTransfer& other : others) {
    EXPECT_NE(MatchOf(other), match);
  }
  EXPECT_EQ(HolderOf(others[3]), HolderOf(Transfer()));
  EXPECT_NE(HolderOf(others[1]), HolderOf(Transfer()));
}

TEST(TransferGrants, OpenWhileTheyRunWhatTheySay) {
  const TransferGrant grant = Grant(1);
  EXPECT_TRUE(Opens(grant, 1'000'000, 60, {"address", "person_name"}));
  EXPECT_FALSE(Opens(grant, 1'000'000, 61, {}));
  EXPECT_FALSE(Opens(grant, 1'000'000, 1, {"my_number"}));
  EXPECT_TRUE(Opens(grant, 1'003'599, 1, {}));
  EXPECT_FALSE(Opens(grant, 1'003'600, 1, {}));
  // Clocks differ by minutes; a day is no difference of clocks.
  EXPECT_TRUE(Opens(grant, 999'700, 1, {}));
  EXPECT_FALSE(Opens(grant, 1'000'000 - 86'400, 1, {}));
}

}  // namespace
}  // namespace sekisho::policy
