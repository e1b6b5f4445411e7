#include "server/store/rows.h"

namespace sekisho::store {

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

const char* StateOf(const TransferGrant& grant) {
  if (grant.used_event_row_id != 0) return "used";
  if (!grant.over_time) return "running";
  return grant.over_why == "revoked" ? "revoked" : "ended";
}

}  // namespace sekisho::store
