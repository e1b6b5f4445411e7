// Silence: one alert each, resolved when the terminal is back. What it is worth
// depends on when and in what it began (docs/adr/0425):
//   silent_in_use    for the SOC, at any hour: people's data, or what nobody
//                    could look into, had just gone to a medium still in it
//   site_silent      for the SOC: most of a site fell silent together; for IT:
//                    a part of it did
//   terminal_silent  for IT: one fell silent in its hours, or was off and did
//                    not come on for two of its working days
// The register says when a terminal is expected to be on.
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
// They fell silent together if all were heard within this.
inline constexpr auto kTogether = std::chrono::minutes(3);
// So many are one incident although most of the site is heard: a switch. In a
// large site it takes a tenth of it: people go home together, too.
inline constexpr size_t kPartLeast = 8;
// Of hours in which it was expected, after it was off.
inline constexpr auto kAbsentAfter = std::chrono::hours(16);
// A medium is in use so long after what was last heard of it.
inline constexpr auto kInUse = std::chrono::minutes(30);

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
    BootTime expected{};     // in its hours since it was off
    bool looked_at = false;  // for its use
  };
  // What had gone to a medium that was in use when its terminal was heard last.
  struct Use {
    store::Event newest;
    int64_t persons = 0;
    bool unseen = false;  // a file that was not inspected whole
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
                    const std::vector<std::string>& all);
  Status SettleAlone(const std::vector<std::string>& held);
  Status OpenOutage(const std::string& site,
                    const std::vector<std::string>& held);
  Status Join(Outage& outage, const std::vector<std::string>& held);
  Status EndOutage(std::map<std::string, Outage>::iterator outage);
  bool MakesAnOutage(const std::string& site,
                     const std::vector<std::string>& held) const;
  // True: it is told as what it is worth for the SOC.
  Result<bool> RaiseIfInUse(const std::string& agent_id, Held& held);
  Status Raise(const std::string& agent_id, Held& held);
  Status Add(const std::string& agent_id, const store::NewAlert& alert);
  Result<std::optional<Use>> UseOf(const std::string& agent_id,
                                   WallTime last_heard);
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
  std::optional<BootTime> settled_;

  int64_t register_version_ = -1;
  std::map<std::string, Place> places_;                    // by terminal
  std::map<std::string, std::vector<std::string>> sites_;  // -> terminals
  std::map<std::string, std::string> agents_;  // by terminal, not revoked
};

}  // namespace sekisho::alert
