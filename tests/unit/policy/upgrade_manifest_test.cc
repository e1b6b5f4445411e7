#include "policy/upgrade_manifest.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sekisho::policy {
namespace {

using testing::HasSubstr;

const std::string kDigest(64, 'a');

std::string Line(const std::string& path, const std::string& size = "7") {
  return fmt::format("{} {} {}\n", kDigest, size, path);
}

std::string Text(const std::string& lines) {
  return "sekisho-upgrade-1\npackage sekisho-agent 0.2.0\n" + lines;
}

TEST(UpgradeManifest, ReadsBackWhatItPrints) {
  const std::string text = Text(Line("/usr/sbin/sekishod") + Line("/x", "0")) +
                           "package other 1:2~rc1+b3\n" + Line("/x");
  const auto manifest = ParseUpgradeManifest(text);
  ASSERT_TRUE(manifest) << manifest.error().message;
  ASSERT_EQ(manifest->packages.size(), 2U);
  EXPECT_EQ(manifest->packages[0].package, "sekisho-agent");
  EXPECT_EQ(manifest->packages[0].version, "0.2.0");
  EXPECT_EQ(manifest->packages[0].programs[0].path, "/usr/sbin/sekishod");
  EXPECT_EQ(manifest->packages[0].programs[0].size_bytes, 7);
  EXPECT_EQ(PrintUpgradeManifest(*manifest), text);
}

TEST(UpgradeManifest, NamesAFileByDigestSizeAndPathTogether) {
  const auto manifest = ParseUpgradeManifest(Text(Line("/a") + Line("/b")));
  ASSERT_TRUE(manifest);
  ProgramFile file = manifest->packages[0].programs[0];
  EXPECT_TRUE(manifest->Names(file));
  file.path = "/c";
  EXPECT_FALSE(manifest->Names(file));
  file.path = "/b";
  EXPECT_TRUE(manifest->Names(file));
  file.size_bytes = 8;
  EXPECT_FALSE(manifest->Names(file));
  file.size_bytes = 7;
  file.digest[31] = std::byte{0};
  EXPECT_FALSE(manifest->Names(file));
}

TEST(UpgradeManifest, RefusesWhatHasAnotherSpelling) {
  const struct {
    std::string text;
    std::string why;
  } rows[] = {
      {"", ":1: expected 'sekisho-upgrade-1'"},
      {"sekisho-upgrade-2\n", ":1: expected 'sekisho-upgrade-1'"},
      {"sekisho-upgrade-1\n", ":2: expected a package with a program"},
      {Text(""), ":3: expected a package with a program"},
      {Text("package b 1\n") + Line("/a"), ":3: expected a program of the"},
      {"sekisho-upgrade-1\n" + Line("/a"), ":2: expected a package line"},
      {Text(Line("/a")) + "x", ":4: expected a newline"},
      {Text(Line("/a") + "\n"), ":4: expected three words"},
      {Text(Line("/a b")), ":3: expected three words"},
      {Text(Line("a")), "a plain path"},
      {Text(Line("/")), "a plain path"},
      {Text(Line("/a//b")), "a plain path"},
      {Text(Line("/a/../b")), "a plain path"},
      {Text(Line("/a/./b")), "a plain path"},
      {Text(Line("/a\x7f")), "a plain path"},
      {Text(Line("/a", "-1")), "a size"},
      {Text(Line("/a", "+1")), "a size"},
      {Text(Line("/a", "01")), "a size"},
      {Text(Line("/a", "")), "a size"},
      {Text(std::string(64, 'A') + " 1 /a\n"), "64 lower-case"},
      {Text(std::string(63, 'a') + " 1 /a\n"), "64 lower-case"},
      {Text(std::string(64, 'g') + " 1 /a\n"), "64 lower-case"},
      {Text(Line("/a") + Line("/a")), "each path once"},
      {"sekisho-upgrade-1\npackage a_b 1\n" + Line("/a"), "name and version"},
      {"sekisho-upgrade-1\npackage a \n" + Line("/a"), "name and version"},
  };
  for (const auto& row : rows) {
    const auto manifest = ParseUpgradeManifest(row.text);
    ASSERT_FALSE(manifest) << row.text;
    EXPECT_EQ(manifest.error().code, Code::kInvalidArgument);
    EXPECT_THAT(manifest.error().message, HasSubstr(row.why)) << row.text;
  }
}

TEST(UpgradeManifest, HoldsItsCaps) {
  EXPECT_TRUE(ParseUpgradeManifest(Text(Line("/a", "1073741824"))));
  EXPECT_FALSE(ParseUpgradeManifest(Text(Line("/a", "1073741825"))));

  const std::string long_path =
      "/" + std::string(kMaxProgramPathBytes - 1, 'p');
  EXPECT_TRUE(ParseUpgradeManifest(Text(Line(long_path))));
  EXPECT_FALSE(ParseUpgradeManifest(Text(Line(long_path + "p"))));

  std::string programs;
  for (size_t i = 0; i < kMaxPackagePrograms; ++i) {
    programs += Line("/p" + std::to_string(i));
  }
  EXPECT_TRUE(ParseUpgradeManifest(Text(programs)));
  EXPECT_FALSE(ParseUpgradeManifest(Text(programs + Line("/one-more"))));

  std::string packages = "sekisho-upgrade-1\n";
  for (size_t i = 0; i < kMaxManifestPackages; ++i) {
    packages += "package p 1\n" + Line("/a");
  }
  EXPECT_TRUE(ParseUpgradeManifest(packages));
  EXPECT_FALSE(ParseUpgradeManifest(packages + "package p 1\n" + Line("/a")));

  const std::string filler(kMaxManifestBytes + 1, '\n');
  EXPECT_THAT(ParseUpgradeManifest(filler).error().message,
              HasSubstr("larger than"));
  EXPECT_THAT(
      ParseUpgradeManifest(filler.substr(0, kMaxManifestBytes)).error().message,
      HasSubstr(":1: expected"));
}

}  // namespace
}  // namespace sekisho::policy
