#include "server/alert/rules.h"

#include <gtest/gtest.h>

namespace sekisho::alert {
namespace {

using event::v1::EventKind;
using event::v1::Outcome;

store::Event Event(EventKind kind, Outcome outcome) {
  store::Event event;
  event.row_id = 7;
  event.agent_id = "agent";
  event.terminal = "terminal-1";
  event.device_id = "0951:1666:E0D5";
  event.public_part.set_kind(kind);
  event.public_part.set_outcome(outcome);
  event.personal_part.set_person("operator");
  event.personal_part.set_file_path("/media/secret-name.csv");
  return event;
}

std::string Kind(const store::Event& event) {
  const auto alerts = AlertsFor(event);
  return alerts.empty() ? "" : alerts[0].alert.kind;
}

TEST(AlertRules, TransfersByWhatWasDecided) {
  const auto kind = event::v1::EVENT_KIND_TRANSFER;
  EXPECT_EQ(Kind(Event(kind, event::v1::OUTCOME_ALLOWED)), "");
  EXPECT_EQ(Kind(Event(kind, event::v1::OUTCOME_ALERTED)), "transfer_alerted");
  EXPECT_EQ(Kind(Event(kind, event::v1::OUTCOME_BLOCKED)), "transfer_blocked");
  // What a newer agent decided and we do not know counts as blocked.
  EXPECT_EQ(Kind(Event(kind, static_cast<Outcome>(99))), "transfer_blocked");
  auto observed = Event(kind, event::v1::OUTCOME_BLOCKED);
  observed.public_part.set_observe_only(true);
  EXPECT_EQ(Kind(observed), "transfer_observed");
}

TEST(AlertRules, AreAboutWhoProvedToBeThere) {
  auto event =
      Event(event::v1::EVENT_KIND_TRANSFER, event::v1::OUTCOME_BLOCKED);
  event.personal_part.set_stated_person("yamada");
  EXPECT_EQ(AlertsFor(event)[0].alert.person, "operator");
  EXPECT_EQ(AlertsFor(event)[0].alert.account, "");
  event.personal_part.set_proven_by("pin");
  EXPECT_EQ(AlertsFor(event)[0].alert.person, "yamada");
  EXPECT_EQ(AlertsFor(event)[0].alert.account, "operator");
}

TEST(AlertRules, WrongPinsUntilHeHasToWait) {
  auto event =
      Event(event::v1::EVENT_KIND_IDENTIFIED, event::v1::OUTCOME_BLOCKED);
  event.public_part.set_rule("identify");
  event.personal_part.set_stated_person("yamada");
  EXPECT_EQ(Kind(event), "") << "a slip of the finger";
  event.public_part.set_rule("identify-tries");
  ASSERT_EQ(Kind(event), "identify_refused");
  const auto alert = AlertsFor(event)[0];
  EXPECT_NE(alert.alert.title.find("yamada"), std::string::npos);
  EXPECT_EQ(alert.alert.person, "operator");
  event.personal_part.set_stated_person("sato");
  EXPECT_NE(AlertsFor(event)[0].key, alert.key);
}

TEST(AlertRules, WrongCodesUntilTheChallengeIsVoid) {
  auto event = Event(event::v1::EVENT_KIND_CODE, event::v1::OUTCOME_BLOCKED);
  event.public_part.set_code_step(event::v1::CODE_STEP_REFUSED);
  event.public_part.set_code_tries_left(1);
  EXPECT_EQ(Kind(event), "") << "a mistyped letter is no alarm";
  event.public_part.set_code_tries_left(0);
  EXPECT_EQ(Kind(event), "code_refused");
  // A use is told by the index, which knows what was issued.
  event.public_part.set_code_step(event::v1::CODE_STEP_USED);
  EXPECT_EQ(Kind(event), "");
}

TEST(AlertRules, SeverityRisesWithPeople) {
  auto event =
      Event(event::v1::EVENT_KIND_TRANSFER, event::v1::OUTCOME_BLOCKED);
  event.public_part.set_person_count(99);
  EXPECT_EQ(AlertsFor(event)[0].alert.severity, "medium");
  event.public_part.set_person_count(100);
  EXPECT_EQ(AlertsFor(event)[0].alert.severity, "high");
  event.public_part.set_person_count(0);
  event.public_part.set_persons_written_count(1);
  EXPECT_EQ(AlertsFor(event)[0].alert.severity, "high");
}

TEST(AlertRules, DataThatArrivesOrLiesThere) {
  auto event =
      Event(event::v1::EVENT_KIND_LANDING, event::v1::OUTCOME_UNSPECIFIED);
  event.public_part.set_person_count(1000);
  event.personal_part.add_source_hosts("10.0.2.5:5432");
  auto alerts = AlertsFor(event);
  ASSERT_EQ(alerts.size(), 1U);
  EXPECT_EQ(alerts[0].alert.kind, "data_landed");
  EXPECT_EQ(alerts[0].alert.severity, "medium");
  EXPECT_NE(alerts[0].alert.title.find("arrived on terminal-1 from "
                                       "10.0.2.5:5432"),
            std::string::npos)
      << alerts[0].alert.title;
  event.public_part.set_person_count(1001);
  EXPECT_EQ(AlertsFor(event)[0].alert.severity, "high");
  // A copy of what landed before: somebody knows already.
  event.public_part.set_landing_match("people");
  EXPECT_EQ(Kind(event), "data_landed");
  event.public_part.set_landing_match("content");
  EXPECT_EQ(Kind(event), "");
  event.public_part.mutable_unchanged_since_time()->set_seconds(1);
  EXPECT_EQ(Kind(event), "data_lies");
}

TEST(AlertRules, TitlesCarryNoNameAndNoPath) {
  auto event =
      Event(event::v1::EVENT_KIND_TRANSFER, event::v1::OUTCOME_BLOCKED);
  event.public_part.set_format("csv\x1b[2J");
  const std::string title = AlertsFor(event)[0].alert.title;
  EXPECT_EQ(title.find("secret-name"), std::string::npos);
  EXPECT_EQ(title.find("operator"), std::string::npos);
  EXPECT_EQ(title.find('\x1b'), std::string::npos);
}

TEST(AlertRules, ARefusedDeviceIsOneAlertATerminalAndDay) {
  auto event =
      Event(event::v1::EVENT_KIND_DEVICE_PLUGGED, event::v1::OUTCOME_BLOCKED);
  const std::string key = AlertsFor(event)[0].key;
  event.row_id = 8;
  EXPECT_EQ(AlertsFor(event)[0].key, key);
  event.receive_time += std::chrono::days(1);
  EXPECT_NE(AlertsFor(event)[0].key, key);
  event.public_part.set_observe_only(true);
  EXPECT_TRUE(AlertsFor(event).empty());
}

// Five tries are one matter; another person, file rule or size is another.
TEST(AlertRules, ARefusedCopyThatIsTriedAgainIsOneAlert) {
  auto event =
      Event(event::v1::EVENT_KIND_TRANSFER, event::v1::OUTCOME_BLOCKED);
  event.public_part.set_rule("too-many-people");
  event.public_part.set_person_count(30);
  const auto first = AlertsFor(event)[0];
  EXPECT_TRUE(first.again_once_closed);
  EXPECT_EQ(first.key.find("operator"), std::string::npos)
      << "a key outlives the erasure of the name";
  event.row_id = 8;
  EXPECT_EQ(AlertsFor(event)[0].key, first.key);
  auto other = event;
  other.personal_part.set_person("somebody");
  EXPECT_NE(AlertsFor(other)[0].key, first.key);
  other = event;
  other.public_part.set_rule("uninspected");
  EXPECT_NE(AlertsFor(other)[0].key, first.key);
  other = event;
  other.public_part.set_person_count(300);
  EXPECT_NE(AlertsFor(other)[0].key, first.key);
  other = event;
  other.public_part.set_persons_written_count(1);
  EXPECT_NE(AlertsFor(other)[0].key, first.key) << "it is worse";
  other = event;
  other.receive_time += std::chrono::days(1);
  EXPECT_NE(AlertsFor(other)[0].key, first.key);
}

TEST(AlertRules, AMediumUsedPastTheGateIsCriticalAndSaysHow) {
  auto event = Event(event::v1::EVENT_KIND_TAMPER, event::v1::OUTCOME_ALERTED);
  event.public_part.set_rule("witness");
  event.public_part.set_reason("the kernel wrote 9 bytes to the medium");
  const auto alerts = AlertsFor(event);
  ASSERT_EQ(alerts.size(), 1u);
  EXPECT_EQ(alerts[0].alert.kind, "medium_bypassed");
  EXPECT_EQ(alerts[0].alert.severity, "critical");
  EXPECT_NE(alerts[0].alert.title.find("9 bytes"), std::string::npos);
}

TEST(AlertRules, HealthTamperGapAndTheUnknown) {
  const auto none = event::v1::OUTCOME_UNSPECIFIED;
  EXPECT_EQ(Kind(Event(event::v1::EVENT_KIND_TAMPER, none)), "tamper");
  EXPECT_EQ(Kind(Event(event::v1::EVENT_KIND_GAP, none)), "event_gap");
  EXPECT_EQ(Kind(Event(event::v1::EVENT_KIND_REQUEST, none)),
            "approval_request");
  EXPECT_EQ(Kind(Event(static_cast<EventKind>(99), none)), "unknown_event");
  auto started = Event(event::v1::EVENT_KIND_AGENT_STARTED, none);
  started.public_part.set_gate_state("full");
  EXPECT_EQ(Kind(started), "");
  started.public_part.set_gate_state("degraded");
  EXPECT_EQ(Kind(started), "agent_health");
}

TEST(AlertRules, APolicyThatATerminalDidNotTakeOrTookBack) {
  auto event =
      Event(event::v1::EVENT_KIND_POLICY_CHANGED, event::v1::OUTCOME_ALLOWED);
  EXPECT_EQ(Kind(event), "");
  event.public_part.set_outcome(event::v1::OUTCOME_BLOCKED);
  event.public_part.set_reason("policy refused: version 2 is older");
  EXPECT_EQ(Kind(event), "policy_refused");
  event.public_part.set_rule("undone");
  EXPECT_EQ(Kind(event), "policy_undone");
  const auto alerts = AlertsFor(event);
  EXPECT_EQ(alerts[0].alert.severity, "high");
  EXPECT_NE(alerts[0].alert.title.find("version 2"), std::string::npos);
}

TEST(AlertRules, AChainThatRestartsIsToldToBoth) {
  auto event = Event(event::v1::EVENT_KIND_GAP, event::v1::OUTCOME_UNSPECIFIED);
  event.public_part.set_epoch(2);
  event.public_part.set_closed_epoch(1);
  event.public_part.set_lost_count(3);
  auto alerts = AlertsFor(event);
  ASSERT_EQ(alerts.size(), 2U);
  EXPECT_EQ(alerts[0].alert.kind, "chain_restarted");
  EXPECT_EQ(alerts[0].alert.severity, "critical");
  EXPECT_NE(alerts[0].alert.title.find("as epoch 2: 3 events lost"),
            std::string::npos)
      << alerts[0].alert.title;
  EXPECT_EQ(alerts[1].alert.kind, "agent_health");
  event.public_part.set_lost_count_is_least(true);
  alerts = AlertsFor(event);
  EXPECT_NE(alerts[0].alert.title.find("at least 3 events lost, how many is "
                                       "unknown"),
            std::string::npos);
}

}  // namespace
}  // namespace sekisho::alert
