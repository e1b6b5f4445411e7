// The outbox over a real database, with receivers that fail.
#include "server/export/outbox.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "server/store/store.h"
#include "tests/support/test_store.h"

namespace sekisho::server_export {
namespace {

using std::chrono::milliseconds;

class FakeClock final : public Clock {
 public:
  WallTime Now() const override { return now; }
  BootTime SinceBoot() const override { return BootTime{}; }
  WallTime now{std::chrono::seconds(1'790'000'000)};
};

// What reached the receiver, and how it behaves.
struct Receiver {
  std::vector<std::string> got;
  bool fails = false;
  bool gone = false;  // says so only when it is asked
  milliseconds settle{0};
};

class FakeSink final : public Sink {
 public:
  explicit FakeSink(Receiver* receiver) : receiver_(receiver) {}
  Status Deliver(std::span<const Record> records, WallTime) override {
    if (receiver_->fails) {
      return Fail(Code::kUnavailable, "sink soc: refused");
    }
    for (const Record& record : records) {
      receiver_->got.push_back(record.uid.starts_with("gap/")
                                   ? "gap " + std::to_string(record.gap_count)
                                   : record.uid);
    }
    return {};
  }
  milliseconds settle_time() const override { return receiver_->settle; }
  Status StillThere() override {
    return receiver_->gone ? Fail(Code::kUnavailable, "sink soc: gone")
                           : Status();
  }

 private:
  Receiver* receiver_;
};

class OutboxTest : public ::testing::Test {
 protected:
  void SetUp() override {
    char dir[] = "/tmp/sekisho-outbox-XXXXXX";
    ASSERT_NE(mkdtemp(dir), nullptr);
    dir_ = dir;
    auto opened = sekisho::support::OpenTestStore(dir_ + "/test.db");
    ASSERT_TRUE(opened) << opened.error().message;
    store_ = std::move(*opened);
    config_.name = "soc";
    config_.type = SinkType::kFile;
  }
  void TearDown() override {
    store_.reset();
    std::filesystem::remove_all(dir_);
  }

  void Raise(int count, const std::string& kind = "transfer_blocked",
             const std::string& severity = "high") {
    for (int i = 0; i < count; ++i) {
      store::NewAlert alert;
      alert.key = "key" + std::to_string(next_++);
      alert.alert.kind = kind;
      alert.alert.severity = severity;
      alert.alert.title = "title";
      alert.alert.create_time = clock_.now;
      ASSERT_TRUE(store_->AddAlert(alert));
    }
  }

  // A runner as after a start of the server.
  std::unique_ptr<SinkRunner> Runner() {
    return std::make_unique<SinkRunner>(*store_, clock_, config_, "",
                                        std::make_unique<FakeSink>(&receiver_),
                                        OutboxPace{});
  }

  FakeClock clock_;
  Receiver receiver_;
  SinkConfig config_;
  std::string dir_;
  std::unique_ptr<store::Store> store_;
  int next_ = 0;
};

TEST_F(OutboxTest, TellsEachOnceInOrderAndBeginsNow) {
  Raise(2);  // before the sink was there
  auto runner = Runner();
  ASSERT_TRUE(runner->Step());
  Raise(2);
  ASSERT_TRUE(runner->Step());
  ASSERT_TRUE(runner->Step());
  EXPECT_EQ(receiver_.got, (std::vector<std::string>{"alert/3", "alert/4"}));
  EXPECT_EQ(runner->health().sent_count, 2);
  EXPECT_EQ(runner->health().waiting_count, 0);
}

TEST_F(OutboxTest, GoesOnWhereItWasAfterAKill) {
  auto runner = Runner();
  ASSERT_TRUE(runner->Step());
  Raise(2);
  ASSERT_TRUE(runner->Step());
  runner.reset();
  Raise(1);
  runner = Runner();
  ASSERT_TRUE(runner->Step());
  EXPECT_EQ(receiver_.got,
            (std::vector<std::string>{"alert/1", "alert/2", "alert/3"}));
}

TEST_F(OutboxTest, AReceiverThatIsDownGetsAllOfItLater) {
  auto runner = Runner();
  ASSERT_TRUE(runner->Step());
  Raise(3);
  receiver_.fails = true;
  milliseconds before{0};
  for (int i = 0; i < 6; ++i) {
    const auto wait = runner->Step();
    ASSERT_TRUE(wait);
    EXPECT_GT(*wait, before / 2) << "waits longer each time";
    before = *wait;
  }
  EXPECT_GE(before, milliseconds(16'000));
  EXPECT_EQ(runner->health().last_error, "sink soc: refused");
  EXPECT_EQ(runner->health().waiting_count, 3);
  ASSERT_TRUE(runner->health().failing_since);
  receiver_.fails = false;
  ASSERT_TRUE(runner->Step());
  EXPECT_EQ(receiver_.got.size(), 3U);
  EXPECT_FALSE(runner->health().failing_since);
}

TEST_F(OutboxTest, WhatIsTooMuchIsAGapThatIsTold) {
  config_.waiting_at_most = 100;
  auto runner = Runner();
  ASSERT_TRUE(runner->Step());
  receiver_.fails = true;
  Raise(130);
  ASSERT_TRUE(runner->Step());
  receiver_.fails = false;
  ASSERT_TRUE(runner->Step());
  ASSERT_EQ(receiver_.got.size(), 101U);
  EXPECT_EQ(receiver_.got[0], "gap 30");
  EXPECT_EQ(receiver_.got[1], "alert/31");
  EXPECT_EQ(runner->health().gap_count, 30);
  // Told once, and still known after a start.
  Raise(1);
  runner = Runner();
  ASSERT_TRUE(runner->Step());
  EXPECT_EQ(receiver_.got.back(), "alert/131");
  EXPECT_EQ(receiver_.got.size(), 102U);
  EXPECT_EQ(runner->health().gap_count, 30);
}

TEST_F(OutboxTest, WithoutAnAnswerItSendsAgainWhatMayBeLost) {
  receiver_.settle = milliseconds(30);
  auto runner = Runner();
  ASSERT_TRUE(runner->Step());
  Raise(1);
  ASSERT_TRUE(runner->Step());
  ASSERT_EQ(receiver_.got.size(), 1U);
  // The connection breaks before it settled.
  receiver_.gone = true;
  std::this_thread::sleep_for(milliseconds(40));
  ASSERT_TRUE(runner->Step());
  receiver_.gone = false;
  ASSERT_TRUE(runner->Step());
  EXPECT_EQ(receiver_.got, (std::vector<std::string>{"alert/1", "alert/1"}));
  std::this_thread::sleep_for(milliseconds(40));
  ASSERT_TRUE(runner->Step());
  EXPECT_EQ(runner->health().sent_count, 1);
  // Now it has settled: no third time, not after a start either.
  runner = Runner();
  ASSERT_TRUE(runner->Step());
  EXPECT_EQ(receiver_.got.size(), 2U);
}

TEST_F(OutboxTest, TellsOnlyWhatIsWanted) {
  config_.least_severity = "high";
  config_.requests = false;
  config_.only = {"transfer_blocked", "approval_request"};
  auto runner = Runner();
  ASSERT_TRUE(runner->Step());
  Raise(1, "transfer_blocked", "medium");
  Raise(1, "tamper", "critical");
  Raise(1, "approval_request", "high");
  Raise(1, "transfer_blocked", "critical");
  ASSERT_TRUE(runner->Step());
  EXPECT_EQ(receiver_.got, (std::vector<std::string>{"alert/4"}));
}

TEST_F(OutboxTest, WhatIsKeptBackIsNeitherToldNorWaitedFor) {
  auto runner = Runner();
  ASSERT_TRUE(runner->Step());
  store::Suppression row;
  row.kind = "device_blocked";
  row.created_by = "mori";
  row.end_time = clock_.now + std::chrono::hours(1);
  ASSERT_TRUE(store_->AddSuppression(row));
  Raise(1);
  Raise(2, "device_blocked");
  ASSERT_TRUE(runner->Step());
  EXPECT_EQ(receiver_.got, (std::vector<std::string>{"alert/1"}));
  ASSERT_TRUE(runner->Step());
  EXPECT_EQ(runner->health().waiting_count, 0);
}

// What such a sink was not told of, retention may not erase.
TEST_F(OutboxTest, SaysHowFarEventsWereTold) {
  EXPECT_FALSE(Runner()->health().event_row_id);
  config_.events = true;
  auto runner = Runner();
  EXPECT_EQ(runner->health().event_row_id, 0) << "nothing is known yet";
  ASSERT_TRUE(store_->PutSink({.name = "soc",
                               .alert_id = 0,
                               .event_row_id = 7,
                               .sent_count = 0,
                               .gap_count = 0,
                               .untold_gap_count = 0,
                               .sent_time = {}}));
  ASSERT_TRUE(runner->Step());
  EXPECT_EQ(runner->health().event_row_id, 7);
}

TEST_F(OutboxTest, ASinkThatFailsIsAnAlertUntilItHears) {
  core::Changes changes;
  SinksConfig config;
  config_.to = dir_ + "/no/such/folder/alerts";
  config.sinks = {config_};
  OutboxPace pace;
  pace.look = pace.first_retry = pace.last_retry = milliseconds(10);
  pace.alert_after = std::chrono::minutes(0);
  const auto open = [&] {
    store::AlertFilter filter;
    filter.kind = "sink_failing";
    filter.only_unresolved = true;
    return store_->ListAlerts(filter, {})->rows;
  };
  const auto wait_for = [&](Outbox& outbox, size_t count) {
    for (int i = 0; i < 500 && open().size() != count; ++i) {
      std::this_thread::sleep_for(milliseconds(10));
      ASSERT_TRUE(outbox.Tick());
    }
    EXPECT_EQ(open().size(), count);
  };
  {
    Outbox outbox(*store_, changes, clock_, config, pace);
    ASSERT_TRUE(outbox.Load());
    outbox.Start();
    std::this_thread::sleep_for(milliseconds(50));
    Raise(1);
    wait_for(outbox, 1);
    EXPECT_NE(open()[0].title.find("sink soc has heard nothing"),
              std::string::npos);
  }
  // Over a start it stays one alert; when the folder is there it ends.
  std::filesystem::create_directories(dir_ + "/no/such/folder");
  {
    Outbox outbox(*store_, changes, clock_, config, pace);
    ASSERT_TRUE(outbox.Load());
    outbox.Start();
    wait_for(outbox, 0);
  }
  EXPECT_GT(std::filesystem::file_size(config_.to), 0U);
}

TEST_F(OutboxTest, ABadFileIsAnAlertUntilTheNextStart) {
  core::Changes changes;
  Outbox bad(*store_, changes, clock_, {});
  ASSERT_TRUE(bad.Load());
  ASSERT_TRUE(bad.TellBadFile({Code::kInvalidArgument, "sinks.yaml:3:1: x"}));
  store::AlertFilter filter;
  filter.kind = "sink_failing";
  filter.only_unresolved = true;
  const auto open = store_->ListAlerts(filter, {})->rows;
  ASSERT_EQ(open.size(), 1U);
  EXPECT_NE(open[0].title.find("sinks.yaml:3:1: x"), std::string::npos);
  Outbox good(*store_, changes, clock_, {});
  ASSERT_TRUE(good.Load());
  EXPECT_TRUE(store_->ListAlerts(filter, {})->rows.empty());
}

}  // namespace
}  // namespace sekisho::server_export
