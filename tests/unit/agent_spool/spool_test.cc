#include "agent/spool/spool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "tests/unit/agent_spool/memory_disk.h"

namespace sekisho::spool {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const SpoolOptions kSmall{.dir = "spool",
                          .size_bytes = 5 * 4096,
                          .reserve_bytes = 4096,
                          .segment_bytes = 4096};

class SpoolTest : public ::testing::Test {
 protected:
  void Reopen(const SpoolOptions& options = kSmall) {
    spool_.reset();
    disk_.Close();
    auto opened = Spool::Open(options, &disk_);
    ASSERT_TRUE(opened) << opened.error().message;
    spool_ = std::move(*opened);
  }
  void CrashAndReopen() {
    spool_.reset();
    disk_.Crash();
    Reopen();
  }
  Status Append(int64_t sequence, size_t size = 500) {
    return spool_->Append({1, sequence}, Record(sequence, size));
  }
  static std::string Record(int64_t sequence, size_t size = 500) {
    std::string text = std::to_string(sequence);
    text.resize(size, '#');
    return text;
  }
  // Appends until it is refused; the last sequence that was taken.
  int64_t Fill(int64_t from = 1) {
    while (Append(from)) ++from;
    return from - 1;
  }
  std::vector<int64_t> All(Position after = {}) {
    auto records = spool_->ReadAfter(after, 10'000, size_t{1} << 30);
    std::vector<int64_t> out;
    if (!records) return {-1};
    for (const SpooledRecord& record : *records) {
      EXPECT_EQ(record.bytes, Record(record.position.sequence));
      out.push_back(record.position.sequence);
    }
    return out;
  }
  std::vector<int64_t> Range(int64_t from, int64_t to) {
    std::vector<int64_t> out;
    for (; from <= to; ++from) out.push_back(from);
    return out;
  }

  MemoryDisk disk_;
  std::unique_ptr<Spool> spool_;
};

TEST_F(SpoolTest, SpaceIsReservedAtTheFirstOpen) {
  Reopen();
  EXPECT_EQ(disk_.files.size(), 5U);
  EXPECT_EQ(spool_->size_bytes(), 5 * 4096);
  EXPECT_EQ(spool_->used_bytes(), 0);
  EXPECT_EQ(spool_->last(), std::nullopt);
  EXPECT_EQ(*spool_->ReadLast(), std::nullopt);
}

TEST_F(SpoolTest, ReadsInOrderAndSurvivesReopening) {
  Reopen();
  for (int64_t i = 1; i <= 20; ++i) ASSERT_TRUE(Append(i));
  EXPECT_EQ(All(), Range(1, 20));
  Reopen();
  EXPECT_EQ(All(), Range(1, 20));
  EXPECT_EQ(All({1, 12}), Range(13, 20));
  EXPECT_EQ(spool_->pending_count(), 20);
  EXPECT_THAT(spool_->TakeProblems(), IsEmpty());
  ASSERT_TRUE(Append(21));
  EXPECT_EQ(All(), Range(1, 21));
}

TEST_F(SpoolTest, LimitsOfAReadAreKeptButOneRecordAlwaysComes) {
  Reopen();
  for (int64_t i = 1; i <= 9; ++i) ASSERT_TRUE(Append(i));
  EXPECT_THAT(*spool_->ReadAfter({}, 4, 1 << 20), SizeIs(4));
  EXPECT_THAT(*spool_->ReadAfter({}, 100, 1600), SizeIs(3));
  EXPECT_THAT(*spool_->ReadAfter({}, 100, 1), SizeIs(1));
}

TEST_F(SpoolTest, PositionsMustRise) {
  Reopen();
  ASSERT_TRUE(spool_->Append({2, 5}, "x"));
  EXPECT_EQ(spool_->Append({2, 5}, "x").error().code, Code::kInvalidArgument);
  EXPECT_EQ(spool_->Append({1, 9}, "x").error().code, Code::kInvalidArgument);
  EXPECT_TRUE(spool_->Append({3, 1}, "x"));
}

TEST_F(SpoolTest, RecordOverTheCapIsRefused) {
  Reopen();
  const size_t largest = 4096 - 2 * kSegmentHeaderBytes - kRecordHeaderBytes;
  EXPECT_EQ(Append(1, largest + 1).error().code, Code::kInvalidArgument);
  EXPECT_TRUE(Append(1, largest));
}

TEST_F(SpoolTest, FullRefusesButTheReserveStillTakes) {
  Reopen();
  const int64_t last = Fill();
  EXPECT_EQ(last, 28);
  EXPECT_TRUE(spool_->full());
  EXPECT_EQ(Append(last + 1).error().code, Code::kResourceExhausted);
  ASSERT_TRUE(spool_->AppendReserved({1, last + 1}, Record(last + 1)));
  EXPECT_EQ(Append(last + 2).error().code, Code::kResourceExhausted);
  EXPECT_EQ(All(), Range(1, last + 1));
  Reopen();
  EXPECT_EQ(Append(last + 2).error().code, Code::kResourceExhausted);
  EXPECT_EQ(All(), Range(1, last + 1));
}

TEST_F(SpoolTest, TheReserveEndsToo) {
  Reopen();
  int64_t next = Fill() + 1;
  int taken = 0;
  while (spool_->AppendReserved({1, next}, Record(next))) ++next, ++taken;
  EXPECT_EQ(taken, 7);
}

TEST_F(SpoolTest, AcknowledgedSegmentsAreUsedAgain) {
  Reopen();
  int64_t next = 1;
  for (int round = 0; round < 50; ++round) {
    next = Fill(next) + 1;
    ASSERT_TRUE(spool_->Ack({1, next - 1}));
    EXPECT_FALSE(spool_->full());
    EXPECT_EQ(spool_->pending_count(), 0);
  }
  EXPECT_EQ(disk_.files.size(), 5U);
  EXPECT_GT(next, 500);
}

TEST_F(SpoolTest, TheNewestRecordIsKeptWhateverIsAcknowledged) {
  Reopen();
  const int64_t last = Fill();
  ASSERT_TRUE(spool_->Ack({1, last + 100}));
  Reopen();
  EXPECT_EQ(spool_->last(), (Position{1, last}));
  EXPECT_EQ((*spool_->ReadLast())->bytes, Record(last));
}

TEST_F(SpoolTest, WhatWasAcknowledgedDoesNotFillTheSpoolAfterARestart) {
  Reopen();
  const int64_t last = Fill();
  ASSERT_TRUE(spool_->Ack({1, last}));
  CrashAndReopen();
  EXPECT_FALSE(spool_->full());
  EXPECT_LE(spool_->used_bytes(), 4096);
}

TEST_F(SpoolTest, FailedSyncGoesOnInTheNextFileAndIsReported) {
  for (int operation = 0; operation < 6; ++operation) {
    disk_.files.clear();
    Reopen();
    for (int64_t i = 1; i <= 3; ++i) ASSERT_TRUE(Append(i));
    disk_.fail_in = operation;
    for (int64_t i = 4; i <= 9; ++i) ASSERT_TRUE(Append(i)) << operation;
    EXPECT_THAT(spool_->TakeProblems(),
                ElementsAre(::testing::Field(&Problem::kind,
                                             ProblemKind::kBadSegment)));
    EXPECT_EQ(All(), Range(1, 9)) << operation;
    CrashAndReopen();
    EXPECT_EQ(All(), Range(1, 9)) << operation;
  }
}

TEST_F(SpoolTest, ADiskThatOnlyFailsIsAnErrorAndNothingDurableIsLost) {
  Reopen();
  for (int64_t i = 1; i <= 3; ++i) ASSERT_TRUE(Append(i));
  disk_.fail_in = 0;
  disk_.keep_failing = true;
  EXPECT_FALSE(Append(4));
  EXPECT_EQ(spool_->last(), (Position{1, 3}));
  disk_.fail_in = -1;
  CrashAndReopen();
  EXPECT_EQ(All({}).size(), 3U);
}

TEST_F(SpoolTest, ARetiredFileIsSetAsideWhenItsRecordsAreAcknowledged) {
  Reopen();
  ASSERT_TRUE(Append(1));
  disk_.fail_in = 1;
  ASSERT_TRUE(Append(2));
  ASSERT_TRUE(spool_->Ack({1, 2}));
  EXPECT_TRUE(disk_.files.contains("bad-000001"));
  EXPECT_EQ(spool_->size_bytes(), 4 * 4096);
  Reopen();
  EXPECT_EQ(spool_->size_bytes(), 5 * 4096);
}

TEST_F(SpoolTest, CorruptRecordInTheMiddleIsReportedAndTheRestStays) {
  Reopen();
  for (int64_t i = 1; i <= 7; ++i) ASSERT_TRUE(Append(i));
  disk_.files["segment-0000"].cached[64 + 528 * 2 + 100] ^= std::byte{4};
  spool_.reset();
  disk_.Close();
  Reopen();
  EXPECT_EQ(All(), (std::vector<int64_t>{1, 2, 4, 5, 6, 7}));
  const auto problems = spool_->TakeProblems();
  ASSERT_THAT(problems, SizeIs(1));
  EXPECT_EQ(problems[0].kind, ProblemKind::kCorrupt);
  EXPECT_EQ(problems[0].from, (Position{1, 3}));
  EXPECT_EQ(problems[0].to, (Position{1, 3}));
}

TEST_F(SpoolTest, DamageWhileItRunsIsFoundByTheRead) {
  Reopen();
  for (int64_t i = 1; i <= 7; ++i) ASSERT_TRUE(Append(i));
  disk_.files["segment-0000"].cached[64 + 528 * 2 + 100] ^= std::byte{4};
  EXPECT_EQ(All(), (std::vector<int64_t>{1, 2, 4, 5, 6, 7}));
  EXPECT_THAT(spool_->TakeProblems(), SizeIs(1));
  EXPECT_EQ(All(), (std::vector<int64_t>{1, 2, 4, 5, 6, 7}));
  EXPECT_THAT(spool_->TakeProblems(), IsEmpty());
}

TEST_F(SpoolTest, SegmentWithoutAHeaderIsSetAsideWithItsBounds) {
  Reopen();
  for (int64_t i = 1; i <= 21; ++i) ASSERT_TRUE(Append(i));
  for (const size_t at : {size_t{9}, size_t{4096 - 9}}) {
    disk_.files["segment-0001"].cached[at] ^= std::byte{1};
  }
  Reopen();
  EXPECT_THAT(All(), SizeIs(14));
  const auto problems = spool_->TakeProblems();
  ASSERT_THAT(problems, SizeIs(2));
  EXPECT_EQ(problems[0].from, (Position{1, 8}));
  EXPECT_EQ(problems[0].to, (Position{1, 14}));
  EXPECT_TRUE(disk_.files.contains("bad-000001"));
  EXPECT_EQ(spool_->size_bytes(), 5 * 4096);
}

TEST_F(SpoolTest, TheNewestSegmentLostHasNoUpperBound) {
  Reopen();
  for (int64_t i = 1; i <= 10; ++i) ASSERT_TRUE(Append(i));
  for (const size_t at : {size_t{9}, size_t{4096 - 9}}) {
    disk_.files["segment-0001"].cached[at] ^= std::byte{1};
  }
  Reopen();
  const auto problems = spool_->TakeProblems();
  ASSERT_THAT(problems, SizeIs(1));
  EXPECT_EQ(problems[0].from, (Position{1, 8}));
  EXPECT_EQ(problems[0].to, std::nullopt);
}

TEST_F(SpoolTest, OnlyAFewDamagedFilesAreKept) {
  Reopen();
  for (size_t round = 1; round <= kMaxQuarantined + 3; ++round) {
    auto& bytes = disk_.files["segment-0000"].cached;
    bytes[9] = bytes[4096 - 9] = std::byte{1};
    Reopen();
  }
  EXPECT_EQ(disk_.files.size(), 5 + kMaxQuarantined);
  EXPECT_FALSE(disk_.files.contains("bad-000001"));
  EXPECT_TRUE(disk_.files.contains("bad-000007"));
}

TEST_F(SpoolTest, WithoutSpaceItIsSmallerAndSaysSo) {
  disk_.free_bytes = 3 * 4096;
  Reopen();
  EXPECT_EQ(spool_->size_bytes(), 3 * 4096);
  const auto problems = spool_->TakeProblems();
  ASSERT_THAT(problems, SizeIs(1));
  EXPECT_EQ(problems[0].kind, ProblemKind::kSpace);
}

TEST_F(SpoolTest, WithoutAnySpaceItDoesNotOpen) {
  disk_.free_bytes = 4096;
  const auto opened = Spool::Open(kSmall, &disk_);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Code::kResourceExhausted);
}

TEST_F(SpoolTest, FillingTheDiskLaterDoesNotMatter) {
  Reopen();
  disk_.free_bytes = 0;
  EXPECT_EQ(Fill(), 28);
}

TEST_F(SpoolTest, SizesCanChange) {
  Reopen();
  for (int64_t i = 1; i <= 10; ++i) ASSERT_TRUE(Append(i));
  SpoolOptions other = kSmall;
  other.size_bytes = 8 * 4096;
  Reopen(other);
  EXPECT_EQ(spool_->size_bytes(), 8 * 4096);
  EXPECT_EQ(All(), Range(1, 10));
  other.size_bytes = 3 * 4096;
  Reopen(other);
  EXPECT_EQ(spool_->size_bytes(), 3 * 4096);
  EXPECT_EQ(All(), Range(1, 10));
}

TEST_F(SpoolTest, SecondOpenerIsRefused) {
  Reopen();
  const auto second = Spool::Open(kSmall, &disk_);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Code::kFailedPrecondition);
}

