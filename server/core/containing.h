// Containments: begins, extends, lifts and ends them, and knows from the
// terminals' heartbeats how far each is carried out. Who may ask and the audit
// log are the desk's.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "common/clock.h"
#include "common/result.h"
#include "server/core/changes.h"
#include "server/core/presence.h"
#include "server/core/publisher.h"
#include "server/core/queries.h"

namespace sekisho::core {

inline constexpr auto kContainDefault = std::chrono::hours(4);
// A terminal that is connected and says nothing for so long was not reached.
inline constexpr auto kContainPatience = std::chrono::seconds(5);

// Thread-safe.
class Containing {
 public:
  // All must outlive it.
  Containing(store::Store& store, Publisher& publisher,
             const Presence& presence, Changes& changes, const Clock& clock)
      : store_(store),
        publisher_(publisher),
        presence_(presence),
        changes_(changes),
        clock_(clock) {}

  // As the desk's calls of these names.
  Result<ContainmentStatus> Begin(const Caller& caller,
                                  const ContainWish& wish);
  Status AskExtension(const Caller& caller, int64_t id,
                      std::chrono::seconds length, const std::string& reason);
  Result<ContainmentStatus> AgreeExtension(const Caller& caller, int64_t id);
  Result<ContainmentStatus> Lift(const Caller& caller, int64_t id,
                                 const std::string& reason);
  Result<std::vector<ContainmentStatus>> List(Contained which,
                                              const Scope& scope);

  // What a terminal's heartbeat says of the list it has.
  struct Report {
    std::optional<WallTime> close_time;  // by its own clock
    int64_t media = 0;
    int64_t open_media = 0;
    bool observes = false;
    bool operator==(const Report&) const = default;
  };
  struct Heard {
    int64_t version = 0;                // 0 = it has none
    std::map<int64_t, Report> reports;  // by containment
    bool operator==(const Heard&) const = default;
  };
  void OnHeard(const std::string& agent_id, Heard heard);
  // Now and then: ends what has reached its end. Those that ended.
  Result<std::vector<Containment>> EndDue();

 private:
  struct Extension {
    std::string asked_by;
    std::chrono::seconds length{0};
    std::string reason;
    WallTime ask_time;
  };

  Result<Containment> FindRunning(int64_t id, const Scope& scope);
  Status CheckTarget(const Scope& scope, const ContainWish& wish);
  // Ends it and its alert; the next list is without it.
  Result<Containment> PutOver(Containment row);
  Result<std::vector<ContainmentStatus>> StatusOf(
      const std::vector<Containment>& rows);
  Result<ContainmentStatus> StatusOfOne(const Containment& row);
  ContainedTerminal AnswerOf(const Containment& row, const Agent& agent);

  store::Store& store_;
  Publisher& publisher_;
  const Presence& presence_;
  Changes& changes_;
  const Clock& clock_;

  std::mutex changing_;                 // one change at a time
  std::mutex mutex_;                    // guards all below
  std::map<std::string, Heard> heard_;  // by agent
  std::map<int64_t, Extension> extensions_;
};

}  // namespace sekisho::core
