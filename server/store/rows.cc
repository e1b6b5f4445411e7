#include "server/store/rows.h"

#include <algorithm>
#include <vector>

#include "server/store/names.h"
#include "server/store/store.h"

namespace sekisho::store {
namespace {

std::vector<std::string_view> NamesIn(std::string_view text) {
  std::vector<std::string_view> names;
  size_t at = 0;
  while (at < text.size()) {
    const size_t end = std::min(text.find_first_of(" ()", at), text.size());
    if (end > at) names.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return names;
}

}  // namespace

bool ShareName(std::string_view a, std::string_view b) {
  const auto mine = NamesIn(a);
  return std::ranges::any_of(NamesIn(b), [&](auto name) {
    return name != "unknown" && std::ranges::find(mine, name) != mine.end();
  });
}

const char* Name(RenewalState state) {
  switch (state) {
    case RenewalState::kAsked:
      return "asked";
    case RenewalState::kApproved:
      return "approved";
    case RenewalState::kNone:
      return "";
  }
  return "";
}

const char* Name(Cover cover) {
  switch (cover) {
    case Cover::kCovered:
      return "covered";
    case Cover::kProven:
      return "proven";
    case Cover::kOff:
      return "off";
    case Cover::kObserve:
      return "observe";
    case Cover::kNoCore:
      return "no_core";
    case Cover::kDegraded:
      return "degraded";
    case Cover::kUnlocked:
      return "unlocked";
    case Cover::kClock:
      return "clock";
    case Cover::kLost:
      return "events_lost";
    case Cover::kSilent:
      return "silent";
    case Cover::kNoAgent:
      return "no_agent";
  }
  return "silent";
}

Cover CoverOf(const AgentHeartbeat& heartbeat) {
  if (!heartbeat.core_alive) return Cover::kNoCore;
  if (heartbeat.mode == "observe") return Cover::kObserve;
  return heartbeat.mode == "enforce" && heartbeat.gate_state == "full"
             ? Cover::kCovered
             : Cover::kDegraded;
}

bool IsRefusal(event::v1::Outcome outcome) {
  return outcome != event::v1::OUTCOME_UNSPECIFIED &&
         outcome != event::v1::OUTCOME_ALLOWED &&
         outcome != event::v1::OUTCOME_ALERTED;
}

const char* Name(AgentState state) {
  switch (state) {
    case AgentState::kEnrolled:
      return "enrolled";
    case AgentState::kConnected:
      return "connected";
    case AgentState::kSilent:
      return "silent";
    case AgentState::kRevoked:
      return "revoked";
  }
  return "enrolled";
}

const char* Name(AlertState state) {
  switch (state) {
    case AlertState::kNew:
      return "new";
    case AlertState::kAcknowledged:
      return "acknowledged";
    case AlertState::kInProgress:
      return "in_progress";
    case AlertState::kClosed:
      return "closed";
  }
  return "new";
}

const char* Name(RolloutState state) {
  switch (state) {
    case RolloutState::kRunning:
      return "running";
    case RolloutState::kHalted:
      return "halted";
    case RolloutState::kDone:
      return "done";
    case RolloutState::kRolledBack:
      return "rolled_back";
    case RolloutState::kReplaced:
      return "replaced";
  }
  return "running";
}

const char* StateOf(const TransferGrant& grant) {
  if (grant.used_event_row_id != 0) return "used";
  if (!grant.over_time) return "running";
  return grant.over_why == "revoked" ? "revoked" : "ended";
}

const char* StateOf(const OfflineCode& code) {
  if (code.over_why == "revoked") return "revoked";
  if (code.used_event_row_id != 0) return "used";
  return code.over_time ? "ended" : "running";
}

}  // namespace sekisho::store
