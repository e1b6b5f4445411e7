#include "server/core/requests.h"

#include <algorithm>
#include <vector>

#include "common/text.h"
#include "policy/unlock.h"
#include "server/core/event_words.h"
#include "server/store/names.h"

namespace sekisho::core {
namespace {

constexpr int64_t kMaxGrantSeconds = int64_t{30} * 24 * 3600;
constexpr size_t kMaxReasonBytes = 1024;
constexpr int kHashBytes = 32;

Status CheckOpen(const Alert& alert) {
  if (alert.kind != kRequestKind) {
    return Fail(Code::kInvalidArgument, "alert " +
                                            std::to_string(alert.alert_id) +
                                            " is no request for approval");
  }
  if (alert.state == AlertState::kClosed) {
    return Fail(Code::kFailedPrecondition,
                "this request was decided already: " + alert.verdict);
  }
  return {};
}

// Whoever may decide, has reasons, and the request is open.
Status CheckDecision(const Caller& caller, const Alert& alert,
                     const RequestDecision& decision) {
  RETURN_IF_ERROR(CheckOpen(alert));
  if (Concerns(caller, alert)) {
    return Fail(Code::kPermissionDenied,
                "nobody decides on his own request; ask another approver");
  }
  if (decision.reason.size() > kMaxReasonBytes ||
      !IsValidUtf8(decision.reason)) {
    return Fail(Code::kInvalidArgument,
                "a reason is UTF-8 text of at most 1 KiB");
  }
  if (decision.answer == RequestAnswer::kDeny && decision.reason.empty()) {
    return Fail(Code::kInvalidArgument,
                "a refusal needs its reason: the operator will ask");
  }
  return {};
}

Result<int64_t> SecondsGiven(const Alert& alert,
                             const RequestDecision& decision) {
  const int64_t seconds =
      decision.seconds.value_or(alert.event->public_part.request_seconds());
  if (seconds <= 0 || seconds > kMaxGrantSeconds) {
    return Fail(Code::kInvalidArgument,
                "an approval on request lasts a second to 30 days");
  }
  return seconds;
}

std::string TypesOf(const event::v1::PublicPart& part) {
  std::vector<std::string> types;
  for (const auto& count : part.data()) types.push_back(count.type());
  std::ranges::sort(types);
  const auto repeated = std::ranges::unique(types);
  types.erase(repeated.begin(), repeated.end());
  std::string text;
  for (const std::string& type : types)
    text += (text.empty() ? "" : ",") + type;
  return text;
}

}  // namespace

bool Concerns(const Caller& caller, std::string_view person) {
  return store::ShareName(caller.user, person) ||
         std::ranges::any_of(caller.also_named, [&](const std::string& name) {
           return store::ShareName(name, person);
         });
}

bool Concerns(const Caller& caller, const Alert& alert) {
  return Concerns(caller, alert.person) || Concerns(caller, alert.account);
}

bool IsHimself(const Caller& caller, std::string_view user) {
  const std::string person = policy::PersonOf(user);
  return person == policy::PersonOf(caller.user) ||
         std::ranges::find(caller.also_named, person) !=
             caller.also_named.end();
}

bool AsksForTransfer(const Alert& alert) {
  return alert.event && !alert.event->public_part.requested_event_id().empty();
}

Result<Approval> ApprovalFor(const Caller& caller, const Alert& alert,
                             const RequestDecision& decision, WallTime now) {
  RETURN_IF_ERROR(CheckDecision(caller, alert, decision));
  Approval approval;
  if (decision.answer == RequestAnswer::kDeny) return approval;
  if (alert.device_id.empty() || !alert.event) {
    return Fail(Code::kFailedPrecondition,
                "the event of this request is gone; approve the device itself");
  }
  ASSIGN_OR_RETURN(const int64_t seconds, SecondsGiven(alert, decision));
  approval.device_id = alert.device_id;
  approval.access = decision.access;
  approval.terminal =
      decision.scope == RequestScope::kEveryTerminal ? "" : alert.terminal;
  approval.expire_time = now + std::chrono::seconds(seconds);
  approval.owner = alert.person;
  approval.purpose =
      EscapeUntrusted(alert.event->personal_part.purpose(), 1024);
  approval.ticket = "request " + std::to_string(alert.alert_id);
  return approval;
}

Result<TransferGrant> GrantFor(const Caller& caller, const Alert& alert,
                               const RequestDecision& decision, WallTime now) {
  RETURN_IF_ERROR(CheckDecision(caller, alert, decision));
  if (!AsksForTransfer(alert)) {
    return Fail(Code::kFailedPrecondition,
                "the event of this request is gone: nothing says which "
                "content it was about");
  }
  const event::v1::PublicPart& part = alert.event->public_part;
  const std::string& person = PersonIn(alert.event->personal_part);
  if (part.file_hash().size() != kHashBytes || alert.device_id.empty()) {
    return Fail(Code::kFailedPrecondition,
                "the request does not say which content, or for which device");
  }
  if (person.empty() || person == "unknown") {
    return Fail(Code::kFailedPrecondition,
                "it is not known who asks: nothing is granted to nobody");
  }
  ASSIGN_OR_RETURN(const int64_t seconds, SecondsGiven(alert, decision));
  TransferGrant grant;
  grant.alert_id = alert.alert_id;
  grant.agent_id = alert.agent_id;
  grant.person = person;
  grant.device_id = alert.device_id;
  grant.file_hash = part.file_hash();
  grant.persons = part.person_count();
  grant.types = TypesOf(part);
  grant.purpose = EscapeUntrusted(alert.event->personal_part.purpose(), 1024);
  grant.created_by = caller.user;
  grant.create_time = now;
  grant.end_time = now + std::chrono::seconds(seconds);
  return grant;
}

Result<bool> CutToContract(const std::optional<RegisteredPerson>& person,
                           WallTime now, WallTime* end) {
  if (!person) return false;
  if (person->remove_time ||
      (person->contract_end && *person->contract_end <= now)) {
    return Fail(Code::kFailedPrecondition,
                "the contract of " + person->id + " is over: nothing is given");
  }
  if (!person->contract_end || *person->contract_end >= *end) return false;
  *end = *person->contract_end;
  return true;
}

AlertChange ClosingOf(const RequestDecision& decision,
                      const TransferGrant& grant) {
  AlertChange change;
  change.alert_id = decision.alert_id;
  change.state = AlertState::kClosed;
  change.verdict = kVerdictApproved;
  change.comment = "grant " + std::to_string(grant.id) +
                   ": this one transfer, once, until " +
                   FormatUtc(grant.end_time);
  if (!decision.reason.empty()) change.comment += ": " + decision.reason;
  return change;
}

AlertChange ClosingOf(const RequestDecision& decision,
                      const std::optional<Approval>& approval) {
  AlertChange change;
  change.alert_id = decision.alert_id;
  change.state = AlertState::kClosed;
  change.verdict = approval ? kVerdictApproved : kVerdictDenied;
  if (approval) {
    change.comment =
        approval->access + " on " +
        (approval->terminal.empty() ? "every terminal" : approval->terminal) +
        " until " + FormatUtc(*approval->expire_time);
    if (!decision.reason.empty()) change.comment += ": " + decision.reason;
  } else {
    change.comment = decision.reason;
  }
  return change;
}

}  // namespace sekisho::core
