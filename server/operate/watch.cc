#include "server/operate/watch.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "common/log.h"
#include "common/text.h"
#include "server/operate/exposition.h"

namespace sekisho::operate {
namespace {

int64_t Seconds(SteadyTime::duration duration) {
  return std::chrono::duration_cast<std::chrono::seconds>(duration).count();
}

double SecondsUntil(WallTime end, WallTime now) {
  return std::chrono::duration<double>(end - now).count();
}

}  // namespace

std::vector<Reason> NotReadyBecause(const Findings& findings, SteadyTime now,
                                    const WatchPace& pace) {
  std::vector<Reason> reasons;
  if (findings.draining) {
    reasons.push_back({"draining", "the server is stopping"});
  }
  if (findings.write_since &&
      now - *findings.write_since > pace.write_patience) {
    reasons.push_back(
        {"database", fmt::format("a write has been waiting for {} s",
                                 Seconds(now - *findings.write_since))});
  } else if (!findings.write_error.empty()) {
    reasons.push_back({"database", findings.write_error});
  } else if (!findings.look_error.empty()) {
    reasons.push_back({"database", findings.look_error});
  }
  if (findings.unindexed_events > 0 &&
      now - findings.index_moved > pace.index_patience) {
    reasons.push_back(
        {"index", fmt::format("{} events wait, none was indexed for {} s",
                              findings.unindexed_events,
                              Seconds(now - findings.index_moved))});
  }
  for (const std::string& door : findings.closed_doors) {
    reasons.push_back({"listener", door});
  }
  return reasons;
}

std::string ReadyJson(const std::vector<Reason>& reasons) {
  std::string json =
      fmt::format("{{\"ready\":{},\"reasons\":[", reasons.empty());
  for (const Reason& reason : reasons) {
    json += fmt::format("{}{{\"what\":{},\"why\":{}}}",
                        &reason == reasons.data() ? "" : ",",
                        JsonQuote(reason.what), JsonQuote(reason.why));
  }
  return json + "]}\n";
}

Watch::~Watch() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) {
    thread_.join();
  }
}

void Watch::Start() {
  {
    std::lock_guard lock(mutex_);
    findings_.index_moved = std::chrono::steady_clock::now();
  }
  Look();
  thread_ = std::thread([this] { Loop(); });
}

void Watch::SetDraining() {
  std::lock_guard lock(mutex_);
  findings_.draining = true;
}

Vitals Watch::vitals() const {
  std::lock_guard lock(mutex_);
  return vitals_;
}

std::vector<Reason> Watch::NotReady() const {
  std::lock_guard lock(mutex_);
  return NotReadyBecause(findings_, std::chrono::steady_clock::now(), pace_);
}

std::string Watch::Metrics() const {
  return MetricsPage(vitals(), parts_.traffic.Read(), parts_.outbox.Health(),
                     NotReady().empty(), parts_.clock.Now());
}

void Watch::Loop() {
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, pace_.look, [this] { return stopping_; })) {
    lock.unlock();
    Look();
    lock.lock();
  }
}

void Watch::Look() {
  auto found = Find();
  const auto now = std::chrono::steady_clock::now();
  {
    std::lock_guard lock(mutex_);
    findings_.look_error = found ? "" : found.error().message;
    if (found) {
      const int64_t waiting = found->logged_events - found->indexed_events;
      if (waiting == 0 || found->indexed_events != vitals_.indexed_events) {
        findings_.index_moved = now;
      }
      findings_.unindexed_events = waiting;
      vitals_ = std::move(*found);
    }
    if (tried_ != SteadyTime() && now - tried_ < pace_.try_doors) return;
    findings_.write_since = now;
  }
  tried_ = now;
  const Status written = parts_.store.TryWrite();
  std::vector<std::string> closed;
  for (const Door& door : doors_) {
    if (auto open = TryDoor(door); !open) {
      closed.push_back(door.name + ": " + open.error().message);
    }
  }
  std::lock_guard lock(mutex_);
  findings_.write_since.reset();
  findings_.write_error = written ? "" : written.error().message;
  findings_.closed_doors = std::move(closed);
}

Result<Vitals> Watch::Find() const {
  Vitals found;
  const WallTime now = parts_.clock.Now();
  // Asked for before the log's head: else it could look as if it ran ahead.
  ASSIGN_OR_RETURN(found.indexed_events, parts_.store.IndexMark());
  ASSIGN_OR_RETURN(const merkle::Head log, parts_.store.LogHead());
  found.logged_events = log.size;
  if (found.logged_events > found.indexed_events) {
    ASSIGN_OR_RETURN(const auto oldest,
                     parts_.store.ReadLog(found.indexed_events, 1));
    if (!oldest.empty()) {
      found.index_lag_seconds =
          std::max(0.0, SecondsUntil(now, oldest[0].receive_time));
    }
  }
  found.connected_agents = parts_.presence.connected_count();
  found.silent_agents = parts_.presence.silent_count();
  ASSIGN_OR_RETURN(found.alerts, parts_.store.CountOpenAlerts({}));
  ASSIGN_OR_RETURN(const auto versions, parts_.store.EnvelopeVersions());
  for (const auto& [type, version] : versions) {
    if (type == "policy") found.policy_version = version;
  }
  ASSIGN_OR_RETURN(const auto audit, parts_.store.ListAudit({}, {1, ""}));
  if (!audit.rows.empty()) found.audit_entries = audit.rows[0].row_id;
  ASSIGN_OR_RETURN(found.database_bytes, parts_.store.SizeBytes());
  struct statvfs disk{};
  if (::statvfs((parts_.state_dir + "/server").c_str(), &disk) == 0) {
    found.free_bytes = static_cast<int64_t>(disk.f_bavail * disk.f_frsize);
  }
  ASSIGN_OR_RETURN(const WallTime own_end, parts_.server_certificate_end());
  ASSIGN_OR_RETURN(const WallTime ca_end, parts_.ca_certificate_end());
  found.server_certificate_seconds = SecondsUntil(own_end, now);
  found.ca_certificate_seconds = SecondsUntil(ca_end, now);
  return found;
}

HttpAnswer Show(const Watch& watch, std::string_view path) {
  if (path == "/metrics") {
    return {.type = kExpositionType, .body = watch.Metrics()};
  }
  if (path == "/healthz") {
    return {.body = "alive\n"};
  }
  if (path == "/readyz") {
    const auto reasons = watch.NotReady();
    return {.status = reasons.empty() ? 200 : 503,
            .type = "application/json",
            .body = ReadyJson(reasons)};
  }
  return {.status = 404, .body = "/metrics, /healthz, /readyz\n"};
}

}  // namespace sekisho::operate
