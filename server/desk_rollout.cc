// Rings, and the rollout that goes through them: what is written down.
#include "common/text.h"
#include "server/joined_desk.h"

namespace sekisho {
namespace {

constexpr size_t kMaxShownBytes = 1024;

const char* ActionOf(core::RolloutAct act) {
  switch (act) {
    case core::RolloutAct::kAdvance:
      return "rollout.advance";
    case core::RolloutAct::kHalt:
      return "rollout.halt";
    case core::RolloutAct::kResume:
      return "rollout.resume";
    case core::RolloutAct::kRollback:
      return "rollout.rollback";
  }
  return "rollout.halt";
}

}  // namespace

Result<core::RolloutStatus> JoinedDesk::ChangeRollout(
    const Caller& caller, core::RolloutAct act, const std::string& reason) {
  const auto newest = p_.store.NewestRollout();
  const std::string object =
      newest && *newest ? "policy version " + std::to_string((*newest)->version)
                        : "no rollout";
  auto done = p_.rollouts.Change(caller.user, act, reason);
  std::string detail = EscapeUntrusted(reason, kMaxShownBytes);
  if (done && act == core::RolloutAct::kRollback) {
    detail = "version=" + std::to_string(done->newest_version) + " " + detail;
  }
  return Written<core::RolloutStatus>(p_.store, p_.clock, caller, ActionOf(act),
                                      object, std::move(detail),
                                      std::move(done));
}

Result<std::vector<policy::Problem>> JoinedDesk::SetRings(
    const Caller& caller, const std::string& text) {
  auto set = p_.rollouts.SetRings(caller.user, text);
  Status status = set ? Status() : std::unexpected(set.error());
  if (set && !set->empty()) {
    status = Fail(Code::kInvalidArgument, policy::Format(set->front()));
  }
  RETURN_IF_ERROR(Note(p_.store, p_.clock, caller, "rings.set", "rings",
                       EscapeUntrusted(text, kMaxShownBytes), status));
  if (status) p_.changes.Tell({core::Change::What::kPolicy, 0, ""});
  return set;
}

}  // namespace sekisho
