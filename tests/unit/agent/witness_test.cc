#include "agent/witness.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/witnesses.h"
#include "tests/unit/agent/temp_dir.h"

namespace sekisho::agent {
namespace {

using testing::HasSubstr;

constexpr int64_t kMib = int64_t{1} << 20;
constexpr BootTime kNow = std::chrono::hours(1);

enforce::CounterReading Written(int64_t bytes) {
  return {.read_bytes = 0, .written_bytes = bytes};
}

Witness Gated(const std::string& filesystem = "vfat") {
  return {MediumUse::kGate,
          {.filesystem = filesystem, .sector_bytes = 512},
          Written(0),
          {},
          kNow};
}

TEST(Witness, WhatTheGateWroteIsExplained) {
  Witness witness = Gated();
  ipc::GateCounts gate{.written_bytes = 100 * kMib, .changes = 10};
  EXPECT_FALSE(witness.Look(Written(100 * kMib), gate, kNow));
  // Tables, and what the filesystem keeps.
  EXPECT_FALSE(witness.Look(Written(106 * kMib), gate, kNow));
  const auto difference = witness.Look(Written(107 * kMib), gate, kNow);
  ASSERT_TRUE(difference);
  EXPECT_THAT(difference->what, HasSubstr("the kernel wrote 112197632 bytes"));
  EXPECT_EQ(difference->figures.kernel_written_bytes, 107 * kMib);
  EXPECT_EQ(difference->figures.gate_written_bytes, 100 * kMib);
}

TEST(Witness, AWriteOfTwoMebibytesPastTheGateShows) {
  Witness witness = Gated();
  EXPECT_FALSE(witness.Look(Written(kMib), {}, kNow));
  EXPECT_TRUE(witness.Look(Written(2 * kMib), {}, kNow));
}

TEST(Witness, IsToldOnceAndAgainWhenItDoubles) {
  Witness witness = Gated();
  EXPECT_TRUE(witness.Look(Written(3 * kMib), {}, kNow));
  EXPECT_FALSE(witness.Look(Written(3 * kMib), {}, kNow));
  EXPECT_FALSE(witness.Look(Written(4 * kMib), {}, kNow));
  EXPECT_TRUE(witness.Look(Written(5 * kMib), {}, kNow));
}

TEST(Witness, ChangesGrowthAndFreedSpaceHaveTheirPrice) {
  struct {
    ipc::GateCounts done;
    int64_t allowed;
  } const table[] = {
      {{.changes = 1000}, 1000 * 16 * 512},
      {{.directory_bytes = 5 * kMib}, 5 * kMib},
      {{.freed_bytes = 1024 * kMib, .cluster_bytes = 4096}, 4 * kMib},
      // Nobody has smaller ones, whatever is said.
      {{.freed_bytes = 512 * kMib, .cluster_bytes = 1}, 16 * kMib},
  };
  for (const auto& row : table) {
    Witness witness = Gated();
    EXPECT_FALSE(witness.Look(Written(kMib + row.allowed), row.done, kNow));
    EXPECT_TRUE(witness.Look(Written(kMib + row.allowed + 1), row.done, kNow));
  }
}

TEST(Witness, AJournalCostsMoreThanATable) {
  Witness fat = Gated();
  Witness ext4 = Gated("ext4");
  const ipc::GateCounts gate{.changes = 100};
  EXPECT_TRUE(fat.Look(Written(8 * kMib), gate, kNow));
  EXPECT_FALSE(ext4.Look(Written(8 * kMib), gate, kNow));
}

TEST(Witness, NothingWritesToAMediumThatIsClosedOrReadOnly) {
  for (const MediumUse use : {MediumUse::kLookedAt, MediumUse::kReadOnly}) {
    Witness witness(use, {}, Written(kMib), {}, kNow);
    // Whatever a gate says.
    const ipc::GateCounts gate{.written_bytes = 100 * kMib};
    EXPECT_FALSE(witness.Look(Written(kMib), gate, kNow));
    EXPECT_TRUE(witness.Look(Written(kMib + 512), gate, kNow));
    EXPECT_EQ(witness.figures().gate_written_bytes, 0);
  }
  Witness open(MediumUse::kOpen, {}, Written(0), {}, kNow);
  EXPECT_FALSE(open.Look(Written(1000 * kMib), {}, kNow));
  EXPECT_EQ(open.figures().kernel_written_bytes, 1000 * kMib);
}

TEST(Witness, CommandsAndTransfersPastTheBlockLayerShow) {
  const Witness::Medium medium{
      .filesystem = "vfat", .sector_bytes = 512, .judge_commands = true};
  const enforce::CounterReading begin{
      .block_requests = 100, .commands = 120, .urbs = 400};
  Witness commands(MediumUse::kGate, medium, begin, {}, kNow);
  enforce::CounterReading now = begin;
  now.block_requests += 1000;
  now.commands += 1000 + 500;  // a poll each second, and some sent again
  now.urbs += 4500;
  const BootTime later = kNow + std::chrono::seconds(10);
  EXPECT_FALSE(commands.Look(now, {}, later));
  now.commands += 100;
  const auto difference = commands.Look(now, {}, later);
  ASSERT_TRUE(difference);
  EXPECT_THAT(difference->what, HasSubstr("1600 SCSI commands"));
  EXPECT_FALSE(commands.Look(now, {}, later));  // told

  Witness urbs(MediumUse::kGate, medium, begin, {}, kNow);
  now = begin;
  now.urbs += 1400;
  EXPECT_TRUE(urbs.Look(now, {}, later));
  // A mouse in the same device has transfers, too.
  Witness composite(MediumUse::kGate, {.filesystem = "vfat"}, begin, {}, kNow);
  EXPECT_FALSE(composite.Look(now, {}, later));
}

// Runs its one timer when it is told to.
class HandLoop final : public EventLoop {
 public:
  Status Add(int, uint32_t, FdCallback) override { return {}; }
  Status Modify(int, uint32_t) override { return {}; }
  void Remove(int) override {}
  TimerId After(std::chrono::milliseconds, Callback callback) override {
    timer_ = std::move(callback);
    return 1;
  }
  void Cancel(TimerId) override { timer_ = nullptr; }
  void Post(Callback callback) override { callback(); }
  void Run() override {}
  void Stop() override {}

