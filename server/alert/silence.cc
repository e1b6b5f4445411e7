#include "server/alert/silence.h"

#include <algorithm>

#include "server/core/event_alert.h"
#include "server/core/event_words.h"

namespace sekisho::alert {

using core::Change;
using event::v1::EventKind;

namespace {

constexpr const char* kTerminalSilent = "terminal_silent";
constexpr const char* kSilentInUse = "silent_in_use";
// Enough to see what became of each medium of the last half hour.
constexpr int kUseEvents = 100;

}  // namespace

Status SilenceWatch::Load() {
  RETURN_IF_ERROR(LoadOpen());
  RETURN_IF_ERROR(LoadOutages());
  return LoadRegister();
}

Status SilenceWatch::LoadOpen() {
  for (const char* kind : {kTerminalSilent, kSilentInUse}) {
    store::AlertFilter filter;
    filter.kind = kind;
    filter.only_unresolved = true;
    filter.with_suppressed = true;
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
  }
  return {};
}

// Those that came back in it are heard again within a heartbeat.
Status SilenceWatch::LoadOutages() {
  ASSIGN_OR_RETURN(const auto rows, store_.ListSiteOutages({}));
  for (const store::SiteOutage& row : rows) {
    if (row.end_time || outages_.contains(row.site)) continue;
    Outage& outage = outages_[row.site];
    outage.row = row;
    for (const std::string& agent_id : row.agent_ids) {
      if (open_.contains(agent_id)) continue;
      outage.silent.insert(agent_id);
      presence_.MarkSilent(agent_id);
    }
  }
  return {};
}

Status SilenceWatch::LoadRegister() {
  ASSIGN_OR_RETURN(const int64_t version, store_.RegisterVersion());
  if (version == register_version_) return {};
  ASSIGN_OR_RETURN(const auto rows, store_.RegisteredTerminals());
  places_.clear();
  sites_.clear();
  for (const store::RegisteredTerminal& row : rows) {
    if (row.remove_time) continue;
    Place& place = places_[row.name];
    place.site = row.site;
    // What the import let in parses; else: expected at any time.
    if (auto hours = core::ExpectedHours::Parse(row.hours)) {
      place.hours = std::move(*hours);
    }
    if (!row.site.empty()) sites_[row.site].push_back(row.name);
  }
  // One that enrolled since counts as soon as it was silent once.
  ASSIGN_OR_RETURN(const auto agents, store_.AllAgents());
  for (const store::Agent& agent : agents) {
    if (agent.state != store::AgentState::kRevoked) {
      agents_[agent.terminal] = agent.agent_id;
    }
  }
  register_version_ = version;
  return {};
}

Status SilenceWatch::Tick() {
  const core::Presence::Turns turns = presence_.TakeTurns();
  for (const auto& silence : turns.silent) RETURN_IF_ERROR(OnSilent(silence));
  for (const std::string& agent_id : turns.back) {
    RETURN_IF_ERROR(OnBack(agent_id));
  }
  if (held_.empty()) return {};
  RETURN_IF_ERROR(LoadRegister());
  return Settle();
}

Status SilenceWatch::OnSilent(const core::Presence::Turns::Silent& silence) {
  ASSIGN_OR_RETURN(const store::Agent agent, store_.GetAgent(silence.agent_id));
  agents_[agent.terminal] = agent.agent_id;
  held_[agent.agent_id] = {.terminal = agent.terminal,
                           .last_heard = silence.last_heard,
                           .since = clock_.SinceBoot()};
  changes_.Tell({Change::What::kAgent, 0, agent.agent_id});
  return {};
}

Status SilenceWatch::OnBack(const std::string& agent_id) {
  held_.erase(agent_id);
  changes_.Tell({Change::What::kAgent, 0, agent_id});
  if (const auto alert = open_.find(agent_id); alert != open_.end()) {
    RETURN_IF_ERROR(store_.ResolveAlert(alert->second, clock_.Now()));
    changes_.Tell({Change::What::kAlert, alert->second, ""});
    open_.erase(alert);
  }
  for (auto at = outages_.begin(); at != outages_.end(); ++at) {
    Outage& outage = at->second;
    if (outage.silent.erase(agent_id) == 0) continue;
    // Most of the site is back: who is not is a matter of its own.
    if (outage.silent.empty() || Heard(at->first) > outage.silent.size()) {
      return EndOutage(at);
    }
    return {};
  }
  return {};
}

Status SilenceWatch::EndOutage(std::map<std::string, Outage>::iterator at) {
  const Outage outage = std::move(at->second);
  outages_.erase(at);
  for (const std::string& agent_id : outage.silent) {
    ASSIGN_OR_RETURN(const store::Agent agent, store_.GetAgent(agent_id));
    held_[agent_id] = {
        .terminal = agent.terminal,
        .last_heard = agent.last_seen_time.value_or(outage.row.begin_time),
        .since = clock_.SinceBoot()};
  }
  store::SiteOutage row = outage.row;
  row.end_time = clock_.Now();
  RETURN_IF_ERROR(store_.PutSiteOutage(row));
  RETURN_IF_ERROR(store_.ResolveAlert(row.alert_id, clock_.Now()));
  changes_.Tell({Change::What::kAlert, row.alert_id, ""});
  return {};
}

const SilenceWatch::Place* SilenceWatch::PlaceOf(
    const std::string& terminal) const {
  const auto found = places_.find(terminal);
  return found == places_.end() ? nullptr : &found->second;
}

size_t SilenceWatch::Heard(const std::string& site) const {
  const auto terminals = sites_.find(site);
  if (terminals == sites_.end()) return 0;
  return static_cast<size_t>(
      std::ranges::count_if(terminals->second, [&](const std::string& name) {
        const auto agent = agents_.find(name);
        return agent != agents_.end() && presence_.IsHeard(agent->second);
      }));
}

// What fell silent in its hours is told by its site or alone; what was off
// before them is given time to come on.
Status SilenceWatch::Settle() {
  const WallTime now = clock_.Now();
  // Of a server that slept no time counts.
  const BootTime passed =
      settled_ ? std::min<BootTime>(clock_.SinceBoot() - *settled_,
                                    std::chrono::minutes(1))
               : BootTime(0);
  settled_ = clock_.SinceBoot();
  std::map<std::string, std::vector<std::string>> by_site;
  std::vector<std::string> alone, outside;
  for (auto& [agent_id, held] : held_) {
    const Place* place = PlaceOf(held.terminal);
    if (place != nullptr && !place->hours.Contains(now)) {
      outside.push_back(agent_id);
      continue;
    }
    if (place != nullptr && !place->hours.Contains(held.last_heard)) {
      held.expected += passed;
      if (held.expected >= kAbsentAfter) alone.push_back(agent_id);
      continue;
    }
    const auto site =
        place == nullptr ? sites_.end() : sites_.find(place->site);
    if (site != sites_.end() && site->second.size() >= kSiteLeast) {
      by_site[place->site].push_back(agent_id);
    } else {
      alone.push_back(agent_id);
    }
  }
  for (const auto& [site, agents] : by_site) {
    RETURN_IF_ERROR(SettleSite(site, agents));
  }
  for (const std::string& agent_id : alone) {
    RETURN_IF_ERROR(Raise(agent_id, held_.at(agent_id)));
    held_.erase(agent_id);
  }
  for (const std::string& agent_id : outside) {
    Held& held = held_.at(agent_id);
    if (clock_.SinceBoot() - held.since < kSiteHold) continue;
    ASSIGN_OR_RETURN(const bool told, RaiseIfInUse(agent_id, held));
    if (told) held_.erase(agent_id);
  }
  return {};
}

Status SilenceWatch::SettleSite(const std::string& site,
                                const std::vector<std::string>& all) {
  const auto outage = outages_.find(site);
  const bool whole =
      all.size() +
          (outage == outages_.end() ? 0 : outage->second.silent.size()) >=
      Heard(site);
  if (outage == outages_.end() && !MakesAnOutage(site, all)) {
    return SettleAlone(all);
  }
  // In a part of a site one may hide; a whole one has its own reason.
  std::vector<std::string> held;
  for (const std::string& agent_id : all) {
    ASSIGN_OR_RETURN(const bool told,
                     whole ? Result<bool>(false)
                           : RaiseIfInUse(agent_id, held_.at(agent_id)));
    if (told) {
      held_.erase(agent_id);
    } else {
      held.push_back(agent_id);
    }
  }
  if (held.empty()) return {};
  return outage == outages_.end() ? OpenOutage(site, held)
                                  : Join(outage->second, held);
}

Status SilenceWatch::SettleAlone(const std::vector<std::string>& held) {
  for (const std::string& agent_id : held) {
    const auto one = held_.find(agent_id);
    if (clock_.SinceBoot() - one->second.since < kSiteHold) continue;
    RETURN_IF_ERROR(Raise(agent_id, one->second));
    held_.erase(one);
  }
  return {};
}

bool SilenceWatch::MakesAnOutage(const std::string& site,
                                 const std::vector<std::string>& held) const {
  const WallTime since = clock_.Now() - kTogether;
  const auto together = static_cast<size_t>(
      std::ranges::count_if(held, [&](const std::string& agent_id) {
        return held_.at(agent_id).last_heard > since;
      }));
  const size_t heard = Heard(site);
  return together >= kSiteLeast &&
         (together >= heard ||
          together >= std::max(kPartLeast, (heard + together) / 10));
}

Status SilenceWatch::OpenOutage(const std::string& site,
                                const std::vector<std::string>& held) {
  WallTime begin = held_.at(held.front()).last_heard;
  for (const std::string& agent_id : held) {
    begin = std::min(begin, held_.at(agent_id).last_heard);
  }
  store::NewAlert alert;
  alert.key = "site_silent:" + site + ":" +
              std::to_string(clock_.Now().time_since_epoch().count());
  alert.alert.kind = "site_silent";
  // A part of it is a switch, or a night on which IT starts it anew.
  alert.alert.severity = held.size() >= Heard(site) ? "high" : "low";
  alert.alert.title = "Site " + site + ": " + std::to_string(held.size()) +
                      " terminals have been silent since " +
                      core::MinuteText(begin);
  alert.alert.create_time = clock_.Now();
  ASSIGN_OR_RETURN(const auto id, store_.AddAlert(alert));
  Outage& outage = outages_[site];
  outage.row.alert_id = id.value_or(0);
  outage.row.site = site;
  outage.row.begin_time = begin;
  changes_.Tell({Change::What::kAlert, outage.row.alert_id, ""});
  return Join(outage, held);
}

Status SilenceWatch::Join(Outage& outage,
                          const std::vector<std::string>& held) {
  for (const std::string& agent_id : held) {
    outage.silent.insert(agent_id);
    outage.row.agent_ids.push_back(agent_id);
    held_.erase(agent_id);
  }
  return store_.PutSiteOutage(outage.row);
}

Result<bool> SilenceWatch::RaiseIfInUse(const std::string& agent_id,
                                        Held& held) {
  if (held.looked_at) return false;
  held.looked_at = true;
  ASSIGN_OR_RETURN(const auto use, UseOf(agent_id, held.last_heard));
  if (!use || (use->persons == 0 && !use->unseen)) return false;
  store::NewAlert alert = core::AlertOf(
      use->newest, kSilentInUse, "high",
      held.terminal + " fell silent at " + FormatUtc(held.last_heard) +
          " while " + use->newest.device_id + " was in use; " +
          (use->persons > 0 ? "data of about " + std::to_string(use->persons) +
                                  " people had gone to it"
                            : std::string("what had gone to it was not "
                                          "inspected whole")));
  alert.alert.create_time = clock_.Now();
  RETURN_IF_ERROR(Add(agent_id, alert));
  return true;
}

// Newest first: a medium whose newest event is that it went is not in use.
Result<std::optional<SilenceWatch::Use>> SilenceWatch::UseOf(
    const std::string& agent_id, WallTime last_heard) {
  store::EventFilter filter;
  filter.agent_id = agent_id;
  filter.kinds = {event::v1::EVENT_KIND_MEDIUM_MOUNTED,
                  event::v1::EVENT_KIND_TRANSFER,
                  event::v1::EVENT_KIND_MEDIUM_UNMOUNTED,
                  event::v1::EVENT_KIND_DEVICE_REMOVED};
  filter.from = last_heard - kInUse;
  ASSIGN_OR_RETURN(const auto events,
                   store_.ListEvents(filter, {kUseEvents, ""}));
  std::set<std::string> gone;
  std::optional<Use> use;
  for (const store::Event& event : events.rows) {
    const EventKind kind = event.public_part.kind();
    if (kind == event::v1::EVENT_KIND_MEDIUM_UNMOUNTED ||
        kind == event::v1::EVENT_KIND_DEVICE_REMOVED) {
      gone.insert(event.device_id);
      continue;
    }
    if (gone.contains(event.device_id)) continue;
    if (!use) use = Use{.newest = event};
    const auto& part = event.public_part;
    use->persons += part.persons_written_count();
    use->unseen =
        use->unseen || (kind == event::v1::EVENT_KIND_TRANSFER &&
                        !store::IsRefusal(part.outcome()) &&
                        part.inspection() != event::v1::INSPECTION_FULL);
  }
  return use;
}

Status SilenceWatch::Raise(const std::string& agent_id, Held& held) {
  ASSIGN_OR_RETURN(const bool told, RaiseIfInUse(agent_id, held));
  if (told) return {};
  store::NewAlert alert;
  alert.alert.kind = kTerminalSilent;
  alert.alert.severity = "low";
  alert.alert.title =
      held.terminal + " has been silent since " + FormatUtc(held.last_heard);
  alert.alert.agent_id = agent_id;
  alert.alert.terminal = held.terminal;
  alert.alert.create_time = clock_.Now();
  return Add(agent_id, alert);
}

Status SilenceWatch::Add(const std::string& agent_id,
                         const store::NewAlert& alert) {
  store::NewAlert added = alert;
  added.key = alert.alert.kind + ":" + agent_id + ":" +
              std::to_string(clock_.Now().time_since_epoch().count());
  ASSIGN_OR_RETURN(const auto id, store_.AddAlert(added));
  if (id) {
    open_[agent_id] = *id;
    changes_.Tell({Change::What::kAlert, *id, ""});
  }
  return {};
}

}  // namespace sekisho::alert
