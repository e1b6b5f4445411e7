// "Core silent": the terminal is on and its uplink speaks, but sekishod does
// not answer: stopped, killed or frozen by whoever has root there. One alert
// each time, resolved when it answers again. The kernel gate stays closed
// meanwhile.
#pragma once

#include <map>
#include <string>

#include "common/clock.h"
#include "server/core/changes.h"
#include "server/core/presence.h"
#include "server/store/store.h"

namespace sekisho::alert {

// A restart or an upgrade takes less. With what the uplink waits for an answer
// it is told within two heartbeats.
inline constexpr auto kCoreAwayAfter = std::chrono::seconds(20);
inline constexpr auto kCoresLookedAtEvery = std::chrono::seconds(5);

class CoreWatch {
 public:
  // All must outlive it.
  CoreWatch(store::Store& store, const core::Presence& presence,
            core::Changes& changes, const Clock& clock)
      : store_(store), presence_(presence), changes_(changes), clock_(clock) {}

  // At start: what was told before a restart.
  Status Load();
  // Every second or so, from one thread.
  Status Tick();

 private:
  struct Away {
    BootTime since{};
    WallTime since_wall;
    int64_t alert_id = 0;  // 0: not told yet
  };

  Status Raise(const store::AwayCore& core, Away& away);

  store::Store& store_;
  const core::Presence& presence_;
  core::Changes& changes_;
  const Clock& clock_;
  BootTime looked_{};
  std::map<std::string, Away> away_;  // by agent
};

}  // namespace sekisho::alert