  bool armed() const { return timer_ != nullptr; }
  void Fire() { std::exchange(timer_, nullptr)(); }

 private:
  Callback timer_;
};

class WitnessesTest : public testing::Test {
 protected:
  void SetUp() override { Count(0); }
  void Count(int64_t written_bytes) const {
    dir.Put("sdb/stat", "0 0 0 0 0 0 " + std::to_string(written_bytes / 512) +
                            " 0 0 0 0 0 0 0 0 0 0\n");
  }
  Witnesses::Subject Subject() const {
    Witnesses::Subject subject;
    subject.disks.resize(1);
    subject.disks[0].name = "sdb";
    subject.disks[0].sysfs_path = dir.path() + "/sdb";
    subject.filesystem = "vfat";
    subject.mount_id = 42;
    return subject;
  }

  const TempDir dir;
  const SystemClock clock;
  HandLoop loop;
  std::vector<Difference> told;
  int asked = 0;
  Witnesses witnesses{
      loop,
      clock,
      {.differs = [this](decide::DeviceId,
                         const Difference& d) { told.push_back(d); },
       .ask = [this](int64_t mount_id) { asked += mount_id == 42 ? 1 : 0; }}};
};

TEST_F(WitnessesTest, TheGateIsAskedOnlyWhenTheKernelCounted) {
  ASSERT_EQ(witnesses.Begin(1, MediumUse::kGate, Subject()), 0);
  loop.Fire();
  EXPECT_EQ(asked, 0);
  Count(10 * kMib);
  loop.Fire();
  EXPECT_EQ(asked, 1);
  EXPECT_TRUE(told.empty());  // it has not answered yet
  witnesses.OnCounts(42, {.written_bytes = 10 * kMib});
  EXPECT_TRUE(told.empty());
  loop.Fire();
  EXPECT_EQ(asked, 1);

  Count(20 * kMib);
  loop.Fire();
  witnesses.OnCounts(42, {.written_bytes = 10 * kMib});
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].figures.kernel_written_bytes, 20 * kMib);
}

