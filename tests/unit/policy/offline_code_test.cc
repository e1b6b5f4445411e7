#include "policy/offline_code.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace sekisho::policy {
namespace {

using testing::HasSubstr;

constexpr char kAgent[] = "0190a5b0-1111-7000-8000-000000000001";
constexpr char kDevice[] = "0951:1666:60A44C413FAE";
constexpr std::string_view kAlphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

CodeSecret Secret() {
  CodeSecret secret{};
  for (size_t i = 0; i < secret.size(); ++i) secret[i] = std::byte(i);
  return secret;
}

CodeTerms Terms(int64_t seconds = 14400) {
  return {.agent_id = kAgent,
          .device = kDevice,
          .seconds = seconds,
          .challenge = "28T5CY4T"};
}

std::string Letters(const std::string& code) {
  const auto letters = ParseCode(code);
  EXPECT_TRUE(letters) << letters.error().message;
  return letters ? *letters : "";
}

// Computed apart from this program: HMAC and SHA-256 of Python's hmac and
// hashlib, GF(32) by multiplication instead of by Horner's scheme.
TEST(OfflineCode, FixedVectors) {
  constexpr std::array<std::byte, 5> kRandom = {
      std::byte{0x12}, std::byte{0x34}, std::byte{0x56}, std::byte{0x78},
      std::byte{0x9a}};
  EXPECT_EQ(ChallengeOf(kRandom), "28T5CY4T");
  EXPECT_EQ(PrintChallenge("28T5CY4T", kAgent, kDevice), "28T56-CY4T5-DKX0R");
  EXPECT_EQ(MakeCode(Secret(), Terms(900)), "PVB9F-F5251-MTBT4-R80VA");
  EXPECT_EQ(MakeCode(Secret(), Terms(14400)), "EQTDZ-FCYT7-DSSXS-TFNZ4");
  EXPECT_EQ(MakeCode(Secret(), Terms(604800)), "5Q8YZ-2K3MD-Z6QHQ-CYX16");
  EXPECT_EQ(ToHex(MatchOf(Terms())),
            "d5c1e537868f5350e39f455ebd7d401814a33815c23ba7a6d36ffb19fb0cfb25");
}

TEST(OfflineCode, IsReadAsItIsSpoken) {
  EXPECT_EQ(Letters("eqtdz fcyt7 dssxs tfnz4"), "EQTDFCYTDSSXTFNZ");
  EXPECT_EQ(Letters("EQTDZFCYT7DSSXSTFNZ4"), "EQTDFCYTDSSXTFNZ");
  // O is zero, I and L are one.
  EXPECT_EQ(Letters("5Q8YZ-2K3MD-Z6QHQ-CYXl6"),
            Letters("5Q8YZ-2K3MD-Z6QHQ-CYX16"));
  const auto challenge = ParseChallenge(" 28t56 cy4t5 dkxor ", kAgent, kDevice);
  ASSERT_TRUE(challenge) << challenge.error().message;
  EXPECT_EQ(*challenge, "28T5CY4T");
}

TEST(OfflineCode, EveryMisheardLetterNamesItsGroup) {
  const std::string code = MakeCode(Secret(), Terms());
  int tried = 0;
  for (size_t at = 0; at < code.size(); ++at) {
    if (code[at] == '-') continue;
    for (const char letter : kAlphabet) {
      if (letter == code[at]) continue;
      std::string heard = code;
      heard[at] = letter;
      const auto read = ParseCode(heard);
      ASSERT_FALSE(read) << heard;
      EXPECT_THAT(read.error().message,
                  HasSubstr("group " + std::to_string(at / 6 + 1) + " ("));
      ++tried;
    }
  }
  EXPECT_EQ(tried, 20 * 31);
}

TEST(OfflineCode, LettersOrGroupsInAnotherOrderAreFound) {
  const std::string code = MakeCode(Secret(), Terms());
  for (size_t i = 0; i + 1 < code.size(); ++i) {
    for (size_t j = i + 1; j < code.size(); ++j) {
      if (code[i] == code[j] || code[i] == '-' || code[j] == '-') continue;
      std::string heard = code;
      std::swap(heard[i], heard[j]);
      EXPECT_FALSE(ParseCode(heard)) << heard;
    }
  }
  EXPECT_FALSE(
      ParseCode(code.substr(6, 6) + code.substr(0, 6) + code.substr(12)));
  // A challenge is no code, not even one with another group.
  EXPECT_FALSE(
      ParseCode(PrintChallenge("28T5CY4T", kAgent, kDevice) + "-28T56"));
}

TEST(OfflineCode, BadTextIsToldPlainly) {
  EXPECT_THAT(ParseCode("EQTDZ-FCYT7-DSSXS").error().message,
              HasSubstr("4 groups of 5 letters; these are 15"));
  EXPECT_THAT(ParseCode("EQTDU-FCYT7-DSSXS-TFNZ4").error().message,
              HasSubstr("'U' is in no code"));
  EXPECT_FALSE(ParseCode(""));
  EXPECT_FALSE(ParseCode(std::string(kMaxCodeTextBytes + 1, ' ')));
  EXPECT_FALSE(ParseCode("EQTD\xff-FCYT7-DSSXS-TFNZ4"));
}

TEST(OfflineCode, AMisheardSerialOrTerminalShowsBeforeACodeIsMade) {
  const std::string read = PrintChallenge("28T5CY4T", kAgent, kDevice);
  const auto other = ParseChallenge(read, kAgent, "0951:1666:60A44C413FAF");
  ASSERT_FALSE(other);
  EXPECT_THAT(other.error().message, HasSubstr("serial"));
  EXPECT_FALSE(ParseChallenge(read, "another", kDevice));
}

TEST(OfflineCode, OpensOnlyItsOwnTerms) {
  const std::string letters = Letters(MakeCode(Secret(), Terms()));
  EXPECT_EQ(PeriodOf(Secret(), Terms(0), letters), 14400);
  CodeTerms other = Terms();
  other.device += "X";
  EXPECT_EQ(PeriodOf(Secret(), other, letters), std::nullopt);
  other = Terms();
  other.agent_id = "another";
  EXPECT_EQ(PeriodOf(Secret(), other, letters), std::nullopt);
  other = Terms();
  other.challenge = "28T5CY4V";
  EXPECT_EQ(PeriodOf(Secret(), other, letters), std::nullopt);
  CodeSecret secret = Secret();
  secret[31] ^= std::byte{1};
  EXPECT_EQ(PeriodOf(secret, Terms(), letters), std::nullopt);
  EXPECT_EQ(PeriodOf(Secret(), Terms(), letters.substr(0, 15)), std::nullopt);
  // A part must not slide into its neighbour.
  CodeTerms slid = Terms();
  slid.agent_id += slid.device.substr(0, 1);
  slid.device.erase(0, 1);
  EXPECT_NE(MatchOf(slid), MatchOf(Terms()));
  EXPECT_EQ(PeriodOf(Secret(), slid, letters), std::nullopt);
}

TEST(OfflineCode, EachPeriodHasItsOwnCode) {
  std::set<std::string> codes;
  for (const int64_t seconds : kCodePeriods) {
    const std::string code = MakeCode(Secret(), Terms(seconds));
    codes.insert(code);
    EXPECT_EQ(PeriodOf(Secret(), Terms(), Letters(code)), seconds);
  }
  EXPECT_EQ(codes.size(), kCodePeriods.size());
  EXPECT_FALSE(IsCodePeriod(0));
  EXPECT_FALSE(IsCodePeriod(14401));
  EXPECT_EQ(CodePeriodsText(), "15m, 30m, 1h, 2h, 4h, 8h, 12h, 1d, 2d, 3d, 7d");
}

TEST(OfflineCode, OnlyTheKeyOpensASealedSecret) {
  const CodeKeyPair key = NewCodeKeyPair();
  std::string sealed = SealCodeSecret(Secret(), key.public_key);
  ASSERT_EQ(sealed.size(), kSealedSecretBytes);
  EXPECT_EQ(sealed.find(std::string(AsText(Secret()).substr(0, 8))),
            std::string::npos);
  const auto opened = OpenCodeSecret(sealed, key);
  ASSERT_TRUE(opened);
  EXPECT_EQ(*opened, Secret());
  EXPECT_FALSE(OpenCodeSecret(sealed, NewCodeKeyPair()));
  sealed.back() ^= 1;
  EXPECT_FALSE(OpenCodeSecret(sealed, key));
  EXPECT_FALSE(OpenCodeSecret("", key));
}

CodeList List() {
  CodeList list;
  list.key.fill(std::byte{7});
  list.issued = {{.id = 2,
                  .from_seconds = 100,
                  .until_seconds = 200,
                  .match = MatchOf(Terms())},
                 {.id = 9,
                  .from_seconds = 150,
                  .until_seconds = 151,
                  .match = MatchOf(Terms(900))}};
  return list;
}

TEST(OfflineCodeList, ReadsBackWhatItPrints) {
  const auto back = ParseCodes(PrintCodes(List()));
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(*back, List());
  CodeList none;
  EXPECT_EQ(*ParseCodes(PrintCodes(none)), none);
}

TEST(OfflineCodeList, RefusesOtherForms) {
  const std::string good = PrintCodes(List());
  const auto with = [&](std::string_view old, std::string_view now) {
    std::string text = good;
    const size_t at = text.find(old);
    EXPECT_NE(at, std::string::npos) << old;
    return text.replace(at, old.size(), now);
  };
  EXPECT_FALSE(ParseCodes(""));
  EXPECT_FALSE(ParseCodes(good.substr(0, good.size() - 1)));
  EXPECT_FALSE(ParseCodes(with("codes-1", "codes-2")));
  EXPECT_FALSE(ParseCodes(with("key 07", "key 7")));
  EXPECT_FALSE(ParseCodes(with("code 9", "code 2"))) << "ids must rise";
  EXPECT_FALSE(ParseCodes(with("code 2", "code 02")));
  EXPECT_FALSE(ParseCodes(with("100 200", "200 200")));
  EXPECT_FALSE(ParseCodes(with("100 200", "100 900000")));
  EXPECT_FALSE(ParseCodes(with("d5c1", "D5C1")));
}

TEST(OfflineCodeList, HasACap) {
  CodeList list = List();
  list.issued.clear();
  for (size_t i = 0; i < kMaxIssuedCodes; ++i) {
    list.issued.push_back({.id = static_cast<int64_t>(i + 1),
                           .from_seconds = 1,
                           .until_seconds = 2,
                           .match = {}});
  }
  EXPECT_TRUE(ParseCodes(PrintCodes(list)));
  list.issued.push_back(
      {.id = 1000, .from_seconds = 1, .until_seconds = 2, .match = {}});
  EXPECT_EQ(ParseCodes(PrintCodes(list)).error().code,
            Code::kResourceExhausted);
}

}  // namespace
}  // namespace sekisho::policy
