#include "agent/medium_files.h"

#include <gtest/gtest.h>

#include "tests/unit/agent/stepped_loop.h"

namespace sekisho::agent {
namespace {

using ipc::FileChange;

ipc::ToldFile Removed(std::string path) {
  return {.path = std::move(path), .change = FileChange::kRemoved};
}

struct MediumFilesTest : testing::Test {
  SteppedLoop loop;
  std::vector<std::pair<int64_t, MediumFiles::Batch>> told;
  MediumFiles files{loop, [this](int64_t mount_id, MediumFiles::Batch batch) {
                      told.emplace_back(mount_id, std::move(batch));
                    }};

  void Add(std::vector<ipc::ToldFile> some, int64_t mount_id = 1) {
    files.Add(mount_id, {.files = std::move(some)});
  }
};

TEST_F(MediumFilesTest, ManyNamesShareAnEvent) {
  for (size_t i = 0; i < kMaxEventFiles; ++i) Add({Removed("f")});
  EXPECT_TRUE(told.empty());
  Add({Removed("f")});
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].second.files.size(), kMaxEventFiles);
  files.End(1);
  EXPECT_EQ(told.at(1).second.files.size(), 1U);
}

TEST_F(MediumFilesTest, LongNamesMakeMoreEvents) {
  const std::string longest(ipc::kMaxToldPathBytes, 'x');
  for (size_t i = 0; i < 16; ++i) Add({Removed(longest)});
  EXPECT_TRUE(told.empty());
  Add({Removed("f")});
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].second.files.size(), 16U);
}

TEST_F(MediumFilesTest, NameThatIsTooLongIsNotTaken) {
  Add({Removed(std::string(ipc::kMaxToldPathBytes + 1, 'x')), Removed("")});
  files.End(1);
  EXPECT_TRUE(told.empty());
}

TEST_F(MediumFilesTest, MoreThanAListingHoldsIsNotTakenAndNotComplete) {
  for (int64_t i = 0; i <= kMaxListedFiles; ++i) Add({{.path = "f"}});
  files.Add(1, {.listing_ends = true, .present_count = 9, .complete = true});
  int64_t taken = 0;
  for (const auto& [mount_id, batch] : told) {
    taken += std::ssize(batch.files);
  }
  EXPECT_EQ(taken, kMaxListedFiles);
  EXPECT_TRUE(told.back().second.listing_ends);
  EXPECT_FALSE(told.back().second.complete);
}

TEST_F(MediumFilesTest, WhatIsAboutACopyGoesBeforeIt) {
  Add({Removed("d/a"),
       {.path = "new", .change = FileChange::kRenamed, .old_path = "old"}});
  EXPECT_FALSE(files.Before(1, "d/ab"));
  EXPECT_FALSE(files.Before(2, "d/a")) << "another medium";
  EXPECT_TRUE(told.empty());
  EXPECT_TRUE(files.Before(1, "old/below"));
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].second.files.size(), 2U);
  EXPECT_FALSE(files.Before(1, "d/a")) << "told already";
}

TEST_F(MediumFilesTest, LossIsToldWithoutANameToo) {
  files.Add(1, {.lost_count = 2});
  files.Add(1, {.lost_count = -5});
  files.Flush();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].second.lost_count, 2);
}

}  // namespace
}  // namespace sekisho::agent