TEST_F(WitnessesTest, WhatTheKernelCountsAfterItsQuestionIsNotHeldAgainstIt) {
  ASSERT_TRUE(witnesses.Begin(1, MediumUse::kGate, Subject()));
  Count(10 * kMib);
  loop.Fire();
  Count(50 * kMib);
  witnesses.OnCounts(42, {.written_bytes = 10 * kMib});
  EXPECT_TRUE(told.empty());
}

TEST_F(WitnessesTest, TheLastWordOfAGateIsHeldToAtTheEnd) {
  ASSERT_TRUE(witnesses.Begin(1, MediumUse::kGate, Subject()));
  Count(10 * kMib);
  witnesses.OnCounts(42, {.written_bytes = 8 * kMib});
  witnesses.End(1);
  EXPECT_EQ(told.size(), 1u);
  EXPECT_EQ(witnesses.FiguresOf(1)->kernel_written_bytes, 10 * kMib);
  EXPECT_EQ(witnesses.FiguresOf(1)->gate_written_bytes, 8 * kMib);
  witnesses.Forget(1);
  EXPECT_FALSE(witnesses.FiguresOf(1));
  loop.Fire();
  EXPECT_FALSE(loop.armed());  // nothing is there: nobody wakes up
}

TEST_F(WitnessesTest, AGateThatDiedAccusesNobody) {
  ASSERT_TRUE(witnesses.Begin(1, MediumUse::kGate, Subject()));
  Count(10 * kMib);
  witnesses.End(1);
  EXPECT_TRUE(told.empty());
  EXPECT_EQ(witnesses.FiguresOf(1)->kernel_written_bytes, 10 * kMib);
}

TEST_F(WitnessesTest, ARestartGoesOnFromWhereTheMountBegan) {
  Count(30 * kMib);
  Witnesses::Subject subject = Subject();
  subject.written_before = 10 * kMib;
  ASSERT_EQ(witnesses.Begin(1, MediumUse::kGate, subject), 10 * kMib);
  Count(30 * kMib + 512);
  loop.Fire();
  witnesses.OnCounts(42, {.written_bytes = 20 * kMib});
  EXPECT_TRUE(told.empty());
  EXPECT_EQ(witnesses.FiguresOf(1)->kernel_written_bytes, 20 * kMib + 512);
}

TEST_F(WitnessesTest, AClosedMediumIsLookedAtWithoutAskingAnybody) {
  ASSERT_TRUE(witnesses.Begin(1, MediumUse::kLookedAt, Subject()));
  Count(512);
  // What comes next does not hide it.
  ASSERT_TRUE(witnesses.Begin(1, MediumUse::kGate, Subject()));
  ASSERT_EQ(told.size(), 1u);
  EXPECT_THAT(told[0].what, HasSubstr("closed"));
  EXPECT_EQ(asked, 0);
}

TEST_F(WitnessesTest, WhatIsWrittenBetweenTwoUsesIsTheMountsOwn) {
  ASSERT_TRUE(witnesses.Begin(1, MediumUse::kLookedAt, Subject()));
  witnesses.End(1);
  Count(512);
  loop.Fire();
  ASSERT_EQ(witnesses.Begin(1, MediumUse::kReadOnly, Subject()), 512);
  EXPECT_TRUE(told.empty());
}

}  // namespace
}  // namespace sekisho::agent
