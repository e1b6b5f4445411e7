// The server of the simulated month: the real store, ingest, indexer, rules,
// presence and everything that the leading server does by the clock, on a clock
// that is set. Only the wire is left out: what a stream's object does with a
// hello, a batch and a heartbeat is done here by calls.
#pragma once

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <type_traits>
#include <vector>

#include "server/auth/accounts.h"
#include "server/core/elsewhere.h"
#include "server/core/indexer.h"
#include "server/core/ingest.h"
#include "server/desk.h"
#include "server/leader_work.h"

namespace sekisho::simulation {

// Ends the program: a world that cannot be built is no world to measure.
[[noreturn]] void GiveUp(const std::string& why);

template <typename T>
auto Must(Result<T> result) {
  if (!result) GiveUp(result.error().message);
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

// Stands still until it is set; never goes back.
class SetClock final : public Clock {
 public:
  explicit SetClock(WallTime begin) : begin_(begin), now_(begin) {}
  WallTime Now() const override { return now_.load(); }
  BootTime SinceBoot() const override {
    return std::chrono::hours(1) + (now_.load() - begin_);
  }
  void Set(WallTime now) { now_ = std::max(now, now_.load()); }

 private:
  const WallTime begin_;
  std::atomic<WallTime> now_;
};

// What a terminal says with each heartbeat.
struct Heartbeat {
  std::string boot_id;
  BootTime since_boot{};
  std::string mode = "enforce";
  std::string gate_state = "full";
  bool core_alive = true;
  int64_t policy_version = 0;
  std::string agent_version;
  int64_t spooled_count = 0;
};

class Premises {
 public:
  // Files in `dir`, which must be there; `begin`: before anything is told.
  Premises(std::string dir, WallTime begin);
  ~Premises();

  SetClock& clock() { return clock_; }
  store::Store& store() { return *store_; }
  core::Desk& desk() { return *desk_; }
  core::Publisher& publisher() { return *publisher_; }
  core::Rollouts& rollouts() { return *rollouts_; }
  const std::string& dir() const { return dir_; }
  // Who the SOC's people and IT are at the desk.
  core::Caller Soc() const;
  core::Caller Approver() const;

  // A terminal with its keys and a certificate that was issued at `issued`.
  store::AgentIdentity Enrol(const std::string& terminal,
                             const event::ChainPublicKey& key, WallTime issued);
  // As the uplink renews: the next certificate, used at once.
  void Renew(store::AgentIdentity& agent);

  // As AgentStream: a stream begins with the head that the terminal says; the
  // head to send from.
  event::Head Hello(const store::AgentIdentity& agent, const event::Head& says);
  void Goodbye(const store::AgentIdentity& agent);
  // Batches of at most 500; false: refused. `head` moves on.
  bool Take(const store::AgentIdentity& agent, event::Head& head,
            std::vector<event::v1::EventRecord> records);
  void Heard(const std::string& agent_id) { presence_->Heard(agent_id); }
  // A heartbeat whose row is kept, too. `says`: the end of its chain; `acked`:
  // what it had acknowledged.
  void Keep(const store::AgentIdentity& agent, const event::Head& says,
            const event::Head& acked, const Heartbeat& beat);

  // Everything that was taken is in the log and indexed; then one tick.
  void Step();
  // The process ends and begins again on the same database.
  void Restart();
  int64_t policy_announced() const { return announced_.load(); }

 private:
  void Begin();
  void Settle();

  const std::string dir_;
  SetClock clock_;
  core::Changes changes_;
  std::unique_ptr<core::Presence> presence_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<core::Publisher> publisher_;
  std::unique_ptr<core::Checkpoints> checkpoints_;
  std::unique_ptr<core::Containing> containing_;
  std::unique_ptr<core::Rollouts> rollouts_;
  std::unique_ptr<core::OfflineCodes> codes_;
  std::unique_ptr<auth::Accounts> accounts_;
  std::unique_ptr<core::Indexer> indexer_;
  std::unique_ptr<core::Ingest> ingest_;
  std::unique_ptr<core::Elsewhere> elsewhere_;
  std::unique_ptr<LeaderWork> work_;
  std::unique_ptr<core::Desk> desk_;
  std::atomic<int64_t> announced_ = 0;  // how often a policy was
  int64_t certificates_ = 0;
  bool fresh_ = false;  // something was taken since the last step

  std::mutex mutex_;  // guards pending_
  std::condition_variable settled_;
  int pending_ = 0;
};

}  // namespace sekisho::simulation
