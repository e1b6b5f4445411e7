#include "server/alert/silence.h"

namespace sekisho::alert {

Status SilenceWatch::Load() {
  store::AlertFilter filter;
  filter.kind = "terminal_silent";
  filter.only_unresolved = true;
  store::Paging paging;
  paging.size = store::kMaxPageSize;
  do {
    ASSIGN_OR_RETURN(const auto page, store_.ListAlerts(filter, paging));
    for (const store::Alert& alert : page.rows) {
      open_.emplace(alert.agent_id, alert.alert_id);
      presence_.MarkSilent(alert.agent_id);
    }
    paging.token = page.next_token;
  } while (!paging.token.empty());
  return {};
}

Status SilenceWatch::Tick() {
  using core::Change;
  const core::Presence::Turns turns = presence_.TakeTurns();
  for (const auto& silence : turns.silent) {
    ASSIGN_OR_RETURN(const store::Agent agent,
                     store_.GetAgent(silence.agent_id));
    store::NewAlert alert;
    alert.key = "terminal_silent:" + agent.agent_id + ":" +
                std::to_string(clock_.Now().time_since_epoch().count());
    alert.alert.kind = "terminal_silent";
    alert.alert.severity = "medium";
    alert.alert.title = agent.terminal + " has been silent since " +
                        FormatUtc(silence.last_heard);
    alert.alert.agent_id = agent.agent_id;
    alert.alert.terminal = agent.terminal;
    alert.alert.create_time = clock_.Now();
    ASSIGN_OR_RETURN(const auto id, store_.AddAlert(alert));
    if (id) {
      open_[agent.agent_id] = *id;
      changes_.Tell({Change::What::kAlert, *id, ""});
    }
    changes_.Tell({Change::What::kAgent, 0, agent.agent_id});
  }
  for (const std::string& agent_id : turns.back) {
    const auto alert = open_.find(agent_id);
    if (alert != open_.end()) {
      RETURN_IF_ERROR(store_.ResolveAlert(alert->second, clock_.Now()));
      changes_.Tell({Change::What::kAlert, alert->second, ""});
      open_.erase(alert);
    }
    changes_.Tell({Change::What::kAgent, 0, agent_id});
  }
  return {};
}

}  // namespace sekisho::alert
