#include "agent/gate/filesystem.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/unit/agent_gate/fakes.h"

namespace sekisho::gate {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(Filesystem, CommitsAtFlushAndNotBefore) {
  Gate gate;
  const uint64_t fh = gate.Create("a");
  EXPECT_EQ(gate.Write(fh, "clean"), 0);
  EXPECT_THAT(gate.Names(), IsEmpty());
  EXPECT_EQ(gate.Flush(fh), 0);
  EXPECT_EQ(gate.OnMedium("a"), "clean");
  EXPECT_EQ(gate.core.questions.at(0).operation, "create");
}

TEST(Filesystem, RefusedNewFileLeavesNothing) {
  Gate gate;
  const uint64_t fh = gate.Create("a");
  gate.Write(fh, "SECRET");
  EXPECT_EQ(gate.Flush(fh), EACCES);
  EXPECT_THAT(gate.Names(), IsEmpty());
  EXPECT_EQ(gate.filesystem->Lookup(FUSE_ROOT_ID, "a").error(), ENOENT);
  EXPECT_THAT(gate.channel.forgotten, ElementsAre("a"));
  // The descriptor is dead: nothing written to it can come back to life.
  EXPECT_EQ(gate.Write(fh, "clean"), EACCES);
  EXPECT_EQ(gate.Flush(fh), EACCES);
}

TEST(Filesystem, LaterRefusalKeepsTheLastCommittedVersion) {
  Gate gate;
  const uint64_t fh = gate.Create("a");
  gate.Write(fh, "first");
  EXPECT_EQ(gate.Flush(fh), 0);
  gate.Write(fh, " SECRET", 5);
  EXPECT_EQ(gate.Flush(fh), EACCES);
  EXPECT_EQ(gate.OnMedium("a"), "first");
  EXPECT_EQ(gate.core.questions.at(1).operation, "overwrite");
  EXPECT_THAT(gate.Names(), ElementsAre("a"));
}

TEST(Filesystem, EmptyFileWaitsForItsLastClose) {
  Gate gate;
  const uint64_t fh = gate.Create("a");
  EXPECT_EQ(gate.Flush(fh), 0);
  EXPECT_THAT(gate.Names(), IsEmpty());
  gate.filesystem->Release(fh);
  gate.pool.Drain();
  EXPECT_THAT(gate.Names(), ElementsAre("a"));
}

TEST(Filesystem, NamesWithPeopleAreRefused) {
  Gate gate;
  EXPECT_EQ(gate.filesystem
                ->MakeDirectory(FUSE_ROOT_ID, "SECRET", 0755, gate.requester())
                .error(),
            EACCES);
  const uint64_t fh = gate.Create("a");
  gate.Write(fh, "clean");
  EXPECT_EQ(gate.Flush(fh), 0);
  int result = -1;
  gate.filesystem->Rename(FUSE_ROOT_ID, "a", FUSE_ROOT_ID, "SECRET", 0,
                          gate.requester(),
                          [&](int error_number) { result = error_number; });
  EXPECT_EQ(result, EACCES);
  EXPECT_THAT(gate.Names(), ElementsAre("a"));
}

TEST(Filesystem, ContentAfterTheLastFlushIsJudgedAtRelease) {
  Gate gate;
  const uint64_t fh = gate.Create("a");
  gate.Write(fh, "one");
  gate.Flush(fh);
  gate.Write(fh, "SECRET");  // as a mapping stores after close
  gate.filesystem->Release(fh);
  gate.pool.Drain();
  EXPECT_EQ(gate.OnMedium("a"), "one");
  EXPECT_EQ(gate.core.questions.size(), 2U);
}

TEST(Filesystem, WhatIsWrittenDuringTheVerdictIsNotCommittedWithIt) {
  Gate gate;
  const uint64_t fh = gate.Create("a");
  gate.Write(fh, "clean ");
  gate.scanner.during = [&] {
    gate.scanner.during = nullptr;
    EXPECT_EQ(gate.Write(fh, "SECRET"), 0);
  };
  EXPECT_EQ(gate.Flush(fh), 0);
  EXPECT_EQ(gate.OnMedium("a"), "clean ");
  EXPECT_EQ(gate.Flush(fh), EACCES);
  EXPECT_EQ(gate.OnMedium("a"), "clean ");
}

TEST(Filesystem, WhoWaitsForTheVerdictIsToldAndThatItIsOver) {
  Gate gate;
  const uint64_t fh = gate.Create("a");
  gate.Write(fh, "clean ");
  EXPECT_EQ(gate.Flush(fh), 0);
  EXPECT_TRUE(gate.core.checking.empty()) << "it did not take long";
  gate.scanner.says_so_far = true;
  gate.Write(fh, "other ");
  EXPECT_EQ(gate.Flush(fh), 0);
  ASSERT_EQ(gate.core.checking.size(), 2U);
  EXPECT_EQ(gate.core.checking[0].path, "a");
  EXPECT_EQ(gate.core.checking[0].who, gate.requester().pid);
  EXPECT_EQ(gate.core.checking[0].size_bytes, 6);
  EXPECT_EQ(gate.core.checking[0].read_bytes, 3);
  EXPECT_FALSE(gate.core.checking[0].over);
  EXPECT_TRUE(gate.core.checking[1].over);
}

TEST(Filesystem, RemovedDuringTheVerdictStaysRemoved) {
  Gate gate;
  const uint64_t fh = gate.Create("a");
  gate.Write(fh, "clean");
  gate.scanner.during = [&] {
    EXPECT_TRUE(gate.filesystem->Unlink(FUSE_ROOT_ID, "a"));
  };
  EXPECT_EQ(gate.Flush(fh), 0);
  EXPECT_THAT(gate.Names(), IsEmpty());
}

TEST(Filesystem, SekishodAwayIsARefusal) {
  Gate gate;
  const uint64_t fh = gate.Create("a");
  gate.Write(fh, "clean");
  gate.core.away = true;
  EXPECT_EQ(gate.Flush(fh), EACCES);
  EXPECT_EQ(
      gate.filesystem->Create(FUSE_ROOT_ID, "b", O_RDWR, 0644, gate.requester())
          .error(),
      EACCES);
  EXPECT_THAT(gate.Names(), IsEmpty());
}

TEST(Filesystem, AuditGoesOnWithoutSekishod) {
  Gate gate(Access::kAudit);
  gate.core.away = true;
  const uint64_t fh = gate.Create("a");
  gate.Write(fh, "SECRET");
  EXPECT_EQ(gate.Flush(fh), 0);
  EXPECT_EQ(gate.OnMedium("a"), "SECRET");
}

TEST(Filesystem, UninspectedIsNotClean) {
  Gate gate;
  gate.scanner.inspection = "none";
  const uint64_t fh = gate.Create("a");
  gate.Write(fh, "clean");
  EXPECT_EQ(gate.Flush(fh), EACCES);
}

TEST(Filesystem, FileBoundAndOneAbove) {
  Gate gate(Access::kInspect, {int64_t{16} << 20, 1000});
  const uint64_t fits = gate.Create("fits");
  EXPECT_EQ(gate.Write(fits, std::string(1000, 'x')), 0);
  EXPECT_EQ(gate.Flush(fits), 0);
  const uint64_t more = gate.Create("more");
  EXPECT_EQ(gate.Write(more, std::string(1000, 'x')), 0);
  EXPECT_EQ(gate.Write(more, "x", 1000), EFBIG);
  gate.pool.Drain();
  EXPECT_EQ(gate.Flush(more), EFBIG);
  EXPECT_THAT(gate.Names(), ElementsAre("fits"));
  EXPECT_EQ(gate.core.questions.back().findings.reason, "limit:staging");
  EXPECT_EQ(gate.core.questions.back().findings.inspection, "none");
}

TEST(Filesystem, RenameJudgesTheNewNameOnly) {
  Gate gate;
  const uint64_t fh = gate.Create("a");
  gate.Write(fh, "clean");
  gate.Flush(fh);
  int result = -1;
  gate.filesystem->Rename(FUSE_ROOT_ID, "a", FUSE_ROOT_ID, "b", 0,
                          gate.requester(), [&](int e) { result = e; });
  EXPECT_EQ(result, 0);
  EXPECT_THAT(gate.Names(), ElementsAre("b"));
  EXPECT_EQ(gate.core.questions.back().operation, "rename");
  EXPECT_EQ(gate.core.questions.back().findings.format, "name");
}

TEST(Filesystem, NeverFollowsASymlinkOutOfTheRoot) {
  Gate gate;
  ASSERT_EQ(::symlink("/etc", (gate.root + "/out").c_str()), 0);
  ASSERT_EQ(::symlink("/etc/passwd", (gate.root + "/file").c_str()), 0);
  const auto out = gate.filesystem->Lookup(FUSE_ROOT_ID, "out");
  ASSERT_TRUE(out);
  EXPECT_TRUE(S_ISLNK(out->attr.mode));
  EXPECT_FALSE(gate.filesystem->Lookup(out->nodeid, "passwd"));
  const auto file = gate.filesystem->Lookup(FUSE_ROOT_ID, "file");
  ASSERT_TRUE(file);
  EXPECT_EQ(
      gate.filesystem->Open(file->nodeid, O_RDONLY, gate.requester()).error(),
      ELOOP);
}

// A device that answers "directory" first and "symlink" later.
TEST(Filesystem, DirectoryThatTurnsIntoASymlinkIsNotFollowed) {
  Gate gate;
  ASSERT_EQ(::mkdir((gate.root + "/d").c_str(), 0755), 0);
  const auto directory = gate.filesystem->Lookup(FUSE_ROOT_ID, "d");
  ASSERT_TRUE(directory);
  ASSERT_EQ(::rmdir((gate.root + "/d").c_str()), 0);
  ASSERT_EQ(::symlink("/etc", (gate.root + "/d").c_str()), 0);
  EXPECT_FALSE(gate.filesystem->Lookup(directory->nodeid, "passwd"));
}

TEST(Filesystem, ForgottenNodesAreDropped) {
  Gate gate;
  for (int i = 0; i < 100; ++i) {
    const std::string name = "f" + std::to_string(i);
    auto made = gate.filesystem->Create(FUSE_ROOT_ID, name, O_RDWR, 0644,
                                        gate.requester());
    ASSERT_TRUE(made);
    gate.Write(made->fh, "clean");
    EXPECT_EQ(gate.Flush(made->fh), 0);
    gate.filesystem->Release(made->fh);
    gate.filesystem->Forget(made->entry.nodeid, 1);
  }
  EXPECT_EQ(gate.filesystem->NodeCount(), 1U);
  EXPECT_EQ(gate.staging->used_bytes(), 0);
}

TEST(Filesystem, ListingHoldsUndecidedFiles) {
  Gate gate;
  gate.Create("new");
  const auto fh = gate.filesystem->OpenDirectory(FUSE_ROOT_ID);
  ASSERT_TRUE(fh);
  const auto listed = gate.filesystem->ReadDirectory(
      FUSE_ROOT_ID, *fh, 0, 4096, Filesystem::Entries::kPlain);
  ASSERT_TRUE(listed);
  EXPECT_NE(AsText(*listed).find("new"), std::string_view::npos);
}

TEST(Filesystem, StopAnswersNoDevice) {
  Gate gate;
  const uint64_t fh = gate.Create("a");
  gate.Write(fh, "clean");
  gate.filesystem->StopServing();
  EXPECT_EQ(gate.Write(fh, "x"), ENODEV);
  EXPECT_EQ(gate.filesystem->GetAttr(FUSE_ROOT_ID).error(), ENODEV);
  gate.filesystem->Finish(Undecided::kDrop);
  EXPECT_THAT(gate.Names(), IsEmpty());
}

TEST(Filesystem, AccessWordsThatAreNotKnownAreReadOnly) {
  EXPECT_EQ(AccessFrom("inspect"), Access::kInspect);
  EXPECT_EQ(AccessFrom("audit"), Access::kAudit);
  EXPECT_EQ(AccessFrom("read_only"), Access::kReadOnly);
  EXPECT_EQ(AccessFrom("full"), Access::kReadOnly);
  EXPECT_EQ(AccessFrom(""), Access::kReadOnly);
}

}  // namespace
}  // namespace sekisho::gate
