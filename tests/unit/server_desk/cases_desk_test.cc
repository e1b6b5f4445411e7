// Who may do what to a case, and what is written down of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/demo_world.h"

namespace sekisho::core {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const Caller kMori{"mori", {Role::kViewer, Role::kAnalyst}, "console", ""};
const Caller kSato{"sato", {Role::kViewer, Role::kAnalyst}, "console", ""};
// The operator of the demo world's blocked transfer, who is an analyst too.
const Caller kOperator{"yamada", Role::kAnalyst, "console", ""};

class CasesDeskTest : public ::testing::Test {
 protected:
  Desk& desk() { return world_.desk(); }
  Alert AlertOf(int64_t id) {
    AlertFilter filter;
    filter.alert_id = id;
    return desk().ListAlerts(kMori, filter, {}).value().rows.at(0);
  }
  Case Open(int64_t alert_id, const std::string& hold_reason = "") {
    const auto opened = desk().OpenCase(kMori, {.title = "The list",
                                                .items = {{alert_id}, {}},
                                                .owner = "",
                                                .comment = "first words",
                                                .hold_reason = hold_reason});
    EXPECT_TRUE(opened) << opened.error().message;
    return *opened;
  }
  std::vector<std::string> Actions(int64_t id) {
    std::vector<std::string> actions;
    const auto audit =
        world_.store().AuditOf("case " + std::to_string(id)).value();
    for (const AuditEntry& entry : audit) {
      actions.push_back(entry.action + " " + entry.user +
                        (entry.result == "ok" ? "" : " refused"));
    }
    return actions;
  }

