// Reviews are drawn, opened, judged, signed, told when nobody does; alerts have
// clocks; retention runs once a day. With the events of the demo world.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "common/text.h"
#include "server/alert/overdue.h"
#include "server/core/retention.h"
#include "server/core/reviewing.h"
#include "tests/support/demo_world.h"

namespace sekisho::core {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

const Caller kAuditor{"aoki", Role::kAuditor, "console", ""};
const Caller kAnalyst{"mori", {Role::kViewer, Role::kAnalyst}, "console", ""};
// He is in the demo world's transfers, and an auditor.
const Caller kOperator{"yamada", Role::kAuditor, "console", ""};

WallTime At(const char* text) { return ParseUtc(text).value(); }
// After the week of the demo world's today.
const WallTime kMonday = At("2026-11-22T15:30:00Z");

ReviewRules Weekly(int sample) {
  ReviewRules rules;
  rules.zone = policy::Zone::Find("Asia/Tokyo").value();
  ReviewRule rule;
  rule.name = "weekly";
  rule.role = Role::kAuditor;
  rule.due_days = 5;
  rule.sample = sample;
  rule.escalate_to = {"suzuki"};
  rules.periods.push_back(rule);
  return rules;
}

class DutiesDeskTest : public ::testing::Test {
 protected:
  DutiesDeskTest() {
    // The line is in the settings since before.
    EXPECT_TRUE(
        world_.store().NoteReviewRule("weekly", At("2026-11-16T00:00:00Z")));
  }
  Desk& desk() { return world_.desk(); }
  void Draw(const ReviewRules& rules) {
    Reviewing reviewing(world_.store(), changes_, world_.clock(), rules);
    const Status done = reviewing.Tick();
    ASSERT_TRUE(done) << done.error().message;
  }
  std::vector<Review> Reviews() {
    return desk().ListReviews(kAuditor, {}, {}).value().rows;
  }
  ReviewFile File(int64_t id) { return world_.store().ReadReview(id).value(); }
  Status Judge(const Caller& caller, int64_t item, const std::string& verdict,
               const std::string& note = "") {
    const auto opened = desk().OpenReviewItem(caller, 1, item);
    if (!opened) return std::unexpected(opened.error());
    const auto judged =
        desk().JudgeReviewItem(caller, {1, item, verdict, note});
    return judged ? Status() : std::unexpected(judged.error());
  }
  std::vector<Alert> AlertsOf(const std::string& kind) {
    AlertFilter filter;
    filter.kind = kind;
    return world_.store().ListAlerts(filter, {}).value().rows;
  }
  std::vector<std::string> Actions(const std::string& object) {
    std::vector<std::string> actions;
    const auto audit = world_.store().AuditOf(object).value();
    for (const AuditEntry& entry : audit) actions.push_back(entry.action);
    return actions;
  }

