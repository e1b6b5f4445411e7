#include "detect/agreement.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "detect/inspector.h"
#include "detect/values.h"

namespace sekisho::detect {
namespace {

using testing::Contains;
using testing::HasSubstr;

TEST(Agreement, KanaReadsTheName) {
  struct Case {
    const char* kana;
    const char* name;
    Agreement expected;
  };
  for (const Case& c : {
           Case{"サトウ ケンイチ", "佐藤 健一", Agreement::kAgrees},
           {"サトウケンイチ", "佐藤健一", Agreement::kAgrees},
           {"さとう けんいち", "佐藤 健一", Agreement::kAgrees},
           {"スズキ ケンイチ", "佐藤 健一", Agreement::kDiffers},
           {"サトウ ハナコ", "佐藤 健一", Agreement::kDiffers},
           {"サトウ キララ", "佐藤 綺羅々", Agreement::kAgrees},
           {"サトウ", "ZZ 商会", Agreement::kUnknown},
           {"", "佐藤 健一", Agreement::kUnknown},
           {"サトウ ケンイチ", "", Agreement::kUnknown},
       }) {
    EXPECT_EQ(ReadsName(c.kana, c.name), c.expected) << c.kana << " " << c.name;
  }
  EXPECT_EQ(ReadsPart("サトウ", "佐藤"), Agreement::kAgrees);
  EXPECT_EQ(ReadsPart("スズキ", "佐藤"), Agreement::kDiffers);
}

TEST(Agreement, AddressesLieWhereTheirCodeIs) {
  const auto lies = [](std::string_view code, std::string_view address) {
    return LiesInArea(ParsePostal(code), address);
  };
  EXPECT_EQ(lies("100-0001", "東京都千代田区千代田1-1"), Agreement::kAgrees);
  EXPECT_EQ(lies("1000001", "千代田区千代田1-1"), Agreement::kAgrees);
  EXPECT_EQ(lies("530-0001", "大阪府大阪市北区梅田1"), Agreement::kAgrees);
  EXPECT_EQ(lies("530-0001", "大阪市北区梅田1"), Agreement::kAgrees);
  EXPECT_EQ(lies("100-0001", "大阪府大阪市北区梅田1"), Agreement::kDiffers);
  EXPECT_EQ(lies("100-0001", "大阪市北区梅田1"), Agreement::kDiffers);
  EXPECT_EQ(lies("100-0001", "神奈川県横浜市中区1"), Agreement::kDiffers);
  EXPECT_EQ(lies("100-0001", "123"), Agreement::kUnknown);
  EXPECT_EQ(lies("999-9999", "東京都千代田区千代田1-1"), Agreement::kUnknown);
}

Findings Look(const std::string& csv) {
  return Inspect(AsBytes(csv), Options{});
}

constexpr const char* kNames[][2] = {{"佐藤 健一", "サトウ ケンイチ"},
                                     {"鈴木 花子", "スズキ ハナコ"},
                                     {"高橋 誠", "タカハシ マコト"},
                                     {"田中 美咲", "タナカ ミサキ"},
                                     {"山本 太郎", "ヤマモト タロウ"}};
constexpr const char* kPlaces[][2] = {
    {"100-0001", "東京都千代田区千代田1-1"},
    {"530-0001", "大阪府大阪市北区梅田1-2"},
    {"220-0012", "神奈川県横浜市西区みなとみらい3"},
    {"460-0008", "愛知県名古屋市中区栄2-1"},
    {"812-0011", "福岡県福岡市博多区博多駅前4"}};

std::string List(bool agree) {
  std::string csv = "氏名,フリガナ,郵便番号,住所,備考\n";
  for (size_t i = 0; i < 40; ++i) {
    const size_t other = agree ? i : i + 1 + i % 3;
    csv += fmt::format("{},{},{},{}{},{}\n", kNames[i % 5][0],
                       kNames[other % 5][1], kPlaces[i % 5][0],
                       kPlaces[other % 5][1], i, i);
  }
  return csv;
}

TEST(Agreement, OfColumnsIsTold) {
  const Findings f = Look(List(true));
  EXPECT_THAT(
      Explain(f),
      Contains(
          "column 2 `フリガナ`: name_kana, 40 of 40 can be names; 40 of 40 "
          "compared agree with column 1 `氏名`; confidence high"));
  EXPECT_THAT(Explain(f),
              Contains(HasSubstr("column 3 `郵便番号`: postal_code, "
                                 "40 of 40 have the form of a "
                                 "postal code; 40 of 40 compared "
                                 "agree with column 4 `住所`")));
  const Findings mixed = Look(List(false));
  for (const ColumnFinding& column : mixed.columns) {
    if (column.type == DataType::kPostalCode) {
      EXPECT_EQ(column.agreement.compared, 40);
      EXPECT_EQ(column.agreement.agreed, 0);
    }
  }
  EXPECT_EQ(mixed.persons, f.persons);
}

TEST(Explain, NamesTheTestThatValuesPass) {
  std::string csv = "番号,個人番号\n";
  // Weights 6 5 4 3 2 7 6 5 4 3 2; every fourth check digit is wrong.
  for (int i = 0; i < 12'000; ++i) {
    const std::string body = fmt::format(
        "{:011}", 10'000'000'019LL * (i % 9) + i * 104'729LL % 99'991);
    int sum = 0;
    for (size_t d = 0; d < 11; ++d) {
      sum += (body[d] - '0') * (std::string_view("65432765432")[d] - '0');
    }
    const int rest = sum % 11;
    const int check = rest <= 1 ? 0 : 11 - rest;
    csv += fmt::format("{},{}{}\n", i, body,
                       i % 400 == 0 ? (check + 1) % 10 : check);
  }
  const Findings f = Look(csv);
  EXPECT_THAT(Explain(f),
              Contains("column 2 `個人番号`: my_number, 11,970 of 12,000 pass "
                       "the check digit; confidence high"));
}

TEST(Confidence, IsLowForMobilesOrMemberIdsAlone) {
  std::string mobiles = "備考,携帯電話\n";
  std::string members = "会員番号,金額\n";
  for (int i = 0; i < 60; ++i) {
    mobiles += fmt::format("x{},090-{:04}-{:04}\n", i % 3, 1000 + i * 7, i);
    members += fmt::format("M{:06},{}\n", 4711 + i * 13, i % 5);
  }
  const Findings phone = Look(mobiles);
  EXPECT_EQ(phone.persons, 60);
  EXPECT_EQ(phone.confidence, Confidence::kLow);
  const Findings member = Look(members);
  EXPECT_EQ(member.persons, 60);
  EXPECT_EQ(member.confidence, Confidence::kLow);
  const Findings named = Look(List(true));
  EXPECT_EQ(named.confidence, Confidence::kHigh);
  EXPECT_NE(JsonMembers(named).find(R"(,"confidence":"high","columns":)"),
            std::string::npos);
  EXPECT_EQ(Look("nothing of anybody\n").persons, 0);
  EXPECT_EQ(JsonMembers(Look("nothing\n")).find("confidence"),
            std::string::npos);
}

}  // namespace
}  // namespace sekisho::detect
