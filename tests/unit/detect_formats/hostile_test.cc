// Files made to hurt: each within its budget, none "full" unless fully read.
#include <gtest/gtest.h>

#include "samples.h"

namespace sekisho::detect {
namespace {

struct Sample {
  std::string name;
  std::string bytes;
};

std::vector<Sample> Samples() {
  return {
      {"zip", MakeZip({{"a.csv", TwoPeople()}})},
      {"xlsx", MakeZip(WorkbookParts())},
      {"gzip", Gzip(TwoPeople())},
      {"tar", MakeArchive("ustar", "none", {{"a.csv", TwoPeople()}})},
      {"7z", MakeArchive("7zip", "none", {{"a.csv", TwoPeople()}})},
      {"xz", MakeArchive("ustar", "xz", {{"a.csv", TwoPeople()}})},
      {"zstd", MakeArchive("ustar", "zstd", {{"a.csv", TwoPeople()}})},
  };
}

class Cut : public testing::TestWithParam<size_t> {};

TEST_P(Cut, AtEveryByteIsNeverFull) {
  const Sample sample = Samples()[GetParam()];
  const Findings whole = InspectText(sample.bytes);
  ASSERT_EQ(whole.inspection, Inspection::kFull) << sample.name;
  ASSERT_EQ(whole.persons, 2) << sample.name;
  // Zeros that only fill up the last block of a tape are no content.
  const size_t content = sample.bytes.find_last_not_of('\0') + 1;
  const size_t step = sample.bytes.size() > 3000 ? 7 : 1;
  for (size_t cut = 40; cut < content; cut += step) {
    const Findings f =
        InspectText(std::string_view(sample.bytes).substr(0, cut));
    EXPECT_TRUE(f.inspection != Inspection::kFull || f.persons == 2)
        << sample.name << " cut at " << cut << " is " << f.format << " with "
        << f.persons;
  }
}
INSTANTIATE_TEST_SUITE_P(Formats, Cut,
                         testing::Range<size_t>(0, Samples().size()));

TEST(Hostile, BitsThatFlipNeverHideWhatIsRead) {
  for (const Sample& sample : Samples()) {
    std::string bytes = sample.bytes;
    for (size_t i = 0; i < bytes.size(); i += 3) {
      bytes[i] = static_cast<char>(bytes[i] ^ 0x41);
      (void)InspectText(bytes);  // neither crashes nor hangs
      bytes[i] = static_cast<char>(bytes[i] ^ 0x41);
    }
  }
}

TEST(Hostile, ABombStopsEarly) {
  std::string bytes(size_t{1} << 20, '\0');
  for (int i = 0; i < 3; ++i) {
    bytes = Gzip(bytes);
  }
  Entries many;
  for (int i = 0; i < 200; ++i) {
    many.push_back({std::to_string(i), std::string(size_t{4} << 20, ' ')});
  }
  const std::string zip = MakeZip(many);
  Budget budget;
  const Findings f = InspectText(zip, &budget);
  EXPECT_EQ(f.reason, "bomb");
  EXPECT_LT(budget.output(), int64_t{400} << 20);
}

TEST(Hostile, EntitiesThatGrowAreABomb) {
  std::string dtd = "<!DOCTYPE x [<!ENTITY a0 \"aaaaaaaaaaaaaaaaaaaaaaaa\">";
  for (int i = 1; i < 12; ++i) {
    const std::string one = "&a" + std::to_string(i - 1) + ";";
    std::string ten;
    for (int k = 0; k < 10; ++k) {
      ten += one;
    }
    dtd += "<!ENTITY a" + std::to_string(i) + " \"" + ten + "\">";
  }
  Entries parts = WorkbookParts();
  parts.push_back(
      {"xl/x.xml", "<?xml version=\"1.0\"?>" + dtd + "]><x>&a11;</x>"});
  const Findings f = InspectText(MakeZip(parts));
  EXPECT_EQ(f.reason, "bomb");
  EXPECT_EQ(f.inspection, Inspection::kPartial);
}

TEST(Hostile, ElementsThatNestAreABomb) {
  std::string deep;
  for (int i = 0; i < 100'000; ++i) {
    deep += "<a>";
  }
  Entries parts = WorkbookParts();
  parts.push_back({"xl/x.xml", deep});
  EXPECT_EQ(InspectText(MakeZip(parts)).reason, "bomb");
}

TEST(Hostile, JsonThatNestsIsText) {
  const Findings f = InspectText(std::string(1'000'000, '['));
  EXPECT_EQ(f.persons, 0);
}

TEST(Hostile, DirectoryThatNamesMillionsOfEntries) {
  const std::string zip =
      MakeZip({{"a", "x"}}, {.overlap = true, .copies = 60'000});
  const Findings f = InspectText(zip);
  EXPECT_EQ(f.reason, "bomb");
}

TEST(Hostile, WhatHangsOnToADocumentIsNotHidden) {
  const std::string zip = MakeZip({{"a.txt", "nothing"}});
  EXPECT_EQ(InspectText(zip).inspection, Inspection::kFull);
  EXPECT_EQ(InspectText(zip + TwoPeople()).persons, 2);
  EXPECT_NE(InspectText(zip + std::string(99, '\2')).inspection,
            Inspection::kFull);
  EXPECT_EQ(InspectText(zip + Gzip(TwoPeople())).persons, 2);
  // Between the directory and its end.
  const size_t end = zip.rfind("PK\5\6");
  EXPECT_EQ(
      InspectText(zip.substr(0, end) + TwoPeople() + zip.substr(end)).persons,
      2);
  EXPECT_EQ(InspectText("{\\rtf1 nothing}\r\n").inspection, Inspection::kFull);
  EXPECT_NE(InspectText("{\\rtf1 nothing}" + TwoPeople()).inspection,
            Inspection::kFull);
}

TEST(Hostile, ZerosInFrontHideNothing) {
  const std::string zeros(1024, '\0');
  EXPECT_NE(InspectText(Gzip(zeros + TwoPeople())).inspection,
            Inspection::kFull);
  EXPECT_NE(InspectText(zeros + TwoPeople()).inspection, Inspection::kFull);
  const std::string more(size_t{1} << 17, '\0');
  EXPECT_EQ(InspectText(Gzip(more + TwoPeople())).persons, 2);
  EXPECT_EQ(InspectText(Gzip(std::string(10240, '\0'))).inspection,
            Inspection::kFull);
}

TEST(Hostile, RecordsWithoutACommonName) {
  std::string json = "[";
  for (int i = 0; i < 40'000; ++i) {
    json += "{\"k" + std::to_string(i) + "\":\"a\"},";
  }
  json += "{\"k\":\"a\"}]";
  EXPECT_EQ(InspectText(json).inspection, Inspection::kFull);
}

TEST(Hostile, WhatStandsBehindAStreamIsNotHidden) {
  EXPECT_EQ(InspectText(Gzip("nothing")).inspection, Inspection::kFull);
  EXPECT_NE(InspectText(Gzip("nothing") + TwoPeople()).inspection,
            Inspection::kFull);
  // What is not read to its end has nothing behind it that matters.
  std::string binary;
  for (uint32_t i = 0; binary.size() < 200'000; ++i) {
    binary += static_cast<char>(i * 2654435761U >> 13);
  }
  EXPECT_EQ(InspectText(Gzip(binary)).reason, "unknown");
  const std::string tar = MakeArchive("ustar", "none", {{"a.txt", "nothing"}});
  EXPECT_EQ(InspectText(tar).inspection, Inspection::kFull);
  EXPECT_NE(InspectText(tar + TwoPeople()).inspection, Inspection::kFull);
}

}  // namespace
}  // namespace sekisho::detect
