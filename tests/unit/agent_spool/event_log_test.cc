#include "agent/spool/event_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "tests/unit/agent_spool/memory_disk.h"

namespace sekisho::spool {
namespace {

using event::v1::EventRecord;
using event::v1::PersonalPart;
using event::v1::PublicPart;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class FakeClock final : public Clock {
 public:
  WallTime Now() const override {
    return WallTime(std::chrono::microseconds(now_us++));
  }
  BootTime SinceBoot() const override { return std::chrono::seconds(42); }
  mutable int64_t now_us = 1'700'000'000'000'000;
};

constexpr size_t kSegmentBytes = 8192;

class EventLogTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = ::testing::TempDir() + "log-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    dir_ = name;
    Open();
  }
  void TearDown() override { std::filesystem::remove_all(dir_); }

  Result<std::unique_ptr<EventLog>> TryOpen() {
    log_.reset();
    spool_.reset();
    disk_.Close();
    auto spool = Spool::Open({.dir = "spool",
                              .size_bytes = 6 * kSegmentBytes,
                              .reserve_bytes = kSegmentBytes,
                              .segment_bytes = kSegmentBytes},
                             &disk_);
    CHECK(spool);
    spool_ = std::move(*spool);
    return EventLog::Open({dir_, "boot-1"}, *spool_, clock_);
  }
  void Open() {
    auto log = TryOpen();
    ASSERT_TRUE(log) << log.error().message;
    log_ = std::move(*log);
  }
  void CrashAndOpen() {
    disk_.Crash();
    Open();
  }

  Result<Written> Write(std::string reason = "because") {
    PublicPart part;
    part.set_kind(event::v1::EVENT_KIND_TRANSFER);
    part.set_reason(std::move(reason));
    PersonalPart personal;
    personal.set_person("taro");
    return log_->Write(part, personal);
  }
  void WriteMany(int count) {
    for (int i = 0; i < count; ++i) ASSERT_TRUE(Write(std::to_string(i)));
  }

