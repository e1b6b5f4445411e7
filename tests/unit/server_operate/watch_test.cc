#include "server/operate/watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include "tests/unit/server_operate/state.h"

namespace sekisho::operate {
namespace {

using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

const SteadyTime kNow = SteadyTime(std::chrono::hours(1));

std::vector<std::string> Whats(const Findings& findings) {
  std::vector<std::string> whats;
  for (const Reason& reason : NotReadyBecause(findings, kNow)) {
    whats.push_back(reason.what);
  }
  return whats;
}

TEST(Ready, SaysEachReason) {
  EXPECT_THAT(Whats({.index_moved = kNow}), IsEmpty());
  EXPECT_THAT(Whats({.draining = true, .index_moved = kNow}),
              ElementsAre("draining"));
  EXPECT_THAT(Whats({.write_error = "disk full", .index_moved = kNow}),
              ElementsAre("database"));
  EXPECT_THAT(Whats({.look_error = "gone", .index_moved = kNow}),
              ElementsAre("database"));
  EXPECT_THAT(Whats({.index_moved = kNow, .closed_doors = {"agents: no"}}),
              ElementsAre("listener"));
}

TEST(Ready, AWriteMayTakeItsTimeButNotForEver) {
  EXPECT_THAT(Whats({.write_since = kNow - seconds(3), .index_moved = kNow}),
              IsEmpty());
  EXPECT_THAT(Whats({.write_since = kNow - seconds(4), .index_moved = kNow}),
              ElementsAre("database"));
}

TEST(Ready, AnIndexThatMovesIsNotStuck) {
  EXPECT_THAT(
      Whats({.unindexed_events = 9'000'000, .index_moved = kNow - seconds(1)}),
      IsEmpty());
  EXPECT_THAT(Whats({.unindexed_events = 1, .index_moved = kNow - seconds(31)}),
              ElementsAre("index"));
  // Nothing to do for an hour.
  EXPECT_THAT(Whats({.index_moved = SteadyTime()}), IsEmpty());
}

TEST(Ready, JsonNamesTheReasons) {
  EXPECT_EQ(ReadyJson({}), "{\"ready\":true,\"reasons\":[]}\n");
  EXPECT_EQ(ReadyJson({{"database", "say \"a\"\n"}, {"index", "b"}}),
            "{\"ready\":false,\"reasons\":["
            "{\"what\":\"database\",\"why\":\"say \\\"a\\\"\\n\"},"
            "{\"what\":\"index\",\"why\":\"b\"}]}\n");
}

TEST(MetricsPage, ShowsWhatThereIs) {
  core::Traffic traffic;
  traffic.Batch();
  traffic.Batch();
  traffic.Committed(20, std::chrono::milliseconds(3));
  traffic.RefusedBatch(Code::kDataLoss);
  traffic.RefusedStream(Code::kUnauthenticated);
  Vitals vitals;
  vitals.connected_agents = 7;
  vitals.logged_events = 120;
  vitals.indexed_events = 100;
  vitals.index_lag_seconds = 1.5;
  vitals.alerts.by_severity["critical"] = 2;
  vitals.server_certificate_seconds = 86400;
  const WallTime now = *ParseUtc("2026-11-27T10:00:00Z");
  server_export::SinkHealth siem;
  siem.name = "siem";
  siem.sent_count = 5;
  siem.gap_count = 3;
  siem.waiting_count = 11;
  siem.failing_since = now - seconds(60);
  const std::string page =
      MetricsPage(vitals, traffic.Read(), {siem}, true, now);
  for (const char* line :
       {"\nsekisho_agents_connected 7\n",
        "\n# TYPE sekisho_events_accepted_total counter\n",
        "\nsekisho_events_accepted_total 20\n",
        "\nsekisho_batches_total 2\n",
        "\nsekisho_batches_refused_total{code=\"data_loss\"} 1\n",
        "\nsekisho_batches_refused_total{code=\"aborted\"} 0\n",
        "\nsekisho_streams_refused_total{code=\"unauthenticated\"} 1\n",
        "\nsekisho_ack_seconds_bucket{le=\"0.0025\"} 0\n",
        "\nsekisho_ack_seconds_bucket{le=\"0.005\"} 1\n",
        "\nsekisho_ack_seconds_bucket{le=\"+Inf\"} 1\n",
        "\nsekisho_ack_seconds_sum 0.003\n",
        "\nsekisho_ack_seconds_count 1\n",
        "\nsekisho_index_lag_events 20\n",
        "\nsekisho_index_lag_seconds 1.5\n",
        "\nsekisho_sink_waiting_records{sink=\"siem\"} 11\n",
        "\nsekisho_sink_failing_seconds{sink=\"siem\"} 60\n",
        "\nsekisho_sink_lost_records_total{sink=\"siem\"} 3\n",
        "\nsekisho_alerts_open{severity=\"critical\"} 2\n",
        "\nsekisho_alerts_open{severity=\"low\"} 0\n",
        "\nsekisho_certificate_expiry_seconds{certificate=\"server\"} 86400\n",
        "\nsekisho_ready 1\n"}) {
    EXPECT_THAT(page, HasSubstr(line));
  }
  EXPECT_THAT(page, HasSubstr("sekisho_build_info{version=\""));
}

// Each family stands once, with help and type before its samples.
TEST(MetricsPage, IsWellFormed) {
  const std::string page =
      MetricsPage({}, core::Traffic().Read(), {{}, {}}, false, {});
  std::vector<std::string> seen;
  std::string family;
  size_t from = 0;
  while (from < page.size()) {
    const size_t end = page.find('\n', from);
    ASSERT_NE(end, std::string::npos);
    const std::string line = page.substr(from, end - from);
    from = end + 1;
    if (line.starts_with("# HELP ")) {
      family = line.substr(7, line.find(' ', 7) - 7);
      EXPECT_THAT(seen, Not(::testing::Contains(family)));
      seen.push_back(family);
    } else if (line.starts_with("# TYPE ")) {
      EXPECT_EQ(line.substr(7, line.find(' ', 7) - 7), family);
    } else {
      EXPECT_TRUE(line.starts_with(family)) << line;
    }
  }
  EXPECT_GT(seen.size(), 20U);
}

class LiveWatchTest : public ::testing::Test {
 protected:
  bool Eventually(const std::function<bool()>& condition) {
    const auto limit = std::chrono::steady_clock::now() + seconds(20);
    while (std::chrono::steady_clock::now() < limit) {
      if (condition()) return true;
      std::this_thread::yield();
    }
    return false;
  }

