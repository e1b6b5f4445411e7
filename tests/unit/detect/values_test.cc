#include "detect/values.h"

#include <gtest/gtest.h>

#include "detect/fold.h"

namespace sekisho::detect {
namespace {

std::string Folded(std::string_view text) {
  std::string buffer;
  return std::string(Fold(text, &buffer));
}

TEST(Fold, BringsSpellingsToOneForm) {
  const struct {
    std::string_view in, out;
  } kCases[] = {
      {"ﾔﾏﾀﾞ ﾊﾅｺ", "ヤマダ ハナコ"},
      {"ﾊﾟﾋﾞﾌﾟ", "パビプ"},
      {"０９０－１２３４－５６７８", "090-1234-5678"},
      {"090ー1234ー5678", "090-1234-5678"},
      {"090−1234‐5678", "090-1234-5678"},
      {"コーポ", "コーポ"},  // a length mark is a hyphen only after a digit
      {"髙﨑", "高崎"},
      {"渡邊", "渡辺"},
      {"𠮷田", "吉田"},
      {"濵田", "浜田"},
      {"=\"09012345678\"", "09012345678"},
      {"  山田　太郎 ", "山田 太郎"},
      {"㋿", "令和"},
      {"㈱山田", "(株)山田"},
      {"ガ\u200Bス", "ガス"},
      {"カ゛", "ガ"},
      {"'0312345678", "0312345678"},
      {"(03)1234-5678", "(03)1234-5678"},
      {"('山田'", "山田"},
  };
  for (const auto& c : kCases) {
    EXPECT_EQ(Folded(c.in), c.out) << c.in;
  }
}

TEST(Phone, FollowsTheNumberingPlan) {
  const struct {
    std::string_view text;
    PhoneKind kind;
    std::string_view digits;
  } kCases[] = {
      {"090-1234-5678", PhoneKind::kMobile, "09012345678"},
      {"060-1000-0001", PhoneKind::kMobile, "06010000001"},
      {"07012345678", PhoneKind::kMobile, "07012345678"},
      {"+81-90-1234-5678", PhoneKind::kMobile, "09012345678"},
      {"+81 (0)80 1234 5678", PhoneKind::kMobile, "08012345678"},
      {"03-1234-5678", PhoneKind::kLandline, "0312345678"},
      {"03(1234)5678", PhoneKind::kLandline, "0312345678"},
      {"04992-1-2345", PhoneKind::kLandline, "0499212345"},
      {"050-3123-4567", PhoneKind::kIp, "05031234567"},
      {"0120-123-456", PhoneKind::kShared, "0120123456"},
      {"0800-123-4567", PhoneKind::kShared, "08001234567"},
  };
  for (const auto& c : kCases) {
    const Phone phone = ParsePhone(c.text);
    EXPECT_EQ(phone.kind, c.kind) << c.text;
    EXPECT_EQ(phone.digits(), c.digits) << c.text;
  }
  for (std::string_view text :
       {"090-0123-4567", "0901234567", "00-1234-5678", "1234567890",
        "090-1234-56789", "2024-01-02 10:11", "192.168.100.200", "09012345678a",
        "1-2-3-4-5-6-7-8-9-0", "010-1234-5678"}) {
    EXPECT_EQ(ParsePhone(text).kind, PhoneKind::kNone) << text;
  }
}

TEST(CheckDigits, AgreeWithPublishedExamples) {
  EXPECT_TRUE(IsMyNumber("123456789018"));
  EXPECT_TRUE(IsMyNumber("621498320257"));
  EXPECT_FALSE(IsMyNumber("621498320258"));
  EXPECT_FALSE(IsMyNumber("000000000000"));
  EXPECT_TRUE(IsDriversLicense("301261998521") ||
              !IsDriversLicense("282983010691"));  // prefix 28 is no office
  EXPECT_TRUE(IsInsurerNumber("33120015"));
  EXPECT_TRUE(IsInsurerNumber("01040013"));
  EXPECT_FALSE(IsInsurerNumber("01040014"));
  for (std::string_view card :
       {"3530111333300000", "3566002020360505", "4111111111111111",
        "2223003122003222", "378282246310005"}) {
    EXPECT_TRUE(IsCardNumber(card)) << card;
  }
  EXPECT_FALSE(IsCardNumber("4111111111111112"));
  EXPECT_FALSE(IsCardNumber("9111111111111111"));
  EXPECT_FALSE(IsCardNumber("356938035643809"));  // an IMEI, passes Luhn
  EXPECT_TRUE(IsIban("DE89 3704 0044 0532 0130 00"));
  EXPECT_FALSE(IsIban("DE88 3704 0044 0532 0130 00"));
  EXPECT_TRUE(IsUsSsn("123-45-6789"));
  EXPECT_FALSE(IsUsSsn("666-45-6789"));
  EXPECT_TRUE(IsResidenceCard("AB12345678CD"));
}

TEST(Date, ReadsWesternAndEraForms) {
  const struct {
    std::string_view text;
    int year, month, day;
  } kCases[] = {
      {"1980/1/2", 1980, 1, 2},        {"1980-01-02", 1980, 1, 2},
      {"19800102", 1980, 1, 2},        {"昭和55年1月2日", 1980, 1, 2},
      {"平成元年1月8日", 1989, 1, 8},  {"令和1年5月1日", 2019, 5, 1},
      {"S55.1.2", 1980, 1, 2},         {"H31/4/30", 2019, 4, 30},
      {"1980/01/02 0:00", 1980, 1, 2}, {"大正10年3月4日", 1921, 3, 4}};
  for (const auto& c : kCases) {
    const Date date = ParseDate(c.text);
    EXPECT_EQ(date.year, c.year) << c.text;
    EXPECT_EQ(date.month, c.month) << c.text;
    EXPECT_EQ(date.day, c.day) << c.text;
  }
  for (std::string_view text :
       {"1980/13/2", "1980/2/30", "昭和65年1月1日", "1234567890", "12:34:56",
        "1.2.3", "10.0.0.1"}) {
    EXPECT_EQ(ParseDate(text).year, 0) << text;
  }
}

TEST(Names, KnowKanjiAndKana) {
  for (std::string_view text : {"佐藤 健一", "佐藤健一", "山田花子"}) {
    EXPECT_EQ(MatchFullName(text), Match::kStrong) << text;
  }
  EXPECT_EQ(MatchFullName(Folded("髙橋　誠")), Match::kStrong);
  EXPECT_EQ(MatchFullName(Folded("𠮷田　直樹")), Match::kStrong);
  EXPECT_EQ(MatchKanaName("ヤマダ ハナコ"), Match::kStrong);
  EXPECT_EQ(MatchKanaName(Folded("ﾔﾏﾀﾞﾊﾅｺ")), Match::kStrong);
  for (std::string_view text :
       {"折り返し希望", "契約", "東京都", "検査結果報告"}) {
    EXPECT_NE(MatchFullName(text), Match::kStrong) << text;
  }
  EXPECT_TRUE(IsAddress("東京都千代田区千代田1-1"));
  EXPECT_TRUE(IsAddress("横浜市西区みなとみらい2-2"));
  EXPECT_FALSE(IsAddress("東京都"));
  EXPECT_FALSE(IsAddress("東京特許許可局の見学について"));
}

TEST(Email, TellsPeopleFromDesks) {
  EXPECT_TRUE(IsEmail("taro.yamada@example.co.jp"));
  EXPECT_TRUE(IsEmail("taro..yamada.@docomo.ne.jp"));
  EXPECT_FALSE(IsEmail("git@github"));
  EXPECT_FALSE(IsEmail("a@b@c.jp"));
  EXPECT_FALSE(IsEmail("pkg@1.2.3"));
  EXPECT_TRUE(IsRoleEmail("INFO@example.jp"));
  EXPECT_FALSE(IsRoleEmail("informatics@example.jp"));
}

TEST(Postal, IsCheckedAgainstTheTable) {
  EXPECT_TRUE(ParsePostal("100-0001").in_use);
  EXPECT_TRUE(ParsePostal("〒530-0001").in_use);
  EXPECT_FALSE(ParsePostal("999-9999").in_use);
  EXPECT_FALSE(ParsePostal("100-001").shaped);
}

}  // namespace
}  // namespace sekisho::detect
