#include <gtest/gtest.h>

#include "server/core/around.h"
#include "tests/support/demo_world.h"

namespace sekisho::core {
namespace {

const Caller kTanaka{"tanaka", Role::kAnalyst, "console", ""};

class AlertsDeskTest : public ::testing::Test {
 protected:
  std::vector<Alert> List(const AlertFilter& filter, int page_size = 1000) {
    std::vector<Alert> all;
    std::string token;
    do {
      auto page = world_.desk().ListAlerts(kTanaka, filter, {page_size, token});
      EXPECT_TRUE(page);
      if (!page) return all;
      for (Alert& alert : page->rows) all.push_back(std::move(alert));
      token = page->next_token;
    } while (!token.empty());
    return all;
  }
  static std::vector<int64_t> Ids(const std::vector<Alert>& alerts) {
    std::vector<int64_t> ids;
    for (const Alert& alert : alerts) ids.push_back(alert.alert_id);
    return ids;
  }

  demo::DemoWorld world_;
};

int Rank(const Alert& alert) {
  return alert.severity == "critical" ? 4
         : alert.severity == "high"   ? 3
         : alert.severity == "medium" ? 2
                                      : 1;
}

TEST_F(AlertsDeskTest, SortsTheWorstFirstAcrossPages) {
  AlertFilter filter;
  filter.order = AlertOrder::kSeverity;
  const auto whole = List(filter);
  ASSERT_GT(whole.size(), 4U);
  for (size_t i = 1; i < whole.size(); ++i) {
    EXPECT_TRUE(Rank(whole[i - 1]) > Rank(whole[i]) ||
                (Rank(whole[i - 1]) == Rank(whole[i]) &&
                 whole[i - 1].alert_id > whole[i].alert_id));
  }
  for (const int size : {1, 2, 3}) {
    EXPECT_EQ(Ids(List(filter, size)), Ids(whole)) << size;
  }
  EXPECT_FALSE(world_.desk().ListAlerts(kTanaka, filter, {10, "7"}));
  EXPECT_FALSE(world_.desk().ListAlerts(kTanaka, filter, {10, "x:1"}));
}

TEST_F(AlertsDeskTest, SortsTheOldestFirstAcrossPages) {
  AlertFilter filter;
  filter.order = AlertOrder::kOldest;
  auto ids = Ids(List(filter, 2));
  EXPECT_TRUE(std::ranges::is_sorted(ids));
  std::ranges::reverse(ids);
  EXPECT_EQ(ids, Ids(List({})));
}

TEST_F(AlertsDeskTest, FindsByPersonRuleAndOwner) {
  AlertFilter filter;
  filter.person = "op01 (yamada)";
  for (const Alert& alert : List(filter)) {
    EXPECT_EQ(alert.person, "op01 (yamada)");
  }
  EXPECT_GE(List(filter).size(), 2U);
  filter = {};
  filter.rule = "too-many-people";
  EXPECT_EQ(List(filter).size(), 1U);
  filter = {};
  filter.only_unassigned = true;
  EXPECT_EQ(List(filter).size() + 1, List({}).size());
}

TEST_F(AlertsDeskTest, GroupsAndCountsEveryAlertOnce) {
  for (const auto by :
       {AlertGroupBy::kPerson, AlertGroupBy::kDevice, AlertGroupBy::kTerminal,
        AlertGroupBy::kRule, AlertGroupBy::kKind}) {
    const auto groups = world_.desk().GroupAlerts(kTanaka, {}, by);
    ASSERT_TRUE(groups);
    int64_t sum = 0;
    for (const AlertGroup& group : *groups) sum += group.count;
    EXPECT_EQ(sum, std::ssize(List({})));
    EXPECT_EQ(groups->front().severity, "critical");
  }
}

TEST_F(AlertsDeskTest, ChangesManyAndTellsWhichItCouldNot) {
  auto ids = Ids(List({}));
  ids.resize(3);
  AlertChange close;
  close.state = AlertState::kClosed;
  close.verdict = "benign";
  close.comment = "planned work";
  ASSERT_TRUE(world_.desk().UpdateAlerts(kTanaka, {ids[0]}, close));
  ids.push_back(999'999);
  const auto done = world_.desk().UpdateAlerts(kTanaka, ids, close);
  ASSERT_TRUE(done);
  EXPECT_EQ(done->updated, 2);
  ASSERT_EQ(done->failed.size(), 2U);
  EXPECT_EQ(done->failed[0].alert_id, ids[0]);
  EXPECT_EQ(done->failed[1].alert_id, 999'999);
  // Each is written down, also what was refused.
  const auto audit = world_.store().AuditOf("alert " + std::to_string(ids[1]));
  ASSERT_TRUE(audit);
  EXPECT_EQ(audit->front().user, "tanaka");
  EXPECT_EQ(audit->front().result, "ok");
  EXPECT_NE(world_.store().AuditOf("alert 999999")->front().result, "ok");
}

TEST_F(AlertsDeskTest, ChangesAtMostSoManyAtOnce) {
  const std::vector<int64_t> most(kMaxBulkAlerts, 999'999);
  EXPECT_TRUE(world_.desk().UpdateAlerts(kTanaka, most, {}));
  const std::vector<int64_t> more(kMaxBulkAlerts + 1, 999'999);
  EXPECT_FALSE(world_.desk().UpdateAlerts(kTanaka, more, {}));
  EXPECT_FALSE(world_.desk().UpdateAlerts(kTanaka, {}, {}));
}

TEST(Around, TellsTheMonthOfPersonDeviceAndTerminal) {
  demo::DemoWorld world(demo::DemoWorld::Past::kNinetyDays);
  const int64_t id = world.AddBlockedTransfer();
  const auto around = world.desk().GetAround(kTanaka, id, "Asia/Tokyo");
  ASSERT_TRUE(around) << around.error().message;
  ASSERT_EQ(around->lanes.size(), 3U);
  for (const Lane& lane : around->lanes) {
    EventFilter filter;
    if (lane.by == "person") filter.person = lane.value;
    if (lane.by == "device_id") filter.device_id = lane.value;
    if (lane.by == "terminal") filter.terminal = lane.value;
    filter.from = demo::kDemoNow - std::chrono::days(kAroundDays);
    const auto events = world.store().ListEvents(filter, {1000, ""});
    ASSERT_TRUE(events);
    EXPECT_EQ(lane.sum.events, std::ssize(events->rows)) << lane.by;
    int64_t in_days = 0;
    for (const SpanCounts& day : lane.days) in_days += day.events;
    EXPECT_EQ(in_days, lane.sum.events) << lane.by;
    EXPECT_FALSE(lane.cut);
  }
  ASSERT_FALSE(around->alerts.empty());
  for (const Alert& other : around->alerts) EXPECT_NE(other.alert_id, id);
  EXPECT_NE(around->rule_text.find("id: too-many-people"), std::string::npos);
  EXPECT_EQ(around->rule_text.find("allowed-people"), std::string::npos);
  EXPECT_EQ(world.desk().GetAround(kTanaka, 999'999, "UTC").error().code,
            Code::kNotFound);
  EXPECT_EQ(world.desk().GetAround(kTanaka, id, "nowhere").error().code,
            Code::kInvalidArgument);
}

TEST(RuleText, IsTheRulesOwnLines) {
  const std::string policy =
      "policy: 2\nname: p\nmode: observe\ndevice_default: block\ncontent:\n"
      "  - id: one\n    when: { persons: { at_least: 2 } }\n"
      "    verdict: block\n"
      "  - id: two\n    when: { persons: { at_least: 1 } }\n"
      "    verdict: alert\ncontent_default: allow\n";
  const auto [text, line] = RuleText(policy, "one");
  EXPECT_EQ(line, 6);
  EXPECT_EQ(text,
            "  - id: one\n    when: { persons: { at_least: 2 } }\n"
            "    verdict: block");
  EXPECT_EQ(RuleText(policy, "three").second, 0);
  EXPECT_EQ(RuleText(policy, "").second, 0);
  EXPECT_EQ(RuleText("nonsense", "one").second, 0);
}

}  // namespace
}  // namespace sekisho::core
