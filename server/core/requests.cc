#include "server/core/requests.h"

#include <algorithm>
#include <vector>

#include "common/text.h"

namespace sekisho::core {
namespace {

constexpr int64_t kMaxGrantSeconds = int64_t{30} * 24 * 3600;
constexpr size_t kMaxReasonBytes = 1024;

// "root (tanaka)" -> {"root", "tanaka"}
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

}  // namespace

bool Concerns(const Caller& caller, const Alert& alert) {
  const auto mine = NamesIn(caller.user);
  return std::ranges::any_of(NamesIn(alert.person), [&](auto name) {
    return name != "unknown" && std::ranges::find(mine, name) != mine.end();
  });
}

Result<Approval> ApprovalFor(const Caller& caller, const Alert& alert,
                             const RequestDecision& decision, WallTime now) {
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
  Approval approval;
  if (decision.answer == RequestAnswer::kDeny) {
    if (decision.reason.empty()) {
      return Fail(Code::kInvalidArgument,
                  "a refusal needs its reason: the operator will ask");
    }
    return approval;
  }
  if (alert.device_id.empty() || !alert.event) {
    return Fail(Code::kFailedPrecondition,
                "the event of this request is gone; approve the device itself");
  }
  const auto seconds =
      decision.seconds.value_or(alert.event->public_part.request_seconds());
  if (seconds <= 0 || seconds > kMaxGrantSeconds) {
    return Fail(Code::kInvalidArgument,
                "an approval on request lasts a second to 30 days");
  }
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
