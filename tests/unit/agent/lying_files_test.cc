#include "agent/lying_files.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "agent/folder_walk.h"
#include "agent/landing_watch.h"
#include "tests/unit/agent/temp_dir.h"

namespace sekisho::agent {
namespace {

using std::chrono::days;

const WallTime kNow = WallTime(days(20'000));

TEST(LyingFiles, AreToldOnceAndAgainAfterThirtyDays) {
  const TempDir dir;
  std::string problem;
  LyingFiles files = LyingFiles::Open(dir.path() + "/lying", 100, &problem);
  EXPECT_TRUE(files.IsDue(1, kNow));
  files.SetTold(1, kNow);
  files.SetClean(2);
  EXPECT_FALSE(files.IsDue(1, kNow + days(29)));
  EXPECT_TRUE(files.IsDue(1, kNow + days(30)));
  EXPECT_FALSE(files.IsDue(2, kNow + days(4'000)));
  ASSERT_TRUE(files.Save());
  const LyingFiles again =
      LyingFiles::Open(dir.path() + "/lying", 100, &problem);
  EXPECT_EQ(problem, "");
  EXPECT_FALSE(again.IsDue(1, kNow + days(29)));
  EXPECT_FALSE(again.IsDue(2, kNow));
  const LyingFiles fewer =
      LyingFiles::Open(dir.path() + "/lying", 50, &problem);
  EXPECT_FALSE(fewer.IsDue(1, kNow)) << "told is told";
  EXPECT_TRUE(fewer.IsDue(2, kNow)) << "fewer people are many now";
}

TEST(LyingFiles, ADamagedFileIsAsNone) {
  const TempDir dir;
  std::string problem;
  LyingFiles files = LyingFiles::Open(dir.path() + "/lying", 100, &problem);
  files.SetTold(1, kNow);
  ASSERT_TRUE(files.Save());
  std::string bytes = dir.Get("lying");
  bytes[bytes.size() - 3] ^= 1;
  dir.Put("lying", bytes);
  const LyingFiles again =
      LyingFiles::Open(dir.path() + "/lying", 100, &problem);
  EXPECT_NE(problem, "");
  EXPECT_EQ(again.size(), 0U);
}

TEST(LyingFiles, ForgetTheCleanOnesWhenTheyAreTooMany) {
  const TempDir dir;
  std::string problem;
  LyingFiles files = LyingFiles::Open(dir.path() + "/lying", 100, &problem);
  files.SetTold(7, kNow);
  for (uint64_t i = 100; i < 101 + kMaxLyingFiles; ++i) files.SetClean(i);
  EXPECT_LE(files.size(), kMaxLyingFiles);
  EXPECT_FALSE(files.IsDue(7, kNow));
}

TEST(FolderWalk, FindsFilesBelowAndFollowsNoLink) {
  const TempDir dir;
  dir.Put("home/a/one.csv", "1");
  dir.Put("home/a/b/two.csv", "22");
  dir.Put("other/three.csv", "333");
  std::filesystem::create_symlink(dir.path() + "/other",
                                  dir.path() + "/home/link");
  std::filesystem::create_symlink(dir.path() + "/other/three.csv",
                                  dir.path() + "/home/a/link.csv");
  FolderWalk walk({dir.path() + "/home", dir.path() + "/missing"});
  std::vector<std::string> found;
  int steps = 0;
  while (!walk.done()) {
    ASSERT_LT(++steps, 100);
    for (const auto& one : walk.Step(2)) {
      found.push_back(one.path);
      EXPECT_EQ(one.folder, dir.path() + "/home");
    }
  }
  std::ranges::sort(found);
  EXPECT_EQ(found, (std::vector<std::string>{dir.path() + "/home/a/b/two.csv",
                                             dir.path() + "/home/a/one.csv"}));
  EXPECT_GT(steps, 3) << "a few entries at a time";
}

TEST(LandingWatch, AFolderIsItselfAndAllBelow) {
  const std::vector<std::string> folders = {"/home", "/var/tmp"};
  EXPECT_EQ(FolderAbove("/home/a/b", folders), "/home");
  EXPECT_EQ(FolderAbove("/home", folders), "/home");
  EXPECT_EQ(FolderAbove("/homeless/a", folders), "");
  EXPECT_EQ(FolderAbove("/var/tmp/a", folders), "/var/tmp");
  EXPECT_EQ(FolderAbove("/var/log/a", folders), "");
  EXPECT_EQ(FolderAbove("/anything", {"/"}), "/");
}

}  // namespace
}  // namespace sekisho::agent
