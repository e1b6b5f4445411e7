#include "server/alert/core_watch.h"

#include <set>

namespace sekisho::alert {

using core::Change;

Status CoreWatch::Load() {
  store::AlertFilter filter;
  filter.kind = "core_silent";
  filter.only_unresolved = true;
  store::Paging paging;
  paging.size = store::kMaxPageSize;
  do {
    ASSIGN_OR_RETURN(const auto page, store_.ListAlerts(filter, paging));
    for (const store::Alert& alert : page.rows) {
      away_[alert.agent_id].alert_id = alert.alert_id;
    }
    paging.token = page.next_token;
  } while (!paging.token.empty());
  return {};
}

Status CoreWatch::Tick() {
  const BootTime now = clock_.SinceBoot();
  if (looked_ != BootTime{} && now - looked_ < kCoresLookedAtEvery) return {};
  looked_ = now;
  ASSIGN_OR_RETURN(const auto cores, store_.CoresAway());
  std::set<std::string> present;
  for (const store::AwayCore& core : cores) {
    present.insert(core.agent_id);
    Away& away = away_.try_emplace(core.agent_id, Away{now, clock_.Now(), 0})
                     .first->second;
    // One that is silent altogether is told by the silence.
    if (away.alert_id != 0 || now - away.since < kCoreAwayAfter ||
        !presence_.IsHeard(core.agent_id)) {
      continue;
    }
    RETURN_IF_ERROR(Raise(core, away));
  }
  for (auto at = away_.begin(); at != away_.end();) {
    if (present.contains(at->first)) {
      ++at;
      continue;
    }
    if (const int64_t alert_id = at->second.alert_id; alert_id != 0) {
      RETURN_IF_ERROR(store_.ResolveAlert(alert_id, clock_.Now()));
      changes_.Tell({Change::What::kAlert, alert_id, ""});
    }
    at = away_.erase(at);
  }
  return {};
}

Status CoreWatch::Raise(const store::AwayCore& core, Away& away) {
  store::NewAlert alert;
  alert.key = "core_silent:" + core.agent_id + ":" +
              std::to_string(clock_.Now().time_since_epoch().count());
  alert.alert.kind = "core_silent";
  alert.alert.severity = "high";
  alert.alert.title =
      "sekishod on " + core.terminal + " has not answered since " +
      FormatUtc(away.since_wall) +
      ": stopped, killed or frozen there; the terminal itself is on";
  alert.alert.agent_id = core.agent_id;
  alert.alert.terminal = core.terminal;
  alert.alert.create_time = clock_.Now();
  ASSIGN_OR_RETURN(const auto id, store_.AddAlert(alert));
  if (!id) return {};
  away.alert_id = *id;
  changes_.Tell({Change::What::kAlert, *id, ""});
  return {};
}

}  // namespace sekisho::alert
