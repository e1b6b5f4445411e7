// Saved searches, whose they are, and what is wrong with them; changes of every
// alert that a filter finds.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/demo_world.h"
#include "tests/support/full_queue.h"

namespace sekisho::core {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const Caller kTanaka{"tanaka", Role::kAnalyst, "console", ""};
const Caller kMori{"mori", Role::kAnalyst, "console", ""};
const Caller kViewer{"kato", Role::kViewer, "console", ""};
const Caller kApprover{"abe", Role::kApprover, "console", ""};
const Caller kAdmin{"root", Role::kAdmin, "console", ""};

class SearchesDeskTest : public ::testing::Test {
 protected:
  static SavedSearch Wish(const std::string& name) {
    SavedSearch wish;
    wish.place = "events";
    wish.name = name;
    wish.filters = {{"kind", "transfer"}, {"outcome", "blocked"}};
    return wish;
  }
  Desk& desk() { return world_.desk(); }
  int64_t Save(const Caller& caller, const std::string& name) {
    const auto kept = desk().SaveSearch(caller, Wish(name));
    EXPECT_TRUE(kept) << kept.error().message;
    return kept ? kept->row.id : 0;
  }
  std::vector<std::string> NamesFor(const Caller& caller) {
    std::vector<std::string> names;
    const auto kept = desk().ListSearches(caller);
    EXPECT_TRUE(kept) << kept.error().message;
    for (const KeptSearch& one : *kept) {
      names.push_back(one.row.name);
    }
    return names;
  }
  store::AuditEntry LastAudit(int64_t id) {
    return world_.store().AuditOf("search " + std::to_string(id))->front();
  }

