#include "server/core/event_words.h"

namespace sekisho::core {

const char* Name(event::v1::EventKind kind) {
  switch (kind) {
    case event::v1::EVENT_KIND_DEVICE_PLUGGED:
      return "device_plugged";
    case event::v1::EVENT_KIND_DEVICE_REMOVED:
      return "device_removed";
    case event::v1::EVENT_KIND_DEVICE_DECIDED:
      return "device_decided";
    case event::v1::EVENT_KIND_MEDIUM_MOUNTED:
      return "medium_mounted";
    case event::v1::EVENT_KIND_MEDIUM_UNMOUNTED:
      return "medium_unmounted";
    case event::v1::EVENT_KIND_TRANSFER:
      return "transfer";
    case event::v1::EVENT_KIND_AGENT_STARTED:
      return "agent_started";
    case event::v1::EVENT_KIND_AGENT_STOPPED:
      return "agent_stopped";
    case event::v1::EVENT_KIND_POLICY_CHANGED:
      return "policy_changed";
    case event::v1::EVENT_KIND_GAP:
      return "gap";
    case event::v1::EVENT_KIND_TAMPER:
      return "tamper";
    case event::v1::EVENT_KIND_HEALTH:
      return "health";
    case event::v1::EVENT_KIND_REQUEST:
      return "request";
    case event::v1::EVENT_KIND_LANDING:
      return "landing";
    case event::v1::EVENT_KIND_CODE:
      return "code";
    case event::v1::EVENT_KIND_MEDIUM_FILES:
      return "medium_files";
    case event::v1::EVENT_KIND_PAST:
      return "past";
    case event::v1::EVENT_KIND_MEDIUM_ERASED:
      return "medium_erased";
    case event::v1::EVENT_KIND_IDENTIFIED:
      return "identified";
    default:
      return "unknown";
  }
}

const char* Name(event::v1::Outcome outcome) {
  switch (outcome) {
    case event::v1::OUTCOME_UNSPECIFIED:
      return "none";
    case event::v1::OUTCOME_ALLOWED:
      return "allowed";
    case event::v1::OUTCOME_ALERTED:
      return "alerted";
    default:
      return "blocked";
  }
}

std::optional<event::v1::EventKind> ParseKind(std::string_view word) {
  for (int i = event::v1::EventKind_MIN; i <= event::v1::EventKind_MAX; ++i) {
    const auto kind = static_cast<event::v1::EventKind>(i);
    if (kind != event::v1::EVENT_KIND_UNSPECIFIED &&
        event::v1::EventKind_IsValid(i) && word == Name(kind)) {
      return kind;
    }
  }
  return std::nullopt;
}

std::optional<event::v1::Outcome> ParseOutcome(std::string_view word) {
  for (int i = event::v1::Outcome_MIN; i <= event::v1::Outcome_MAX; ++i) {
    const auto outcome = static_cast<event::v1::Outcome>(i);
    if (event::v1::Outcome_IsValid(i) && word == Name(outcome)) return outcome;
  }
  return std::nullopt;
}

const std::string& PersonIn(const event::v1::PersonalPart& personal) {
  // Stated and not proven is nobody.
  return personal.proven_by().empty() ? personal.person()
                                      : personal.stated_person();
}

std::string AccountIn(const event::v1::PersonalPart& personal) {
  return personal.proven_by().empty() ? "" : personal.person();
}

std::string MinuteText(WallTime time) {
  const std::string text = FormatUtc(time);
  return text.substr(0, 10) + " " + text.substr(11, 5) + " UTC";
}

}  // namespace sekisho::core
