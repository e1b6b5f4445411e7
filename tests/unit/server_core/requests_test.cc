#include "server/core/requests.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sekisho::core {
namespace {

using testing::HasSubstr;

constexpr WallTime kNow{std::chrono::hours(24 * 20'000)};

Alert Request() {
  Alert alert;
  alert.alert_id = 7;
  alert.kind = kRequestKind;
  alert.terminal = "desk-1";
  alert.person = "op01 (yamada)";
  alert.device_id = "0951:1666:A1";
  alert.event.emplace();
  alert.event->public_part.set_request_seconds(3600);
  alert.event->personal_part.set_purpose("logs for the maker\x1b[2J");
  return alert;
}

Caller Admin(const std::string& user) {
  return {user, Roles::All(), "console", ""};
}

RequestDecision Approve() {
  RequestDecision decision;
  decision.alert_id = 7;
  decision.answer = RequestAnswer::kApprove;
  return decision;
}

RequestDecision Deny(const std::string& reason) {
  RequestDecision decision;
  decision.alert_id = 7;
  decision.reason = reason;
  return decision;
}

TEST(Requests, GiveWhatWasAskedForAndNoMore) {
  const auto given = ApprovalFor(Admin("suzuki"), Request(), Approve(), kNow);
  ASSERT_TRUE(given) << given.error().message;
  EXPECT_EQ(given->device_id, "0951:1666:A1");
  EXPECT_EQ(given->access, "inspect");
  EXPECT_EQ(given->terminal, "desk-1");
  EXPECT_EQ(given->expire_time, kNow + std::chrono::hours(1));
  EXPECT_EQ(given->owner, "op01 (yamada)");
  EXPECT_EQ(given->ticket, "request 7");
  // The operator's words are shown on other screens.
  EXPECT_EQ(given->purpose.find('\x1b'), std::string::npos);
}

TEST(Requests, GiveOtherAccessLengthAndScopeWhenSaid) {
  RequestDecision decision = Approve();
  decision.access = "read_only";
  decision.seconds = 60;
  decision.scope = RequestScope::kEveryTerminal;
  const auto given = ApprovalFor(Admin("suzuki"), Request(), decision, kNow);
  ASSERT_TRUE(given);
  EXPECT_EQ(given->access, "read_only");
  EXPECT_EQ(given->terminal, "");
  EXPECT_EQ(given->expire_time, kNow + std::chrono::minutes(1));
}

TEST(Requests, AreNotDecidedByWhoAsked) {
  for (const char* user : {"yamada", "op01", "root (yamada)", "op01 (sato)"}) {
    for (const auto& decision : {Approve(), Deny("no")}) {
      const auto given = ApprovalFor(Admin(user), Request(), decision, kNow);
      ASSERT_FALSE(given) << user;
      EXPECT_EQ(given.error().code, Code::kPermissionDenied);
      EXPECT_THAT(given.error().message, HasSubstr("own request"));
    }
  }
  EXPECT_TRUE(ApprovalFor(Admin("yamada2"), Request(), Approve(), kNow));
}

TEST(Requests, OfAnUnknownPersonConcernNobody) {
  Alert alert = Request();
  alert.person = "unknown";
  EXPECT_FALSE(Concerns(Admin("unknown"), alert));
}

TEST(Requests, LastAtMostThirtyDays) {
  constexpr int64_t kMax = int64_t{30} * 24 * 3600;
  RequestDecision decision = Approve();
  for (const int64_t seconds : {int64_t{1}, kMax}) {
    decision.seconds = seconds;
    EXPECT_TRUE(ApprovalFor(Admin("suzuki"), Request(), decision, kNow));
  }
  for (const int64_t seconds : {int64_t{0}, int64_t{-1}, kMax + 1, INT64_MAX}) {
    decision.seconds = seconds;
    EXPECT_FALSE(ApprovalFor(Admin("suzuki"), Request(), decision, kNow));
  }
}

TEST(Requests, AreRefusedWithAReason) {
  EXPECT_FALSE(ApprovalFor(Admin("suzuki"), Request(), Deny(""), kNow));
  EXPECT_TRUE(ApprovalFor(Admin("suzuki"), Request(), Deny("no"), kNow));
  EXPECT_FALSE(ApprovalFor(Admin("suzuki"), Request(),
                           Deny(std::string(1025, 'x')), kNow));
  const AlertChange change = ClosingOf(Deny("no"), std::nullopt);
  EXPECT_EQ(change.verdict, kVerdictDenied);
  EXPECT_EQ(change.comment, "no");
}

TEST(Requests, AreDecidedOnce) {
  Alert alert = Request();
  alert.state = AlertState::kClosed;
  alert.verdict = kVerdictDenied;
  const auto given = ApprovalFor(Admin("suzuki"), alert, Approve(), kNow);
  ASSERT_FALSE(given);
  EXPECT_THAT(given.error().message, HasSubstr("already: denied"));
}

TEST(Requests, AreAlertsOfTheirKindWithTheirEvent) {
  Alert alert = Request();
  alert.kind = "tamper";
  EXPECT_FALSE(ApprovalFor(Admin("suzuki"), alert, Approve(), kNow));
  alert = Request();
  alert.event.reset();
  EXPECT_FALSE(ApprovalFor(Admin("suzuki"), alert, Approve(), kNow));
}

Alert CopyRequest() {
  Alert alert = Request();
  alert.agent_id = "agent-1";
  event::v1::PublicPart& part = alert.event->public_part;
  part.set_requested_event_id(std::string(16, 'e'));
  part.set_file_hash(std::string(32, 'h'));
  part.set_person_count(60);
  for (const char* type : {"phone", "address", "phone"}) {
    part.add_data()->set_type(type);
  }
  alert.event->personal_part.set_person("op01");
  return alert;
}

TEST(Requests, OfACopyGiveThisTransferAndNoMore) {
  ASSERT_TRUE(AsksForTransfer(CopyRequest()));
  EXPECT_FALSE(AsksForTransfer(Request()));
  const auto given = GrantFor(Admin("suzuki"), CopyRequest(), Approve(), kNow);
  ASSERT_TRUE(given) << given.error().message;
  EXPECT_EQ(given->agent_id, "agent-1");
  EXPECT_EQ(given->person, "op01");
  EXPECT_EQ(given->device_id, "0951:1666:A1");
  EXPECT_EQ(given->file_hash, std::string(32, 'h'));
  EXPECT_EQ(given->persons, 60);
  EXPECT_EQ(given->types, "address,phone");
  EXPECT_EQ(given->created_by, "suzuki");
  EXPECT_EQ(given->end_time, kNow + std::chrono::hours(1));
}

TEST(Requests, ConcernWhoProvedToBeThereAndHisAccount) {
  Alert alert = CopyRequest();
  alert.person = "yamada";
  alert.account = "maint";
  alert.event->personal_part.set_person("maint");
  alert.event->personal_part.set_stated_person("yamada");
  EXPECT_TRUE(Concerns(Admin("yamada"), alert));
  EXPECT_TRUE(Concerns(Admin("maint"), alert));
  EXPECT_FALSE(Concerns(Admin("suzuki"), alert));
  // Stated and not proven is nobody.
  EXPECT_EQ(GrantFor(Admin("suzuki"), alert, Approve(), kNow)->person, "maint");
  alert.event->personal_part.set_proven_by("pin");
  EXPECT_EQ(GrantFor(Admin("suzuki"), alert, Approve(), kNow)->person,
            "yamada");
}

TEST(Requests, NothingLastsLongerThanTheContract) {
  using std::chrono::hours;
  std::optional<RegisteredPerson> person;
  WallTime end = kNow + hours(5);
  EXPECT_FALSE(CutToContract(person, kNow, &end).value()) << "not registered";
  person.emplace();
  person->id = "yamada";
  EXPECT_FALSE(CutToContract(person, kNow, &end).value()) << "no end";
  person->contract_end = kNow + hours(5);
  EXPECT_FALSE(CutToContract(person, kNow, &end).value());
  person->contract_end = kNow + hours(2);
  EXPECT_TRUE(CutToContract(person, kNow, &end).value());
  EXPECT_EQ(end, kNow + hours(2));
  person->contract_end = kNow;
  EXPECT_THAT(CutToContract(person, kNow, &end).error().message,
              HasSubstr("contract of yamada is over"));
  person->contract_end.reset();
  person->remove_time = kNow;
  EXPECT_FALSE(CutToContract(person, kNow, &end));
}

TEST(Requests, OfACopyGiveNothingToNobodyOrByWhoAsked) {
  const auto refused = [&](const Caller& caller, const Alert& alert,
                           const RequestDecision& decision) {
    const auto given = GrantFor(caller, alert, decision, kNow);
    return given ? std::string() : given.error().message;
  };
  EXPECT_THAT(refused(Admin("yamada"), CopyRequest(), Approve()),
              HasSubstr("own request"));
  EXPECT_THAT(refused(Admin("suzuki"), Request(), Approve()),
              HasSubstr("which content"));
  Alert alert = CopyRequest();
  alert.event->personal_part.set_person("unknown");
  EXPECT_THAT(refused(Admin("suzuki"), alert, Approve()),
              HasSubstr("not known who asks"));
  alert = CopyRequest();
  alert.event->public_part.clear_file_hash();
  EXPECT_THAT(refused(Admin("suzuki"), alert, Approve()),
              HasSubstr("which content"));
  alert = CopyRequest();
  alert.state = AlertState::kClosed;
  EXPECT_THAT(refused(Admin("suzuki"), alert, Approve()),
              HasSubstr("decided already"));
  RequestDecision decision = Approve();
  decision.seconds = 31 * 86'400;
  EXPECT_THAT(refused(Admin("suzuki"), CopyRequest(), decision),
              HasSubstr("30 days"));
}

}  // namespace
}  // namespace sekisho::core
