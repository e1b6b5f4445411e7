// Tells each sink, in order, what it wants to hear. The database is the
// outbox: a sink has a mark in it, how far it was told, and goes on from there
// whatever happened to it or to us (docs/adr/0409).
#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "common/clock.h"
#include "server/core/changes.h"
#include "server/core/sink_health.h"
#include "server/export/sink.h"
#include "server/export/sinks_config.h"
#include "server/store/store.h"

namespace sekisho::server_export {

using core::SinkHealth;

struct OutboxPace {
  std::chrono::milliseconds look{500};
  std::chrono::milliseconds first_retry{1000};
  std::chrono::milliseconds last_retry{300'000};
  // A sink that fails for so long is an alert.
  std::chrono::minutes alert_after{15};
};

// One sink's way: pure but for the store and the sink, driven by Step().
class SinkRunner {
 public:
  SinkRunner(store::Store& store, const Clock& clock, SinkConfig config,
             std::string console, std::unique_ptr<Sink> sink, OutboxPace pace);

  // Tells what there is, at most one batch; how long to wait until the next.
  // An error of the store is returned; one of the sink is kept in health().
  Result<std::chrono::milliseconds> Step();
  // The next step begins from what the database says.
  void Forget();
  SinkHealth health() const;  // thread-safe
  // As the database has it, whoever tells the sink; thread-safe.
  Result<SinkHealth> Stored() const;

 private:
  struct Batch {
    std::vector<Record> records;
    store::SinkMark upto;
    bool more = false;
  };
  Status Begin();
  Result<Batch> Next();
  void SkipWhatIsTooMuch(const store::SinkMark& newest);
  Result<bool> AddAlerts(Batch* batch);
  Result<bool> AddEvents(Batch* batch);
  bool Wants(const Record& record) const;
  Status Keep(const store::SinkMark& mark);
  Status Settle(bool* lost);
  std::chrono::milliseconds Failed(const Error& error);
  Status Told(const Batch& batch);
  void Note(const store::SinkMark& newest);
  void Count(const store::SinkMark& told, const store::SinkMark& newest,
             SinkHealth* health) const;

  store::Store& store_;
  const Clock& clock_;
  const SinkConfig config_;
  const std::string console_;
  const OutboxPace pace_;
  std::unique_ptr<Sink> sink_;
  std::optional<store::SinkMark> mark_;  // how far it was sent
  // Sent before `settling_at_`, and not yet in the database.
  std::optional<store::SinkMark> settling_;
  std::chrono::steady_clock::time_point settling_at_;
  store::SinkMark kept_;  // how far the database says
  int failures_ = 0;

  mutable std::mutex mutex_;  // guards health_
  SinkHealth health_;
};

class Outbox {
 public:
  Outbox(store::Store& store, core::Changes& changes, const Clock& clock,
         const SinksConfig& config, OutboxPace pace = {});
  ~Outbox();  // waits for what is being sent, at most kSinkPatience
  Outbox(const Outbox&) = delete;
  Outbox& operator=(const Outbox&) = delete;

  void Start();
  // Whether it tells: of several servers on one database one does. From any
  // thread; at first it does. What another told meanwhile is read anew.
  void SetActive(bool active);
  // Tells what there is now, without waiting for the next look. True: every
  // sink that takes anything has it; false at `until`.
  bool Flush(std::chrono::steady_clock::time_point until);
  std::vector<SinkHealth> Health() const;
  // The same, and where another server tells them what the database knows.
  Result<std::vector<SinkHealth>> Look() const;
  // The newest event that every sink which hears events was told of.
  int64_t EventsToldUpTo() const;
  // At start: alerts that were open before it. Those about sinks that are no
  // more are resolved.
  Status Load();
  // Nobody is told, because sinks.yaml is wrong: an alert and a line in the
  // log.
  Status TellBadFile(const Error& error);
  // Raises and resolves the alert "sink_failing". From one thread, now and
  // then.
  Status Tick();

 private:
  struct Lane {
    int64_t flushed = 0;  // the newest Flush() before its last step
    bool waits = false;   // for more to be told, or to be confirmed
  };
  void Run(size_t lane);
  Status Raise(const std::string& sink, WallTime since,
               const std::string& title);
  Status Resolve(int64_t alert_id);

  store::Store& store_;
  core::Changes& changes_;
  const Clock& clock_;
  const OutboxPace pace_;
  std::vector<std::unique_ptr<SinkRunner>> runners_;
  std::map<std::string, int64_t> open_;  // sink -> its alert
  mutable std::mutex mutex_;             // guards all below
  std::condition_variable wake_, stepped_;
  bool stopping_ = false;
  bool active_ = true;
  int64_t flushes_ = 0;
  std::vector<Lane> lanes_;
  std::vector<std::thread> threads_;
};

}  // namespace sekisho::server_export
