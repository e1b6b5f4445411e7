#include "detect/records.h"

#include <gtest/gtest.h>

#include <string>

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
