// The lists of tests/support/people.py, made while building, whose names come
// from no dictionary of ours.
#include <fcntl.h>
#include <gtest/gtest.h>

#include "common/file.h"
#include "detect/inspector.h"

namespace sekisho::detect {
namespace {

struct List {
  const char* file;
  const char* encoding;
  int64_t persons;
};

void PrintTo(const List& list, std::ostream* out) { *out << list.file; }

class GeneratedList : public testing::TestWithParam<List> {};

TEST_P(GeneratedList, IsCountedWithinTwoPercent) {
  const List& list = GetParam();
  const auto content = ReadFileAt(
      AT_FDCWD, std::string(SEKISHO_LISTS_DIR) + "/" + list.file, 1 << 24);
  ASSERT_TRUE(content.has_value()) << content.error().message;
  const Findings f = Inspect(AsBytes(*content), {});
  EXPECT_EQ(f.encoding, list.encoding);
  EXPECT_EQ(f.inspection, Inspection::kFull);
  EXPECT_NEAR(static_cast<double>(f.persons), static_cast<double>(list.persons),
              0.02 * static_cast<double>(list.persons));
  for (DataType type : {DataType::kPersonName, DataType::kNameKana,
                        DataType::kPhone, DataType::kEmail, DataType::kAddress,
                        DataType::kPostalCode, DataType::kBirthDate}) {
    EXPECT_GE(f.of(type) * 100, list.persons * 98) << Name(type);
  }
}

INSTANTIATE_TEST_SUITE_P(
    EveryEncoding, GeneratedList,
    testing::Values(List{"1500.utf-8.csv", "utf-8", 1500},
                    List{"1500.utf-8-sig.csv", "utf-8-bom", 1500},
                    List{"1500.cp932.csv", "cp932", 1500},
                    List{"1500.euc-jp.csv", "euc-jp", 1500},
                    List{"1500.utf-16.csv", "utf-16le", 1500},
                    List{"1500.utf-16-be.csv", "utf-16be", 1500},
                    List{"15.cp932.csv", "cp932", 15},
                    List{"15.euc-jp.csv", "euc-jp", 15},
                    List{"15.utf-16-le.csv", "utf-16le", 15},
                    List{"1.cp932.csv", "cp932", 1},
                    List{"1.euc-jp.csv", "euc-jp", 1},
                    List{"bare.cp932.csv", "cp932", 1500},
                    List{"bare3.euc-jp.csv", "euc-jp", 3}));

}  // namespace
}  // namespace sekisho::detect
