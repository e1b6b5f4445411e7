// "Terminal silent": one alert a silence, resolved when the terminal is back.
#pragma once

#include <map>
#include <string>

#include "common/clock.h"
#include "server/core/changes.h"
#include "server/core/presence.h"
#include "server/store/store.h"

namespace sekisho::alert {

class SilenceWatch {
 public:
  SilenceWatch(store::Store& store, core::Presence& presence,
               core::Changes& changes, const Clock& clock)
      : store_(store), presence_(presence), changes_(changes), clock_(clock) {}

  // At start, after Presence::Load: silences that began before a restart.
  Status Load();
  // Every second or so, from one thread.
  Status Tick();

 private:
  store::Store& store_;
  core::Presence& presence_;
  core::Changes& changes_;
  const Clock& clock_;
  std::map<std::string, int64_t> open_;  // agent -> its alert
};

}  // namespace sekisho::alert
