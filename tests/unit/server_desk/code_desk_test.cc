// Codes over the phone: who may issue one, what is written down, and what a
// used code says later.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "policy/containment.h"
#include "policy/offline_code.h"
#include "tests/support/demo_world.h"

namespace sekisho::core {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

const core::Caller kSuzuki{"suzuki", core::Roles::All(), "console", ""};
const core::Caller kTanaka{"tanaka", Role::kAnalyst, "console", ""};
const core::Caller kYamada{"root (yamada)", core::Roles::All(), "socket", ""};
const core::Caller kNobody{"root", core::Roles::All(), "socket", ""};

class CodeDeskTest : public ::testing::Test {
 protected:
  CodeWish Wish() const {
    return {.terminal = caller_.terminal,
            .device_id = caller_.device_id,
            .challenge = caller_.challenge,
            .seconds = 4 * 3600,
            .person = "yamada",
            .reason = "logs of the outage"};
  }
  Result<SpokenCode> Issue(const core::Caller& by, const CodeWish& wish) {
    return world_.desk().IssueCode(by, wish);
  }
  SpokenCode Issued() {
    const auto issued = Issue(kSuzuki, Wish());
    EXPECT_TRUE(issued) << issued.error().message;
    return issued ? *issued : SpokenCode{};
  }
  policy::CodeList Signed() {
    const auto sealed = world_.store().NewestEnvelope("code").value();
    return policy::ParseCodes(policy::ParseEnvelope(sealed)->body).value();
  }
  OfflineCode Row() {
    const auto rows =
        world_.desk().ListCodes(kTanaka, WhichGrants::kAll).value();
    EXPECT_THAT(rows, SizeIs(1));
    return rows.empty() ? OfflineCode{} : rows[0];
  }
  std::vector<Alert> AlertsOf(const std::string& kind) {
    AlertFilter filter;
    filter.kind = kind;
    return world_.desk().ListAlerts(kTanaka, filter, {}).value().rows;
  }
  AuditEntry Audit() {
    return world_.desk().ListAudit(kSuzuki, {}, {}).value().rows.at(0);
  }

