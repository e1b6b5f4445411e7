#include "server/core/overview.h"

#include <gtest/gtest.h>

#include "tests/support/demo_world.h"

namespace sekisho::core {
namespace {

policy::Zone Zone(const char* name) { return *policy::Zone::Find(name); }

TEST(DayBounds, AreTheReadersMidnights) {
  const auto bounds =
      DayBounds(*ParseUtc("2026-11-20T15:30:00Z"), 2, Zone("Asia/Tokyo"));
  ASSERT_TRUE(bounds);
  std::vector<std::string> texts;
  for (const WallTime bound : *bounds) texts.push_back(FormatUtc(bound));
  // It is past midnight in Tokyo: today is the 21st there.
  EXPECT_EQ(texts, (std::vector<std::string>{"2026-11-19T15:00:00.000000Z",
                                             "2026-11-20T15:00:00.000000Z",
                                             "2026-11-21T15:00:00.000000Z"}));
}

TEST(DayBounds, ADayOfSummerTimesEndIsLonger) {
  const auto bounds =
      DayBounds(*ParseUtc("2026-10-25T12:00:00Z"), 1, Zone("Europe/Berlin"));
  ASSERT_TRUE(bounds);
  EXPECT_EQ((*bounds)[1] - (*bounds)[0], std::chrono::hours(25));
}

TEST(DayBounds, RefusesWhatIsOutOfRange) {
  for (const int days : {0, -1, kMaxOverviewDays + 1}) {
    EXPECT_FALSE(DayBounds(WallTime(), days, Zone("UTC"))) << days;
  }
  EXPECT_TRUE(DayBounds(WallTime(), kMaxOverviewDays, Zone("UTC")));
  EXPECT_FALSE(ZoneOf("Mars/Olympus"));
}

// The same numbers, counted from every event one by one.
class OverviewTest : public ::testing::Test {
 protected:
  std::vector<Event> Transfers(WallTime from, WallTime to) {
    EventFilter filter;
    filter.kinds = {event::v1::EVENT_KIND_TRANSFER};
    filter.from = from;
    filter.to = to;
    return world_.store().ListEvents(filter, {1000, ""})->rows;
  }
  Overview Read(int days) {
    auto read = world_.desk().GetOverview(
        {"tanaka", core::Role::kViewer, "console", ""}, {days, "Asia/Tokyo"});
    EXPECT_TRUE(read);
    return std::move(*read);
  }

  demo::DemoWorld world_{demo::DemoWorld::Past::kNinetyDays};
};

TEST_F(OverviewTest, CountsWhatTheEventsSay) {
  const Overview overview = Read(90);
  ASSERT_EQ(overview.days.size(), 90U);
  int64_t all = 0;
  for (size_t i = 0; i < overview.days.size(); ++i) {
    const DayCounts& day = overview.days[i];
    const WallTime to = i + 1 < 90 ? overview.days[i + 1].from : overview.to;
    TransferCounts counts;
    std::set<std::string> persons;
    for (const Event& event : Transfers(day.from, to)) {
      const auto& open = event.public_part;
      const bool refusal = open.outcome() == event::v1::OUTCOME_BLOCKED;
      ++counts.transfers;
      counts.blocked += refusal && !open.observe_only() ? 1 : 0;
      counts.observed += refusal && open.observe_only() ? 1 : 0;
      counts.alerted += open.outcome() == event::v1::OUTCOME_ALERTED ? 1 : 0;
      counts.persons += open.person_count();
      counts.persons_written += open.persons_written_count();
      persons.insert(event.personal_part.person());
    }
    EXPECT_EQ(day.counts.transfers, counts.transfers) << i;
    EXPECT_EQ(day.counts.blocked, counts.blocked) << i;
    EXPECT_EQ(day.counts.observed, counts.observed) << i;
    EXPECT_EQ(day.counts.alerted, counts.alerted) << i;
    EXPECT_EQ(day.counts.persons, counts.persons) << i;
    EXPECT_EQ(day.counts.persons_written, counts.persons_written) << i;
    EXPECT_EQ(day.operators, std::ssize(persons)) << i;
    all += counts.transfers;
  }
  EXPECT_GT(all, 400);
  int64_t by_device = 0, by_person = 0;
  for (const TopRow& row : overview.top_devices) {
    by_device += row.counts.transfers;
  }
  for (const TopRow& row : overview.top_persons) {
    by_person += row.counts.transfers;
  }
  EXPECT_EQ(by_device, all);
  EXPECT_EQ(by_person, all);
  EXPECT_EQ(overview.top_terminals.size(), 8U);
  EXPECT_EQ(overview.top_devices.front().name, "BUFFALO RUF3-HSL32G");
  for (size_t i = 1; i < overview.top_persons.size(); ++i) {
    EXPECT_GE(overview.top_persons[i - 1].counts.persons,
              overview.top_persons[i].counts.persons);
  }
}

TEST_F(OverviewTest, WhatHappensNowIsCountedThoughThePastIsKept) {
  const Overview before = Read(30);
  world_.AddBlockedTransfer();
  const Overview after = Read(30);
  EXPECT_EQ(after.days.back().counts.blocked,
            before.days.back().counts.blocked + 1);
  EXPECT_EQ(after.days.back().counts.persons_blocked,
            before.days.back().counts.persons_blocked + 1500);
  const auto persons = [](const Overview& overview, const std::string& who) {
    for (const TopRow& row : overview.top_persons) {
      if (row.value == who) return row.counts.persons;
    }
    return int64_t{0};
  };
  EXPECT_EQ(persons(after, "op01 (yamada)"),
            persons(before, "op01 (yamada)") + 1500);
  // Another span is another count.
  EXPECT_EQ(Read(7).days.size(), 7U);
}

TEST_F(OverviewTest, TellsCoverageAndWhatIsOpen) {
  const Overview overview = Read(7);
  EXPECT_EQ(overview.coverage.silent, 1);
  EXPECT_EQ(overview.coverage.observing, 1);
  EXPECT_EQ(overview.coverage.degraded, 1);
  EXPECT_EQ(overview.coverage.never_connected, 1);
  EXPECT_EQ(overview.coverage.enforcing, 10);
  EXPECT_EQ(overview.open.requests, 1);
  EXPECT_EQ(overview.open.by_severity.at("critical"), 1);
  EXPECT_FALSE(overview.open.by_severity.contains("none"));
  EXPECT_GT(overview.open.unassigned, 0);
  EXPECT_TRUE(overview.open.oldest_time);
}

}  // namespace
}  // namespace sekisho::core
