// The format changes nothing: one list of people, in every format.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cctype>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "samples.h"

namespace sekisho::detect {
namespace {

std::string ReadAll(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string ListIn(const std::string& format) {
  return ReadAll(std::string(SEKISHO_FORMATS_DIR) + "/" + format);
}

const Findings& Plain() {
  static const Findings findings = InspectText(ListIn("csv"));
  return findings;
}

std::vector<std::string> AllFormats() {
  std::vector<std::string> names;
  for (const auto& entry :
       std::filesystem::directory_iterator(SEKISHO_FORMATS_DIR)) {
    names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

// What columns of a table hold; lines of prose may hold less.
void ExpectSame(const Findings& findings) {
  EXPECT_EQ(findings.inspection, Inspection::kFull) << findings.reason;
  EXPECT_EQ(findings.reason, "");
  EXPECT_EQ(findings.persons, Plain().persons);
  for (size_t i = 0; i < kDataTypeCount; ++i) {
    EXPECT_EQ(findings.data[i], Plain().data[i]) << kDataTypeNames[i];
  }
}

class EveryFormat : public testing::TestWithParam<std::string> {};

TEST_P(EveryFormat, HoldsTheSamePeople) {
  ExpectSame(InspectText(ListIn(GetParam())));
}

std::string TestName(const testing::TestParamInfo<std::string>& info) {
  std::string name = info.param;
  for (char& c : name) {
    c = std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
  }
  return name;
}
INSTANTIATE_TEST_SUITE_P(Lists, EveryFormat, testing::ValuesIn(AllFormats()),
                         TestName);

struct Packed {
  const char* format;
  const char* filter;
};
class EveryArchive : public testing::TestWithParam<Packed> {};

TEST_P(EveryArchive, HoldsTheSamePeople) {
  const std::string archive = MakeArchive(
      GetParam().format, GetParam().filter,
      {{"readme.txt", "nothing here\n"}, {"list.csv", ListIn("csv")}});
  ExpectSame(InspectText(archive));
}
INSTANTIATE_TEST_SUITE_P(
    Libarchive, EveryArchive,
    testing::Values(Packed{"7zip", "none"}, Packed{"iso9660", "none"},
                    Packed{"cpio", "none"}, Packed{"cpio", "gzip"},
                    Packed{"ustar", "none"}, Packed{"pax", "zstd"},
                    Packed{"ustar", "lz4"}, Packed{"ustar", "xz"},
                    Packed{"ustar", "lzip"}, Packed{"ustar", "bzip2"},
                    Packed{"ustar", "compress"}, Packed{"zip", "none"}));

TEST(EveryFormat, CsvIsWhatTheOthersAreComparedWith) {
  EXPECT_EQ(Plain().format, "csv");
  EXPECT_NEAR(static_cast<double>(Plain().persons), 1500, 5);
  EXPECT_THAT(AllFormats(), testing::SizeIs(testing::Ge(30)));
}

TEST(EveryFormat, ColumnsSayWhereTheyStand) {
  const Findings f = InspectText(ListIn("xlsx.zip"));
  ASSERT_FALSE(f.columns.empty());
  EXPECT_EQ(f.columns[0].part, "顧客.xlsx/顧客一覧");
  EXPECT_EQ(f.columns[1].name, "氏名");
  EXPECT_EQ(f.columns[1].index, 1);
  EXPECT_EQ(f.columns[1].rows, 1500);
}

}  // namespace
}  // namespace sekisho::detect
