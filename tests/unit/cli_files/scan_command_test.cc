#include "cli/scan_command.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/scan_files.h"
#include "cli/scan_progress.h"
#include "common/text.h"
#include "policy/packs.h"
#include "policy/parser.h"
#include "tests/unit/agent/temp_dir.h"

namespace sekisho::cli {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

std::string PeopleList(int count, int from = 0) {
  std::string csv = "会員番号,氏名,電話番号\n";
  for (int i = from; i < from + count; ++i) {
    csv += fmt::format("M{:06},山田 太郎{},090-1234-{:04}\n", i, i % 2, i);
  }
  return csv;
}

struct Scanned {
  int code = 0;
  std::string out;
  std::string err;
};

Scanned Scan(std::vector<std::string> args) {
  std::vector<std::string_view> views(args.begin(), args.end());
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  Scanned run;
  run.code = RunScan(views);
  std::fflush(stdout);
  run.out = testing::internal::GetCapturedStdout();
  run.err = testing::internal::GetCapturedStderr();
  return run;
}

class ScanCommand : public testing::Test {
 protected:
  std::string Path(const std::string& name) const {
    return dir_.path() + "/" + name;
  }
  const agent::TempDir dir_;
};

TEST_F(ScanCommand, ExitCodeTellsWhatPolicyWouldDo) {
  dir_.Put("clean.txt", "nothing of anybody\n");
  dir_.Put("list.csv", PeopleList(40));
  EXPECT_EQ(Scan({Path("clean.txt")}).code, 0);
  EXPECT_EQ(Scan({Path("list.csv")}).code, 1);
  EXPECT_EQ(Scan({}).code, 2);
  EXPECT_EQ(Scan({"--jobs", "0", Path("clean.txt")}).code, 2);
  EXPECT_EQ(Scan({"--jsn", Path("clean.txt")}).code, 2);
  EXPECT_EQ(Scan({Path("absent"), Path("clean.txt")}).code, 3);
  EXPECT_EQ(Scan({"--policy", Path("absent"), Path("clean.txt")}).code, 3);
  dir_.Put("wrong.yaml", "policy: 1\n");
  EXPECT_EQ(Scan({"--policy", Path("wrong.yaml"), Path("clean.txt")}).code, 2);
  const Scanned help = Scan({"--help"});
  EXPECT_EQ(help.code, 0);
  EXPECT_THAT(help.out, StartsWith("usage: sekisho scan"));
}

TEST_F(ScanCommand, FindsTheTypesThatThePolicyDefines) {
  dir_.Put("p.yaml",
           "policy: 2\nname: a\nmode: observe\ndevice_default: block\n"
           "content_default: allow\n"
           "types: { ward: { pattern: \"W[0-9]{6}\" } }\n"
           "content: [ { id: wards, when: { data: [\"custom:ward\"] }, "
           "verdict: block } ]\n");
  std::string csv = "棟,番号\n";
  for (int i = 0; i < 20; ++i) {
    csv += fmt::format("東,W{}\n", 123456 + i);
  }
  dir_.Put("list.csv", csv);
  const Scanned run =
      Scan({"--json", "--policy", Path("p.yaml"), Path("list.csv")});
  EXPECT_EQ(run.code, 1);
  EXPECT_THAT(run.out, HasSubstr("\"data\":{\"custom:ward\":20}"));
  EXPECT_THAT(run.out, HasSubstr("\"type\":\"custom:ward\""));
  EXPECT_THAT(run.out, HasSubstr("\"verdict\":\"block\",\"rule\":\"wards\""));
  EXPECT_EQ(Scan({Path("list.csv")}).code, 0);
}

TEST_F(ScanCommand, GivesFilesInTheirOrderWhateverTheNumberOfThreads) {
  for (int i = 0; i < 300; ++i) {
    const std::string name = fmt::format("d{}/f{:03}.csv", i % 7, i);
    dir_.Put(name, PeopleList(i % 5 == 0 ? 400 : 3, i));
  }
  const Scanned one = Scan({"--json", "--jobs", "1", dir_.path()});
  const Scanned four = Scan({"--json", "--jobs", "4", dir_.path()});
  const auto strip = [](const std::string& text) {
    std::vector<std::string> lines;
    for (const std::string_view line : Split(text, '\n')) {
      lines.emplace_back(line.substr(0, line.find("\"seconds\"")));
    }
    return lines;
  };
  EXPECT_EQ(strip(one.out).size(), 301U);
  EXPECT_EQ(strip(one.out), strip(four.out));
}

TEST_F(ScanCommand, SumsUpEachPersonOnce) {
  dir_.Put("a.csv", PeopleList(30));
  dir_.Put("b.csv", PeopleList(30, 10));
  dir_.Put("c.txt", "nothing of anybody\n");
  const Scanned run = Scan({dir_.path()});
  EXPECT_EQ(run.code, 1);
  EXPECT_THAT(run.out, HasSubstr("\nblock         40        2\n"));
  EXPECT_THAT(run.out, HasSubstr("\nallow          0        1\n"));
  EXPECT_THAT(run.out, HasSubstr("\nall           40        3\n"));
  EXPECT_THAT(run.out,
              HasSubstr("not inspected whole: 0; could not be read: 0"));
}

TEST_F(ScanCommand, TellsOfFoldersThatCannotBeListed) {
  if (::geteuid() == 0) {
    GTEST_SKIP() << "root lists every folder";
  }
  dir_.Put("open/a.txt", "a\n");
  dir_.Put("closed/b.csv", PeopleList(40));
  std::filesystem::permissions(Path("closed"), std::filesystem::perms::none);
  const Scanned run = Scan({dir_.path()});
  std::filesystem::permissions(Path("closed"),
                               std::filesystem::perms::owner_all);
  EXPECT_EQ(run.code, 3);
  EXPECT_THAT(run.err, HasSubstr("closed"));
}

TEST(ListFiles, FollowsNoLinksAndFindsEveryDepth) {
  const agent::TempDir dir;
  dir.Put("a/b/c/d.txt", "12345");
  dir.Put("a/e.txt", "123");
  std::filesystem::create_directory_symlink(dir.path() + "/a",
                                            dir.path() + "/loop");
  const FileList list = ListFiles({dir.path(), dir.path() + "/absent"});
  ASSERT_EQ(list.paths.size(), 3U);
  EXPECT_EQ(list.paths[0], dir.path() + "/a/b/c/d.txt");
  EXPECT_EQ(list.paths[2], dir.path() + "/absent");
  EXPECT_EQ(list.bytes, 8);
  EXPECT_TRUE(list.problems.empty());
}

TEST(ProgressLine, TellsHowFarAndHowLong) {
  EXPECT_EQ(ProgressLine({.files = 40,
                          .files_done = 12,
                          .bytes = 600'000'000,
                          .bytes_read = 300'000'000,
                          .seconds = 2}),
            "[############............] 50 %  12 of 40 files  300 MB of 600 MB"
            "  150 MB/s  0:02 left");
  EXPECT_EQ(ProgressLine({.files = 2, .files_done = 1}),
            "[############............] 50 %  1 of 2 files  0 kB of 0 kB");
  // A file that grew meanwhile.
  EXPECT_THAT(ProgressLine({.files = 1, .bytes = 10, .bytes_read = 20}),
              HasSubstr("100 %"));
}

}  // namespace
}  // namespace sekisho::cli
