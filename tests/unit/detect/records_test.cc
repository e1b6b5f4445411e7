#include "detect/records.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <utility>

namespace sekisho::detect {
namespace {

using Row = std::vector<std::string>;

std::vector<Row> Cut(std::string_view text, char delimiter,
                     Ending ending = Ending::kLast) {
  Records records;
  CutRecords(text, delimiter, ending, &records);
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

TEST(CutRecords, CommonDialects) {
  EXPECT_EQ(Cut("a,b\r\nc,d\n", ','),
            (std::vector<Row>{{"a", "b"}, {"c", "d"}}));
  EXPECT_EQ(Cut("a,,\n", ','), (std::vector<Row>{{"a", "", ""}}));
  EXPECT_EQ(Cut("a,", ','), (std::vector<Row>{{"a", ""}}));
  EXPECT_EQ(Cut("\"a,\n\"\"b\",c\n", ','),
            (std::vector<Row>{{"\"a,\n\"\"b\"", "c"}}));
  EXPECT_EQ(Cut("\"a\\\"x\\\"\",b\n", ','),
            (std::vector<Row>{{"\"a\\\"x\\\"\"", "b"}}));
  EXPECT_EQ(Cut("a b\nc\n", 0), (std::vector<Row>{{"a b"}, {"c"}}));
  EXPECT_EQ(Cut("\n\na", ','), (std::vector<Row>{{""}, {""}, {"a"}}));
}

TEST(CutRecords, FieldsOfEverySizeAroundTheStep) {
  for (size_t first = 0; first < 140; ++first) {
    for (size_t second : {0u, 1u, 62u, 63u, 64u, 65u, 130u}) {
      const Row row{std::string(first, 'x'), std::string(second, 'y'), "z"};
      const std::string line = row[0] + "," + row[1] + ",z\n";
      ASSERT_EQ(Cut(line + line, ','), (std::vector<Row>{row, row}))
          << first << " " << second;
    }
  }
}

// Cut by hand, one character after the other; no quotes.
std::vector<Row> Expected(std::string_view text, char delimiter,
                          Ending ending) {
  std::vector<Row> rows;
  Row row;
  std::string cell;
  const auto end_cell = [&] {
    if (cell.ends_with('\r')) {
      cell.pop_back();
    }
    row.push_back(std::exchange(cell, {}));
  };
  for (const char c : text) {
    if (c == '\n') {
      end_cell();
      rows.push_back(std::exchange(row, {}));
    } else if (delimiter != 0 && c == delimiter &&
               row.size() + 1 < kMaxFields) {
      end_cell();
    } else {
      cell += c;
    }
  }
  if (ending == Ending::kLast && (!row.empty() || !cell.empty())) {
    end_cell();
    rows.push_back(row);
  }
  return rows;
}

TEST(CutRecords, TextWithoutQuotesAsByHand) {
  std::minstd_rand random(1);
  for (int round = 0; round < 4000; ++round) {
    // From marks next to each other to marks far apart.
    const auto sparse = 1 + random() % 40;
    std::string text(random() % 700, 'x');
    for (char& c : text) {
      if (random() % sparse == 0) {
        c = ",\n;\r"[random() % 4];
      }
    }
    for (const char delimiter : {',', ';', '\0'}) {
      for (const Ending ending : {Ending::kLast, Ending::kMoreFollows}) {
        ASSERT_EQ(Cut(text, delimiter, ending),
                  Expected(text, delimiter, ending))
            << "round " << round;
        Records records;
        CutRecords(text, delimiter, ending, &records);
        ASSERT_EQ(records.consumed,
                  ending == Ending::kLast ? text.size() : text.rfind('\n') + 1);
      }
    }
  }
}

TEST(CutRecords, TheRestOfAWideRecordIsOneField) {
  for (const size_t marks : {kMaxFields - 1, kMaxFields, kMaxFields + 5}) {
    const std::string text = "a,b\n" + std::string(marks, ',') + "\nc\n";
    EXPECT_EQ(Cut(text, ','), Expected(text, ',', Ending::kLast)) << marks;
  }
}

TEST(CutRecords, KeepsAnUnfinishedRecord) {
  EXPECT_EQ(Cut("a,b\nc,d", ',', Ending::kMoreFollows),
            (std::vector<Row>{{"a", "b"}}));
  EXPECT_EQ(Cut("a,b\nc,", ',', Ending::kMoreFollows),
            (std::vector<Row>{{"a", "b"}}));
  EXPECT_EQ(Cut("a,\"b\n", ',', Ending::kMoreFollows), std::vector<Row>{});
}

TEST(CutRecords, AlignedColumns) {
  EXPECT_EQ(Cut("山田　花子   090-1234-5678\n  佐藤  x\n", kAligned),
            (std::vector<Row>{{"山田　花子", "090-1234-5678"}, {"佐藤", "x"}}));
}

TEST(GuessDelimiter, ByWhatStandsInMostLines) {
  const struct {
    std::string_view text;
    char delimiter;
  } kCases[] = {
      {"a,b\nc,d\ne,f\n", ','},
      {"a\tb\nc\td\n", '\t'},
      {"a;b,c\nd;e,f g\nh;i\n", ';'},
      {"a|b|c\nd|e|f\n", '|'},
      {"a^b^c\nd^e^f\ng^h^i\n", '^'},
      {"a\1b\1c\nd\1e\1f\ng\1h\1i\n", '\1'},
      {"root:x:0:0\nbin:x:1:1\nsys:x:2:2\n", ':'},
      {"山田  090  x\n佐藤  080  y\n鈴木  070  z\n", kAligned},
      {"One sentence, and more.\nAnother one.\nA third: none.\nEnd.\n", 0},
      {"    indented\n    code\n    here\n", 0},
  };
  for (const auto& c : kCases) {
    EXPECT_EQ(GuessDelimiter(c.text), c.delimiter) << c.text;
  }
}

}  // namespace
}  // namespace sekisho::detect
