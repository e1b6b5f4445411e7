// Each bound at its value and one above it.
#include <gtest/gtest.h>

#include "samples.h"

namespace sekisho::detect {
namespace {

Findings With(const Limits& limits, std::string_view bytes) {
  Budget budget(limits);
  return InspectText(bytes, &budget);
}

TEST(Budget, OutputBytes) {
  const std::string text = TwoPeople();
  const std::string zip = MakeZip({{"a.csv", text}});
  Limits limits;
  limits.output_bytes = static_cast<int64_t>(text.size());
  EXPECT_EQ(With(limits, zip).inspection, Inspection::kFull);
  --limits.output_bytes;
  const Findings f = With(limits, zip);
  EXPECT_EQ(f.inspection, Inspection::kPartial);
  EXPECT_EQ(f.reason, "limit:output_bytes");
}

TEST(Budget, RatioIsABomb) {
  const std::string zip = MakeZip({{"a.txt", std::string(1'000'000, 'a')}});
  Limits limits;
  limits.ratio_free_bytes = 1'000'000;
  EXPECT_EQ(With(limits, zip).reason, "");
  limits.ratio_free_bytes = 0;
  limits.ratio = 10'000;
  EXPECT_EQ(With(limits, zip).reason, "");
  limits.ratio = 100;
  const Findings f = With(limits, zip);
  EXPECT_EQ(f.reason, "bomb");
  EXPECT_NE(f.inspection, Inspection::kFull);
}

TEST(Budget, Entries) {
  Entries entries;
  for (int i = 0; i < 10; ++i) {
    entries.push_back({std::to_string(i), TwoPeople()});
  }
  const std::string tar = MakeArchive("ustar", "none", entries);
  const std::string zip = MakeZip(entries);
  Limits limits;
  limits.entries = 10;
  EXPECT_EQ(With(limits, tar).reason, "");
  EXPECT_EQ(With(limits, zip).reason, "");
  limits.entries = 9;
  EXPECT_EQ(With(limits, tar).reason, "limit:entries");
  EXPECT_EQ(With(limits, zip).reason, "limit:entries");
}

std::string Nested(int depth) {
  std::string bytes = TwoPeople();
  for (int i = 0; i < depth; ++i) {
    bytes = MakeZip({{"in", bytes}});
  }
  return bytes;
}

TEST(Budget, Depth) {
  EXPECT_EQ(InspectText(Nested(16)).reason, "");
  EXPECT_EQ(InspectText(Nested(16)).persons, 2);
  const Findings f = InspectText(Nested(17));
  EXPECT_EQ(f.reason, "limit:depth");
  EXPECT_NE(f.inspection, Inspection::kFull);
  EXPECT_EQ(InspectText(Nested(50)).reason, "limit:depth");
}

TEST(Budget, DictionaryHoldsNestedContainers) {
  const std::string inner = MakeZip({{"a.csv", TwoPeople()}});
  const std::string outer = MakeZip({{"in.zip", inner}});
  Limits limits;
  limits.dictionary_bytes = static_cast<int64_t>(inner.size());
  EXPECT_EQ(With(limits, outer).reason, "");
  --limits.dictionary_bytes;
  EXPECT_EQ(With(limits, outer).reason, "limit:dictionary");
}

TEST(Budget, DictionaryHoldsSharedStrings) {
  const std::string xlsx = MakeZip(WorkbookParts());
  Limits limits;
  limits.dictionary_bytes = 100;
  EXPECT_EQ(With(limits, xlsx).reason, "");
  limits.dictionary_bytes = 10;
  const Findings f = With(limits, xlsx);
  EXPECT_EQ(f.reason, "limit:dictionary");
  EXPECT_EQ(f.inspection, Inspection::kPartial);
}

TEST(Budget, DictionaryOfXzAndZstd) {
  const std::string xz = MakeArchive("ustar", "xz", {{"a.csv", TwoPeople()}});
  Limits limits;
  EXPECT_EQ(With(limits, xz).reason, "");
  limits.dictionary_bytes = 4 << 20;
  EXPECT_EQ(With(limits, xz).reason, "limit:dictionary");
}

TEST(Budget, TextBytes) {
  const std::string xlsx = MakeZip(WorkbookParts());
  Limits limits;
  limits.text_bytes = 1000;
  EXPECT_EQ(With(limits, xlsx).reason, "");
  limits.text_bytes = 50;
  EXPECT_EQ(With(limits, xlsx).reason, "limit:text_bytes");
}

TEST(Budget, Time) {
  for (const std::string& bytes :
       {MakeZip(WorkbookParts()), MakeZip({{"a.csv", TwoPeople()}}),
        Gzip(TwoPeople()), TwoPeople()}) {
    int asked = 0;
    Budget patient({}, [&] { return ++asked < 0; });
    EXPECT_EQ(InspectText(bytes, &patient).reason, "");
    EXPECT_GT(asked, 0);
    Budget late({}, [] { return true; });
    const Findings f = InspectText(bytes, &late);
    EXPECT_EQ(f.reason, "timeout");
    EXPECT_NE(f.inspection, Inspection::kFull);
  }
}

}  // namespace
}  // namespace sekisho::detect
