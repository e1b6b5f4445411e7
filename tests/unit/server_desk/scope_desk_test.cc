// Scopes and links where no route of the JSON API leads: exports, live changes,
// and every place that judges what concerns somebody himself.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "server/core/scopes.h"
#include "tests/support/demo_world.h"

namespace sekisho::core {
namespace {

using std::chrono::hours;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class ScopeDeskTest : public ::testing::Test {
 protected:
  ScopeDeskTest() {
    world_.SetGroups();
    secret_ = world_.AddSecret();
    osaka_.scope = Scope({"osaka"});
    tokyo_.scope = Scope({"tokyo"});
  }
  Desk& desk() { return world_.desk(); }

  demo::DemoWorld world_;
  demo::DemoWorld::Secret secret_;
  Caller all_{"suzuki", Roles::All(), "console", ""};
  Caller osaka_{"kato", Roles::All(), "console", ""};
  Caller tokyo_{"sato", Roles::All(), "console", ""};
};

TEST_F(ScopeDeskTest, EveryMethodHasItsReachAndSaysWhy) {
  ASSERT_EQ(Reaches().size(), Methods().size());
  for (const ReachRow& row : Reaches()) {
    const MethodRow& method = Methods()[static_cast<size_t>(row.method)];
    EXPECT_EQ(row.method, method.method);
    // Who is not known yet has no scope.
    if (method.door != Door::kRoles) {
      EXPECT_EQ(row.reach, Reach::kNoTerminal) << method.name;
    } else {
      EXPECT_STRNE(row.why, "") << method.name;
    }
    EXPECT_TRUE(CheckReach({}, row.method)) << method.name;
    EXPECT_EQ(CheckReach(Scope({"osaka"}), row.method).has_value(),
              row.reach != Reach::kWholeFleet)
        << method.name;
  }
}

TEST_F(ScopeDeskTest, ARefusalSaysWhatHeSeesAndIsWrittenDown) {
  const auto refused = desk().ListPolicyVersions(osaka_, {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kPermissionDenied);
  EXPECT_EQ(refused.error().message,
            "this is for who sees the whole fleet; you see: osaka");
  AuditFilter filter;
  filter.user = "kato";
  const auto audit = world_.store().ListAudit(filter, {});
  ASSERT_EQ(audit->rows.size(), 1U);
  EXPECT_EQ(audit->rows[0].action, "policy.list");
}

TEST_F(ScopeDeskTest, ExportsOnlyItsTerminals) {
  const ExportGate gate = MakeExportGate(world_.store(), world_.clock());
  const auto mine = gate(osaka_, "");
  ASSERT_EQ(mine->size(), 1U);
  EXPECT_EQ(mine->at(0).terminal, "maint-osaka-07");
  EXPECT_EQ(gate(osaka_, secret_.agent_id).error().code, Code::kNotFound);
  EXPECT_EQ(
      gate(osaka_, secret_.agent_id).error().message,
      gate(osaka_, "none").error().message.substr(0, 9) + secret_.agent_id);
  EXPECT_EQ(gate(tokyo_, secret_.agent_id)->size(), 1U);
  EXPECT_EQ(gate(all_, "")->size(), 4U);
}

TEST_F(ScopeDeskTest, LiveChangesAreOfWhatHeSees) {
  const auto mine = desk().ListAlerts(osaka_, {}, {}).value().rows.at(0);
  const auto contained =
      desk().Contain(all_, {"terminal", secret_.agent_id, hours(1), "r"});
  ASSERT_TRUE(contained);
  const int64_t opened = desk()
                             .OpenCase(all_, {.title = "t",
                                              .items = {{secret_.alert_id}, {}},
                                              .owner = "",
                                              .comment = "",
                                              .hold_reason = ""})
                             ->id;
  using What = Change::What;
  const std::vector<Change> told = {
      {What::kEvent, secret_.event_row_id, ""},
      {What::kAlert, secret_.alert_id, ""},
      {What::kAlert, mine.alert_id, ""},
      {What::kAlert, 0, ""},
      {What::kAlert, 999'999, ""},
      {What::kDevice, 0, secret_.device_id},
      {What::kAgent, 0, secret_.agent_id},
      {What::kAgent, 0, mine.agent_id},
      {What::kPolicy, 3, ""},
      {What::kContain, contained->containment.id, ""},
      {What::kContain, 0, secret_.agent_id},
      {What::kContain, 0, mine.agent_id},
      {What::kCase, opened, ""},
      {What::kReview, 1, ""},
      {What::kEvent, mine.event_row_id, ""}};
  const auto places = [&](const Caller& caller) {
    std::vector<size_t> at;
    const auto picked = desk().PickChanges(caller, told);
    for (const Change& one : picked.value()) {
      const auto found = std::ranges::find_if(told, [&](const Change& other) {
        return other.what == one.what && other.row_id == one.row_id &&
               other.id == one.id;
      });
      at.push_back(static_cast<size_t>(found - told.begin()));
    }
    return at;
  };
  EXPECT_THAT(places(osaka_), ElementsAre(2, 3, 7, 11, 14));
  EXPECT_THAT(places(tokyo_), ElementsAre(0, 1, 3, 6, 9, 10, 12));
  EXPECT_EQ(places(all_).size(), told.size());
}

TEST_F(ScopeDeskTest, AnApproverOfAGroupDecidesForIt) {
  RequestDecision decision;
  decision.alert_id = secret_.request_id;
  decision.answer = RequestAnswer::kApprove;
  EXPECT_EQ(desk().DecideRequest(osaka_, decision).error().code,
            Code::kNotFound);
  decision.scope = RequestScope::kEveryTerminal;
  EXPECT_EQ(desk().DecideRequest(tokyo_, decision).error().code,
            Code::kNotFound);
  decision.scope = RequestScope::kThisTerminal;
  const auto decided = desk().DecideRequest(tokyo_, decision);
  ASSERT_TRUE(decided) << decided.error().message;
  EXPECT_EQ(decided->verdict, "approved");
  EXPECT_FALSE(desk().RevokeDevice(osaka_, secret_.device_id));
  EXPECT_TRUE(desk().RevokeDevice(tokyo_, secret_.device_id));
}

TEST_F(ScopeDeskTest, CodesAreIssuedForHisTerminalsOnly) {
  const auto phone = world_.AddCaller();
  const CodeWish wish{phone.terminal, phone.device_id, phone.challenge,
                      3600,           "op05",          "no network"};
  EXPECT_EQ(desk().IssueCode(tokyo_, wish).error().code, Code::kNotFound);
  const auto issued = desk().IssueCode(osaka_, wish);
  ASSERT_TRUE(issued) << issued.error().message;
  EXPECT_TRUE(desk().ListCodes(tokyo_, WhichGrants::kAll)->empty());
  EXPECT_FALSE(desk().RevokeCode(tokyo_, issued->row.id, "r"));
  EXPECT_TRUE(desk().RevokeCode(osaka_, issued->row.id, "r"));
}

TEST_F(ScopeDeskTest, AUserByProviderOrSocketIsNoWider) {
  world_.AddUser("suzuki-adm", "a long enough one", Role::kAdmin);
  world_.AddUser("sato", "a long enough one", Role::kAnalyst);
  ASSERT_TRUE(world_.store().SetScope("sato", Scope({"osaka"})));
  const auto session =
      desk().LoginWithPassword("sato", "a long enough one", "", "");
  EXPECT_EQ(session->scope, Scope({"osaka"}));
  EXPECT_EQ(desk().FindSession(session->token)->scope, Scope({"osaka"}));
  ASSERT_TRUE(world_.store().SetScope("sato", Scope({"tokyo"})));
  EXPECT_EQ(desk().FindSession(session->token)->scope, Scope({"tokyo"}));
}

// ---- himself ----

class LinkTest : public ScopeDeskTest {
 protected:
  // Of the events at op01 it is said that yamada made them.
  LinkTest() {
    mori_.also_named = {"E1001", "op01", "mori", "mori-adm"};
    plain_.user = "mori";
  }
  std::string Refusal(const Status& status) {
    return status ? "done" : status.error().message;
  }
  template <typename T>
  std::string Refusal(const Result<T>& result) {
    return result ? "done" : result.error().message;
  }

  Caller mori_{"mori", Roles::All(), "console", ""};
  Caller plain_{"mori", Roles::All(), "console", ""};
};

TEST_F(LinkTest, WhatConcernsHisAccountIsAnothers) {
  const int64_t alert = world_.AddBlockedTransfer();
  AlertChange change;
  change.alert_id = alert;
  change.comment = "x";
  EXPECT_EQ(Refusal(desk().UpdateAlert(plain_, change)), "done");
  EXPECT_THAT(Refusal(desk().UpdateAlert(mori_, change)),
              HasSubstr("concerns you"));
  EXPECT_EQ(desk().UpdateAlerts(mori_, {alert}, change)->failed.size(), 1U);
  MatchingAlerts which;
  which.filter.person = "op01 (yamada)";
  which.upto_id = alert;
  const auto step = desk().UpdateMatchingAlerts(mori_, which, change);
  EXPECT_EQ(step->updated, 0);
  EXPECT_FALSE(step->failed.empty());

  RequestDecision decision;
  decision.alert_id = world_.AddRequest();
  decision.reason = "r";
  EXPECT_THAT(Refusal(desk().DecideRequest(mori_, decision)),
              HasSubstr("his own request"));
  EXPECT_THAT(Refusal(desk().OpenCase(mori_, {.title = "t",
                                              .items = {{alert}, {}},
                                              .owner = "",
                                              .comment = "",
                                              .hold_reason = ""})),
              HasSubstr("concerns you"));
  EXPECT_THAT(Refusal(desk().Contain(mori_, {"person", "op01", hours(1), "r"})),
              HasSubstr("concerns you"));
  Suppression wish;
  wish.kind = "data_landed";
  wish.person = "op01 (yamada)";
  wish.reason = "r";
  wish.end_time = world_.clock().Now() + hours(1);
  EXPECT_THAT(Refusal(desk().Suppress(mori_, wish)), HasSubstr("concerns you"));
  const auto phone = world_.AddCaller();
  EXPECT_THAT(
      Refusal(desk().IssueCode(mori_, {phone.terminal, phone.device_id,
                                       phone.challenge, 3600, "E1001", "r"})),
      HasSubstr("for himself"));
}

TEST_F(LinkTest, AReviewItemOfHisPersonIsAnothers) {
  demo::DemoWorld past(demo::DemoWorld::Past::kNinetyDays);
  const int64_t review = past.DrawReview();
  const auto story = past.desk().GetReview(mori_, review);
  ASSERT_TRUE(story);
  int refused = 0, opened = 0;
  for (const ReviewItem& item : story->file.items) {
    const std::string said =
        Refusal(past.desk().OpenReviewItem(mori_, review, item.no));
    said == "done" ? ++opened : ++refused;
    EXPECT_EQ(said != "done", item.person.find("op01") != std::string::npos ||
                                  item.person.find("mori") != std::string::npos)
        << item.person;
  }
  EXPECT_GT(refused + opened, 0);
}

// Two names of one person are not two persons.
TEST_F(LinkTest, FourEyesAreOfTwoPersons) {
  const Caller other{"mori-adm", Roles::All(), "console", ""};
  const std::string agent = secret_.agent_id;
  ASSERT_TRUE(desk().AskUnlock(other, {agent, hours(1), "r"}));
  EXPECT_THAT(Refusal(desk().ConfirmUnlock(mori_, agent)),
              HasSubstr("who asked cannot agree"));
  const auto contained =
      desk().Contain(all_, {"terminal", agent, hours(1), "r"});
  const int64_t id = contained->containment.id;
  ASSERT_TRUE(desk().AskExtension(other, id, hours(2), "r"));
  EXPECT_THAT(Refusal(desk().AgreeExtension(mori_, id)),
              HasSubstr("who asked cannot agree"));
  EXPECT_EQ(Refusal(desk().AgreeExtension(all_, id)), "done");
  const auto held = desk().OpenCase(other, {.title = "t",
                                            .items = {{secret_.alert_id}, {}},
                                            .owner = "",
                                            .comment = "",
                                            .hold_reason = "court"});
  EXPECT_THAT(Refusal(desk().LiftHold(mori_, held->id, "r")),
              HasSubstr("you placed this hold"));
  // Nor does he give his other name more than he has.
  world_.AddUser("mori-adm", "a long enough one", Role::kViewer);
  EXPECT_THAT(Refusal(desk().SetRoles(mori_, "mori-adm", Roles::All())),
              HasSubstr("nobody changes himself"));
  EXPECT_THAT(Refusal(desk().SetScope(mori_, "mori-adm", {})),
              HasSubstr("nobody changes himself"));
  EXPECT_THAT(Refusal(desk().LinkPerson(mori_, "mori-adm", "")),
              HasSubstr("nobody changes himself"));
}

TEST_F(LinkTest, TheManualsTableIsTheServers) {
  std::ifstream in(SEKISHO_SOURCE_DIR + std::string("/docs/operations.md"));
  std::stringstream text;
  text << in.rdbuf();
  const std::string manual = text.str();
  std::string table = "<!-- scopes -->\n| method | with a scope |\n|---|---|\n";
  for (const ReachRow& row : Reaches()) {
    const MethodRow& method = Methods()[static_cast<size_t>(row.method)];
    if (method.door != Door::kRoles) continue;
    table += std::string("| ") + method.name + " | " +
             (row.reach == Reach::kWholeFleet ? "refused: " : "") + row.why +
             " |\n";
  }
  table += "<!-- end of scopes -->\n";
  const size_t begin = manual.find("<!-- scopes -->\n");
  ASSERT_NE(begin, std::string::npos);
  EXPECT_EQ(manual.substr(begin, table.size()), table);
}

}  // namespace
}  // namespace sekisho::core
