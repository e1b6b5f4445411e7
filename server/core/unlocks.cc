#include "server/core/unlocks.h"

#include "common/text.h"
#include "server/core/requests.h"

namespace sekisho::core {
namespace {

constexpr auto kPatience = std::chrono::hours(1);

Status CheckKnown(const Caller& caller) {
  if (!policy::PersonOf(caller.user).empty()) return {};
  return Fail(Code::kPermissionDenied,
              "nobody knows who you are: log in as yourself and use sudo");
}

}  // namespace

Status Unlocks::Ask(const Caller& caller, const UnlockWish& wish,
                    WallTime now) {
  RETURN_IF_ERROR(CheckKnown(caller));
  if (wish.length.count() < 60 ||
      wish.length.count() > policy::kMaxUnlockSeconds) {
    return Fail(Code::kInvalidArgument, "an unlock lasts a minute to 24 hours");
  }
  const policy::Unlock sample = {
      .requested_by = "a", .confirmed_by = "b", .reason = wish.reason};
  if (!policy::ParseUnlock(policy::PrintUnlock(sample))) {
    return Fail(Code::kInvalidArgument,
                "a reason is one line of at most 512 bytes");
  }
  const std::lock_guard lock(mutex_);
  pending_[wish.agent_id] = {
      .wish = wish, .requested_by = caller.user, .ask_time = now};
  return {};
}

void Unlocks::SetAlert(const std::string& agent_id, int64_t alert_id) {
  const std::lock_guard lock(mutex_);
  const auto found = pending_.find(agent_id);
  if (found != pending_.end()) found->second.alert_id = alert_id;
}

Result<Unlocks::Pending> Unlocks::Confirm(const Caller& caller,
                                          const std::string& agent_id,
                                          WallTime now) {
  RETURN_IF_ERROR(CheckKnown(caller));
  const std::lock_guard lock(mutex_);
  const auto found = pending_.find(agent_id);
  if (found == pending_.end() || now - found->second.ask_time > kPatience) {
    return Fail(Code::kNotFound,
                "nobody asked to unlock this terminal within the last hour");
  }
  if (IsHimself(caller, found->second.requested_by)) {
    return Fail(Code::kPermissionDenied,
                "who asked cannot agree; another admin must");
  }
  Pending pending = std::move(found->second);
  pending_.erase(found);
  return pending;
}

}  // namespace sekisho::core
