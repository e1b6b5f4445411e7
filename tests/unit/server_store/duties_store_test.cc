// Reviews, clocks of alerts, suppressions and retention, on every engine.
#include <gmock/gmock.h>

#include "tests/unit/server_store/store_fixture.h"

namespace sekisho::store {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class DutiesTest : public StoreTest {
 protected:
  int64_t AddAlert(const std::string& key, const std::string& severity,
                   int64_t at = 1) {
    NewAlert alert = AlertWith(key);
    alert.alert.severity = severity;
    alert.alert.create_time = At(at);
    return **store_->AddAlert(alert);
  }
  Alert AlertOf(int64_t id) {
    AlertFilter filter;
    filter.alert_id = id;
    return store_->ListAlerts(filter, {})->rows.at(0);
  }
  void Set(int64_t id, AlertState state) {
    AlertChange change;
    change.alert_id = id;
    change.state = state;
    change.verdict = "benign";
    ASSERT_TRUE(store_->UpdateAlert(change, "mori", At(50)));
  }
  std::vector<int64_t> Waiting(SlaLevel level, int64_t before) {
    std::vector<int64_t> ids;
    const auto waiting = store_->WaitingAlerts(level, "high", At(before), 10);
    EXPECT_TRUE(waiting) << waiting.error().message;
    for (const Alert& alert : *waiting) ids.push_back(alert.alert_id);
    return ids;
  }
  RetentionCut Cut(int64_t before) {
    return {{event::v1::EVENT_KIND_TRANSFER}, At(before), 1'000'000};
  }
  // How many of the agent's records still have their personal part; the chain
  // must verify in any case.
  int64_t WithPersonalPart(const std::string& agent_id) {
    int64_t there = 0;
    event::Head head;
    const auto end = store_->ReadChain(
        agent_id, [&](const event::v1::EventRecord& record, int64_t) -> Status {
          RETURN_IF_ERROR(
              event::CheckNext(head, record, keys_.public_key, agent_id));
          head = event::HeadOf(record);
          there += record.salt().empty() ? 0 : 1;
          EXPECT_EQ(record.salt().empty(), record.personal_part().empty());
          return {};
        });
    EXPECT_TRUE(end) << end.error().message;
    return there;
  }
  int64_t Hold(const CaseItems& items) {
    const auto put = store_->PutCase(
        0,
        {.add = items, .remove = {}, .comment = "", .by = "mori", .now = At(5)},
        [](Case& row) -> Status {
          row.hold_time = At(5);
          return {};
        });
    EXPECT_TRUE(put) << put.error().message;
    return put->id;
  }
  void Release(int64_t case_id) {
    ASSERT_TRUE(store_->PutCase(
        case_id,
        {.add = {}, .remove = {}, .comment = "", .by = "sato", .now = At(6)},
        [](Case& row) -> Status {
          row.hold_time.reset();
          return {};
        }));
  }
};

// ---- retention ----

TEST_P(DutiesTest, ErasesPersonsAndLeavesTheChain) {
  const std::string agent = AddAgent("a");
  ASSERT_TRUE(Append(agent, Records(agent, 5)));
  IndexAll("op01");
  NewAlert about = AlertWith("about");
  about.alert.person = "op01";
  about.alert.event_row_id = 2;
  const int64_t alert = **store_->AddAlert(about);
  const merkle::Head log = *store_->LogHead();
  // All were received at 100.
  EXPECT_EQ(store_->CountErasable(Cut(100))->erased, 0);
  EXPECT_EQ(store_->CountErasable(Cut(101))->erased, 5);
  EventFilter by_file;
  by_file.file = "list.csv";
  EXPECT_EQ(store_->ListEvents(by_file, {})->rows.size(), 5U);
  EXPECT_EQ(store_->EraseNext(Cut(100), 10)->erased, 0);
  RetentionCut told = Cut(101);
  told.upto_row = 1;
  EXPECT_EQ(store_->EraseNext(told, 10)->erased, 1) << "not past a sink's mark";
  const auto step = store_->EraseNext(Cut(101), 3);
  ASSERT_TRUE(step) << step.error().message;
  EXPECT_EQ(step->erased, 3);
  EXPECT_TRUE(step->more);
  EXPECT_EQ(WithPersonalPart(agent), 1);
  EXPECT_EQ(store_->EraseNext(Cut(101), 3)->erased, 1);
  const auto last = store_->EraseNext(Cut(101), 3);
  EXPECT_EQ(last->erased, 0);
  EXPECT_FALSE(last->more);
  EXPECT_EQ(WithPersonalPart(agent), 0);
  EXPECT_EQ(*store_->LogHead(), log);
  EXPECT_EQ(AlertOf(alert).person, "");
  EventFilter filter;
  filter.person = "op01";
  EXPECT_TRUE(store_->ListEvents(filter, {})->rows.empty());
  EXPECT_TRUE(store_->ListEvents(by_file, {})->rows.empty());
  EXPECT_EQ(store_->GetEvent(2)->personal_part.person(), "");
  Open();
  ASSERT_TRUE(Append(agent, Records(agent, 1)));
  EXPECT_EQ(WithPersonalPart(agent), 1);
}

TEST_P(DutiesTest, NothingUnderLegalHoldIsErasedUntilItIsLifted) {
  const std::string agent = AddAgent("a");
  ASSERT_TRUE(Append(agent, Records(agent, 4)));
  IndexAll("op01");
  NewAlert about = AlertWith("about");
  about.alert.event_row_id = 2;
  const int64_t alert = **store_->AddAlert(about);
  const int64_t by_alert = Hold({{alert}, {}});
  const int64_t by_event = Hold({{}, {4}});
  const auto count = store_->CountErasable(Cut(101));
  EXPECT_EQ(count->erased, 2);
  EXPECT_EQ(count->held, 2);
  const auto step = store_->EraseNext(Cut(101), 10);
  EXPECT_EQ(step->erased, 2);
  EXPECT_EQ(step->held, 2);
  EXPECT_EQ(WithPersonalPart(agent), 2);
  const auto after = store_->CountErasable(Cut(101));
  EXPECT_EQ(after->erased, 0);
  EXPECT_EQ(after->held, 2);
  Release(by_alert);
  EXPECT_EQ(store_->CountErasable(Cut(101))->erased, 1);
  const auto next = store_->EraseNext(Cut(101), 10);
  EXPECT_EQ(next->erased, 1);
  EXPECT_EQ(next->held, 1);
  EXPECT_EQ(store_->GetEvent(4)->personal_part.person(), "operator");
  Release(by_event);
  EXPECT_EQ(store_->EraseNext(Cut(101), 10)->erased, 1);
  EXPECT_EQ(WithPersonalPart(agent), 0);
  // A hold on what is gone keeps nothing.
  Hold({{alert}, {}});
  EXPECT_EQ(store_->CountErasable(Cut(101))->held, 0);
}

TEST_P(DutiesTest, ErasesOnlyTheKindsThatAreAsked) {
  const std::string agent = AddAgent("a");
  ASSERT_TRUE(Append(agent, Records(agent, 2)));
  IndexAll();
  RetentionCut landings = Cut(101);
  landings.kinds = {event::v1::EVENT_KIND_LANDING};
  EXPECT_EQ(store_->EraseNext(landings, 10)->erased, 0);
  EXPECT_EQ(store_->EraseNext({}, 10)->erased, 0);
  EXPECT_EQ(store_->CountErasable({})->erased, 0);
  EXPECT_EQ(WithPersonalPart(agent), 2);
}

// ---- clocks ----

TEST_P(DutiesTest, EachLevelOfAnAlertIsToldOnce) {
  const int64_t first = AddAlert("a", "high", 10);
  const int64_t second = AddAlert("b", "high", 20);
  AddAlert("c", "low", 10);
  const int64_t gone = AddAlert("d", "high", 10);
  ASSERT_TRUE(store_->ResolveAlert(gone, At(11)));
  EXPECT_THAT(Waiting(SlaLevel::kAcknowledge, 19), ElementsAre(first));
  EXPECT_THAT(Waiting(SlaLevel::kAcknowledge, 20), ElementsAre(first, second));
  Set(second, AlertState::kAcknowledged);
  EXPECT_THAT(Waiting(SlaLevel::kAcknowledge, 21), ElementsAre(first));
  EXPECT_THAT(Waiting(SlaLevel::kClose, 21), ElementsAre(first, second));

  NewAlert told = AlertWith("told");
  told.alert.kind = "alert_overdue";
  const auto id = store_->Escalate(SlaLevel::kAcknowledge, {first}, told);
  ASSERT_TRUE(id && *id);
  EXPECT_EQ(AlertOf(first).told_level, 1);
  EXPECT_THAT(Waiting(SlaLevel::kAcknowledge, 21), IsEmpty());
  EXPECT_THAT(Waiting(SlaLevel::kClose, 99), ElementsAre(first, second))
      << "what tells has no clock of its own";
  EXPECT_THAT(*store_->ResolveEscalations(At(60)), IsEmpty());
  Set(first, AlertState::kInProgress);
  EXPECT_THAT(*store_->ResolveEscalations(At(61)), ElementsAre(**id));
  EXPECT_TRUE(AlertOf(**id).resolve_time);

  told.key = "again";
  const auto close = store_->Escalate(SlaLevel::kClose, {first, second}, told);
  EXPECT_THAT(Waiting(SlaLevel::kClose, 99), IsEmpty());
  Set(first, AlertState::kClosed);
  EXPECT_THAT(*store_->ResolveEscalations(At(62)), IsEmpty());
  Set(second, AlertState::kClosed);
  EXPECT_THAT(*store_->ResolveEscalations(At(63)), ElementsAre(**close));

  const auto counts = store_->CountSla(At(0), At(90));
  ASSERT_TRUE(counts) << counts.error().message;
  ASSERT_EQ(counts->size(), 2U);
  EXPECT_EQ((*counts)[0].severity, "high");
  EXPECT_EQ((*counts)[0].alerts, 3);
  EXPECT_EQ((*counts)[0].closed, 2);
  EXPECT_EQ((*counts)[0].late_acknowledge, 2);
  EXPECT_EQ((*counts)[0].late_close, 2);
}

TEST_P(DutiesTest, CountsHowOftenARuleWasRight) {
  const std::pair<const char*, const char*> closed[] = {
      {"r1", "false_positive"},
      {"r1", "false_positive"},
      {"r1", "true_positive"},
      {"r2", "benign"}};
  int number = 0;
  for (const auto& [rule, verdict] : closed) {
    NewAlert alert = AlertWith("k" + std::to_string(++number));
    alert.alert.rule = rule;
    AlertChange change;
    change.alert_id = **store_->AddAlert(alert);
    change.state = AlertState::kClosed;
    change.verdict = verdict;
    ASSERT_TRUE(store_->UpdateAlert(change, "mori", At(3)));
  }
  NewAlert open = AlertWith("open");
  open.alert.rule = "r1";
  ASSERT_TRUE(store_->AddAlert(open));
  const auto counts = store_->CountVerdicts(At(0), At(2), {});
  ASSERT_TRUE(counts) << counts.error().message;
  ASSERT_EQ(counts->size(), 2U);
  EXPECT_EQ((*counts)[0].rule, "r1");
  EXPECT_EQ((*counts)[0].alerts, 4);
  EXPECT_EQ((*counts)[0].false_positive, 2);
  EXPECT_EQ((*counts)[0].true_positive, 1);
  EXPECT_EQ((*counts)[1].benign, 1);
  EXPECT_TRUE(store_->CountVerdicts(At(2), At(9), {})->empty());
}

// ---- suppressions ----

TEST_P(DutiesTest, KeepsBackWhatFitsUntilItsEnd) {
  Suppression row;
  row.kind = "tamper";
  row.terminal = "a";
  row.reason = "the disk is being changed";
  row.created_by = "sato";
  row.create_time = At(1);
  row.end_time = At(100);
  EXPECT_EQ(*store_->AddSuppression(row), 1);
  const auto add = [&](const std::string& key, auto change) {
    NewAlert alert = AlertWith(key);
    alert.alert.create_time = At(50);
    change(alert.alert);
    return AlertOf(**store_->AddAlert(alert)).suppression_id;
  };
  EXPECT_EQ(add("fits", [](Alert&) {}), 1);
  EXPECT_EQ(add("kind", [](Alert& alert) { alert.kind = "event_gap"; }), 0);
  EXPECT_EQ(add("place", [](Alert& alert) { alert.terminal = "b"; }), 0);
  EXPECT_EQ(add("bad", [](Alert& alert) { alert.severity = "critical"; }), 0);
  EXPECT_EQ(add("his", [](Alert& alert) { alert.person = "op (sato)"; }), 0);
  EXPECT_EQ(add("late", [](Alert& alert) { alert.create_time = At(100); }), 0);
  EXPECT_EQ(store_->ListAlerts({}, {})->rows.size(), 5U);
  AlertFilter all;
  all.with_suppressed = true;
  EXPECT_EQ(store_->ListAlerts(all, {})->rows.size(), 6U);
  EXPECT_EQ(store_->CountOpenAlerts({})->by_severity["high"], 4);

  const auto running =
      store_->ListSuppressions(WhichSuppressions::kRunning, At(60), {});
  ASSERT_TRUE(running) << running.error().message;
  ASSERT_EQ(running->size(), 1U);
  EXPECT_EQ((*running)[0].alert_count, 1);
  const auto ended = store_->EndSuppression(1, "mori", "it is done", At(70));
  ASSERT_TRUE(ended) << ended.error().message;
  EXPECT_EQ(ended->ended_by, "mori");
  EXPECT_EQ(add("after", [](Alert&) {}), 0);
  EXPECT_EQ(store_->EndSuppression(1, "mori", "", At(71)).error().code,
            Code::kNotFound);
  EXPECT_TRUE(store_->ListSuppressions(WhichSuppressions::kRunning, At(72), {})
                  ->empty());
  EXPECT_EQ(
      store_->ListSuppressions(WhichSuppressions::kAll, At(72), {})->size(),
      1U);
}

// ---- reviews ----

TEST_P(DutiesTest, AReviewKeepsItsItemsAndIsDrawnOnce) {
  EXPECT_EQ(*store_->NoteReviewRule("weekly", At(1)), At(1));
  EXPECT_EQ(*store_->NoteReviewRule("weekly", At(9)), At(1));
  Review row;
  row.name = "weekly";
  row.groups = "a;b";
  row.from = At(10);
  row.to = At(20);
  row.due_time = At(30);
  row.people = {"sato", "mori"};
  row.escalate_to = {"suzuki"};
  row.log_size = 4;
  row.log_root = std::string(32, '\x07');
  ReviewItem one;
  one.no = 1;
  one.why = "passed";
  one.event_row_id = 2;
  one.time = At(12);
  ReviewItem two = one;
  two.no = 2;
  two.why = "alert";
  two.alert_id = 7;
  const auto id = store_->AddReview(row, {one, two});
  ASSERT_TRUE(id) << id.error().message;
  ASSERT_TRUE(*id);
  EXPECT_EQ(*store_->AddReview(row, {one}), std::nullopt);
  const auto put = store_->PutReview(
      **id, 2, [](Review& review, ReviewItem& item) -> Status {
        EXPECT_EQ(item.alert_id, 7);
        EXPECT_EQ(review.judged_count, 0);
        item.open_time = At(40);
        item.opened_by = "sato";
        item.verdict = "violation";
        item.note = "not agreed";
        item.judged_by = "sato";
        item.judge_time = At(41);
        return {};
      });
  ASSERT_TRUE(put) << put.error().message;
  EXPECT_EQ(put->judged_count, 1);
  EXPECT_EQ(put->finding_count, 1);
  EXPECT_EQ(store_
                ->PutReview(**id, 1,
                            [](Review& review, ReviewItem& item) -> Status {
                              item.verdict = "in_order";
                              review.sign_time = At(42);
                              return Fail(Code::kPermissionDenied, "no");
                            })
                .error()
                .code,
            Code::kPermissionDenied);
  const auto file = store_->ReadReview(**id);
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_EQ(file->row.log_root, std::string(32, '\x07'));
  EXPECT_THAT(file->row.people, ElementsAre("sato", "mori"));
  EXPECT_FALSE(file->row.sign_time);
  ASSERT_EQ(file->items.size(), 2U);
  EXPECT_EQ(file->items[0].verdict, "");
  EXPECT_EQ(file->items[1].judge_time, At(41));
  const auto nothing = [](Review&, ReviewItem&) { return Status(); };
  EXPECT_EQ(store_->PutReview(**id, 3, nothing).error().code, Code::kNotFound);
  EXPECT_EQ(store_->PutReview(9, 0, nothing).error().code, Code::kNotFound);

  ReviewFilter filter;
  filter.only_open = true;
  EXPECT_EQ(store_->ListReviews(filter, {})->rows.size(), 1U);
  ASSERT_TRUE(
      store_->PutReview(**id, 0, [](Review& review, ReviewItem&) -> Status {
        review.sign_time = At(50);
        review.signed_by = "sato";
        return {};
      }));
  EXPECT_TRUE(store_->ListReviews(filter, {})->rows.empty());
  filter = {};
  filter.from = At(19);
  filter.to = At(20);
  EXPECT_EQ(store_->ListReviews(filter, {})->rows.size(), 1U);
  filter.from = At(20);
  filter.to = At(21);
  EXPECT_TRUE(store_->ListReviews(filter, {})->rows.empty());
}

TEST_P(DutiesTest, ScansTransfersOfAPeriodAndKnowsItsLog) {
  const std::string agent = AddAgent("a");
  ASSERT_TRUE(Append(agent, Records(agent, 3)));
  IndexAll("op01");
  EXPECT_EQ(*store_->LogSizeBefore(At(100)), 0);
  EXPECT_EQ(*store_->LogSizeBefore(At(101)), 3);
  std::vector<int64_t> rows;
  const auto scan = [&](int64_t from, int64_t to) {
    rows.clear();
    ASSERT_TRUE(store_->ScanTransfers(At(from), At(to),
                                      [&](const PastTransfer& row) -> Status {
                                        EXPECT_EQ(row.terminal, "a");
                                        EXPECT_EQ(row.person, "op01");
                                        rows.push_back(row.row_id);
                                        return {};
                                      }));
  };
  scan(100, 101);
  EXPECT_THAT(rows, ElementsAre(1, 2, 3));
  scan(101, 200);
  EXPECT_THAT(rows, IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Engines, DutiesTest, EveryEngine(), NameOf);

}  // namespace
}  // namespace sekisho::store
