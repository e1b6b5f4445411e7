// A large new file that is released while it is written: what is on the medium
// before the verdict, and what is left of it after every way it can end.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/unit/agent_gate/fakes.h"

namespace sekisho::gate {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::StartsWith;

constexpr size_t kPiece = size_t{1} << 20;

std::string Clean(size_t size) {
  std::string text;
  while (text.size() < size)
    text += "a harmless line, " + std::to_string(text.size()) + "\n";
  text.resize(size);
  return text;
}

class Streaming : public testing::Test {
 protected:
  Streaming() { gate.scanner.streams = true; }

  // In order, in pieces, from where `text` ends so far.
  int Write(uint64_t fh, std::string_view text) {
    for (size_t at = 0; at < text.size(); at += kPiece) {
      const auto piece = text.substr(at, kPiece);
      const int failed = gate.Write(fh, piece, written);
      if (failed != 0) return failed;
      written += static_cast<int64_t>(piece.size());
    }
    return 0;
  }
  std::string Whole(const std::string& name) const {
    auto content = ReadFileAt(AT_FDCWD, gate.root + "/" + name, 64 << 20);
    return content ? *content : "(" + content.error().message + ")";
  }
  std::string Read(uint64_t fh, size_t size) {
    Bytes out(size);
    const auto n = gate.filesystem->Read(fh, 0, out);
    return n ? std::string(AsText(std::span(out).first(*n))) : "";
  }

