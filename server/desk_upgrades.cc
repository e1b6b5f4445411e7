#include <chrono>

#include "common/text.h"
#include "policy/upgrade_manifest.h"
#include "server/joined_desk.h"

namespace sekisho {
namespace {

// "sekisho-agent 0.2.0, sekisho-agent 0.3.0": what the audit log calls it.
std::string PackagesOf(const std::string& manifest) {
  std::string names;
  const auto parsed = policy::ParseUpgradeManifest(manifest);
  if (!parsed) return "upgrade manifest";
  for (const policy::PackagePrograms& package : parsed->packages) {
    names +=
        (names.empty() ? "" : ", ") + package.package + " " + package.version;
  }
  return names;
}

}  // namespace

Result<core::Pushed> JoinedDesk::PushUpgrade(const Caller& caller,
                                             const std::string& manifest) {
  return WriteDown<core::Pushed>(
      caller, "upgrade.push", PackagesOf(manifest), "",
      [&] { return p_.publisher.PushUpgrade(manifest); });
}

Result<int64_t> JoinedDesk::RaiseAlert(const core::Agent& agent,
                                       const std::string& key,
                                       const std::string& kind,
                                       const std::string& severity,
                                       const std::string& title) {
  store::NewAlert alert;
  alert.key = kind + ":" + agent.agent_id + ":" + key;
  alert.alert.kind = kind;
  alert.alert.severity = severity;
  alert.alert.title = title;
  alert.alert.agent_id = agent.agent_id;
  alert.alert.terminal = agent.terminal;
  alert.alert.create_time = p_.clock.Now();
  ASSIGN_OR_RETURN(const auto id, p_.store.AddAlert(alert));
  if (id) p_.changes.Tell({core::Change::What::kAlert, *id, ""});
  return id.value_or(0);
}

Status JoinedDesk::AskUnlock(const Caller& caller,
                             const core::UnlockWish& wish) {
  const std::string minutes = std::to_string(wish.length.count() / 60);
  return WriteDown<void>(
      caller, "unlock.ask", "agent " + wish.agent_id,
      minutes + " minutes: " + EscapeUntrusted(wish.reason, 1024),
      [&]() -> Status {
        ASSIGN_OR_RETURN(const core::Agent agent,
                         GetAgent(caller, wish.agent_id));
        RETURN_IF_ERROR(unlocks_.Ask(caller, wish, p_.clock.Now()));
        ASSIGN_OR_RETURN(
            const int64_t alert,
            RaiseAlert(
                agent,
                std::to_string(p_.clock.Now().time_since_epoch().count()),
                "unlock_request", "high",
                caller.user + " asks to unlock " + agent.terminal + " for " +
                    minutes + " minutes: " + wish.reason));
        unlocks_.SetAlert(wish.agent_id, alert);
        return {};
      });
}

Result<core::Unlocked> JoinedDesk::ConfirmUnlock(const Caller& caller,
                                                 const std::string& agent_id) {
  return WriteDown<core::Unlocked>(
      caller, "unlock.confirm", "agent " + agent_id, "",
      [&]() -> Result<core::Unlocked> {
        ASSIGN_OR_RETURN(const core::Agent agent, GetAgent(caller, agent_id));
        if (agent.state != core::AgentState::kConnected) {
          return Fail(
              Code::kFailedPrecondition,
              agent.terminal + " is not connected: an unlock would come late");
        }
        ASSIGN_OR_RETURN(const auto pending,
                         unlocks_.Confirm(caller, agent_id, p_.clock.Now()));
        // Written down and told first: no unlock without its alert.
        RETURN_IF_ERROR(RaiseAlert(
            agent, std::to_string(p_.clock.Now().time_since_epoch().count()),
            "maintenance_unlock", "critical",
            agent.terminal + " is unlocked for " +
                std::to_string(pending.wish.length.count() / 60) +
                " minutes, asked for by " + pending.requested_by +
                ", agreed to by " + caller.user + ": " + pending.wish.reason));
        ASSIGN_OR_RETURN(
            const core::Unlocked unlocked,
            p_.publisher.PushUnlock(agent_id, pending.wish.length,
                                    {.requested_by = pending.requested_by,
                                     .confirmed_by = caller.user,
                                     .reason = pending.wish.reason}));
        RETURN_IF_ERROR(p_.store.AddCoverSpan(agent_id, store::Cover::kUnlocked,
                                              p_.clock.Now(),
                                              unlocked.end_time));
        if (pending.alert_id != 0) {
          RETURN_IF_ERROR(
              p_.store.ResolveAlert(pending.alert_id, p_.clock.Now()));
          p_.changes.Tell({core::Change::What::kAlert, pending.alert_id, ""});
        }
        return unlocked;
      });
}

}  // namespace sekisho
