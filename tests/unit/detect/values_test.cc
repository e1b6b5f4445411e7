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
      {"0466-22-1234", PhoneKind::kLandline, "0466221234"},
      {"011-231-1234", PhoneKind::kLandline, "0112311234"},
      {"04-2998-1234", PhoneKind::kLandline, "0429981234"},
      {"04-7132-1234", PhoneKind::kLandline, "0471321234"},
      {"01267-1-2345", PhoneKind::kLandline, "0126712345"},
      {"09969-2-1234", PhoneKind::kLandline, "0996921234"},
      {"0997-52-1234", PhoneKind::kLandline, "0997521234"},
      {"+81-6-6345-1234", PhoneKind::kLandline, "0663451234"},
      {"0848221234", PhoneKind::kLandline, "0848221234"},
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
        "1-2-3-4-5-6-7-8-9-0", "010-1234-5678",
        // No area code begins so, or it is not that long.
        "0121-23-4567", "021-234-5678", "0412345678", "0512-34-5678",
        "0712345678", "0812-34-5678", "0912-34-5678", "0481234", "0577-9-12345",
        "0312-34-5678", "04-3234-5678", "0112-31-1234", "0521-23-4567",
        "01268-1-2345", "074-223-4567"}) {
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

TEST(NationalId, AgreesWithPublishedExamples) {
  const struct {
    std::string_view text;
    NationalIdKind kind;
    bool checked;
  } kCases[] = {
      {"AB123456C", NationalIdKind::kBritain, false},
      {"QQ123456C", NationalIdKind::kNone, false},
      {"GB123456C", NationalIdKind::kNone, false},
      {"11010519491231002X", NationalIdKind::kChina, true},
      {"110105194912310021", NationalIdKind::kNone, false},
      {"A123456789", NationalIdKind::kTaiwan, true},
      {"A123456788", NationalIdKind::kNone, false},
      {"2345 6789 0124", NationalIdKind::kIndia, true},
      {"1345 6789 0124", NationalIdKind::kNone, false},
      {"255081416802538", NationalIdKind::kFrance, true},
      {"255081416802539", NationalIdKind::kNone, false},
      {"900101-1234568", NationalIdKind::kKorea, true},
      {"901301-1234568", NationalIdKind::kNone, false},
      {"4111111111111111", NationalIdKind::kNone, false},
  };
  for (const auto& c : kCases) {
    EXPECT_EQ(ParseNationalId(c.text).kind, c.kind) << c.text;
    EXPECT_EQ(ParseNationalId(c.text).checked, c.checked) << c.text;
  }
}

TEST(Names, RomanNamesOfTheDictionaryInEitherOrder) {
  for (std::string_view text :
       {"Hanako Yamada", "YAMADA HANAKO", "Kenichi Sato", "Kenichi Satoh",
        "Ohno Yuuki", "Yoko Ono"}) {
    EXPECT_EQ(MatchRomanName(text), Match::kStrong) << text;
  }
  for (std::string_view text : {"Debian Project", "User Guide"}) {
    EXPECT_NE(MatchRomanName(text), Match::kStrong) << text;
  }
}

TEST(Names, HaveOneKeyWhateverTheSpelling) {
  std::string scratch;
  const auto key = [&](std::string_view text) {
    return std::string(ReadName(text, &scratch).bytes());
  };
  EXPECT_EQ(key("髙橋　花子"), key("高橋花子"));
  EXPECT_EQ(key("𠮷田 太郎"), key("吉田　太郎"));
  EXPECT_EQ(key("やまだ はなこ"), key("ﾔﾏﾀﾞ ﾊﾅｺ"));
  EXPECT_EQ(key("山田花子様"), key("山田花子"));
  EXPECT_EQ(key("TARO YAMADA"), key("Taro Yamada"));
  EXPECT_EQ(key("山\u200B田花子"), key("山田花子"));
  EXPECT_NE(key("山田花子"), key("山田花代"));
  EXPECT_EQ(ReadName(std::string(200, 'a'), &scratch).size, 0u);
}

TEST(Phone, OtherCountriesByE164) {
  EXPECT_EQ(ParsePhone("+44 20 7946 0958").kind, PhoneKind::kInternational);
  EXPECT_EQ(ParsePhone("+1 (415) 555-0100").digits(), "14155550100");
  for (std::string_view text : {"+1 115 555 0100", "+0 20 7946 0958", "+12",
                                "+44 20 7946 0958 1234 5", "+49-", "+1.2.3"}) {
    EXPECT_EQ(ParsePhone(text).kind, PhoneKind::kNone) << text;
  }
}

TEST(Health, WordsOfIllnessAndResults) {
  for (std::string_view text : {"高血圧症", "2型糖尿病", "要精密検査"}) {
    EXPECT_TRUE(IsHealthWord(text)) << text;
  }
  for (std::string_view text : {"病院", "営業部", "異常"}) {
    EXPECT_FALSE(IsHealthWord(text)) << text;
  }
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
