#include "server/alert/certificates.h"

namespace sekisho::alert {
namespace {

constexpr const char* kKind = "certificate_expiring";

}  // namespace

Status CertificateWatch::Load() {
  store::AlertFilter filter;
  filter.kind = kKind;
  filter.only_unresolved = true;
  store::Paging paging;
  paging.size = store::kMaxPageSize;
  do {
    ASSIGN_OR_RETURN(const auto page, store_.ListAlerts(filter, paging));
    for (const store::Alert& alert : page.rows) {
      open_.emplace(alert.agent_id, alert.alert_id);
    }
    paging.token = page.next_token;
  } while (!paging.token.empty());
  return {};
}

Status CertificateWatch::Tick() {
  if (looked_ && clock_.SinceBoot() - *looked_ < kCertificatesLookedAtEvery) {
    return {};
  }
  looked_ = clock_.SinceBoot();
  std::map<std::string, Near> near;
  ASSIGN_OR_RETURN(const auto agents,
                   store_.ExpiringCertificates(clock_.Now()));
  for (const store::ExpiringCertificate& agent : agents) {
    near[agent.agent_id] = {agent.terminal,
                            "The certificate of " + agent.terminal +
                                " was not renewed in time; it ends " +
                                FormatUtc(agent.not_after),
                            agent.not_after};
  }
  ASSIGN_OR_RETURN(const WallTime own_end, own_end_());
  if (own_end - clock_.Now() < kServerCertificateNear) {
    near[""] = {"",
                "The server's certificate was not renewed; terminals will "
                "refuse it from " +
                    FormatUtc(own_end) + " on: see sekisho-enrol's log",
                own_end};
  }
  for (auto it = open_.begin(); it != open_.end();) {
    if (near.contains(it->first)) {
      ++it;
      continue;
    }
    RETURN_IF_ERROR(Close(it->second));
    it = open_.erase(it);
  }
  for (const auto& [agent_id, what] : near) {
    if (!open_.contains(agent_id)) {
      RETURN_IF_ERROR(Open(agent_id, what));
    }
  }
  return {};
}

Status CertificateWatch::Open(const std::string& agent_id, const Near& near) {
  store::NewAlert alert;
  alert.key = std::string(kKind) + ":" + agent_id + ":" +
              std::to_string(near.end.time_since_epoch().count());
  alert.alert.kind = kKind;
  alert.alert.severity = agent_id.empty() ? "high" : "low";
  alert.alert.title = near.title;
  alert.alert.agent_id = agent_id;
  alert.alert.terminal = near.terminal;
  alert.alert.create_time = clock_.Now();
  ASSIGN_OR_RETURN(const auto id, store_.AddAlert(alert));
  if (id) {
    open_[agent_id] = *id;
    changes_.Tell({core::Change::What::kAlert, *id, ""});
  }
  return {};
}

Status CertificateWatch::Close(int64_t alert_id) {
  RETURN_IF_ERROR(store_.ResolveAlert(alert_id, clock_.Now()));
  changes_.Tell({core::Change::What::kAlert, alert_id, ""});
  return {};
}

}  // namespace sekisho::alert
