#include "server/core/duties.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/text.h"

namespace sekisho::core {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

WallTime At(const char* text) { return ParseUtc(text).value(); }

Duties Parsed(const std::string& text) {
  const auto duties = ParseDuties("server.yaml", text);
  EXPECT_TRUE(duties) << duties.error().message;
  return duties.value_or(Duties{});
}

std::string WhyNot(const std::string& text) {
  const auto duties = ParseDuties("server.yaml", text);
  return duties ? "" : duties.error().message;
}

TEST(Duties, SaysNothingWithoutSections) {
  const Duties duties = Parsed("console_port: 8443\n");
  EXPECT_TRUE(duties.sla.by_severity.empty());
  EXPECT_TRUE(duties.review.periods.empty());
  EXPECT_EQ(duties.retention.keep.at(DataClass::kTransfers), days(3653));
  EXPECT_EQ(duties.retention.keep.at(DataClass::kLandings), days(366));
  EXPECT_EQ(duties.retention.keep.at(DataClass::kSessions), days(366));
}

TEST(Duties, AreRead) {
  const Duties duties = Parsed(R"(
sla:
  critical: { acknowledge: 15m, close: 4h }
  low: { close: 2w, hours: "Mon-Fri 09:00-18:00 Asia/Tokyo" }
review:
  zone: Asia/Tokyo
  periods:
    - { name: call-centre, every: weekly, groups: [call-centre], role: auditor,
        due_days: 5, sample: 20, escalate_to: [suzuki] }
    - { name: all, every: monthly, people: [sato, mori], sample: 0 }
retention: { sessions: 90d, landings: 1y, transfers: forever }
)");
  const SlaRule& critical = duties.sla.by_severity.at("critical");
  EXPECT_EQ(critical.acknowledge, minutes(15));
  EXPECT_EQ(critical.close, hours(4));
  EXPECT_FALSE(critical.hours);
  EXPECT_FALSE(duties.sla.by_severity.at("low").acknowledge);
  EXPECT_TRUE(duties.sla.by_severity.at("low").hours);
  ASSERT_EQ(duties.review.periods.size(), 2U);
  EXPECT_EQ(duties.review.periods[0].role, store::Role::kAuditor);
  EXPECT_EQ(duties.review.periods[0].due_days, 5);
  EXPECT_THAT(duties.review.periods[0].escalate_to, ElementsAre("suzuki"));
  EXPECT_EQ(duties.review.periods[1].every, ReviewEvery::kMonthly);
  EXPECT_THAT(duties.review.periods[1].people, ElementsAre("sato", "mori"));
  EXPECT_EQ(duties.retention.keep.at(DataClass::kSessions), days(90));
  EXPECT_EQ(duties.retention.keep.at(DataClass::kLandings), days(366));
  EXPECT_EQ(duties.retention.keep.at(DataClass::kTransfers), std::nullopt);
}

TEST(Duties, WhatIsWrongIsSaidWithItsPlace) {
  const std::pair<const char*, const char*> cases[] = {
      {"sla: { grave: { close: 1h } }", "grave"},
      {"sla: { high: { close: soon } }", "15m"},
      {"sla: { high: { close: 0h } }", "15m"},
      {"sla: { high: { close: 1h, hours: \"9 to 5\" } }", "server.yaml:1:"},
      {"review: { zone: Nowhere/City }", "time zone"},
      {"review: { periods: [ { every: weekly, role: auditor } ] }", "name"},
      {"review: { periods: [ { name: a, role: auditor } ] }", "every"},
      {"review: { periods: [ { name: a, every: daily, role: auditor } ] }",
       "weekly"},
      {"review: { periods: [ { name: a, every: weekly } ] }", "who reviews"},
      {"review: { periods: [ { name: a, every: weekly, role: auditor, "
       "people: [x] } ] }",
       "who reviews"},
      {"review: { periods: [ { name: a, every: weekly, role: viewer } ] }",
       "analyst or auditor"},
      {"review: { periods: [ { name: a, every: weekly, role: auditor, sample: "
       "501 } ] }",
       "500"},
      {"review: { periods: [ { name: a, every: weekly, role: auditor }, { "
       "name: a, every: weekly, role: auditor } ] }",
       "no other period"},
      {"retention: { transfers: 3h }", "at least a day"},
      {"retention: { files: 1y }", "files"}};
  for (const auto& [text, why] : cases) {
    EXPECT_THAT(WhyNot(text), HasSubstr(why)) << text;
    EXPECT_THAT(WhyNot(text), HasSubstr("server.yaml:1:")) << text;
  }
  EXPECT_EQ(WhyNot("review: { periods: [ { name: a, every: weekly, role: "
                   "auditor, sample: 500 } ] }"),
            "");
}

TEST(Duties, ClocksCountTheHoursThatCount) {
  const Duties duties = Parsed(
      "sla: { high: { close: 2h }, low: { close: 9h, hours: \"Mon-Fri "
      "09:00-18:00 UTC\" } }");
  const SlaRule& high = duties.sla.by_severity.at("high");
  const SlaRule& low = duties.sla.by_severity.at("low");
  const WallTime friday = At("2026-11-20T16:00:00Z");
  EXPECT_EQ(DueAt(high, friday, hours(2)), At("2026-11-20T18:00:00Z"));
  EXPECT_EQ(DueAt(low, friday, hours(2)), At("2026-11-20T18:00:00Z"));
  EXPECT_EQ(DueAt(low, friday, hours(9)), At("2026-11-23T16:00:00Z"));
  EXPECT_EQ(DueAt(low, At("2026-11-21T03:00:00Z"), hours(1)),
            At("2026-11-23T10:00:00Z"));
}

TEST(Duties, PeriodsEndInTheirZone) {
  const auto tokyo = policy::Zone::Find("Asia/Tokyo").value();
  const WallTime friday = At("2026-11-20T12:00:00Z");
  const ReviewPeriod week = LastPeriod(ReviewEvery::kWeekly, tokyo, friday);
  EXPECT_EQ(week.from, At("2026-11-08T15:00:00Z"));
  EXPECT_EQ(week.to, At("2026-11-15T15:00:00Z"));
  const ReviewPeriod month = LastPeriod(ReviewEvery::kMonthly, tokyo, friday);
  EXPECT_EQ(month.from, At("2026-09-30T15:00:00Z"));
  EXPECT_EQ(month.to, At("2026-10-31T15:00:00Z"));
  // At its very end it is over.
  EXPECT_EQ(LastPeriod(ReviewEvery::kWeekly, tokyo, week.to).to, week.to);
  EXPECT_EQ(LastPeriod(ReviewEvery::kWeekly, tokyo,
                       week.to - std::chrono::microseconds(1))
                .to,
            week.from);
  EXPECT_EQ(LastPeriod(ReviewEvery::kMonthly, tokyo, month.from).from,
            At("2026-08-31T15:00:00Z"));
}

}  // namespace
}  // namespace sekisho::core
