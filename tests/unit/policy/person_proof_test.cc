#include "policy/person_proof.h"

#include <gtest/gtest.h>

#include <set>

namespace sekisho::policy {
namespace {

// RFC 6238, appendix B, its eight digits cut to six.
TEST(PersonProof, CodesAreThoseOfTheStandard) {
  const std::string secret = "12345678901234567890";
  const std::pair<int64_t, const char*> known[] = {
      {59, "287082"},         {1111111109, "081804"}, {1111111111, "050471"},
      {1234567890, "005924"}, {2000000000, "279037"}, {20000000000, "353130"},
  };
  for (const auto& [time, code] : known) {
    EXPECT_EQ(TotpCodeAt(secret, time / 30), code) << time;
    EXPECT_EQ(TotpStepOf(secret, code, time), time / 30) << time;
  }
}

TEST(PersonProof, ACodeIsGoodOneStepEarlierAndLater) {
  const std::string secret(kTotpBytes, 'k');
  const int64_t now = 1'800'000'000;
  const int64_t step = now / 30;
  for (const int64_t off : {-1, 0, 1}) {
    EXPECT_EQ(TotpStepOf(secret, TotpCodeAt(secret, step + off), now),
              step + off);
  }
  for (const int64_t off : {-2, 2}) {
    EXPECT_FALSE(TotpStepOf(secret, TotpCodeAt(secret, step + off), now));
  }
  EXPECT_FALSE(TotpStepOf("", TotpCodeAt("", step), now));
  EXPECT_FALSE(TotpStepOf(secret, "", now));
  EXPECT_FALSE(TotpStepOf(secret, "12345a", now));
}

TEST(PersonProof, APinIsRightOrWrong) {
  const std::string pin = NewPin();
  EXPECT_TRUE(IsPin(pin));
  const auto verifier = PinVerifierOf(pin);
  ASSERT_TRUE(verifier);
  EXPECT_TRUE(IsPinVerifier(*verifier));
  EXPECT_EQ(verifier->find(pin), std::string::npos);
  EXPECT_TRUE(IsPinOf(*verifier, pin));
  EXPECT_FALSE(IsPinOf(*verifier, pin == "00000000" ? "11111111" : "00000000"));
  EXPECT_FALSE(IsPinOf("", ""));
}

TEST(PersonProof, PinsDiffer) {
  std::set<std::string> pins;
  for (int i = 0; i < 100; ++i) pins.insert(NewPin());
  EXPECT_GT(pins.size(), 95U);
}

TEST(PersonProof, NoVerifierMayCostMore) {
  const std::string tail = "$c29tZXNhbHRzb21lc2FsdA$aGFzaA";
  EXPECT_TRUE(IsPinVerifier("$argon2id$v=19$m=65536,t=2,p=1" + tail));
  EXPECT_FALSE(IsPinVerifier("$argon2id$v=19$m=1048576,t=2,p=1" + tail));
  EXPECT_FALSE(IsPinVerifier("$argon2id$v=19$m=65536,t=200,p=1" + tail));
  EXPECT_FALSE(IsPinVerifier("$argon2i$v=19$m=65536,t=2,p=1" + tail));
  EXPECT_FALSE(IsPinVerifier("$argon2id$v=19$m=65536,t=2,p=1$ $ "));
  EXPECT_FALSE(IsPinVerifier(""));
}

}  // namespace
}  // namespace sekisho::policy
