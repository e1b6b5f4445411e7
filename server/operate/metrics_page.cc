// What Prometheus is shown. Labels name sinks, severities and codes; nothing
// here says whose terminal, which person or which file.
#include <algorithm>

#include "server/operate/exposition.h"
#include "server/operate/watch.h"

namespace sekisho::operate {
namespace {

using enum MetricType;

// As the JSON API writes them.
constexpr std::array<std::string_view, core::kCodeCount> kCodeNames = {
    "ok",
    "cancelled",
    "unknown",
    "invalid_argument",
    "deadline_exceeded",
    "not_found",
    "already_exists",
    "permission_denied",
    "resource_exhausted",
    "failed_precondition",
    "aborted",
    "out_of_range",
    "unimplemented",
    "internal",
    "unavailable",
    "data_loss",
    "unauthenticated"};
constexpr std::string_view kSeverities[] = {"low", "medium", "high",
                                            "critical"};

void AddCodes(Exposition& page,
              const std::array<int64_t, core::kCodeCount>& counts) {
  // All from the first scrape on: a rate needs a zero to begin with.
  for (size_t i = 1; i < counts.size(); ++i) {
    page.Add({{"code", kCodeNames[i]}}, counts[i]);
  }
}

void AddTraffic(Exposition& page, const core::Traffic::Numbers& traffic) {
  page.Begin("sekisho_events_accepted_total", kCounter,
             "Events committed since the start.");
  page.Add(traffic.events);
  page.Begin("sekisho_batches_total", kCounter, "Batches that agents sent.");
  page.Add(traffic.batches);
  page.Begin("sekisho_batches_refused_total", kCounter,
             "Batches that were not taken, by canonical code.");
  AddCodes(page, traffic.refused_batches);
  page.Begin("sekisho_streams_refused_total", kCounter,
             "Agents' connections that were not taken, by canonical code.");
  AddCodes(page, traffic.refused_streams);
  page.Begin("sekisho_ack_seconds", kHistogram,
             "From a batch's arrival to its commit.");
  page.AddHistogram(core::kAckBounds, traffic.acks, traffic.ack_seconds);
}

void AddSinks(Exposition& page,
              const std::vector<server_export::SinkHealth>& sinks,
              WallTime now) {
  page.Begin("sekisho_sink_waiting_records", kGauge,
             "Records that a sink has not been told of, at most.");
  for (const auto& sink : sinks) {
    page.Add({{"sink", sink.name}}, sink.waiting_count);
  }
  page.Begin("sekisho_sink_failing_seconds", kGauge,
             "For how long a sink has taken nothing; 0 = it takes.");
  for (const auto& sink : sinks) {
    page.Add(
        {{"sink", sink.name}},
        sink.failing_since
            ? std::chrono::duration<double>(now - *sink.failing_since).count()
            : 0.0);
  }
  page.Begin("sekisho_sink_sent_records_total", kCounter,
             "Records that a sink took, ever.");
  for (const auto& sink : sinks) {
    page.Add({{"sink", sink.name}}, sink.sent_count);
  }
  page.Begin("sekisho_sink_lost_records_total", kCounter,
             "Records that a sink will never get, ever; it is told how many.");
  for (const auto& sink : sinks) {
    page.Add({{"sink", sink.name}}, sink.gap_count);
  }
}

void AddAlerts(Exposition& page, const store::OpenAlerts& alerts) {
  page.Begin("sekisho_alerts_open", kGauge,
             "Alerts that are not closed, by severity.");
  for (const std::string_view severity : kSeverities) {
    const auto found = alerts.by_severity.find(std::string(severity));
    page.Add({{"severity", severity}},
             found == alerts.by_severity.end() ? 0 : found->second);
  }
  page.Begin("sekisho_alerts_unassigned", kGauge,
             "Open alerts that nobody has taken.");
  page.Add(alerts.unassigned);
  page.Begin("sekisho_requests_open", kGauge,
             "Approval requests that wait for an answer.");
  page.Add(alerts.requests);
}

void AddStore(Exposition& page, const Vitals& vitals) {
  page.Begin("sekisho_log_events", kGauge, "Events in the log.");
  page.Add(vitals.logged_events);
  page.Begin("sekisho_index_lag_events", kGauge,
             "Events in the log that cannot be searched yet.");
  page.Add(std::max<int64_t>(0, vitals.logged_events - vitals.indexed_events));
  page.Begin("sekisho_index_lag_seconds", kGauge,
             "Age of the oldest event that cannot be searched yet.");
  page.Add(vitals.index_lag_seconds);
  page.Begin("sekisho_database_bytes", kGauge,
             "Size of the database, without its write-ahead log.");
  page.Add(vitals.database_bytes);
  page.Begin("sekisho_disk_free_bytes", kGauge,
             "Free space where the database is.");
  page.Add(vitals.free_bytes);
  page.Begin("sekisho_policy_version", kGauge, "Policy that is pushed.");
  page.Add(vitals.policy_version);
  page.Begin("sekisho_audit_entries", kGauge, "Entries of the audit log.");
  page.Add(vitals.audit_entries);
}

}  // namespace

std::string MetricsPage(const Vitals& vitals,
                        const core::Traffic::Numbers& traffic,
                        const std::vector<server_export::SinkHealth>& sinks,
                        bool ready, WallTime now) {
  Exposition page;
  page.Begin("sekisho_build_info", kGauge, "Always 1.");
  page.Add({{"version", SEKISHO_VERSION}}, int64_t{1});
  page.Begin("sekisho_ready", kGauge, "What /readyz says: 1 = ready.");
  page.Add(int64_t{ready ? 1 : 0});
  page.Begin("sekisho_agents_connected", kGauge, "Agents with a stream.");
  page.Add(vitals.connected_agents);
  page.Begin("sekisho_agents_silent", kGauge,
             "Agents that were not heard for a minute.");
  page.Add(vitals.silent_agents);
  AddTraffic(page, traffic);
  AddStore(page, vitals);
  AddSinks(page, sinks, now);
  AddAlerts(page, vitals.alerts);
  page.Begin("sekisho_certificate_expiry_seconds", kGauge,
             "Until a certificate ends; negative = it has ended.");
  page.Add({{"certificate", "server"}}, vitals.server_certificate_seconds);
  page.Add({{"certificate", "ca"}}, vitals.ca_certificate_seconds);
  return page.text();
}

}  // namespace sekisho::operate