  State state_;
  SystemClock clock_;
  core::Presence presence_{clock_};
  core::Changes changes_;
  core::Traffic traffic_;
  server_export::Outbox outbox_{state_.store(), changes_, clock_, {}};
  const std::function<Result<WallTime>()> end_ = [] { return kEnd; };
  static constexpr WallTime kEnd = WallTime(std::chrono::days(40'000));
  static constexpr WatchPace kFast{
      std::chrono::milliseconds(5), std::chrono::milliseconds(10),
      std::chrono::milliseconds(50), std::chrono::milliseconds(100)};
};

// Somebody else holds the database: no event can be acknowledged.
TEST_F(LiveWatchTest, ADatabaseThatTakesNoWritesIsNotReady) {
  Watch watch({state_.store(), presence_, traffic_, outbox_, clock_,
               state_.dir(), end_, end_},
              {}, kFast);
  watch.Start();
  EXPECT_THAT(watch.NotReady(), IsEmpty());
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open(state_.database().c_str(), &db), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(db, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr),
            SQLITE_OK);
  EXPECT_TRUE(Eventually([&] { return !watch.NotReady().empty(); }));
  EXPECT_EQ(watch.NotReady()[0].what, "database");
  sqlite3_close(db);
  EXPECT_TRUE(Eventually([&] { return watch.NotReady().empty(); }));
}

// Nobody indexes here.
TEST_F(LiveWatchTest, AnIndexThatDoesNotMoveIsNotReady) {
  Watch watch({state_.store(), presence_, traffic_, outbox_, clock_,
               state_.dir(), end_, end_},
              {}, kFast);
  state_.Append(3);
  watch.Start();
  EXPECT_TRUE(Eventually([&] {
    const auto reasons = watch.NotReady();
    return reasons.size() == 1 && reasons[0].what == "index";
  }));
  EXPECT_EQ(watch.vitals().logged_events, 3);
  EXPECT_EQ(watch.vitals().indexed_events, 0);
  EXPECT_GT(watch.vitals().database_bytes, 0);
}

// The kernel takes connections for it, but nobody answers a hello.
TEST_F(LiveWatchTest, APortThatDoesNotSpeakTlsIsNotReady) {
  const auto listener = MetricsListener::Start(
      "127.0.0.1:0", [](std::string_view) { return HttpAnswer(); });
  ASSERT_TRUE(listener);
  Watch watch({state_.store(), presence_, traffic_, outbox_, clock_,
               state_.dir(), end_, end_},
              {{"agents", "127.0.0.1", (*listener)->port()}}, kFast);
  watch.Start();
  ASSERT_EQ(watch.NotReady().size(), 1U);
  EXPECT_EQ(watch.NotReady()[0].what, "listener");
  EXPECT_THAT(watch.NotReady()[0].why, HasSubstr("agents: "));
  EXPECT_EQ(Show(watch, "/readyz").status, 503);
  EXPECT_EQ(Show(watch, "/healthz").status, 200);
  EXPECT_EQ(Show(watch, "/nothing").status, 404);
}

}  // namespace
}  // namespace sekisho::operate
