// What the gate tells of the names on the medium.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "agent/gate/file_news.h"
#include "tests/unit/agent_gate/fakes.h"

namespace sekisho::gate {
namespace {

using ipc::FileChange;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

// "+path:size", "-path", "old>new".
std::vector<std::string> Told(const Gate& gate) {
  std::vector<std::string> told;
  for (const ipc::ToldFile& file : gate.core.files) {
    switch (file.change) {
      case FileChange::kPresent:
        told.push_back("+" + file.path + ":" + std::to_string(file.size_bytes));
        break;
      case FileChange::kRemoved:
        told.push_back("-" + file.path);
        break;
      case FileChange::kRenamed:
        told.push_back(file.old_path + ">" + file.path);
        break;
    }
  }
  return told;
}

void Put(const Gate& gate, const std::string& path, size_t size) {
  std::ofstream(gate.root + "/" + path) << std::string(size, 'x');
}

ListingEnd List(Gate& gate, const ListingBounds& bounds = {}) {
  return gate.filesystem->ListContents(bounds, [] { return true; });
}

int Rename(Gate& gate, const std::string& from, const std::string& to) {
  int result = -1;
  gate.filesystem->Rename(FUSE_ROOT_ID, from, FUSE_ROOT_ID, to, 0,
                          gate.requester(),
                          [&](int error_number) { result = error_number; });
  gate.pool.Drain();
  return result;
}

TEST(Contents, RemovalAndRenameAreTold) {
  Gate gate;
  Put(gate, "a", 3);
  Put(gate, "b", 4);
  EXPECT_TRUE(gate.filesystem->Unlink(FUSE_ROOT_ID, "a"));
  EXPECT_EQ(Rename(gate, "b", "c"), 0);
  EXPECT_THAT(Told(gate), ElementsAre("-a", "b>c"));
}

TEST(Contents, WhatDidNotHappenIsNotTold) {
  Gate gate(Access::kReadOnly);
  Put(gate, "a", 3);
  EXPECT_FALSE(gate.filesystem->Unlink(FUSE_ROOT_ID, "a"));
  EXPECT_EQ(Rename(gate, "a", "b"), EROFS);
  EXPECT_THAT(Told(gate), IsEmpty());
}

TEST(Contents, RenameThatIsItsOwnVerdictRemovesTheOldName) {
  Gate gate;
  const uint64_t fh = gate.Create("a");
  gate.Write(fh, "one");
  EXPECT_EQ(gate.Flush(fh), 0);
  gate.Write(fh, "other");
  EXPECT_EQ(Rename(gate, "a", "b"), 0);
  // "b" was named by the question.
  EXPECT_EQ(gate.core.questions.back().path, "b");
  EXPECT_THAT(Told(gate), ElementsAre("-a"));
}

TEST(Contents, FileThatIsRemovedWhileItIsJudgedIsToldAsGone) {
  Gate gate;
  const uint64_t fh = gate.Create("a");
  gate.Write(fh, "clean");
  gate.scanner.during = [&] {
    EXPECT_TRUE(gate.filesystem->Unlink(FUSE_ROOT_ID, "a"));
  };
  EXPECT_EQ(gate.Flush(fh), 0);
  EXPECT_THAT(gate.Names(), IsEmpty());
  EXPECT_THAT(Told(gate), ElementsAre("-a"));
}

TEST(Contents, ListsFilesOfAllFoldersAndFollowsNoLink) {
  Gate gate;
  ASSERT_EQ(::mkdir((gate.root + "/d").c_str(), 0755), 0);
  ASSERT_EQ(::mkdir((gate.root + "/d/e").c_str(), 0755), 0);
  Put(gate, "a", 3);
  Put(gate, "d/e/b", 5);
  ASSERT_EQ(::symlink("/etc", (gate.root + "/out").c_str()), 0);
  const ListingEnd end = List(gate);
  EXPECT_TRUE(end.complete);
  EXPECT_EQ(end.present_count, 3);
  EXPECT_THAT(Told(gate), UnorderedElementsAre("+a:3", "+d/e/b:5", "+out:4"));
  EXPECT_GT(gate.core.files.front().modified_us, 0);
}

TEST(Contents, MoreFilesThanTheBoundAreCountedOnly) {
  for (const auto& [files, complete] : {std::pair{3, true}, {2, false}}) {
    Gate gate;
    for (const char* name : {"a", "b", "c"}) Put(gate, name, 1);
    const ListingEnd end = List(gate, {.files = static_cast<size_t>(files)});
    EXPECT_EQ(end.complete, complete) << files;
    EXPECT_EQ(end.present_count, 3);
    EXPECT_EQ(std::ssize(gate.core.files), files);
  }
}

TEST(Contents, DeeperFoldersThanTheBoundAreNotEntered) {
  for (const auto& [depth, complete] : {std::pair{2, true}, {1, false}}) {
    Gate gate;
    std::filesystem::create_directories(gate.root + "/d/e");
    Put(gate, "d/e/b", 1);
    const ListingEnd end = List(gate, {.depth = static_cast<size_t>(depth)});
    EXPECT_EQ(end.complete, complete) << depth;
  }
}

TEST(Contents, ListingThatRunsOutOfTimeOrEntriesIsNotComplete) {
  Gate gate;
  for (int i = 0; i < 200; ++i) Put(gate, "f" + std::to_string(i), 1);
  EXPECT_FALSE(List(gate, {.entries = 100}).complete);
  EXPECT_FALSE(List(gate, {.time = std::chrono::milliseconds(0)}).complete);
  EXPECT_TRUE(List(gate, {.entries = 202}).complete);
}

TEST(Contents, FileInTheMiddleOfItsVerdictIsNotTaken) {
  Gate gate;
  Put(gate, "a", 3);
  const auto looked_up = gate.filesystem->Lookup(FUSE_ROOT_ID, "a");
  ASSERT_TRUE(looked_up);
  const auto fh = gate.filesystem->Open(looked_up->nodeid, O_RDWR | O_TRUNC,
                                        gate.requester());
  ASSERT_TRUE(fh);
  gate.Write(*fh, "longer than it was");
  gate.scanner.during = [&] {
    const ListingEnd end = List(gate, {.time = std::chrono::milliseconds(50)});
    EXPECT_FALSE(end.complete);
    EXPECT_THAT(Told(gate), IsEmpty());
  };
  EXPECT_EQ(gate.Flush(*fh), 0);
  gate.scanner.during = nullptr;
  EXPECT_TRUE(List(gate).complete);
  EXPECT_THAT(Told(gate), ElementsAre("+a:18"));
}

TEST(Contents, MovedFolderSpoilsTheListing) {
  Gate gate;
  std::filesystem::create_directories(gate.root + "/d/e");
  Put(gate, "d/e/b", 1);
  bool moved = false;
  const ListingEnd end = gate.filesystem->ListContents({}, [&] {
    if (!std::exchange(moved, true)) {
      EXPECT_EQ(Rename(gate, "d", "f"), 0);
    }
    return true;
  });
  EXPECT_FALSE(end.complete);
}

Erased Erase(Gate& gate, int64_t most_bytes = 5 << 20) {
  return gate.filesystem->Erase([] { return true; }, most_bytes);
}

TEST(Erasure, LeavesNothingAndSaysWhatItReadBack) {
  Gate gate;
  std::filesystem::create_directories(gate.root + "/d/e/f");
  Put(gate, "d/e/f/b", 5);
  for (int i = 0; i < 300; ++i) Put(gate, "f" + std::to_string(i), 1);
  const Erased erased = Erase(gate, (5 << 20) + 1000);
  EXPECT_TRUE(erased.ok) << erased.error;
  EXPECT_GE(erased.bytes, (5 << 20) + 1000);
  EXPECT_THAT(gate.Names(), IsEmpty());
  // It is used again at once.
  const uint64_t fh = gate.Create("a");
  gate.Write(fh, "clean");
  EXPECT_EQ(gate.Flush(fh), 0);
}

TEST(Erasure, IsRefusedWhereNothingMayBeChangedAndWhileSomebodyWrites) {
  Gate read_only(Access::kReadOnly);
  Put(read_only, "a", 1);
  EXPECT_FALSE(Erase(read_only).ok);
  EXPECT_EQ(read_only.Names().size(), 1U);
  Gate gate;
  const uint64_t fh = gate.Create("a");
  gate.Write(fh, "clean");
  EXPECT_FALSE(Erase(gate).ok);
  EXPECT_EQ(gate.Flush(fh), 0);
}

TEST(Erasure, NobodyChangesAnythingMeanwhile) {
  Gate gate;
  bool asked = false;
  const Erased erased = gate.filesystem->Erase(
      [&] {
        if (!std::exchange(asked, true)) {
          const auto made = gate.filesystem->Create(FUSE_ROOT_ID, "a", O_RDWR,
                                                    0644, gate.requester());
          EXPECT_FALSE(made);
        }
        return true;
      },
      1 << 20);
  EXPECT_TRUE(asked && erased.ok);
}

TEST(Erasure, StopsWhenTheMediumIsClosedAndProvesNothing) {
  Gate gate;
  Put(gate, "a", 1);
  int looks = 0;
  const Erased erased = gate.filesystem->Erase(
      [&] {
        if (++looks == 30) gate.filesystem->StopServing();
        return true;
      },
      INT64_MAX);
  EXPECT_FALSE(erased.ok);
  EXPECT_EQ(erased.bytes, 0);
  EXPECT_THAT(gate.Names(), IsEmpty()) << "the filling is gone, too";
}

ipc::ToldFile Removed(std::string path) {
  return {.path = std::move(path), .change = FileChange::kRemoved};
}

TEST(FileNews, GoesOutInPacketsThatFit) {
  FileNews news;
  for (size_t i = 0; i < 300; ++i) news.Add(Removed("f"));
  news.Add(Removed(std::string(ipc::kMaxToldPathBytes, 'x')));
  std::vector<size_t> sizes;
  while (!news.empty()) {
    const ipc::FilesTold next = news.Next();
    EXPECT_LT(ipc::Encode(next).size(), size_t{128} * 1024);
    sizes.push_back(next.files.size());
    news.Drop(next);
  }
  EXPECT_THAT(sizes, ElementsAre(256, 45));
}

TEST(FileNews, WhatHasNoRoomOrIsTooLongIsCounted) {
  FileNews news;
  news.Add(Removed(std::string(ipc::kMaxToldPathBytes + 1, 'x')));
  EXPECT_EQ(news.Next().lost_count, 1);
  EXPECT_TRUE(news.Next().files.empty());
  for (size_t i = 0; i < kMaxUntoldFiles; ++i) news.Add(Removed("f"));
  EXPECT_EQ(news.Next().lost_count, 1);
  EXPECT_FALSE(news.HasRoom());
  news.Add(Removed("g"));
  EXPECT_EQ(news.Next().lost_count, 2);
  news.End({.present_count = 1, .complete = true});
  ipc::FilesTold last;
  while (!news.empty()) {
    last = news.Next();
    news.Drop(last);
  }
  EXPECT_TRUE(last.listing_ends);
  EXPECT_FALSE(last.complete) << "something is missing of it";
}

TEST(FileNews, EndComesBehindWhatWasAddedBeforeAndAheadOfTheRest) {
  FileNews news;
  news.Add(Removed("a"));
  news.End({.present_count = 1, .complete = true});
  news.Add(Removed("b"));
  const ipc::FilesTold first = news.Next();
  EXPECT_EQ(first.files.size(), 1U);
  EXPECT_TRUE(first.listing_ends);
  EXPECT_TRUE(first.complete);
  news.Drop(first);
  const ipc::FilesTold second = news.Next();
  EXPECT_EQ(second.files.at(0).path, "b");
  EXPECT_FALSE(second.listing_ends);
  news.Drop(second);
  EXPECT_TRUE(news.empty());
}

TEST(FileNews, EndThatAnotherListenerHearsIsNotComplete) {
  FileNews news;
  news.Add(Removed("a"));
  news.End({.present_count = 1, .complete = true});
  news.Disturb();
  EXPECT_TRUE(news.Next().listing_ends);
  EXPECT_FALSE(news.Next().complete);
}

}  // namespace
}  // namespace sekisho::gate