  demo::DemoWorld world_;
  Changes changes_;
};

TEST(Draw, IsTheLogsOwn) {
  std::vector<int64_t> numbers;
  for (int64_t i = 1; i <= 1'000; ++i) numbers.push_back(i);
  const ReviewPeriod period{At("2026-11-01T00:00:00Z"),
                            At("2026-11-08T00:00:00Z")};
  const std::string root(32, '\x05');
  const ReviewSeed seed = SeedOf("weekly", period, 1'000, root);
  const auto drawn = Draw(seed, numbers, 20);
  ASSERT_EQ(drawn.size(), 20U);
  EXPECT_TRUE(std::ranges::is_sorted(drawn));
  EXPECT_EQ(std::set<int64_t>(drawn.begin(), drawn.end()).size(), 20U);
  std::ranges::reverse(numbers);
  EXPECT_EQ(Draw(seed, numbers, 20), drawn) << "the order is no choice";
  // A longer list takes nobody out who would be drawn without it.
  EXPECT_TRUE(std::ranges::includes(Draw(seed, numbers, 40), drawn));
  for (const ReviewSeed& other :
       {SeedOf("monthly", period, 1'000, root),
        SeedOf("weekly", {period.from, period.to + days(1)}, 1'000, root),
        SeedOf("weekly", period, 1'001, root),
        SeedOf("weekly", period, 1'000, std::string(32, '\x06'))}) {
    EXPECT_NE(Draw(other, numbers, 20), drawn);
  }
  EXPECT_EQ(Draw(seed, numbers, 5'000).size(), 1'000U);
  EXPECT_THAT(Draw(seed, {}, 5), IsEmpty());
}

TEST_F(DutiesDeskTest, APeriodIsDrawnOnceWhenItIsOver) {
  world_.clock().Set(At("2026-11-22T15:05:00Z"));
  Draw(Weekly(4));
  EXPECT_THAT(Reviews(), IsEmpty()) << "what comes in late is waited for";
  world_.clock().Set(kMonday);
  Draw(Weekly(4));
  Draw(Weekly(4));
  const auto reviews = Reviews();
  ASSERT_EQ(reviews.size(), 1U);
  const ReviewFile file = File(reviews[0].id);
  EXPECT_EQ(file.row.to, At("2026-11-22T15:00:00Z"));
  EXPECT_EQ(file.row.due_time, At("2026-11-27T15:00:00Z"));
  EXPECT_GT(file.row.alert_count, 0);
  EXPECT_GT(file.row.refused_count, 0);
  EXPECT_GT(file.row.passed_count, 0);
  // Anybody can draw it again from what the log says.
  const merkle::Head log = *world_.store().LogHeadAt(file.row.log_size);
  EXPECT_EQ(file.row.log_root,
            std::string(reinterpret_cast<const char*>(log.root.data()), 32));
  const ReviewSeed seed = SeedOf("weekly", {file.row.from, file.row.to},
                                 file.row.log_size, file.row.log_root);
  std::vector<int64_t> passed;
  ASSERT_TRUE(world_.store().ScanTransfers(
      file.row.from, file.row.to,
      [&](const store::PastTransfer& row) -> Status {
        if (!store::IsRefusal(row.outcome)) passed.push_back(row.row_id);
        return {};
      }));
  std::vector<int64_t> drawn;
  int64_t alerts = 0, transfers = 0;
  for (const ReviewItem& item : file.items) {
    ++(item.why == "alert" ? alerts : transfers);
    if (item.why == "passed") drawn.push_back(item.event_row_id);
  }
  EXPECT_EQ(alerts, file.row.alert_count);
  EXPECT_EQ(transfers, std::min<int64_t>(
                           4, file.row.refused_count + file.row.passed_count));
  EXPECT_EQ(drawn, core::Draw(seed, passed, drawn.size()));
  EXPECT_THAT(Actions("review 1"), ElementsAre("review.draw"));
}

TEST_F(DutiesDeskTest, ALineThatIsNewReviewsNothingOfBefore) {
  ReviewRules rules = Weekly(4);
  rules.periods[0].name = "new";
  world_.clock().Set(kMonday);
  Draw(rules);
  EXPECT_THAT(Reviews(), IsEmpty());
  world_.clock().Set(kMonday + days(7));
  Draw(rules);
  EXPECT_EQ(Reviews().size(), 1U);
}

TEST_F(DutiesDeskTest, OnlyTerminalsOfItsGroups) {
  ASSERT_TRUE(world_.store().PutRegister({{.name = "maint-tokyo-02",
                                           .site = "",
                                           .groups = "x; tokyo",
                                           .hours = "",
                                           .owner = "",
                                           .service_from = {},
                                           .service_to = {},
                                           .remove_time = {}}},
                                         world_.clock().Now()));
  ReviewRules rules = Weekly(100);
  rules.periods[0].groups = {"tokyo"};
  world_.clock().Set(kMonday);
  Draw(rules);
  const ReviewFile file = File(1);
  EXPECT_THAT(file.items, Not(IsEmpty()));
  for (const ReviewItem& item : file.items) {
    EXPECT_EQ(item.terminal, "maint-tokyo-02");
  }
}

TEST_F(DutiesDeskTest, IsJudgedAfterItWasOpenedAndSignedAfterAllWasJudged) {
  world_.clock().Set(kMonday);
  Draw(Weekly(2));
  const int64_t items = Reviews()[0].item_count;
  EXPECT_TRUE(desk().GetReview(kAuditor, 1)->is_reviewer);
  EXPECT_FALSE(desk().GetReview(kAnalyst, 1)->is_reviewer);
  EXPECT_EQ(desk().OpenReviewItem(kAnalyst, 1, 1).error().code,
            Code::kPermissionDenied);
  EXPECT_EQ(
      desk().JudgeReviewItem(kAuditor, {1, 1, "in_order", ""}).error().code,
      Code::kFailedPrecondition)
      << "not opened";
  const auto opened = desk().OpenReviewItem(kAuditor, 1, items);
  ASSERT_TRUE(opened) << opened.error().message;
  ASSERT_TRUE(opened->event);
  EXPECT_EQ(opened->event->row_id, opened->item.event_row_id);
  EXPECT_EQ(
      desk().JudgeReviewItem(kAuditor, {1, items, "fine", ""}).error().code,
      Code::kInvalidArgument);
  EXPECT_EQ(desk()
                .JudgeReviewItem(kAuditor, {1, items, "violation", " "})
                .error()
                .code,
            Code::kInvalidArgument)
      << "a finding needs its note";
  EXPECT_EQ(
      desk().JudgeReviewItem(kAuditor, {1, 0, "in_order", ""}).error().code,
      Code::kInvalidArgument);
  EXPECT_EQ(desk().SignReview(kAuditor, 1, "").error().code,
            Code::kFailedPrecondition);
  for (int64_t item = 1; item <= items; ++item) {
    const Status judged = item == 1 ? Judge(kAuditor, item, "violation", "told")
                                    : Judge(kAuditor, item, "in_order");
    ASSERT_TRUE(judged) << judged.error().message;
  }
  const auto signed_one = desk().SignReview(kAuditor, 1, "looked at all");
  ASSERT_TRUE(signed_one) << signed_one.error().message;
  EXPECT_EQ(signed_one->signed_by, "aoki");
  EXPECT_EQ(signed_one->finding_count, 1);
  EXPECT_EQ(desk().GetReview(kAuditor, 1)->state, "signed");
  EXPECT_EQ(Judge(kAuditor, 1, "in_order").error().code,
            Code::kFailedPrecondition)
      << "signed is signed";
  const auto audit = world_.store().AuditOf("review 1").value();
  EXPECT_EQ(std::ranges::count(audit, "review.open", &AuditEntry::action),
            items + 3);
}

TEST_F(DutiesDeskTest, NobodyReviewsWhatConcernsHimself) {
  world_.AddBlockedTransfer();
  world_.clock().Set(kMonday);
  Draw(Weekly(50));
  const ReviewFile file = File(1);
  int64_t his = 0;
  for (const ReviewItem& item : file.items) {
    if (item.person.find("yamada") != std::string::npos) his = item.no;
  }
  ASSERT_NE(his, 0);
  EXPECT_EQ(Judge(kOperator, his, "in_order").error().code,
            Code::kPermissionDenied);
  EXPECT_TRUE(Judge(kAuditor, his, "in_order"));
}

TEST_F(DutiesDeskTest, PeopleAreNamedInThePlaceOfARole) {
  ReviewRules rules = Weekly(2);
  rules.periods[0].role.reset();
  rules.periods[0].people = {"mori"};
  world_.clock().Set(kMonday);
  Draw(rules);
  EXPECT_TRUE(desk().OpenReviewItem(kAnalyst, 1, 1));
  EXPECT_EQ(desk().OpenReviewItem(kAuditor, 1, 1).error().code,
            Code::kPermissionDenied);
}

TEST_F(DutiesDeskTest, WhatIsOverdueIsToldOnceAndOverWhenItIsSigned) {
  world_.clock().Set(kMonday);
  Draw(Weekly(1));
  const ReviewFile file = File(1);
  world_.clock().Set(file.row.due_time - std::chrono::seconds(1));
  Draw(Weekly(1));
  EXPECT_THAT(AlertsOf("review_overdue"), IsEmpty());
  world_.clock().Set(file.row.due_time);
  Draw(Weekly(1));
  Draw(Weekly(1));
  const auto told = AlertsOf("review_overdue");
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].assignee, "suzuki");
  EXPECT_EQ(told[0].severity, "high");
  EXPECT_FALSE(told[0].acknowledge_due);
  EXPECT_EQ(desk().GetReview(kAuditor, 1)->state, "overdue");
  world_.clock().Set(file.row.due_time + hours(1));
  for (const ReviewItem& item : file.items) {
    ASSERT_TRUE(Judge(kAuditor, item.no, "in_order"));
  }
  ASSERT_TRUE(desk().SignReview(kAuditor, 1, ""));
  EXPECT_TRUE(AlertsOf("review_overdue")[0].resolve_time);
  EXPECT_EQ(desk().GetReview(kAuditor, 1)->state, "signed_late");

  const auto statement = desk().GetReviewStatement(
      kAnalyst, At("2026-11-01T00:00:00Z"), At("2026-12-01T00:00:00Z"));
  ASSERT_TRUE(statement) << statement.error().message;
  ASSERT_EQ(statement->rows.size(), 1U);
  EXPECT_EQ(statement->rows[0].state, "signed_late");
  EXPECT_EQ(statement->rows[0].judged_by.at("aoki"), std::ssize(file.items));
  EXPECT_THAT(statement->checkpoint, HasSubstr("\n"));
  EXPECT_THAT(statement->sla, Not(IsEmpty()));
  EXPECT_EQ(desk()
                .GetReviewStatement(kAnalyst, At("2026-12-01T00:00:00Z"),
                                    At("2026-11-01T00:00:00Z"))
                .error()
                .code,
            Code::kInvalidArgument);
}

// ---- clocks ----

TEST_F(DutiesDeskTest, WhatWaitsTooLongIsToldOnceALevel) {
  SlaRules rules;
  rules.by_severity["high"] = {minutes(60), hours(24), {}};
  alert::OverdueWatch watch(world_.store(), changes_, world_.clock(), rules);
  const int64_t id = world_.AddBlockedTransfer();
  const auto tell = [&](std::chrono::seconds later) {
    world_.clock().Set(demo::kDemoNow + later);
    EXPECT_TRUE(watch.Tick());
    return AlertsOf("alert_overdue");
  };
  const size_t before = tell(minutes(59)).size();
  const auto told = tell(minutes(60));
  ASSERT_EQ(told.size(), before + 1);
  EXPECT_THAT(told[0].title, HasSubstr(std::to_string(id)));
  EXPECT_EQ(told[0].severity, "high");
  EXPECT_EQ(tell(minutes(90)).size(), told.size());
  AlertChange change;
  change.alert_id = id;
  change.state = AlertState::kAcknowledged;
  ASSERT_TRUE(desk().UpdateAlert(kAnalyst, change));
  EXPECT_TRUE(tell(minutes(95))[0].resolve_time);
  const auto closing = tell(hours(24));
  ASSERT_EQ(closing.size(), told.size() + 1);
  EXPECT_THAT(closing[0].title, HasSubstr("not closed in time"));
  EXPECT_EQ(tell(hours(48)).size(), closing.size());
}

TEST_F(DutiesDeskTest, SuppressionsHaveReasonEndAndBounds) {
  Suppression wish;
  wish.kind = "transfer_blocked";
  wish.terminal = "maint-osaka-07";
  wish.reason = "a drill";
  wish.end_time = world_.clock().Now() + days(1);
  const auto code = [&](auto change) {
    Suppression one = wish;
    change(one);
    const auto made = desk().Suppress(kAnalyst, one);
    return made ? Code::kOk : made.error().code;
  };
  using S = Suppression;
  EXPECT_EQ(code([](S& s) { s.kind = "tamper"; }), Code::kInvalidArgument);
  EXPECT_EQ(code([](S& s) { s.kind = ""; }), Code::kInvalidArgument);
  EXPECT_EQ(code([](S& s) { s.terminal = ""; }), Code::kInvalidArgument);
  EXPECT_EQ(code([](S& s) { s.reason = " "; }), Code::kInvalidArgument);
  EXPECT_EQ(code([&](S& s) { s.end_time = world_.clock().Now(); }),
            Code::kInvalidArgument);
  EXPECT_EQ(code([](S& s) { s.end_time += days(90); }), Code::kInvalidArgument);
  EXPECT_EQ(code([](S& s) { s.person = "mori"; }), Code::kPermissionDenied);
  EXPECT_EQ(code([](S&) {}), Code::kOk);
  const int64_t id = world_.AddBlockedTransfer();
  AlertFilter filter;
  filter.alert_id = id;
  EXPECT_EQ(world_.store().ListAlerts(filter, {})->rows[0].suppression_id, 1);
  const auto queue = desk().ListAlerts(kAnalyst, {}, {});
  for (const Alert& alert : queue->rows) EXPECT_NE(alert.alert_id, id);
  ASSERT_TRUE(desk().EndSuppression(kAnalyst, 1, "it is over"));
  EXPECT_THAT(Actions("suppression 1"),
              ElementsAre("suppression.end", "suppression.begin"));
}

// ---- retention ----

TEST_F(DutiesDeskTest, RetentionRunsOnceADayAndIsWrittenDown) {
  RetentionRules rules;
  rules.keep[DataClass::kTransfers] = std::nullopt;
  rules.keep[DataClass::kLandings] = days(30);
  rules.keep[DataClass::kSessions] = days(30);
  Retention retention(world_.store(), world_.clock(), rules,
                      [] { return int64_t{1} << 40; });
  const auto run = [&](WallTime at) {
    world_.clock().Set(at);
    for (int i = 0; i < 20; ++i) EXPECT_TRUE(retention.Tick());
    return world_.store().AuditOf("events").value();
  };
  EXPECT_THAT(run(demo::kDemoNow), IsEmpty());
  const WallTime later = demo::kDemoNow + days(60);
  const auto due = [&](DataClass data) {
    for (const ClassCut& one : CutsOf(rules, later)) {
      if (one.data == data)
        return world_.store().CountErasable(one.cut)->erased;
    }
    return int64_t{-1};
  };
  const int64_t sessions = due(DataClass::kSessions);
  EXPECT_GT(sessions, 0);
  EXPECT_EQ(due(DataClass::kTransfers), 0);
  const auto audit = run(later);
  ASSERT_EQ(audit.size(), 1U);
  EXPECT_EQ(audit[0].action, "retention.erase");
  EXPECT_THAT(audit[0].detail, HasSubstr("transfers kept for ever"));
  EXPECT_THAT(audit[0].detail, HasSubstr(std::to_string(sessions) + " erased"));
  EXPECT_EQ(run(later + hours(23)).size(), 1U);
  EXPECT_EQ(run(later + hours(24)).size(), 2U);
  EXPECT_EQ(due(DataClass::kSessions), 0);
  const auto events = world_.store().ListEvents({}, {}).value();
  bool one_is_there = false;
  for (const Event& event : events.rows) {
    if (ClassOf(event.public_part.kind()) != DataClass::kTransfers) {
      EXPECT_EQ(event.personal_part.ByteSizeLong(), 0U);
    } else {
      one_is_there = one_is_there || !event.personal_part.person().empty();
    }
  }
  EXPECT_TRUE(one_is_there);
}

}  // namespace
}  // namespace sekisho::core