  demo::DemoWorld world_;
  const demo::DemoWorld::Caller caller_ = world_.AddCaller();
};

TEST_F(CodeDeskTest, TheTerminalTakesWhatIsReadOut) {
  const SpokenCode spoken = Issued();
  const auto letters = policy::ParseCode(spoken.code);
  ASSERT_TRUE(letters);
  policy::CodeTerms terms{.agent_id = caller_.agent_id,
                          .device = caller_.device_id,
                          .seconds = 0,
                          .challenge = "28T5CY4T"};
  EXPECT_EQ(policy::PeriodOf(caller_.secret, terms, *letters), 4 * 3600);
  terms.seconds = 4 * 3600;
  ASSERT_THAT(Signed().issued, SizeIs(1));
  EXPECT_EQ(Signed().issued[0].match, policy::MatchOf(terms));
  EXPECT_STREQ(store::StateOf(Row()), "running");
  EXPECT_EQ(Row().terminal, caller_.terminal);
}

TEST_F(CodeDeskTest, IsWrittenDownAndTheCodeIsNot) {
  const SpokenCode spoken = Issued();
  const AuditEntry entry = Audit();
  EXPECT_EQ(entry.action, "code.issue");
  EXPECT_EQ(entry.user, "suzuki");
  EXPECT_EQ(entry.object, "code " + std::to_string(spoken.row.id));
  EXPECT_THAT(entry.detail, HasSubstr("240 minutes, to yamada: logs"));
  EXPECT_THAT(entry.detail, Not(HasSubstr(spoken.code.substr(0, 5))));
}

TEST_F(CodeDeskTest, NeverForOneselfOrByNobodyOrAnAnalyst) {
  EXPECT_EQ(Issue(kYamada, Wish()).error().code, Code::kPermissionDenied);
  EXPECT_EQ(Audit().action, "code.issue") << "the refusal is written down";
  EXPECT_EQ(Issue(kNobody, Wish()).error().code, Code::kPermissionDenied);
  EXPECT_EQ(Issue(kTanaka, Wish()).error().code, Code::kPermissionDenied);
  EXPECT_THAT(Signed().issued, IsEmpty());
}

TEST_F(CodeDeskTest, WhatWasMisheardIsNamed) {
  CodeWish wish = Wish();
  wish.device_id.back() = wish.device_id.back() == 'F' ? 'E' : 'F';
  EXPECT_THAT(Issue(kSuzuki, wish).error().message, HasSubstr("serial"));
  wish = Wish();
  wish.challenge[7] = wish.challenge[7] == 'Z' ? 'Y' : 'Z';
  EXPECT_THAT(Issue(kSuzuki, wish).error().message, HasSubstr("group 2"));
  wish = Wish();
  wish.terminal = "maint-nowhere";
  EXPECT_EQ(Issue(kSuzuki, wish).error().code, Code::kNotFound);
  wish = Wish();
  wish.seconds = 4 * 3600 + 1;
  EXPECT_THAT(Issue(kSuzuki, wish).error().message, HasSubstr("15m, 30m"));
  wish = Wish();
  wish.reason.clear();
  EXPECT_EQ(Issue(kSuzuki, wish).error().code, Code::kInvalidArgument);
}

TEST_F(CodeDeskTest, NotForALostOrContainedDevice) {
  ASSERT_TRUE(world_.desk().Contain(
      kTanaka, {"device", caller_.device_id, std::chrono::seconds(0), "x"}));
  EXPECT_EQ(Issue(kSuzuki, Wish()).error().code, Code::kFailedPrecondition);
  const auto running =
      world_.desk().ListContainments(kTanaka, Contained::kRunning).value();
  ASSERT_TRUE(world_.desk().LiftContainment(
      kTanaka, running.at(0).containment.id, "found"));
  Issued();
  LostMark mark;
  mark.device_id = caller_.device_id;
  mark.how = "lost";
  mark.note = "in a train";
  ASSERT_TRUE(world_.desk().MarkLost(kSuzuki, mark));
  EXPECT_STREQ(store::StateOf(Row()), "revoked");
  EXPECT_THAT(Signed().issued, IsEmpty());
  EXPECT_THAT(Issue(kSuzuki, Wish()).error().message, HasSubstr("lost"));
}

TEST_F(CodeDeskTest, AUseIsAnAlertAndOnTheList) {
  const SpokenCode spoken = Issued();
  world_.TellCode(event::v1::CODE_STEP_USED, spoken.row.match);
  const auto alerts = AlertsOf("code_used");
  ASSERT_THAT(alerts, SizeIs(1));
  EXPECT_EQ(alerts[0].severity, "medium");
  EXPECT_EQ(alerts[0].device_id, caller_.device_id);
  EXPECT_STREQ(store::StateOf(Row()), "used");
  EXPECT_EQ(Row().used_event_row_id, alerts[0].event_row_id);
  EXPECT_EQ(Row().used_person, "op01 (yamada)");
  EXPECT_THAT(Signed().issued, SizeIs(1)) << "it goes on until its end";
  EXPECT_FALSE(Issue(kSuzuki, Wish())) << "its challenge is used up";
}

TEST_F(CodeDeskTest, UsedButNeverIssuedIsCritical) {
  world_.TellCode(event::v1::CODE_STEP_USED, std::string(32, 'm'));
  const auto alerts = AlertsOf("code_never_issued");
  ASSERT_THAT(alerts, SizeIs(1));
  EXPECT_EQ(alerts[0].severity, "critical");
  EXPECT_THAT(AlertsOf("code_used"), IsEmpty());
}

TEST_F(CodeDeskTest, ASecondUseOrOnesOwnIsCritical) {
  const SpokenCode spoken = Issued();
  world_.TellCode(event::v1::CODE_STEP_USED, spoken.row.match, "root (suzuki)");
  ASSERT_THAT(AlertsOf("code_used_by_issuer"), SizeIs(1));
  EXPECT_EQ(AlertsOf("code_used_by_issuer")[0].severity, "critical");
  world_.TellCode(event::v1::CODE_STEP_USED, spoken.row.match);
  ASSERT_THAT(AlertsOf("code_used_again"), SizeIs(1));
  EXPECT_EQ(AlertsOf("code_used_again")[0].severity, "critical");
}

TEST_F(CodeDeskTest, TakenBackLeavesTheListAndALaterUseIsTold) {
  const SpokenCode spoken = Issued();
  EXPECT_EQ(world_.desk().RevokeCode(kTanaka, spoken.row.id, "").error().code,
            Code::kPermissionDenied);
  ASSERT_TRUE(world_.desk().RevokeCode(kSuzuki, spoken.row.id, "wrong man"));
  EXPECT_EQ(Audit().action, "code.revoke");
  EXPECT_THAT(Signed().issued, IsEmpty());
  EXPECT_FALSE(world_.desk().RevokeCode(kSuzuki, spoken.row.id, ""));
  world_.TellCode(event::v1::CODE_STEP_USED, spoken.row.match);
  EXPECT_EQ(AlertsOf("code_used_revoked").at(0).severity, "high");
}

TEST_F(CodeDeskTest, ATerminalThatToldNoSecretGetsNone) {
  CodeWish wish = Wish();
  const auto agents = world_.desk().ListAgents(kSuzuki, {}).value();
  for (const Agent& agent : agents.rows) {
    if (agent.agent_id == caller_.agent_id) continue;
    wish.terminal = agent.agent_id;
    wish.challenge =
        policy::PrintChallenge("28T5CY4T", agent.agent_id, wish.device_id);
    break;
  }
  EXPECT_THAT(Issue(kSuzuki, wish).error().message, HasSubstr("secret"));
}

TEST_F(CodeDeskTest, ANewSecretReplacesTheOneBefore) {
  policy::CodeSecret next{};
  next.fill(std::byte{43});
  world_.TellCode(event::v1::CODE_STEP_SECRET,
                  policy::SealCodeSecret(next, Signed().key));
  const auto letters = policy::ParseCode(Issued().code);
  const policy::CodeTerms terms{.agent_id = caller_.agent_id,
                                .device = caller_.device_id,
                                .seconds = 0,
                                .challenge = "28T5CY4T"};
  EXPECT_EQ(policy::PeriodOf(caller_.secret, terms, *letters), std::nullopt);
  EXPECT_EQ(policy::PeriodOf(next, terms, *letters), 4 * 3600);
}

}  // namespace
}  // namespace sekisho::core
