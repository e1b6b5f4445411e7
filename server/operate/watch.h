// Looks at the running server from inside, once a second on a thread of its
// own: what monitors are shown, and whether the server is ready. Whoever asks
// gets what was found last and never waits for the database.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "common/clock.h"
#include "server/core/presence.h"
#include "server/core/traffic.h"
#include "server/export/outbox.h"
#include "server/operate/metrics_listener.h"
#include "server/store/store.h"

namespace sekisho::operate {

using SteadyTime = std::chrono::steady_clock::time_point;

// One of the server's own ports.
struct Door {
  std::string name;  // "agents"
  std::string host;  // as it listens, in numbers
  int port = 0;
};

struct WatchParts {
  store::Store& store;
  const core::Presence& presence;
  const core::Traffic& traffic;
  const server_export::Outbox& outbox;
  const Clock& clock;
  std::string state_dir;
  // When the server's certificate and the CA's end.
  std::function<Result<WallTime>()> server_certificate_end;
  std::function<Result<WallTime>()> ca_certificate_end;
};

// What the last look found.
struct Vitals {
  int64_t connected_agents = 0;
  int64_t silent_agents = 0;
  int64_t logged_events = 0;
  int64_t indexed_events = 0;
  double index_lag_seconds = 0;  // age of the oldest that is not indexed
  store::OpenAlerts alerts;
  int64_t policy_version = 0;
  int64_t audit_entries = 0;
  int64_t database_bytes = 0;
  int64_t free_bytes = 0;  // of the file system it is on
  double server_certificate_seconds = 0;
  double ca_certificate_seconds = 0;
};

// What says whether the server is ready; judged by NotReadyBecause().
struct Findings {
  bool draining = false;
  std::optional<SteadyTime> write_since = {};  // a try that has not come back
  std::string write_error = {};  // of the last try; empty = it went
  std::string look_error = {};   // reading the database
  int64_t unindexed_events = 0;
  SteadyTime index_moved = {};                 // or there was nothing to index
  std::vector<std::string> closed_doors = {};  // "agents: ..."
};

struct Reason {
  std::string what;  // "draining", "database", "index", "listener"
  std::string why;
};

struct WatchPace {
  std::chrono::milliseconds look{1000};
  std::chrono::milliseconds try_doors{5000};  // and a write
  std::chrono::milliseconds write_patience{3000};
  std::chrono::milliseconds index_patience{30'000};
};

// Pure; empty = ready.
std::vector<Reason> NotReadyBecause(const Findings& findings, SteadyTime now,
                                    const WatchPace& pace = {});
// {"ready":false,"reasons":[{"what":...,"why":...}]}
std::string ReadyJson(const std::vector<Reason>& reasons);

// An error, if the listener does not take a TLS client's first message and
// answer it within two seconds. A handshake is not finished: it needs no
// certificate and leaves nothing in anybody's log.
Status TryDoor(const Door& door);

class Watch {
 public:
  Watch(WatchParts parts, std::vector<Door> doors, WatchPace pace = {})
      : parts_(std::move(parts)), doors_(std::move(doors)), pace_(pace) {}
  ~Watch();
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  // Looks once, then goes on on its thread.
  void Start();
  void SetDraining();

  // Thread-safe, never blocked by what is looked at.
  Vitals vitals() const;
  std::vector<Reason> NotReady() const;
  // The page for Prometheus.
  std::string Metrics() const;

 private:
  void Loop();
  void Look();
  Result<Vitals> Find() const;

  const WatchParts parts_;
  const std::vector<Door> doors_;
  const WatchPace pace_;
  SteadyTime tried_{};  // write and doors; the looking thread's

  mutable std::mutex mutex_;  // guards all below
  Vitals vitals_;
  Findings findings_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread thread_;
};

// What a monitor gets for a path: /metrics, /healthz, /readyz.
HttpAnswer Show(const Watch& watch, std::string_view path);

// Pure: the page from its parts.
std::string MetricsPage(const Vitals& vitals,
                        const core::Traffic::Numbers& traffic,
                        const std::vector<server_export::SinkHealth>& sinks,
                        bool ready, WallTime now);

}  // namespace sekisho::operate
