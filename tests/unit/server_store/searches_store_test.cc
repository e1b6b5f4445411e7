// Saved searches, and changes of all alerts that a filter finds, on every
// engine.
#include <gmock/gmock.h>

#include "tests/unit/server_store/store_fixture.h"

namespace sekisho::store {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class SearchesTest : public StoreTest {
 protected:
  SavedSearch Wish(const std::string& owner, const std::string& name,
                   bool shared = false) {
    SavedSearch row;
    row.place = "events";
    row.name = name;
    row.owner = owner;
    row.is_shared = shared;
    row.filters = {{"kind", "transfer"}, {"terminal", "a=b"}};
    row.create_time = row.change_time = At(1);
    return row;
  }
  std::vector<std::string> NamesFor(const std::string& user) {
    std::vector<std::string> names;
    const auto rows = store_->ListSearches(user);
    EXPECT_TRUE(rows) << rows.error().message;
    for (const SavedSearch& row : *rows) names.push_back(row.name);
    return names;
  }
  int64_t AddAlert(const std::string& key, const std::string& severity) {
    NewAlert alert = AlertWith(key);
    alert.alert.severity = severity;
    return **store_->AddAlert(alert);
  }
};

TEST_P(SearchesTest, OnesOwnAndWhatIsSharedAreListed) {
  ASSERT_TRUE(store_->AddSearch(Wish("mori", "b"), 9));
  ASSERT_TRUE(store_->AddSearch(Wish("mori", "a", true), 9));
  ASSERT_TRUE(store_->AddSearch(Wish("sato", "a"), 9));
  EXPECT_THAT(NamesFor("mori"), ElementsAre("a", "b"));
  EXPECT_THAT(NamesFor("sato"), ElementsAre("a", "a"));
  EXPECT_THAT(NamesFor("kato"), ElementsAre("a"));
  const auto row = store_->ListSearches("kato")->at(0);
  EXPECT_EQ(row.owner, "mori");
  EXPECT_TRUE(row.is_shared);
  EXPECT_EQ(row.filters, Wish("", "").filters);
  EXPECT_EQ(row.create_time, At(1));
}

TEST_P(SearchesTest, ANameIsOneForItsOwnerAndPlace) {
  const auto id = store_->AddSearch(Wish("mori", "a"), 9);
  EXPECT_EQ(store_->AddSearch(Wish("mori", "a"), 9).error().code,
            Code::kAlreadyExists);
  SavedSearch elsewhere = Wish("mori", "a");
  elsewhere.place = "alerts";
  ASSERT_TRUE(store_->AddSearch(elsewhere, 9));
  ASSERT_TRUE(store_->AddSearch(Wish("mori", "b"), 9));
  const auto taken = store_->PutSearch(*id, [](SavedSearch& row) -> Status {
    row.name = "b";
    return {};
  });
  EXPECT_EQ(taken.error().code, Code::kAlreadyExists);
  EXPECT_THAT(NamesFor("mori"), ElementsAre("a", "a", "b"));
}

TEST_P(SearchesTest, NobodyKeepsMoreThanTheMost) {
  for (const char* name : {"a", "b"}) {
    ASSERT_TRUE(store_->AddSearch(Wish("mori", name), 2));
  }
  EXPECT_EQ(store_->AddSearch(Wish("mori", "c"), 2).error().code,
            Code::kResourceExhausted);
  EXPECT_TRUE(store_->AddSearch(Wish("sato", "c"), 2));
}

TEST_P(SearchesTest, IsChangedAndRemovedOnlyAsItIsAllowed) {
  const auto id = store_->AddSearch(Wish("mori", "a"), 9);
  const auto no = [](const SavedSearch&) -> Status {
    return Fail(Code::kPermissionDenied, "no");
  };
  EXPECT_EQ(store_->PutSearch(*id, [&](SavedSearch& row) { return no(row); })
                .error()
                .code,
            Code::kPermissionDenied);
  EXPECT_EQ(store_->RemoveSearch(*id, no).error().code,
            Code::kPermissionDenied);
  const auto put = store_->PutSearch(*id, [](SavedSearch& row) -> Status {
    row.filters = {{"person", "op01"}};
    row.is_shared = true;
    row.change_time = At(7);
    return {};
  });
  ASSERT_TRUE(put) << put.error().message;
  const SavedSearch row = store_->ListSearches("kato")->at(0);
  EXPECT_EQ(row.filters.at("person"), "op01");
  EXPECT_EQ(row.filters.size(), 1U);
  EXPECT_EQ(row.change_time, At(7));
  const auto yes = [](const SavedSearch&) -> Status { return {}; };
  EXPECT_EQ(store_->RemoveSearch(*id, yes)->name, "a");
  EXPECT_THAT(NamesFor("mori"), IsEmpty());
  EXPECT_EQ(store_->RemoveSearch(*id, yes).error().code, Code::kNotFound);
}

TEST_P(SearchesTest, RetentionEndsOldSearchesForPersons) {
  SavedSearch person = Wish("mori", "old person");
  person.filters = {{"kind", "transfer"}, {"person", "op01"}};
  ASSERT_TRUE(store_->AddSearch(person, 9));
  person.filters = {{"person", "op01"}};
  person.name = "only person";
  ASSERT_TRUE(store_->AddSearch(person, 9));
  person.name = "new person";
  person.change_time = At(50);
  ASSERT_TRUE(store_->AddSearch(person, 9));
  SavedSearch other = Wish("mori", "no person");
  other.filters = {{"terminal", "person=op01"}};
  ASSERT_TRUE(store_->AddSearch(other, 9));
  EXPECT_EQ(*store_->EraseNames(At(10)), 2);
  EXPECT_THAT(NamesFor("mori"), ElementsAre("new person", "no person"));
}

TEST_P(SearchesTest, EveryAlertOfAFilterIsChangedStepByStep) {
  std::vector<int64_t> high;
  for (int i = 0; i < 7; ++i) {
    const std::string key = std::to_string(i);
    high.push_back(AddAlert("h" + key, "high"));
    AddAlert("l" + key, "low");
  }
  MatchingAlerts which;
  which.filter.severity = "high";
  which.filter.states = {AlertState::kNew};
  const AlertCount count = *store_->CountAlerts(which.filter);
  EXPECT_EQ(count.count, 7);
  EXPECT_EQ(count.newest_id, high.back());
  which.upto_id = count.newest_id;
  const int64_t late = AddAlert("late", "high");
  AlertChange change;
  change.state = AlertState::kClosed;
  change.verdict = "benign";
  change.comment = "a drill";
  AuditEntry entry;
  entry.time = At(9);
  entry.user = "mori";
  entry.action = "alert.update";
  entry.result = "ok";
  const auto may = [&](const Alert& alert) -> Status {
    if (alert.alert_id != high[1]) return {};
    return Fail(Code::kPermissionDenied, "his own");
  };
  int64_t updated = 0;
  std::vector<int64_t> failed;
  int steps = 0;
  do {
    const auto step =
        store_->UpdateMatching(which, change, "mori", entry, may, 3);
    ASSERT_TRUE(step) << step.error().message;
    updated += step->updated;
    for (const auto& one : step->failed) failed.push_back(one.alert_id);
    which.after_id = step->next_after_id;
    ++steps;
  } while (which.after_id != 0);
  EXPECT_EQ(updated, 6);
  EXPECT_THAT(failed, ElementsAre(high[1]));
  EXPECT_EQ(steps, 3);
  AlertFilter filter;
  filter.states = {AlertState::kClosed};
  filter.order = AlertOrder::kOldest;
  const auto closed = store_->ListAlerts(filter, {});
  ASSERT_EQ(closed->rows.size(), 6U);
  for (const Alert& alert : closed->rows) {
    EXPECT_EQ(alert.severity, "high");
    EXPECT_NE(alert.alert_id, late);
    EXPECT_EQ(alert.verdict_by, "mori");
    EXPECT_EQ(alert.verdict_time, At(9));
    ASSERT_EQ(alert.comments.size(), 1U);
    EXPECT_EQ(alert.comments[0].author, "mori");
    const auto audit =
        store_->AuditOf("alert " + std::to_string(alert.alert_id));
    ASSERT_EQ(audit->size(), 1U);
    EXPECT_EQ(audit->front().result, "ok");
  }
  EXPECT_EQ(store_->AuditOf("alert " + std::to_string(high[1]))->front().result,
            "his own");
}

TEST_P(SearchesTest, RowsBySkipAreThoseOfThePages) {
  const char* severities[] = {"low", "critical", "medium", "high"};
  for (int i = 0; i < 20; ++i) {
    AddAlert(std::to_string(i), severities[i * 7 % 4]);
  }
  for (const auto order :
       {AlertOrder::kNewest, AlertOrder::kOldest, AlertOrder::kSeverity}) {
    AlertFilter by_page, by_skip;
    by_page.order = by_skip.order = order;
    Paging paging{6, ""};
    do {
      const auto page = store_->ListAlerts(by_page, paging);
      const auto window = store_->ListAlerts(by_skip, {6, ""});
      ASSERT_TRUE(page && window);
      ASSERT_EQ(window->rows.size(), page->rows.size());
      for (size_t i = 0; i < page->rows.size(); ++i) {
        EXPECT_EQ(window->rows[i].alert_id, page->rows[i].alert_id);
      }
      by_skip.skip += std::ssize(page->rows);
      paging.token = page->next_token;
    } while (!paging.token.empty());
    EXPECT_EQ(by_skip.skip, 20);
  }
}

INSTANTIATE_TEST_SUITE_P(Engines, SearchesTest, EveryEngine(), NameOf);

}  // namespace
}  // namespace sekisho::store