  struct Event {
    EventRecord record;
    PublicPart part;
  };
  std::vector<Event> Parse(const std::vector<SpooledRecord>& spooled) {
    std::vector<Event> out;
    for (const SpooledRecord& one : spooled) {
      Event event;
      CHECK(event.record.ParseFromString(one.bytes));
      CHECK(event.part.ParseFromString(event.record.public_part()));
      out.push_back(std::move(event));
    }
    return out;
  }
  // What a server at `head` takes: checks every link.
  std::vector<Event> Send(event::Head& head) {
    const auto spooled = log_->ReadAfter(head, 10'000, size_t{1} << 30);
    EXPECT_TRUE(spooled) << spooled.error().message;
    if (!spooled) return {};
    auto events = Parse(*spooled);
    for (const Event& event : events) {
      const auto fits = event::CheckFollows(
          head, event.record, log_->public_key(), log_->agent_id());
      EXPECT_TRUE(fits) << fits.error().message;
      head = event::HeadOf(event.record);
    }
    return events;
  }

  static int64_t GapsIn(const std::vector<Event>& events) {
    int64_t lost = 0;
    for (const Event& event : events) lost += event.part.lost_count();
    return lost;
  }

  std::string dir_;
  MemoryDisk disk_;
  FakeClock clock_;
  std::unique_ptr<Spool> spool_;
  std::unique_ptr<EventLog> log_;
};

TEST_F(EventLogTest, EventsBeforeEnrolmentAreWrittenAfterIt) {
  const auto held = Write("first");
  ASSERT_TRUE(held);
  EXPECT_EQ(held->kept, Kept::kHeld);
  ASSERT_TRUE(log_->Start("agent-1", 1));
  event::Head head;
  const auto events = Send(head);
  ASSERT_THAT(events, SizeIs(1));
  EXPECT_EQ(events[0].part.reason(), "first");
  EXPECT_EQ(events[0].part.agent_id(), "agent-1");
  EXPECT_EQ(events[0].part.event_id(), held->event_id);
}

TEST_F(EventLogTest, TooManyEventsBeforeEnrolmentBecomeAGap) {
  WriteMany(static_cast<int>(kMaxHeldEvents) + 3);
  ASSERT_TRUE(log_->Start("agent-1", 1));
  event::Head head;
  const auto events = Send(head);
  ASSERT_FALSE(events.empty());
  EXPECT_EQ(events[0].part.kind(), event::v1::EVENT_KIND_GAP);
  EXPECT_EQ(events[0].part.lost_count(), 3);
  const auto gaps = std::ranges::count_if(
      events, [](const Event& e) { return e.part.lost_count() > 0; });
  // This small spool cannot take all of them; none is uncounted.
  EXPECT_EQ(GapsIn(events) + std::ssize(events) - gaps + log_->lost_count(),
            static_cast<int64_t>(kMaxHeldEvents) + 3);
}

TEST_F(EventLogTest, FillsWhatIsTheLogs) {
  ASSERT_TRUE(log_->Start("agent-1", 3));
  const auto written = Write();
  ASSERT_TRUE(written);
  EXPECT_EQ(written->kept, Kept::kDurable);
  EXPECT_EQ(written->head.epoch, 3);
  EXPECT_EQ(written->head.sequence, 1);
  event::Head head{3, 0, {}};
  const auto events = Send(head);
  ASSERT_THAT(events, SizeIs(1));
  const PublicPart& part = events[0].part;
  EXPECT_EQ(part.event_id().size(), 16U);
  EXPECT_EQ(part.boot_id(), "boot-1");
  EXPECT_EQ(part.since_boot_microseconds(), 42'000'000);
  EXPECT_EQ(part.occur_time().seconds(), 1'700'000'000);
  EXPECT_EQ(head, log_->head());
}

TEST_F(EventLogTest, TheChainGoesOnAfterRestartsAndAcks) {
  ASSERT_TRUE(log_->Start("agent-1", 1));
  event::Head server;
  for (int round = 0; round < 10; ++round) {
    WriteMany(23);
    EXPECT_THAT(Send(server), SizeIs(23));
    ASSERT_TRUE(log_->Ack(server));
    EXPECT_EQ(log_->spooled_count(), 0);
    round % 2 == 0 ? Open() : CrashAndOpen();
    EXPECT_EQ(log_->head(), server);
    EXPECT_THAT(Send(server), IsEmpty());
  }
  EXPECT_EQ(server.sequence, 230);
}

TEST_F(EventLogTest, KeyIsMadeOnceAndPrivate) {
  const auto key = log_->public_key();
  Open();
  EXPECT_EQ(log_->public_key(), key);
  struct stat info{};
  ASSERT_EQ(::stat((dir_ + "/chain.key").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600U);
}

TEST_F(EventLogTest, ALostKeyIsNotReplacedUnderEvents) {
  ASSERT_TRUE(log_->Start("agent-1", 1));
  ASSERT_TRUE(Write());
  std::filesystem::remove(dir_ + "/chain.key");
  const auto log = TryOpen();
  ASSERT_FALSE(log);
  EXPECT_EQ(log.error().code, Code::kDataLoss);
}

TEST_F(EventLogTest, ALostNameIsReadFromTheNewestEvent) {
  ASSERT_TRUE(log_->Start("agent-1", 4));
  WriteMany(3);
  const event::Head head = log_->head();
  std::filesystem::remove(dir_ + "/chain.id");
  Open();
  EXPECT_EQ(log_->agent_id(), "agent-1");
  EXPECT_EQ(log_->head(), head);
}

TEST_F(EventLogTest, FullSpoolTellsAGapInTheReserveAndTheRestLater) {
  ASSERT_TRUE(log_->Start("agent-1", 1));
  int kept = 0;
  while (Write()) ++kept;
  EXPECT_GT(kept, 0);
  EXPECT_EQ(log_->lost_count(), 0);  // told at once, in the reserve
  for (int i = 0; i < 9; ++i) {
    const auto refused = Write();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::kResourceExhausted);
  }
  event::Head server;
  auto events = Send(server);
  ASSERT_TRUE(log_->Ack(server));
  ASSERT_TRUE(Write("after"));
  const auto later = Send(server);
  EXPECT_EQ(later.back().part.reason(), "after");
  EXPECT_EQ(GapsIn(events) + GapsIn(later), 10);
  EXPECT_EQ(later.front().part.kind(), event::v1::EVENT_KIND_GAP);
  EXPECT_LE(later.front().part.lost_from_time().seconds(),
            later.front().part.lost_to_time().seconds());
}

TEST_F(EventLogTest, AMillionLossesDoNotEatTheReserve) {
  ASSERT_TRUE(log_->Start("agent-1", 1));
  while (Write()) {
  }
  for (int i = 0; i < 100'000; ++i) ASSERT_FALSE(Write());
  event::Head server;
  const auto events = Send(server);
  EXPECT_GT(GapsIn(events), 50'000);
  EXPECT_EQ(GapsIn(events) + log_->lost_count(), 100'001);
}

TEST_F(EventLogTest, DiskErrorCountsAsLossAndTheChainHolds) {
  ASSERT_TRUE(log_->Start("agent-1", 1));
  WriteMany(3);
  disk_.fail_in = 0;
  disk_.keep_failing = true;
  EXPECT_FALSE(Write());
  disk_.fail_in = -1;
  disk_.keep_failing = false;
  ASSERT_TRUE(Write("after"));
  event::Head server;
  const auto events = Send(server);
  ASSERT_THAT(events, SizeIs(5));
  EXPECT_EQ(events[3].part.lost_count(), 1);
  CrashAndOpen();
  event::Head again;
  EXPECT_THAT(Send(again), SizeIs(5));
  EXPECT_EQ(again, server);
}

TEST_F(EventLogTest, DamagedEventStartsTheChainAnewWithEverythingElse) {
  ASSERT_TRUE(log_->Start("agent-1", 1));
  WriteMany(40);
  // One record in the middle of the first segment.
  disk_.files["segment-0000"].cached[2000] ^= std::byte{1};
  event::Head server;
  const auto events = Send(server);
  EXPECT_EQ(server.epoch, 2);
  ASSERT_THAT(events, SizeIs(40));  // 39 and the GAP
  EXPECT_EQ(GapsIn(events), 1);
  // The GAP opens the epoch, and the hole could be counted.
  EXPECT_EQ(events[0].part.kind(), event::v1::EVENT_KIND_GAP);
  EXPECT_EQ(events[0].part.closed_epoch(), 1);
  EXPECT_FALSE(events[0].part.lost_count_is_least());
  EXPECT_FALSE(log_->TakeProblems().empty());
  ASSERT_TRUE(log_->Ack(server));
  CrashAndOpen();
  EXPECT_EQ(log_->head(), server);
  WriteMany(2);
  EXPECT_THAT(Send(server), SizeIs(2));
}

TEST_F(EventLogTest, LostNewestSegmentStartsTheChainAnew) {
  ASSERT_TRUE(log_->Start("agent-1", 1));
  WriteMany(40);
  std::string newest;
  for (const auto& [name, file] : disk_.files) {
    if (file.cached[0] != std::byte{}) newest = name;
  }
  for (const size_t at : {size_t{9}, kSegmentBytes - 9}) {
    disk_.files[newest].cached[at] ^= std::byte{1};
  }
  Open();
  event::Head server;
  const auto events = Send(server);
  EXPECT_EQ(server.epoch, 2);
  EXPECT_GT(events.size(), 10U);
  EXPECT_GE(GapsIn(events), 1);
  EXPECT_TRUE(events[0].part.lost_count_is_least());
}

TEST_F(EventLogTest, RolledBackDiskIsNoticedAndTheChainStartsAnewOnce) {
  ASSERT_TRUE(log_->Start("agent-1", 1));
  WriteMany(3);
  const auto snapshot = disk_.files;
  event::Head server;
  WriteMany(5);
  Send(server);
  log_.reset();
  disk_.files = snapshot;
  Open();
  const auto acked = log_->Ack(server);
  ASSERT_FALSE(acked);
  EXPECT_EQ(acked.error().code, Code::kAborted);
  EXPECT_EQ(log_->head().epoch, 2);
  Send(server);
  EXPECT_EQ(server.epoch, 2);
  EXPECT_TRUE(log_->Ack(server));
  // A server that never agrees does not make it start over and over.
  EXPECT_FALSE(log_->Ack({9, 9, {}}));
  EXPECT_EQ(log_->head().epoch, 2);
}

TEST_F(EventLogTest, AnAckOfAnotherEventGivesNothingBack) {
  ASSERT_TRUE(log_->Start("agent-1", 1));
  WriteMany(30);
  event::Head wrong{1, 20, {}};
  EXPECT_EQ(log_->Ack(wrong).error().code, Code::kAborted);
  event::Head server;
  EXPECT_GE(Send(server).size(), 30U);
}

TEST_F(EventLogTest, EnrolledAnewCarriesOverWhatWasNotAcknowledged) {
  ASSERT_TRUE(log_->Start("agent-1", 1));
  WriteMany(30);
  event::Head old;
  Send(old);
  auto ten = log_->ReadAfter({}, 10, size_t{1} << 30);
  ASSERT_TRUE(log_->Ack(event::HeadOf(Parse(*ten).back().record)));
  ASSERT_TRUE(log_->Start("agent-2", 1));
  event::Head server;
  auto events = Send(server);
  ASSERT_THAT(events, SizeIs(20));
  EXPECT_EQ(events[0].part.reason(), "10");
  EXPECT_EQ(events[0].part.agent_id(), "agent-2");
  ASSERT_TRUE(log_->Ack(server));
  CrashAndOpen();
  EXPECT_THAT(Send(server), IsEmpty());
  ASSERT_TRUE(log_->Ack(server));
  EXPECT_EQ(log_->spooled_count(), 0);
}

TEST_F(EventLogTest, ACrashWhileCarryingOverDoublesNothing) {
  for (int operations = 1; operations < 80; operations += 3) {
    log_.reset();
    spool_.reset();
    disk_.files.clear();
    std::filesystem::remove(dir_ + "/chain.id");
    Open();
    ASSERT_TRUE(log_->Start("agent-1", 1));
    WriteMany(30);
    disk_.fail_in = operations;
    disk_.keep_failing = true;
    std::ignore = log_->Start("agent-2", 1);
    disk_.fail_in = -1;
    disk_.keep_failing = false;
    CrashAndOpen();
    event::Head server;
    std::map<std::string, int> seen;
    const auto events = Send(server);
    for (const Event& event : events) ++seen[event.part.event_id()];
    EXPECT_EQ(seen.size(), events.size()) << operations;
    EXPECT_GE(GapsIn(events) + static_cast<int64_t>(events.size()), 30);
  }
}

// Whatever the disk does while the chain starts anew: the epoch opens with its
// GAP, nothing is doubled, and nothing is uncounted.
TEST_F(EventLogTest, ACrashWhileStartingAnewStillOpensWithTheGap) {
  for (int operations = 1; operations < 80; operations += 3) {
    log_.reset();
    spool_.reset();
    disk_.files.clear();
    std::filesystem::remove(dir_ + "/chain.id");
    Open();
    ASSERT_TRUE(log_->Start("agent-1", 1));
    WriteMany(30);
    disk_.files["segment-0000"].cached[2000] ^= std::byte{1};
    disk_.files["segment-0000"].durable[2000] ^= std::byte{1};
    disk_.fail_in = operations;
    disk_.keep_failing = true;
    std::ignore = log_->ReadAfter({}, 10'000, size_t{1} << 30);
    disk_.fail_in = -1;
    disk_.keep_failing = false;
    if (operations % 2 == 0) {
      ASSERT_TRUE(Write("after")) << operations;
    }
    CrashAndOpen();
    event::Head server;
    std::map<std::string, int> seen;
    const auto events = Send(server);
    ASSERT_FALSE(events.empty()) << operations;
    EXPECT_GT(server.epoch, 1);
    EXPECT_GT(events[0].part.closed_epoch(), 0);
    for (const Event& event : events) ++seen[event.part.event_id()];
    EXPECT_EQ(seen.size(), events.size()) << operations;
    EXPECT_GE(GapsIn(events), 1);
    const auto gaps = std::ranges::count_if(
        events, [](const Event& e) { return e.part.lost_count() > 0; });
    EXPECT_GE(GapsIn(events) + std::ssize(events) - gaps, 30) << operations;
  }
}

TEST_F(EventLogTest, StartIsRepeatableAndRefusesNonsense) {
  ASSERT_TRUE(log_->Start("agent-1", 2));
  ASSERT_TRUE(log_->Start("agent-1", 2));
  EXPECT_FALSE(log_->Start("agent-1", 1));
  EXPECT_FALSE(log_->Start("", 3));
  EXPECT_FALSE(log_->Start("a\nb", 3));
}

TEST_F(EventLogTest, AServerBehindItsOwnWordIsAnError) {
  ASSERT_TRUE(log_->Start("agent-1", 1));
  WriteMany(60);
  event::Head server;
  Send(server);
  ASSERT_TRUE(log_->Ack(server));
  auto behind = log_->ReadAfter({1, 3, {}}, 10, 10'000);
  ASSERT_FALSE(behind);
  EXPECT_EQ(behind.error().code, Code::kDataLoss);
}

}  // namespace
}  // namespace sekisho::spool