  demo::DemoWorld world_;
};

TEST_F(CasesDeskTest, IsOpenedFromAnAlertWithAHold) {
  const int64_t alert_id = world_.AddBlockedTransfer();
  const Case opened = Open(alert_id, "the prosecutor asks");
  EXPECT_EQ(opened.owner, "mori");
  EXPECT_EQ(opened.opened_by, "mori");
  EXPECT_EQ(opened.held_by, "mori");
  EXPECT_EQ(opened.hold_reason, "the prosecutor asks");
  EXPECT_THAT(AlertOf(alert_id).case_ids, ElementsAre(opened.id));
  const auto story = desk().GetCase(kSato, opened.id);
  ASSERT_TRUE(story);
  ASSERT_EQ(story->file.comments.size(), 1U);
  EXPECT_EQ(story->file.comments[0].text, "first words");
  ASSERT_EQ(story->history.size(), 1U);
  EXPECT_THAT(story->history[0].detail,
              HasSubstr("under legal hold: the prosecutor asks"));
  EXPECT_THAT(story->history[0].detail,
              HasSubstr("alerts " + std::to_string(alert_id)));
}

TEST_F(CasesDeskTest, AHoldIsLiftedByAnotherPersonAndNothingLeavesBefore) {
  const int64_t alert_id = world_.AddBlockedTransfer();
  const int64_t id = Open(alert_id, "why").id;
  const CaseChange out = {.case_id = id,
                          .title = {},
                          .owner = {},
                          .add = {},
                          .remove = {{alert_id}, {}},
                          .comment = ""};
  EXPECT_EQ(desk().ChangeCase(kSato, out).error().code,
            Code::kFailedPrecondition);
  EXPECT_EQ(desk().PlaceHold(kSato, id, "again").error().code,
            Code::kFailedPrecondition);
  EXPECT_EQ(desk().LiftHold(kMori, id, "done").error().code,
            Code::kPermissionDenied);
  Caller behind_sudo = kMori;
  behind_sudo.user = "root (mori)";
  EXPECT_EQ(desk().LiftHold(behind_sudo, id, "done").error().code,
            Code::kPermissionDenied);
  EXPECT_EQ(desk().LiftHold(kSato, id, " ").error().code,
            Code::kInvalidArgument);
  const auto lifted = desk().LiftHold(kSato, id, "the court has it");
  ASSERT_TRUE(lifted) << lifted.error().message;
  EXPECT_FALSE(lifted->hold_time);
  EXPECT_EQ(lifted->released_by, "sato");
  EXPECT_EQ(desk().LiftHold(kSato, id, "twice").error().code,
            Code::kFailedPrecondition);
  EXPECT_EQ(desk().ChangeCase(kSato, out)->alert_count, 0);
  EXPECT_THAT(Actions(id),
              ElementsAre("case.change sato", "case.release sato refused",
                          "case.release sato", "case.release sato refused",
                          "case.release root (mori) refused",
                          "case.release mori refused", "case.hold sato refused",
                          "case.change sato refused", "case.open mori"));
}

TEST_F(CasesDeskTest, NobodyHandlesACaseThatConcernsHimself) {
  const int64_t alert_id = world_.AddBlockedTransfer();
  ASSERT_THAT(AlertOf(alert_id).person, HasSubstr("yamada"));
  EXPECT_EQ(desk()
                .OpenCase(kOperator, {.title = "mine",
                                      .items = {{alert_id}, {}},
                                      .owner = "",
                                      .comment = "",
                                      .hold_reason = ""})
                .error()
                .code,
            Code::kPermissionDenied);
  EXPECT_TRUE(desk().ListCases(kMori, {}, {})->rows.empty());
  const int64_t id = Open(alert_id).id;
  const CaseChange words = {.case_id = id,
                            .title = {},
                            .owner = {},
                            .add = {},
                            .remove = {},
                            .comment = "it was not me"};
  EXPECT_EQ(desk().ChangeCase(kOperator, words).error().code,
            Code::kPermissionDenied);
  EXPECT_EQ(
      desk().CloseCase(kOperator, {id, "benign", "r", false}).error().code,
      Code::kPermissionDenied);
  EXPECT_EQ(desk().PlaceHold(kOperator, id, "r").error().code,
            Code::kPermissionDenied);
  // By the event alone it is his as well.
  const auto other =
      desk().OpenCase(kMori, {.title = "by its event",
                              .items = {{}, {AlertOf(alert_id).event_row_id}},
                              .owner = "",
                              .comment = "",
                              .hold_reason = ""});
  ASSERT_TRUE(other) << other.error().message;
  EXPECT_EQ(desk().PlaceHold(kOperator, other->id, "r").error().code,
            Code::kPermissionDenied);
}

TEST_F(CasesDeskTest, NobodyHandlesAnAlertThatConcernsHimself) {
  const int64_t alert_id = world_.AddBlockedTransfer();
  AlertChange change;
  change.alert_id = alert_id;
  change.state = AlertState::kAcknowledged;
  EXPECT_EQ(desk().UpdateAlert(kOperator, change).error().code,
            Code::kPermissionDenied);
  const auto bulk = desk().UpdateAlerts(kOperator, {alert_id}, change);
  EXPECT_EQ(bulk->updated, 0);
  EXPECT_EQ(AlertOf(alert_id).state, AlertState::kNew);
  EXPECT_TRUE(desk().UpdateAlert(kMori, change));
}

TEST_F(CasesDeskTest, IsClosedWithAVerdictAReasonAndItsAlerts) {
  const int64_t first = world_.AddBlockedTransfer();
  const int64_t second = world_.AddBlockedTransfer();
  const int64_t id = Open(first, "why").id;
  const CaseChange in = {.case_id = id,
                         .title = "Both lists",
                         .owner = "sato",
                         .add = {{second}, {}},
                         .remove = {},
                         .comment = ""};
  const auto changed = desk().ChangeCase(kSato, in);
  ASSERT_TRUE(changed);
  EXPECT_EQ(changed->title, "Both lists");
  EXPECT_EQ(changed->owner, "sato");
  EXPECT_EQ(changed->alert_count, 2);
  EXPECT_EQ(desk().CloseCase(kSato, {id, "guilty", "r", true}).error().code,
            Code::kInvalidArgument);
  EXPECT_EQ(
      desk().CloseCase(kSato, {id, "true_positive", "", true}).error().code,
      Code::kInvalidArgument);
  const auto closed =
      desk().CloseCase(kSato, {id, "true_positive", "he said so", true});
  ASSERT_TRUE(closed) << closed.error().message;
  EXPECT_EQ(closed->state, CaseState::kClosed);
  EXPECT_EQ(closed->closed_by, "sato");
  EXPECT_TRUE(closed->hold_time) << "a hold outlives the work";
  for (const int64_t alert : {first, second}) {
    EXPECT_EQ(AlertOf(alert).state, AlertState::kClosed);
    EXPECT_EQ(AlertOf(alert).verdict, "true_positive");
  }
  EXPECT_EQ(desk().ChangeCase(kSato, in).error().code,
            Code::kFailedPrecondition);
  const CaseChange words = {.case_id = id,
                            .title = {},
                            .owner = {},
                            .add = {},
                            .remove = {},
                            .comment = "afterwards"};
  EXPECT_TRUE(desk().ChangeCase(kMori, words));
  EXPECT_EQ(
      desk().CloseCase(kSato, {id, "benign", "again", false}).error().code,
      Code::kFailedPrecondition);
  const auto again = desk().ReopenCase(kMori, id, "more came");
  ASSERT_TRUE(again);
  EXPECT_EQ(again->state, CaseState::kOpen);
  EXPECT_EQ(again->verdict, "");
}

TEST_F(CasesDeskTest, WhatCannotBeACaseIsRefused) {
  const auto code = [&](const CaseWish& wish) {
    return desk().OpenCase(kMori, wish).error().code;
  };
  CaseWish wish;
  EXPECT_EQ(code(wish), Code::kInvalidArgument) << "no title";
  wish.title = std::string(201, 'x');
  EXPECT_EQ(code(wish), Code::kInvalidArgument);
  wish.title = "t\xff";
  EXPECT_EQ(code(wish), Code::kInvalidArgument);
  wish.title = std::string(200, 'x');
  wish.comment = std::string(4097, 'x');
  EXPECT_EQ(code(wish), Code::kInvalidArgument);
  wish.comment = "";
  wish.items.alert_ids = {987654};
  EXPECT_EQ(code(wish), Code::kNotFound);
  wish.items.alert_ids = {};
  EXPECT_TRUE(desk().OpenCase(kMori, wish));
}

}  // namespace
}  // namespace sekisho::core
