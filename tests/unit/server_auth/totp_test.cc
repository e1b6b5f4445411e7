#include "server/auth/totp.h"

#include <gtest/gtest.h>
#include <sodium.h>

#include "common/bytes.h"
#include "server/auth/secrets.h"

namespace sekisho::auth {
namespace {

constexpr std::string_view kRfcSecret = "12345678901234567890";

WallTime At(int64_t seconds) { return WallTime(std::chrono::seconds(seconds)); }

// RFC 4226, appendix D.
TEST(Totp, CountsAsRfc4226) {
  static constexpr std::string_view kCodes[] = {
      "755224", "287082", "359152", "969429", "338314",
      "254676", "287922", "162583", "399871", "520489"};
  for (uint64_t counter = 0; counter < std::size(kCodes); ++counter) {
    EXPECT_EQ(HotpCode(AsBytes(kRfcSecret), counter, 6), kCodes[counter]);
  }
}

// RFC 6238, appendix B, SHA-1.
TEST(Totp, TellsTheTimeAsRfc6238) {
  const std::pair<int64_t, std::string_view> codes[] = {
      {59, "94287082"},
      {1'111'111'109, "07081804"},
      {1'111'111'111, "14050471"},
      {1'234'567'890, "89005924"},
      {2'000'000'000, "69279037"},
      {20'000'000'000, "65353130"}};
  for (const auto& [seconds, code] : codes) {
    const auto step = static_cast<uint64_t>(TotpStep(At(seconds)));
    EXPECT_EQ(HotpCode(AsBytes(kRfcSecret), step, 8), code) << seconds;
    EXPECT_EQ(MatchTotp(AsBytes(kRfcSecret), code.substr(2), At(seconds)),
              static_cast<int64_t>(step));
  }
}

TEST(Totp, TakesOneStepEitherWayAndNoMore) {
  const auto match = [](int64_t seconds) {
    return MatchTotp(AsBytes(kRfcSecret), "287082", At(seconds));
  };
  EXPECT_EQ(match(59), 1);
  EXPECT_EQ(match(0), 1);
  EXPECT_EQ(match(89), 1);
  EXPECT_EQ(match(90), std::nullopt);
  EXPECT_EQ(MatchTotp(AsBytes(kRfcSecret), "287083", At(59)), std::nullopt);
  EXPECT_EQ(MatchTotp(AsBytes(kRfcSecret), "", At(59)), std::nullopt);
  EXPECT_EQ(MatchTotp(AsBytes(kRfcSecret), "94287082", At(59)), std::nullopt);
}

// RFC 4648, section 10.
TEST(Totp, WritesBase32) {
  EXPECT_EQ(ToBase32(""), "");
  EXPECT_EQ(ToBase32("f"), "MY");
  EXPECT_EQ(ToBase32("fooba"), "MZXW6YTB");
  EXPECT_EQ(ToBase32("foobar"), "MZXW6YTBOI");
  EXPECT_EQ(OtpauthUri("tanaka", "foobar"),
            "otpauth://totp/Sekisho:tanaka?secret=MZXW6YTBOI&issuer=Sekisho");
}

TEST(Totp, SecretsAndRecoveryCodesAreLongAndDiffer) {
  ASSERT_GE(sodium_init(), 0);
  EXPECT_EQ(NewTotpSecret().size(), kTotpSecretBytes);
  EXPECT_NE(NewTotpSecret(), NewTotpSecret());
  const std::string code = NewRecoveryCode();
  EXPECT_EQ(code.size(), 19U);
  EXPECT_NE(code, NewRecoveryCode());
  EXPECT_EQ(PlainRecoveryCode("ABCD-efgh ijkl-MNOP"), "abcdefghijklmnop");
  EXPECT_EQ(PlainRecoveryCode(code).size(), 16U);
}

}  // namespace
}  // namespace sekisho::auth