// ---- on the real file system ----

class PosixSpoolTest : public SpoolTest {
 protected:
  void SetUp() override {
    std::string name = ::testing::TempDir() + "spool-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    dir_ = name;
    options_ = kSmall;
    options_.dir = dir_ + "/spool";
  }
  void TearDown() override { std::filesystem::remove_all(dir_); }

  std::string dir_;
  SpoolOptions options_;
};

TEST_F(PosixSpoolTest, WritesReadsAndLocks) {
  {
    auto spool = Spool::Open(options_);
    ASSERT_TRUE(spool) << spool.error().message;
    ASSERT_TRUE((*spool)->Append({1, 1}, "first"));
    EXPECT_EQ(Spool::Open(options_).error().code, Code::kFailedPrecondition);
  }
  auto spool = Spool::Open(options_);
  ASSERT_TRUE(spool) << spool.error().message;
  EXPECT_EQ((*(*spool)->ReadLast())->bytes, "first");
}

TEST_F(PosixSpoolTest, SpaceIsReallyTakenAndOnlyForTheOwner) {
  auto spool = Spool::Open(options_);
  ASSERT_TRUE(spool);
  struct stat info{};
  ASSERT_EQ(::stat((options_.dir + "/segment-0004").c_str(), &info), 0);
  EXPECT_EQ(info.st_size, 4096);
  EXPECT_EQ(info.st_blocks * 512, 4096);
  EXPECT_EQ(info.st_mode & 0777, 0600U);
  ASSERT_EQ(::stat(options_.dir.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700U);
}

TEST_F(PosixSpoolTest, FileOfAnotherSizeIsReplacedOrRead) {
  {
    auto spool = Spool::Open(options_);
    ASSERT_TRUE((*spool)->Append({1, 1}, Record(1)));
  }
  std::filesystem::resize_file(options_.dir + "/segment-0000", 4088);
  std::filesystem::resize_file(options_.dir + "/segment-0001", 100);
  auto spool = Spool::Open(options_);
  ASSERT_TRUE(spool) << spool.error().message;
  ASSERT_TRUE((*spool)->Append({1, 2}, Record(2)));
  EXPECT_THAT(*(*spool)->ReadAfter({}, 9, 9999), SizeIs(2));
}

}  // namespace
}  // namespace sekisho::spool
