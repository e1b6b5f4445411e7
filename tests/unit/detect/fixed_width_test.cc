#include "detect/fixed_width.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "detect/inspector.h"
#include "detect/utf8.h"
#include "tests/unit/detect/people_list.h"

namespace sekisho::detect {
namespace {

using Row = std::vector<std::string>;

uint32_t Width(std::string_view text, Measure measure) {
  uint32_t width = 0;
  for (size_t at = 0; at < text.size();) {
    width += measure == Measure::kShown && NextCodePoint(text, &at) >= 0x370
                 ? 2u
                 : 1u;
    if (measure == Measure::kCharacters) {
      NextCodePoint(text, &at);
    }
  }
  return width;
}

std::string Padded(std::string_view text, uint32_t width, Measure measure) {
  return std::string(text) + std::string(width - Width(text, measure), ' ');
}

// As a mainframe writes them: no blank between what fills its place.
std::string Touching(int count, Measure measure, int first = 0) {
  std::string out;
  for (int i = first; i < first + count; ++i) {
    const Person p = PersonAt(i);
    std::string birth = p.birth;
    std::erase(birth, '/');
    std::string postal = p.postal;
    std::erase(postal, '-');
    std::string phone = p.phone;
    std::erase(phone, '-');
    out += p.member + Padded(p.name, 16, measure) +
           Padded(p.kana, 20, measure) + (i % 2 == 0 ? "1" : "2") + birth +
           postal + phone + Padded(p.address, 48, measure) + "\r\n";
  }
  return out;
}

std::vector<Row> Cut(std::string_view text, const FixedWidths& widths,
                     Ending ending = Ending::kLast) {
  Records records;
  CutFixed(text, widths, ending, &records);
  std::vector<Row> rows;
  for (size_t i = 0; i < records.size(); ++i) {
    Row row;
    for (const Field& field : records.of(i)) {
      row.emplace_back(text.substr(field.begin, field.size));
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

TEST(GuessFixedWidths, FindsWhereFieldsBegin) {
  for (const Measure measure : {Measure::kShown, Measure::kCharacters}) {
    const FixedWidths found = GuessFixedWidths(Touching(60, measure));
    EXPECT_EQ(found.measure, measure);
    EXPECT_EQ(found.cuts,
              (std::vector<uint32_t>{0, 8, 24, 44, 45, 53, 60, 71}));
  }
}

TEST(CutFixed, GivesTheValues) {
  const std::string text = Touching(60, Measure::kShown);
  const auto rows = Cut(text, GuessFixedWidths(text));
  ASSERT_EQ(rows.size(), 60u);
  EXPECT_EQ(rows[0],
            (Row{"M0100000", "佐藤　健一", "サトウ ケンイチ", "1", "19450101",
                 "1000001", "06010000000", "東京都千代田区千代田1-1-1"}));
}

TEST(CutFixed, LeavesOtherLinesWhole) {
  const FixedWidths widths{Measure::kShown, 8, {0, 2, 6}};
  EXPECT_EQ(Cut("ab山田cd\nshort\nab 山 cd\n\nab1234cd\n", widths),
            (std::vector<Row>{{"ab", "山田", "cd"},
                              {"short"},
                              {"ab", "山", "cd"},
                              {""},
                              {"ab", "1234", "cd"}}));
  // A character that lies on a cut: some other text.
  EXPECT_EQ(Cut("a山田bcd\n", widths), (std::vector<Row>{{"a山田bcd"}}));
  EXPECT_EQ(Cut("ab1234cd\nab12", widths, Ending::kMoreFollows).size(), 1u);
}

TEST(GuessFixedWidths, OfOtherTextsIsNone) {
  std::string base64, checksums, log, prose;
  for (int i = 0; i < 40; ++i) {
    for (int k = 0; k < 64; ++k) {
      base64 += "ABCDabcd0123+/xyZ"[static_cast<size_t>(
          (i * 31 + k * k * 7 + i * k) % 17)];
      checksums += "0123456789abcdef"[static_cast<size_t>(
          (i * 13 + k * k * 5 + i * k) % 16)];
    }
    base64 += '\n';
    checksums += '\n';
    log += fmt::format("Jan {:2} 03:04:{:02} host daemon[{}]: started {}\n",
                       1 + i % 28, i, 100 + i * i,
                       std::string(static_cast<size_t>(i % 7), 'x'));
    prose += "これは" + std::string(static_cast<size_t>(i % 5), ' ') +
             "普通の文章であり、幅は揃わない。\n";
  }
  for (const std::string& text : {base64, checksums, log, prose}) {
    EXPECT_TRUE(GuessFixedWidths(text).empty()) << text.substr(0, 80);
  }
}

// Digits without end are looked at once, not at every place.
TEST(GuessFixedWidths, OfNothingButDigitsIsNone) {
  std::string digits;
  for (int i = 0; i < 40'000; ++i) {
    digits += static_cast<char>('0' + i * i % 97 % 10);
    digits += i % 800 == 799 ? "\n" : "";
  }
  EXPECT_TRUE(GuessFixedWidths(digits).empty());
}

TEST(FixedWidth, PeopleAreCountedWhetherCellsTouchOrNot) {
  for (const Measure measure : {Measure::kShown, Measure::kCharacters}) {
    for (const int count : {5, 20, 1500, 9000}) {
      const Findings f = Inspect(AsBytes(Touching(count, measure)), {});
      EXPECT_NEAR(static_cast<double>(f.persons), count, count * 0.015);
      EXPECT_EQ(f.of(DataType::kPhone), count);
      if (count < 20) {
        continue;  // too few to tell a surname from a name of its width
      }
      EXPECT_EQ(f.of(DataType::kPersonName), count);
      EXPECT_EQ(f.of(DataType::kAddress), count);
      EXPECT_EQ(f.of(DataType::kBirthDate), count);
      EXPECT_EQ(f.of(DataType::kPostalCode), count);
    }
  }
}

TEST(FixedWidth, PartsListsAreNobody) {
  std::string parts;
  for (int i = 0; i < 400; ++i) {
    parts += fmt::format("P{:07}{}{:08}{:05}{:010}\n", i * 17,
                         i % 2 == 0 ? "六角ボルト　" : "平座金　　　",
                         20260101 + i % 28, i * 7 % 90000, i * 7919);
  }
  const Findings f = Inspect(AsBytes(parts), {});
  EXPECT_EQ(f.persons, 0);
  EXPECT_EQ(f.inspection, Inspection::kFull);
}

}  // namespace
}  // namespace sekisho::detect
