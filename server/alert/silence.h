// "Terminal silent": one alert a silence, resolved when the terminal is back.
// The register says when a terminal is expected to be on: outside of these
// hours silence waits for them. Terminals of one site that fall silent together
// are one incident (docs/adr/0416).
#pragma once

#include <map>
#include <set>
#include <string>

#include "common/clock.h"
#include "server/core/changes.h"
#include "server/core/expected_hours.h"
#include "server/core/presence.h"
#include "server/store/store.h"

namespace sekisho::alert {

// A terminal whose site has company waits so long for it before it is an alert
// of its own: heartbeats come every 30 s, each terminal's in its own second.
inline constexpr auto kSiteHold = std::chrono::seconds(40);
inline constexpr size_t kSiteLeast = 3;

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
  struct Held {
    std::string terminal;
    WallTime last_heard;
    BootTime since{};
  };
  struct Place {
    std::string site;
    core::ExpectedHours hours;
  };
  struct Outage {
    store::SiteOutage row;
    std::set<std::string> silent;  // agents of it that are not back
  };

  Status LoadOpen();
  Status LoadOutages();
  Status LoadRegister();
  Status OnSilent(const core::Presence::Turns::Silent& silence);
  Status OnBack(const std::string& agent_id);
  Status Settle();
  Status SettleSite(const std::string& site,
                    const std::vector<std::string>& held);
  Status OpenOutage(const std::string& site,
                    const std::vector<std::string>& held);
  Status Join(Outage& outage, const std::vector<std::string>& held);
  Status EndOutage(std::map<std::string, Outage>::iterator outage);
  Status Raise(const std::string& agent_id, const Held& held);
  // Agents of the site that are heard now.
  size_t Heard(const std::string& site) const;
  const Place* PlaceOf(const std::string& terminal) const;

  store::Store& store_;
  core::Presence& presence_;
  core::Changes& changes_;
  const Clock& clock_;
  std::map<std::string, int64_t> open_;    // agent -> its alert
  std::map<std::string, Held> held_;       // silent, no alert yet
  std::map<std::string, Outage> outages_;  // by site

  int64_t register_version_ = -1;
  std::map<std::string, Place> places_;                    // by terminal
  std::map<std::string, std::vector<std::string>> sites_;  // -> terminals
  std::map<std::string, std::string> agents_;  // by terminal, not revoked
};

}  // namespace sekisho::alert