  Gate gate{Access::kInspect, {int64_t{8} << 20, int64_t{8} << 20}};
  int64_t written = 0;
};

TEST_F(Streaming, FileFarLargerThanTheStagingBoundReachesTheMedium) {
  const std::string text = Clean(24 * kPiece);
  const uint64_t fh = gate.Create("a");
  ASSERT_EQ(Write(fh, text), 0);
  // Under no name that users see, and almost all of it.
  ASSERT_THAT(gate.Names(), ElementsAre(StartsWith(".sekisho-")));
  EXPECT_GT(std::filesystem::file_size(gate.root + "/" + gate.Names()[0]),
            22 * kPiece);
  EXPECT_LE(gate.staging->used_bytes(), int64_t{4} << 20);
  EXPECT_EQ(Read(fh, text.size()), text);
  EXPECT_EQ(gate.Flush(fh), 0);
  EXPECT_THAT(gate.Names(), ElementsAre("a"));
  EXPECT_EQ(Whole("a"), text);
  EXPECT_EQ(gate.staging->used_bytes(), 0);
  ASSERT_EQ(gate.core.questions.size(), 1U);
  EXPECT_EQ(gate.core.questions[0].operation, "create");
  EXPECT_EQ(gate.core.questions[0].released.persons, 0);
}

TEST_F(Streaming, SekishodIsAskedAtEachDoublingOnly) {
  const uint64_t fh = gate.Create("a");
  ASSERT_EQ(Write(fh, Clean(24 * kPiece)), 0);
  EXPECT_GE(gate.core.releases.size(), 3U);
  EXPECT_LE(gate.core.releases.size(), 6U);
}

TEST_F(Streaming, StagingTakesOverAtThePeopleThatMayNotBeReleased) {
  gate.core.most_released = 3;
  const uint64_t fh = gate.Create("a");
  ASSERT_EQ(
      Write(fh, Clean(2 * kPiece) + "SECRET 1\nSECRET 2\n" + Clean(2 * kPiece)),
      0);
  ASSERT_EQ(Write(fh, "SECRET 3\nSECRET 4\n" + Clean(2 * kPiece)), 0);
  const std::string on_medium = Whole(gate.Names().at(0));
  EXPECT_NE(on_medium.find("SECRET 2"), std::string::npos);
  EXPECT_EQ(on_medium.find("SECRET 3"), std::string::npos);
  EXPECT_EQ(gate.Flush(fh), EACCES);
  gate.pool.Drain();
  EXPECT_THAT(gate.Names(), IsEmpty());
  EXPECT_EQ(gate.core.questions.at(0).released.persons, 2);
  EXPECT_EQ(gate.core.questions.at(0).findings.persons, 4);
  EXPECT_THAT(gate.core.ended, IsEmpty());  // the verdict told it
  EXPECT_EQ(gate.Write(fh, "more", written), EACCES);
}

// On the raw medium: a second name keeps the inode that is to be overwritten.
TEST_F(Streaming, RefusedPrefixIsOverwritten) {
  const uint64_t fh = gate.Create("a");
  ASSERT_EQ(Write(fh, "SECRET first\n" + Clean(4 * kPiece)), 0);
  const std::string kept = gate.staging_directory + "/kept";
  std::filesystem::create_hard_link(gate.root + "/" + gate.Names().at(0), kept);
  const int fd = ::open(kept.c_str(), O_RDONLY | O_CLOEXEC);
  ASSERT_GT(std::filesystem::file_size(kept), 2 * kPiece);
  EXPECT_EQ(gate.Flush(fh), EACCES);
  gate.pool.Drain();
  EXPECT_EQ(std::filesystem::file_size(kept), 0U);  // zeros, then cut off
  ::close(fd);
}

TEST_F(Streaming, WriteOutOfOrderTakesItBackToStaging) {
  std::string text = Clean(3 * kPiece);
  const uint64_t fh = gate.Create("a");
  ASSERT_EQ(Write(fh, text), 0);
  ASSERT_THAT(gate.Names(), ElementsAre(StartsWith(".sekisho-")));
  EXPECT_EQ(gate.Write(fh, "other", 100), 0);
  gate.pool.Drain();
  EXPECT_THAT(gate.Names(), IsEmpty());
  text.replace(100, 5, "other");
  EXPECT_EQ(Read(fh, text.size()), text);
  EXPECT_EQ(gate.Flush(fh), 0);
  EXPECT_EQ(Whole("a"), text);
}

TEST_F(Streaming, TruncateTakesItBackToStaging) {
  const std::string text = Clean(3 * kPiece);
  const uint64_t fh = gate.Create("a");
  ASSERT_EQ(Write(fh, text), 0);
  const auto id = gate.filesystem->Lookup(FUSE_ROOT_ID, "a")->nodeid;
  int cut = -1;
  gate.filesystem->Truncate(id, fh, 5000, gate.requester(),
                            [&](int error_number) { cut = error_number; });
  EXPECT_EQ(cut, 0);
  EXPECT_EQ(gate.Flush(fh), 0);
  EXPECT_EQ(Whole("a"), text.substr(0, 5000));
  gate.pool.Drain();
  EXPECT_THAT(gate.Names(), ElementsAre("a"));
}

TEST_F(Streaming, TakenBackTooLateIsRefusedAndOnRecord) {
  const uint64_t fh = gate.Create("a");
  ASSERT_EQ(Write(fh, "SECRET\n" + Clean(12 * kPiece)), 0);
  EXPECT_EQ(gate.Write(fh, "other", 0), EFBIG);
  gate.pool.Drain();
  EXPECT_THAT(gate.Names(), IsEmpty());
  ASSERT_EQ(gate.core.questions.size(), 1U);
  EXPECT_EQ(gate.core.questions[0].findings.reason, "limit:staging");
  EXPECT_EQ(gate.core.questions[0].released.persons, 1);
}

TEST_F(Streaming, WorkerThatDiesIsARefusal) {
  const uint64_t fh = gate.Create("a");
  ASSERT_EQ(Write(fh, Clean(4 * kPiece)), 0);
  gate.scanner.crashed = true;
  ASSERT_EQ(Write(fh, "SECRET\n" + Clean(kPiece)), 0);
  EXPECT_EQ(Whole(gate.Names().at(0)).find("SECRET"), std::string::npos);
  EXPECT_EQ(gate.Flush(fh), EACCES);
  gate.pool.Drain();
  EXPECT_THAT(gate.Names(), IsEmpty());
  EXPECT_EQ(gate.core.questions.at(0).findings.reason, "crash");
}

TEST_F(Streaming, WorkerThatDiesBeforeTheFirstReleaseIsAskedAgainWhole) {
  gate.core.most_released = -1;  // nothing
  const uint64_t fh = gate.Create("a");
  ASSERT_EQ(Write(fh, Clean(2 * kPiece)), 0);
  gate.scanner.crashed = true;
  ASSERT_EQ(Write(fh, Clean(kPiece)), 0);
  EXPECT_EQ(gate.Flush(fh), 0);
  EXPECT_EQ(Whole("a").size(), 3 * kPiece);
}

TEST_F(Streaming, WhatCanOnlyBeJudgedWholeIsStaged) {
  gate.scanner.incremental = ipc::Incremental::kNot;
  const uint64_t fh = gate.Create("a");
  ASSERT_EQ(Write(fh, Clean(4 * kPiece)), 0);
  EXPECT_THAT(gate.Names(), IsEmpty());
  EXPECT_THAT(gate.core.releases, IsEmpty());
  EXPECT_EQ(gate.Flush(fh), 0);
  EXPECT_EQ(Whole("a").size(), 4 * kPiece);
}

// Too little came after its beginning to hear from the worker before the end.
TEST_F(Streaming, WhatTurnsOutToBeJudgedWholeAtTheEndIsAskedAboutWhole) {
  gate.scanner.incremental = ipc::Incremental::kNot;
  const uint64_t fh = gate.Create("a");
  ASSERT_EQ(Write(fh, Clean(kPiece + 100)), 0);
  EXPECT_EQ(gate.Flush(fh), 0);
  EXPECT_EQ(Whole("a").size(), kPiece + 100);
}

TEST_F(Streaming, SekishodAwayReleasesNothing) {
  const uint64_t fh = gate.Create("a");
  gate.core.away = true;
  ASSERT_EQ(Write(fh, Clean(4 * kPiece)), 0);
  EXPECT_THAT(gate.Names(), IsEmpty());
  gate.core.away = false;
  ASSERT_EQ(Write(fh, Clean(kPiece)), 0);
  EXPECT_THAT(gate.Names(), ElementsAre(StartsWith(".sekisho-")));
  EXPECT_EQ(gate.Flush(fh), 0);
}

TEST_F(Streaming, RemovedWhileItIsWrittenLeavesNothingAndIsTold) {
  const uint64_t fh = gate.Create("a");
  ASSERT_EQ(Write(fh, "SECRET\n" + Clean(4 * kPiece)), 0);
  EXPECT_TRUE(gate.filesystem->Unlink(FUSE_ROOT_ID, "a"));
  ASSERT_EQ(Write(fh, Clean(kPiece)), 0);
  gate.filesystem->Release(fh);
  gate.pool.Drain();
  EXPECT_THAT(gate.Names(), IsEmpty());
  EXPECT_EQ(gate.staging->used_bytes(), 0);
  ASSERT_EQ(gate.core.ended.size(), 1U);
  EXPECT_EQ(gate.core.ended[0].persons_released, 1);
  EXPECT_EQ(gate.core.ended[0].path, "a");
}

TEST_F(Streaming, StoppedInTheMiddleLeavesNothingAndIsTold) {
  const uint64_t fh = gate.Create("a");
  ASSERT_EQ(Write(fh, "SECRET\n" + Clean(4 * kPiece)), 0);
  gate.filesystem->StopServing();
  gate.filesystem->Finish(Undecided::kDrop);
  EXPECT_THAT(gate.Names(), IsEmpty());
  ASSERT_EQ(gate.core.ended.size(), 1U);
}

TEST_F(Streaming, AccessTakenAwayInTheMiddleIsARefusal) {
  const uint64_t fh = gate.Create("a");
  ASSERT_EQ(Write(fh, "SECRET\n" + Clean(4 * kPiece)), 0);
  gate.filesystem->SetAccess(Access::kReadOnly);
  EXPECT_EQ(gate.Flush(fh), EROFS);
  gate.pool.Drain();
  EXPECT_THAT(gate.Names(), IsEmpty());
  EXPECT_EQ(gate.core.ended.size(), 1U);
}

TEST_F(Streaming, WhatIsWrittenDuringTheVerdictIsNotCommittedWithIt) {
  const std::string text = Clean(3 * kPiece);
  const uint64_t fh = gate.Create("a");
  ASSERT_EQ(Write(fh, text), 0);
  bool once = true;
  gate.scanner.during = [&] {
    if (!std::exchange(once, false)) return;
    EXPECT_EQ(gate.Write(fh, "SECRET", written), 0);
    EXPECT_EQ(Read(fh, text.size() + 6), text + "SECRET");
  };
  EXPECT_EQ(gate.Flush(fh), 0);
  EXPECT_EQ(Whole("a"), text);
  EXPECT_EQ(gate.Flush(fh), EACCES);
  EXPECT_EQ(Whole("a"), text);
  gate.pool.Drain();
  EXPECT_THAT(gate.Names(), ElementsAre("a"));
}

TEST_F(Streaming, RenamedWhileItIsWrittenTheNewNameIsJudged) {
  const uint64_t fh = gate.Create("a");
  ASSERT_EQ(Write(fh, Clean(4 * kPiece)), 0);
  int result = -1;
  gate.filesystem->Rename(FUSE_ROOT_ID, "a", FUSE_ROOT_ID, "SECRET", 0,
                          gate.requester(),
                          [&](int error_number) { result = error_number; });
  gate.pool.Drain();
  EXPECT_EQ(result, EACCES);
  EXPECT_THAT(gate.Names(), ElementsAre("a"));
}

TEST_F(Streaming, NameTakenMeanwhileIsNotOverwritten) {
  const uint64_t fh = gate.Create("a");
  ASSERT_EQ(Write(fh, Clean(4 * kPiece)), 0);
  ASSERT_TRUE(ReplaceFile(gate.root + "/a", "old", 0600).has_value());
  EXPECT_EQ(gate.Flush(fh), EEXIST);
  gate.pool.Drain();
  EXPECT_EQ(gate.OnMedium("a"), "old");
  EXPECT_THAT(gate.Names(), ElementsAre("a"));
}

TEST_F(Streaming, ChangeOfAFileThatIsThereIsStagedWhole) {
  const uint64_t fh = gate.Create("a");
  ASSERT_EQ(Write(fh, "first"), 0);
  ASSERT_EQ(gate.Flush(fh), 0);
  ASSERT_EQ(Write(fh, Clean(4 * kPiece)), 0);
  EXPECT_EQ(gate.OnMedium("a"), "first");
  EXPECT_THAT(gate.Names(), ElementsAre("a"));
  EXPECT_EQ(gate.Flush(fh), 0);
}

TEST_F(Streaming, HiddenWhileItIsNotWhole) {
  const uint64_t fh = gate.Create("a");
  ASSERT_EQ(Write(fh, Clean(4 * kPiece)), 0);
  const uint64_t dir = *gate.filesystem->OpenDirectory(FUSE_ROOT_ID);
  const auto listed = gate.filesystem->ReadDirectory(
      FUSE_ROOT_ID, dir, 0, 4096, Filesystem::Entries::kPlain);
  ASSERT_TRUE(listed);
  const std::string_view names = AsText(*listed);
  EXPECT_EQ(names.find(".sekisho"), std::string_view::npos);
  gate.filesystem->ReleaseDirectory(dir);
}

}  // namespace
}  // namespace sekisho::gate
