#include "detect/custom.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "detect/inspector.h"

namespace sekisho::detect {
namespace {

std::shared_ptr<const CustomTypes> Make(std::vector<CustomType> types) {
  auto made = CustomTypes::Make(types);
  EXPECT_TRUE(made.has_value()) << made.error().message;
  return *made;
}

Findings Look(std::string_view text, std::vector<CustomType> types) {
  return Inspect(AsBytes(text), {.custom = Make(std::move(types))});
}

int64_t Count(const Findings& findings, std::string_view id) {
  for (const CustomCount& count : findings.custom) {
    if (count.id == id) {
      return count.values;
    }
  }
  return 0;
}

std::string Table(std::string_view header, std::string_view prefix) {
  std::string csv = fmt::format("{},数量\n", header);
  for (int i = 0; i < 40; ++i) {
    csv += fmt::format("{}{:05},{}\n", prefix, 1000 + i, i);
  }
  return csv;
}

TEST(CustomTypes, FindsAColumnByItsPattern) {
  const CustomType type{.id = "part", .pattern = "ZX-[0-9]{5}"};
  const Findings f = Look(Table("番号", "ZX-"), {type});
  EXPECT_EQ(Count(f, "part"), 40);
  ASSERT_EQ(f.columns.size(), 1u);
  EXPECT_EQ(f.columns[0].custom, "part");
  EXPECT_EQ(f.columns[0].rows, 40);
  EXPECT_NE(JsonMembers(f).find("\"custom:part\":40"), std::string::npos);
  EXPECT_EQ(Count(Look(Table("番号", "YX-"), {type}), "part"), 0);
}

TEST(CustomTypes, HeaderWordsNarrowAPattern) {
  const CustomType type{
      .id = "ticket", .pattern = "[A-Z0-9-]+", .header_words = {"工事番号"}};
  EXPECT_EQ(Count(Look(Table("工事番号", "K"), {type}), "ticket"), 40);
  EXPECT_EQ(Count(Look(Table("管理番号", "K"), {type}), "ticket"), 0);
}

TEST(CustomTypes, FoldsWhatItCompares) {
  const CustomType type{.id = "client", .values = {"西日本テレ", "㈱マーケ"}};
  EXPECT_EQ(
      Count(Look("西日本ﾃﾚ\n(株)マーケ\n西日本テレ\n(株)マーケ\n", {type}),
            "client"),
      4);
}

TEST(CustomTypes, ChecksDigits) {
  const CustomType luhn{
      .id = "l", .pattern = "[0-9]{8}", .check = CustomCheck::kLuhn};
  const auto types = Make({luhn,
                           {.id = "m", .check = CustomCheck::kMod11},
                           {.id = "n", .check = CustomCheck::kMod97},
                           {.id = "v", .check = CustomCheck::kVerhoeff}});
  EXPECT_TRUE(types->Matches(0, "12345674"));
  EXPECT_FALSE(types->Matches(0, "12345675"));
  EXPECT_TRUE(types->Matches(1, "123456789018"));
  EXPECT_FALSE(types->Matches(1, "123456789019"));
  EXPECT_TRUE(types->Matches(2, "DE89370400440532013000"));
  EXPECT_TRUE(types->Matches(3, "2363"));
  EXPECT_FALSE(types->Matches(3, "2364"));
}

TEST(CustomTypes, CountsInRunningText) {
  const CustomType type{.id = "case", .pattern = "CASE-[0-9]{4}"};
  EXPECT_EQ(Count(Look("本件は CASE-1234 および CASE-9999 に関する報告である。"
                       "別途連絡を待つこと。以上、よろしくお願いします。\n",
                       {type}),
                  "case"),
            2);
}

// Half of a list is said in prose: "病棟番号はW123456".
TEST(CustomTypes, CountsInRunningTextBehindTheirWords) {
  const std::vector<CustomType> types = {
      {.id = "ward",
       .pattern = "W[0-9]{6}",
       .header_words = {"病棟番号", "Ward No"}},
      {.id = "client", .header_words = {"委託元"}, .values = {"西日本商事"}},
      {.id = "slip",
       .header_words = {"伝票番号"},
       .check = CustomCheck::kMod11}};
  const Findings f = Look(
      "患者の病棟番号は W123456 であり、転院前の病棟番号：Ｗ１２３４５７ とは"
      "異なるため、関係者は次の連絡を待つこととする。\n"
      "The ward no. is W1, its ward no: W999999, and W111111 is another one.\n"
      "委託元は西日本商事、再委託の委託元「東日本商事」については別に定める。\n"
      "伝票番号 123456789018 と、伝票番号 123456789019 を確認されたい。\n"
      "病棟番号は W1234567 ではなく、ただ W765432 とだけ書かれたものもある。\n",
      types);
  EXPECT_EQ(Count(f, "ward"), 3);
  EXPECT_EQ(Count(f, "client"), 1);
  EXPECT_EQ(Count(f, "slip"), 1);
  EXPECT_EQ(f.persons, 0);
}

TEST(CustomTypes, RefusesWhatCannotWork) {
  const CustomType bad[] = {
      {.id = ""},
      {.id = "empty"},
      {.id = "syntax", .pattern = "("},
      {.id = "long", .pattern = std::string(kMaxCustomPatternBytes + 1, 'a')},
      {.id = "many",
       .values = std::vector<std::string>(kMaxCustomValues + 1, "v")},
      {.id = "words",
       .header_words =
           std::vector<std::string>(kMaxCustomHeaderWords + 1, "v")},
      {.id = "empty value", .values = {""}},
      {.id = "long value",
       .values = {std::string(kMaxCustomValueBytes + 1, 'v')}},
      {.id = "large", .pattern = "(\\pL{100}){10}"},
  };
  for (const CustomType& type : bad) {
    EXPECT_FALSE(CustomTypes::Make({&type, 1}).has_value()) << type.id;
  }
  const std::vector<CustomType> many(kMaxCustomTypes + 1,
                                     {.id = "x", .pattern = "x"});
  EXPECT_FALSE(CustomTypes::Make(many).has_value());
  EXPECT_TRUE(
      CustomTypes::Make(std::span(many).first(kMaxCustomTypes)).has_value());
}

}  // namespace
}  // namespace sekisho::detect
