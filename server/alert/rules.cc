#include "server/alert/rules.h"

#include <string>

#include "common/bytes.h"
#include "common/text.h"
#include "proto/event_bytes.h"
#include "server/core/event_alert.h"

namespace sekisho::alert {
namespace {

using core::AlertOf;
using event::v1::EventKind;

// From this many people on a refused copy is what the product is for.
constexpr int64_t kManyPersons = 100;
// Above it a loss is reportable whatever it was (APPI Enforcement Rules
// Article 7, item 4).
constexpr int64_t kReportablePersons = 1000;

// As agent/agent_trial.cc names it.
constexpr char kUndoneRule[] = "undone";

std::string Day(WallTime time) { return FormatUtc(time).substr(0, 10); }

std::string Text(const std::string& text, size_t cap = 200) {
  return EscapeUntrusted(text, cap);
}

bool Blocked(const event::v1::PublicPart& part) {
  switch (part.outcome()) {
    case event::v1::OUTCOME_UNSPECIFIED:
    case event::v1::OUTCOME_ALLOWED:
    case event::v1::OUTCOME_ALERTED:
      return false;
    default:  // also what a newer agent says and we do not know
      return true;
  }
}

// One alert for the same thing on the same terminal on one day.
store::NewAlert Daily(store::NewAlert alert, const std::string& what) {
  alert.key = alert.alert.kind + ":" + alert.alert.agent_id + ":" + what + ":" +
              Day(alert.alert.create_time);
  return alert;
}

// Whoever tries again and again is one matter on a day, until it is closed;
// what is worse, or ten times as many people, is another. Names enter the key
// only as a digest: it outlives their erasure.
store::NewAlert Repeated(store::NewAlert alert, const store::Event& event) {
  const auto& made = alert.alert;
  const auto who = event::Sha256(
      AsBytes(made.person + '\n' + made.account + '\n' + made.device_id + '\n' +
              made.rule + '\n' + event.personal_part.file_owner()));
  const std::string people = std::to_string(event.public_part.person_count());
  const std::string what = ToHex(who).substr(0, 16) + ":" + made.severity +
                           ":" + std::to_string(people.size());
  alert = Daily(std::move(alert), what);
  alert.again_once_closed = true;
  return alert;
}

std::string Content(const event::v1::PublicPart& part) {
  std::string text =
      part.format().empty() ? "A file" : "A file (" + Text(part.format()) + ")";
  if (part.person_count() > 0) {
    text += " with about " + std::to_string(part.person_count()) + " people";
  }
  if (part.inspection() == event::v1::INSPECTION_NONE ||
      part.inspection() == event::v1::INSPECTION_PARTIAL) {
    text += ", not inspected whole (" + Text(part.inspection_reason()) + "),";
  }
  return text;
}

std::vector<store::NewAlert> Transfer(const store::Event& event) {
  const auto& part = event.public_part;
  const std::string to = event.device_id.empty() ? "a medium" : event.device_id;
  if (Blocked(part) && part.observe_only()) {
    return {Repeated(
        AlertOf(event, "transfer_observed", "medium",
                Content(part) + " went to " + to + " on " + event.terminal +
                    "; an enforcing policy would have stopped it"),
        event)};
  }
  if (Blocked(part)) {
    std::string title =
        Content(part) + " was kept from " + to + " on " + event.terminal;
    if (part.persons_written_count() > 0) {
      title += "; rows of " + std::to_string(part.persons_written_count()) +
               " people had reached the medium";
    }
    const bool serious =
        part.person_count() >= kManyPersons || part.persons_written_count() > 0;
    return {Repeated(AlertOf(event, "transfer_blocked",
                             serious ? "high" : "medium", std::move(title)),
                     event)};
  }
  if (part.outcome() == event::v1::OUTCOME_ALERTED) {
    return {Repeated(
        AlertOf(event, "transfer_alerted", "medium",
                Content(part) + " went to " + to + " on " + event.terminal),
        event)};
  }
  return {};
}

// Of a copy of what landed before somebody knows already.
std::vector<store::NewAlert> Landing(const store::Event& event) {
  const auto& part = event.public_part;
  const bool lies = part.has_unchanged_since_time();
  if (!lies && part.landing_match() == "content") {
    return {};
  }
  std::string title = Content(part) +
                      (lies ? " lies for long on " : " arrived on ") +
                      event.terminal;
  if (event.personal_part.source_hosts_size() > 0) {
    title += " from " + Text(event.personal_part.source_hosts(0), 64);
  }
  const bool many = part.person_count() > kReportablePersons;
  return {Repeated(AlertOf(event, lies ? "data_lies" : "data_landed",
                           many ? "high" : "medium", std::move(title)),
                   event)};
}

std::vector<store::NewAlert> Plugged(const store::Event& event) {
  const auto& part = event.public_part;
  if (!Blocked(part) || part.observe_only()) {
    return {};
  }
  return {Daily(AlertOf(event, "device_blocked", "low",
                        "Device " + event.device_id + " was refused on " +
                            event.terminal),
                event.device_id)};
}

std::vector<store::NewAlert> Health(const store::Event& event) {
  const auto& part = event.public_part;
  const bool started = part.kind() == event::v1::EVENT_KIND_AGENT_STARTED;
  if (started &&
      (part.gate_state() == "full" || part.gate_state() == "observe")) {
    return {};
  }
  std::string title =
      "The agent on " + event.terminal + " is " +
      (part.gate_state().empty() ? "unwell" : Text(part.gate_state(), 32));
  if (!part.reason().empty()) {
    title += ": " + Text(part.reason());
  }
  return {Daily(AlertOf(event, "agent_health", "low", std::move(title)),
                Text(part.gate_state(), 32) + ":" + Text(part.reason(), 64))};
}

// The terminal goes on with another policy than the server believes.
std::vector<store::NewAlert> PolicyRefused(const store::Event& event) {
  const auto& part = event.public_part;
  if (!Blocked(part)) {
    return {};
  }
  const bool undone = part.rule() == kUndoneRule;
  return {Daily(AlertOf(event, undone ? "policy_undone" : "policy_refused",
                        undone ? "high" : "medium",
                        event.terminal + ": " + Text(part.reason())),
                std::to_string(part.changed_version()))};
}

// The kernel counted what no inspected copy explains.
std::vector<store::NewAlert> Bypassed(const store::Event& event) {
  return {AlertOf(event, "medium_bypassed", "critical",
                  "A medium was used past the gate on " + event.terminal +
                      ": " + Text(event.public_part.reason()))};
}

// A use is told by the index, which knows what was issued. Here: whoever tried
// so often does not mistype.
std::vector<store::NewAlert> RefusedCode(const store::Event& event) {
  const auto& part = event.public_part;
  if (part.code_step() != event::v1::CODE_STEP_REFUSED ||
      part.code_tries_left() > 0) {
    return {};
  }
  return {Daily(
      AlertOf(event, "code_refused", "medium",
              "Wrong codes over the phone were tried for " + event.device_id +
                  " on " + event.terminal + " until its challenge was void"),
      event.device_id)};
}

// One wrong PIN is a slip of the finger.
std::vector<store::NewAlert> TriedTooOften(const store::Event& event) {
  if (event.public_part.rule() != "identify-tries") return {};
  const std::string stated = Text(event.personal_part.stated_person(), 64);
  return {Daily(AlertOf(event, "identify_refused", "medium",
                        "Somebody at the account " +
                            Text(event.personal_part.person(), 64) + " on " +
                            event.terminal + " tried to be " + stated +
                            " with wrong PINs or codes until he had to wait"),
                stated)};
}

// One for the SOC, whose history has a hole, and one for IT, whose disk or
// image is the likely cause.
std::vector<store::NewAlert> ChainRestarted(const store::Event& event) {
  const auto& part = event.public_part;
  const std::string lost =
      (part.lost_count_is_least() ? "at least " : "") +
      std::to_string(part.lost_count()) +
      (part.lost_count() == 1 ? " event" : " events") + " lost" +
      (part.lost_count_is_least() ? ", how many is unknown" : "");
  return {AlertOf(event, "chain_restarted", "critical",
                  "The chain of " + event.terminal + " restarted as epoch " +
                      std::to_string(part.epoch()) + ": " + lost),
          AlertOf(event, "agent_health", "low",
                  "The event spool of " + event.terminal +
                      " was damaged or rolled back; check its disk: " +
                      Text(part.reason()))};
}

}  // namespace

std::vector<store::NewAlert> AlertsFor(const store::Event& event) {
  const auto& part = event.public_part;
  switch (part.kind()) {
    case event::v1::EVENT_KIND_TRANSFER:
      return Transfer(event);
    case event::v1::EVENT_KIND_LANDING:
      return Landing(event);
    case event::v1::EVENT_KIND_DEVICE_PLUGGED:
    case event::v1::EVENT_KIND_DEVICE_DECIDED:
      return Plugged(event);
    case event::v1::EVENT_KIND_HEALTH:
    case event::v1::EVENT_KIND_AGENT_STARTED:
      return Health(event);
    case event::v1::EVENT_KIND_TAMPER:
      if (part.rule() == "witness") return Bypassed(event);
      return {AlertOf(event, "tamper", "critical",
                      "Somebody tried to get past the agent on " +
                          event.terminal + ": " + Text(part.reason()))};
    case event::v1::EVENT_KIND_GAP:
      if (part.closed_epoch() > 0) {
        return ChainRestarted(event);
      }
      return {AlertOf(event, "event_gap", "high",
                      event.terminal + " could not keep " +
                          std::to_string(part.lost_count()) + " events")};
    case event::v1::EVENT_KIND_REQUEST:
      return {AlertOf(
          event, "approval_request", "medium",
          "The operator of " + event.terminal + " asks for approval of " +
              (part.requested_event_id().empty()
                   ? event.device_id
                   : "one transfer of " + std::to_string(part.person_count()) +
                         " people's data to " + event.device_id))};
    case event::v1::EVENT_KIND_CODE:
      return RefusedCode(event);
    case event::v1::EVENT_KIND_DEVICE_REMOVED:
    case event::v1::EVENT_KIND_MEDIUM_MOUNTED:
    case event::v1::EVENT_KIND_MEDIUM_UNMOUNTED:
    case event::v1::EVENT_KIND_AGENT_STOPPED:
    case event::v1::EVENT_KIND_MEDIUM_FILES:
    case event::v1::EVENT_KIND_MEDIUM_ERASED:
    case event::v1::EVENT_KIND_IDENTIFIED:
      return TriedTooOften(event);
    case event::v1::EVENT_KIND_PAST:
      return {};
    case event::v1::EVENT_KIND_POLICY_CHANGED:
      return PolicyRefused(event);
    default:
      return {Daily(AlertOf(event, "unknown_event", "medium",
                            event.terminal +
                                " sent an event of a kind this server does not "
                                "know: " +
                                std::to_string(static_cast<int>(part.kind()))),
                    std::to_string(static_cast<int>(part.kind())))};
  }
}

}  // namespace sekisho::alert
