#include "common/bytes.h"

#include <gtest/gtest.h>

namespace sekisho {
namespace {

TEST(Bytes, HexGoesThereAndBack) {
  const auto bytes = FromHex("00ffA5");
  ASSERT_TRUE(bytes);
  EXPECT_EQ(ToHex(*bytes), "00ffa5");
  EXPECT_FALSE(FromHex("0"));
  EXPECT_FALSE(FromHex("0g"));
}

// RFC 3720 appendix B.4: 32 bytes of zeros, and 0..31.
TEST(Bytes, Crc32cGivesTheVectorsOfRfc3720) {
  EXPECT_EQ(Crc32c(Bytes(32)), 0x8a9136aaU);
  Bytes rising(32);
  for (size_t i = 0; i < rising.size(); ++i) {
    rising[i] = static_cast<std::byte>(i);
  }
  EXPECT_EQ(Crc32c(rising), 0x46dd794eU);
  const ByteSpan span(rising);
  EXPECT_EQ(Crc32c(span.subspan(7), Crc32c(span.first(7))), 0x46dd794eU);
}

TEST(Bytes, Uuid7CarriesTimeVersionAndVariant) {
  const auto id = NewUuid7(WallTime(std::chrono::milliseconds(0x0123456789ab)));
  const std::string text = FormatUuid(id);
  EXPECT_EQ(text.substr(0, 15), "01234567-89ab-7");
  EXPECT_NE(std::string("89ab").find(text[19]), std::string::npos);
  EXPECT_NE(text, FormatUuid(NewUuid7(WallTime())));
}

TEST(Clock, FormatsUtcWithMicroseconds) {
  EXPECT_EQ(FormatUtc(WallTime(std::chrono::microseconds(1))),
            "1970-01-01T00:00:00.000001Z");
  EXPECT_EQ(ParseUtc("1970-01-01T00:00:00.000001Z"),
            WallTime(std::chrono::microseconds(1)));
  EXPECT_EQ(ParseUtc("2023-11-14T22:13:20Z"),
            WallTime(std::chrono::seconds(1'700'000'000)));
  for (const char* wrong :
       {"", "2023-11-14", "2023-11-14T22:13:20", "2023-02-30T00:00:00Z",
        "2023-11-14T24:00:00Z", "2023-11-14T22:13:20.Z",
        "2023-11-14T22:13:20.1234567Z", "2023-11-14 22:13:20Z"}) {
    EXPECT_FALSE(ParseUtc(wrong)) << wrong;
  }
  EXPECT_EQ(FormatUtc(WallTime(std::chrono::seconds(1'700'000'000))),
            "2023-11-14T22:13:20.000000Z");
}

}  // namespace
}  // namespace sekisho