  demo::DemoWorld world_;
};

TEST_F(SearchesDeskTest, OnesOwnIsHisAloneUntilItIsShared) {
  const int64_t id = Save(kTanaka, "Stopped copies");
  EXPECT_EQ(LastAudit(id).action, "search.save");
  EXPECT_THAT(LastAudit(id).detail,
              HasSubstr("events 'Stopped copies': kind=transfer "
                        "outcome=blocked"));
  EXPECT_THAT(NamesFor(kTanaka), ElementsAre("Stopped copies"));
  EXPECT_THAT(NamesFor(kMori), IsEmpty());
  // Another's private one is not even there.
  for (const Caller& other : {kMori, kAdmin}) {
    EXPECT_EQ(desk().RemoveSearch(other, id).error().code, Code::kNotFound);
  }
  EXPECT_EQ(desk().ShareSearch(kMori, id, Sharing::kShared).error().code,
            Code::kNotFound);
  ASSERT_TRUE(desk().ShareSearch(kTanaka, id, Sharing::kShared));
  EXPECT_EQ(LastAudit(id).action, "search.share");
  EXPECT_EQ(LastAudit(id).user, "tanaka");
  EXPECT_THAT(NamesFor(kViewer), ElementsAre("Stopped copies"));
  EXPECT_FALSE(desk().ListSearches(kViewer)->at(0).is_mine);
  EXPECT_EQ(desk().ChangeSearch(kMori, id, {"mine", {}}).error().code,
            Code::kPermissionDenied);
  EXPECT_NE(LastAudit(id).result, "ok");
  EXPECT_EQ(desk().RemoveSearch(kMori, id).error().code,
            Code::kPermissionDenied);
  ASSERT_TRUE(desk().ShareSearch(kTanaka, id, Sharing::kPrivate));
  EXPECT_EQ(LastAudit(id).action, "search.unshare");
  EXPECT_THAT(NamesFor(kViewer), IsEmpty());
}

TEST_F(SearchesDeskTest, ARoleThatMayNotShareChangesNothingThatIsShared) {
  const Caller both{"abe", Roles{Role::kApprover, Role::kAnalyst}, "console",
                    ""};
  const int64_t id = Save(both, "Mine");
  ASSERT_TRUE(desk().ShareSearch(both, id, Sharing::kShared));
  // The same person, an approver only by now.
  EXPECT_EQ(desk().ChangeSearch(kApprover, id, {"New", {}}).error().code,
            Code::kPermissionDenied);
  EXPECT_EQ(desk().ShareSearch(kApprover, id, Sharing::kPrivate).error().code,
            Code::kPermissionDenied);
  EXPECT_TRUE(desk().RemoveSearch(kApprover, id));
}

TEST_F(SearchesDeskTest, AnAdminRemovesWhatIsSharedByWhoeverIsGone) {
  const int64_t id = Save(kTanaka, "Left behind");
  ASSERT_TRUE(desk().ShareSearch(kTanaka, id, Sharing::kShared));
  ASSERT_TRUE(desk().RemoveSearch(kAdmin, id));
  EXPECT_EQ(LastAudit(id).action, "search.remove");
  EXPECT_THAT(LastAudit(id).detail, HasSubstr("tanaka: events 'Left behind'"));
  EXPECT_THAT(NamesFor(kTanaka), IsEmpty());
}

TEST_F(SearchesDeskTest, IsRenamedAndFilledAnew) {
  const int64_t id = Save(kTanaka, "a");
  Save(kTanaka, "b");
  EXPECT_EQ(desk().ChangeSearch(kTanaka, id, {"b", {}}).error().code,
            Code::kAlreadyExists);
  const auto changed =
      desk().ChangeSearch(kTanaka, id, {"c", {{{"person", "op01"}}}});
  ASSERT_TRUE(changed) << changed.error().message;
  EXPECT_EQ(changed->row.name, "c");
  EXPECT_EQ(changed->row.filters.size(), 1U);
  EXPECT_THAT(LastAudit(id).detail, HasSubstr("person=op01"));
}

TEST_F(SearchesDeskTest, WhatAPageDoesNotKnowIsRefusedByItsName) {
  const struct {
    const char* place;
    const char* filter;
    std::string value;
    const char* says;
  } kCases[] = {
      {"events", "colour", "red", "no such filter of events"},
      {"events", "severity", "high", "no such filter of events"},
      {"events", "reason", "because", "never kept"},
      {"events", "kind", "teleport", "no such kind"},
      {"events", "outcome", "lost", "no such outcome"},
      {"events", "from", "yesterday", "like 2026-12-31"},
      {"events", "to", "2026-02-30", "no such day"},
      {"events", "terminal", "a\nperson=b", "one line"},
      {"events", "terminal", std::string(kMaxFilterBytes + 1, 'x'), "512"},
      {"alerts", "state", "gone", "a state is"},
      {"alerts", "severity", "worst", "a severity is"},
      {"alerts", "kind", "Data landed", "a word"},
      {"alerts", "owner", "mori", "mine or none"},
      {"alerts", "sort", "name", "newest, oldest"},
      {"alerts", "group", "colour", "grouped by"},
      {"cases", "state", "new", "the place events or alerts"},
  };
  for (const auto& one : kCases) {
    SavedSearch wish = Wish("x");
    wish.place = one.place;
    wish.filters = {{one.filter, one.value}};
    const auto kept = desk().SaveSearch(kTanaka, wish);
    ASSERT_FALSE(kept) << one.filter;
    EXPECT_EQ(kept.error().code, Code::kInvalidArgument);
    EXPECT_THAT(kept.error().message, HasSubstr(one.says));
  }
  SavedSearch fits = Wish("fits");
  fits.filters = {{"terminal", std::string(kMaxFilterBytes, 'x')},
                  {"from", "2028-02-29"}};
  EXPECT_TRUE(desk().SaveSearch(kTanaka, fits));
  fits.place = "alerts";
  fits.filters = {{"state", "new,closed"}, {"owner", "mine"}};
  EXPECT_TRUE(desk().SaveSearch(kTanaka, fits));
}

TEST_F(SearchesDeskTest, ANameIsOneShortLineOfPlainText) {
  for (const std::string& name :
       {std::string(), std::string(" a"), std::string("a\nb"),
        std::string("a\xff"), std::string("a\u202e"),
        std::string(kMaxSearchNameBytes + 1, 'x')}) {
    const auto kept = desk().SaveSearch(kTanaka, Wish(name));
    EXPECT_FALSE(kept) << name;
  }
  EXPECT_TRUE(
      desk().SaveSearch(kTanaka, Wish(std::string(kMaxSearchNameBytes, 'x'))));
  EXPECT_TRUE(desk().SaveSearch(kTanaka, Wish("夜間 <b>\\share")));
  SavedSearch empty = Wish("empty");
  empty.filters.clear();
  EXPECT_THAT(desk().SaveSearch(kTanaka, empty).error().message,
              HasSubstr("choose one"));
}

// Of an older or a newer program: it says so, and can still be renamed,
// replaced and removed.
TEST_F(SearchesDeskTest, AnOutdatedOneSaysWhatIsWrong) {
  SavedSearch old = Wish("old");
  old.owner = "tanaka";
  old.filters = {{"colour", "red"}, {"kind", "transfer"}};
  const int64_t id = *world_.store().AddSearch(old, 9);
  const KeptSearch kept = desk().ListSearches(kTanaka)->at(0);
  ASSERT_EQ(kept.problems.size(), 1U);
  EXPECT_EQ(kept.problems[0].filter, "colour");
  EXPECT_EQ(kept.problems[0].value, "red");
  EXPECT_THAT(kept.problems[0].message, HasSubstr("knows no such filter"));
  EXPECT_TRUE(desk().ChangeSearch(kTanaka, id, {"older", {}}));
  const auto mended = desk().ChangeSearch(
      kTanaka, id, {std::nullopt, {{{"kind", "transfer"}}}});
  ASSERT_TRUE(mended);
  EXPECT_THAT(mended->problems, IsEmpty());
}

TEST_F(SearchesDeskTest, EveryAlertThatMatchesIsChangedButHisOwn) {
  ASSERT_TRUE(demo::FillQueue(world_.store(), 2'000, world_.clock().Now()));
  // One of the persons of the queue, with an account of the same name.
  const Caller op{"op03", Role::kAnalyst, "console", "10.0.0.1"};
  MatchingAlerts which;
  which.filter.kind = "transfer_blocked";
  which.filter.states = {AlertState::kNew};
  const AlertCount count = *desk().CountAlerts(op, which.filter);
  ASSERT_GT(count.count, int64_t{kMaxMatchingStep});
  which.upto_id = count.newest_id;
  AlertChange close;
  close.state = AlertState::kClosed;
  EXPECT_EQ(
      desk().UpdateMatchingAlerts(op, {which.filter, 0, 0}, close).error().code,
      Code::kInvalidArgument);
  close.verdict = "sure";
  EXPECT_FALSE(desk().UpdateMatchingAlerts(op, which, close));
  EXPECT_FALSE(desk().UpdateMatchingAlerts(op, which, {}));
  close.verdict = "benign";
  int64_t updated = 0, failed = 0, steps = 0;
  do {
    const auto step = desk().UpdateMatchingAlerts(op, which, close);
    ASSERT_TRUE(step) << step.error().message;
    updated += step->updated;
    failed += std::ssize(step->failed);
    for (const auto& one : step->failed) {
      EXPECT_THAT(one.message, HasSubstr("concerns you"));
    }
    which.after_id = step->next_after_id;
    ++steps;
  } while (which.after_id != 0);
  EXPECT_GT(failed, 0);
  EXPECT_EQ(updated + failed, count.count);
  EXPECT_EQ(steps, (count.count + kMaxMatchingStep - 1) / kMaxMatchingStep);
  EXPECT_EQ(desk().CountAlerts(op, which.filter)->count, failed);
  // Each is written down as if it had been changed alone.
  const auto audit =
      world_.store().AuditOf("alert " + std::to_string(count.newest_id));
  ASSERT_FALSE(audit->empty());
  EXPECT_EQ(audit->front().user, "op03");
  EXPECT_EQ(audit->front().action, "alert.update");
  EXPECT_EQ(audit->front().detail, "state=closed verdict=benign");
  EXPECT_EQ(audit->front().address, "10.0.0.1");
}

}  // namespace
}  // namespace sekisho::core
