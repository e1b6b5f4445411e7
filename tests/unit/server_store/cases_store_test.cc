// Cases, on every engine.
#include <gmock/gmock.h>

#include "tests/unit/server_store/store_fixture.h"

namespace sekisho::store {
namespace {

using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

Status Nothing(Case&) { return {}; }

class CasesTest : public StoreTest {
 protected:
  int64_t AddAlert(const std::string& key, const std::string& person = "",
                   int64_t event_row_id = 0) {
    NewAlert alert = AlertWith(key);
    alert.alert.person = person;
    alert.alert.event_row_id = event_row_id;
    return **store_->AddAlert(alert);
  }
  Case OpenCase(const std::string& title, const CaseItems& items = {}) {
    const auto opened = store_->PutCase(
        0,
        {.add = items, .remove = {}, .comment = "", .by = "mori", .now = At(5)},
        [&](Case& row) -> Status {
          row.title = title;
          return {};
        });
    EXPECT_TRUE(opened) << opened.error().message;
    return *opened;
  }
};

TEST_P(CasesTest, HoldsAlertsEventsAndComments) {
  const std::string agent = AddAgent("a");
  ASSERT_TRUE(Append(agent, Records(agent, 2)));
  IndexAll("op01");
  const int64_t alert = AddAlert("k", "op02", 1);
  const Case opened = OpenCase("the list", {{alert}, {2}});
  EXPECT_EQ(opened.id, 1);
  EXPECT_EQ(opened.opened_by, "mori");
  EXPECT_EQ(opened.open_time, At(5));
  EXPECT_EQ(opened.alert_count, 1);
  EXPECT_EQ(opened.event_count, 1);

  std::vector<std::string> persons;
  const CaseEdit edit = {.add = {{alert}, {}},
                         .remove = {},
                         .comment = "a word",
                         .by = "sato",
                         .now = At(7)};
  ASSERT_TRUE(store_->PutCase(1, edit, [&](Case& row) -> Status {
    persons = row.persons;
    row.owner = "sato";
    return {};
  }));
  EXPECT_THAT(persons, UnorderedElementsAre("op01", "op02"));

  const auto file = store_->ReadCase(1, {});
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_EQ(file->row.title, "the list");
  EXPECT_EQ(file->row.owner, "sato");
  EXPECT_EQ(file->row.update_time, At(7));
  ASSERT_EQ(file->comments.size(), 1U);
  EXPECT_EQ(file->comments[0].text, "a word");
  ASSERT_EQ(file->alerts.size(), 1U);
  EXPECT_EQ(file->alerts[0].alert.event->row_id, 1);
  EXPECT_EQ(file->alerts[0].added_by, "mori");
  EXPECT_THAT(file->alerts[0].alert.case_ids, ElementsAre(1));
  ASSERT_EQ(file->events.size(), 1U);
  EXPECT_EQ(file->events[0].event.row_id, 2);
  EXPECT_THAT(store_->ListAlerts({}, {})->rows[0].case_ids, ElementsAre(1));
}

TEST_P(CasesTest, WhatIsRefusedLeavesAllAsItWas) {
  const int64_t alert = AddAlert("k");
  OpenCase("one", {{alert}, {}});
  const int64_t other = AddAlert("l", "op03");
  const CaseEdit edit = {.add = {{other}, {}},
                         .remove = {{alert}, {}},
                         .comment = "no",
                         .by = "mori",
                         .now = At(9)};
  const auto refused = store_->PutCase(1, edit, [](Case& row) -> Status {
    row.title = "two";
    EXPECT_THAT(row.persons, ElementsAre("op03"));
    return Fail(Code::kPermissionDenied, "no");
  });
  EXPECT_EQ(refused.error().code, Code::kPermissionDenied);
  const auto file = store_->ReadCase(1, {});
  EXPECT_EQ(file->row.title, "one");
  ASSERT_EQ(file->alerts.size(), 1U);
  EXPECT_EQ(file->alerts[0].alert.alert_id, alert);
  EXPECT_TRUE(file->comments.empty());

  EXPECT_EQ(store_->PutCase(2, edit, Nothing).error().code, Code::kNotFound);
  CaseEdit wrong = edit;
  wrong.add = {{99}, {}};
  EXPECT_EQ(store_->PutCase(1, wrong, Nothing).error().code, Code::kNotFound);
  wrong.add = {{}, {99}};
  EXPECT_EQ(store_->PutCase(0, wrong, Nothing).error().code, Code::kNotFound);
  EXPECT_EQ(store_->ListCases({}, {})->rows.size(), 1U);
  EXPECT_EQ(store_->ReadCase(2, {}).error().code, Code::kNotFound);
}

TEST_P(CasesTest, TakesSoManyAlertsAndNotOneMore) {
  CaseItems many;
  for (int64_t i = 0; i < kMaxCaseItems; ++i) {
    many.alert_ids.push_back(AddAlert(std::to_string(i)));
  }
  EXPECT_EQ(OpenCase("full", many).alert_count, kMaxCaseItems);
  const CaseEdit edit = {.add = {{AddAlert("more")}, {}},
                         .remove = {},
                         .comment = "",
                         .by = "mori",
                         .now = At(9)};
  EXPECT_EQ(store_->PutCase(1, edit, Nothing).error().code,
            Code::kResourceExhausted);
}

TEST_P(CasesTest, ListsByFilterAndPage) {
  const int64_t alert = AddAlert("k");
  OpenCase("one", {{alert}, {}});
  OpenCase("two");
  OpenCase("three", {{alert}, {}});
  const CaseEdit edit = {
      .add = {}, .remove = {}, .comment = "", .by = "mori", .now = At(9)};
  ASSERT_TRUE(store_->PutCase(2, edit, [](Case& row) -> Status {
    row.state = CaseState::kClosed;
    row.verdict = "benign";
    row.close_time = At(9);
    row.hold_time = At(8);
    row.held_by = "mori";
    return {};
  }));
  const auto ids = [&](const CaseFilter& filter, const Paging& paging = {}) {
    std::vector<int64_t> found;
    const auto page = store_->ListCases(filter, paging);
    for (const Case& row : page->rows) found.push_back(row.id);
    return found;
  };
  EXPECT_THAT(ids({}), ElementsAre(3, 2, 1));
  EXPECT_THAT(ids({}, {2, ""}), ElementsAre(3, 2));
  EXPECT_EQ(store_->ListCases({}, {2, ""})->next_token, "2");
  EXPECT_THAT(ids({}, {2, "2"}), ElementsAre(1));
  CaseFilter filter;
  filter.state = CaseState::kClosed;
  EXPECT_THAT(ids(filter), ElementsAre(2));
  filter = {};
  filter.only_held = true;
  EXPECT_THAT(ids(filter), ElementsAre(2));
  filter = {};
  filter.alert_id = alert;
  EXPECT_THAT(ids(filter), ElementsAre(3, 1));
  filter = {};
  filter.owner = "nobody";
  EXPECT_TRUE(ids(filter).empty());
  const CaseEdit out = {.add = {},
                        .remove = {{alert}, {}},
                        .comment = "",
                        .by = "mori",
                        .now = At(9)};
  EXPECT_EQ(store_->PutCase(1, out, Nothing)->alert_count, 0);
}

INSTANTIATE_TEST_SUITE_P(Engines, CasesTest, EveryEngine(), NameOf);

}  // namespace
}  // namespace sekisho::store
