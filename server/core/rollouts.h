// Policy on its way through the rings: which version each terminal is given,
// when the next ring opens, and what stops it (rollout_rule.h). The state is in
// the store. Who may ask, and the audit of what people do, are the desk's.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "common/clock.h"
#include "policy/rings.h"
#include "server/core/changes.h"
#include "server/core/presence.h"
#include "server/core/publisher.h"
#include "server/core/queries.h"
#include "server/core/rollout_progress.h"

namespace sekisho::core {

inline constexpr auto kRolloutLookedAtEvery = std::chrono::seconds(10);

// Thread-safe.
class Rollouts {
 public:
  // All must outlive it. Refresh() before the first agent is served.
  Rollouts(store::Store& store, Publisher& publisher, const Presence& presence,
           Changes& changes, const Clock& clock)
      : store_(store),
        publisher_(publisher),
        presence_(presence),
        changes_(changes),
        clock_(clock) {}

  // Called when a ring was opened: tells the agents. Set once, before any
  // thread calls.
  void SetAnnounce(std::function<void()> announce) {
    announce_ = std::move(announce);
  }

  // Reads what is given now; also what another replica changed.
  Status Refresh();
  // The version this terminal is given; 0 = there is no policy. Never lower
  // than before, except that one who was ahead keeps what he has.
  int64_t Wanted(const std::string& agent_id,
                 const std::string& terminal) const;
  // Versions that somebody is given now.
  std::vector<int64_t> WantedByAny() const;

  // As the desk's calls of these names.
  Result<Pushed> Push(const std::string& author, const std::string& text,
                      const std::string& file_name, const std::string& comment,
                      PushHow how);
  Result<Pushed> RollbackTo(const std::string& author, int64_t version);
  Result<RolloutStatus> Change(const std::string& author, RolloutAct act,
                               const std::string& reason);
  Result<RolloutStatus> GetStatus();
  Result<std::vector<policy::Problem>> SetRings(const std::string& author,
                                                const std::string& text);

  // Every second or so: notes who has it, stops it or opens the next ring.
  Status Tick();

 private:
  struct Given {
    int64_t newest = 0;
    std::optional<Rollout> rollout;
    std::shared_ptr<const policy::Rings> rings;
  };
  // What one look sees of a live rollout.
  struct Look {
    Rollout rollout;
    policy::Rings rings;
    std::vector<Agent> agents;
    std::map<std::string, store::RolloutTerminal> offered;
    WallTime now;
    std::vector<RolloutTerminal> terminals;
    RolloutNumbers numbers;
    RolloutView View() const { return {rollout, rings, agents, offered, now}; }
  };

  Result<Look> Read(const Rollout& rollout);
  Status Judge(Look& look);
  // Who was offered it, has it or refused it since the last look.
  Status NoteAnswers(Look& look);
  Status NoteRefusals(Look& look,
                      std::map<std::string, store::RolloutTerminal>& changed);
  Status Stop(Rollout rollout, const std::string& by,
              const std::string& reason);
  Status OpenNext(Rollout rollout, const policy::Rings& rings,
                  const std::string& by);
  // It was taken back or pushed over.
  Status AfterEnd(const std::optional<Rollout>& before, RolloutState state);
  Status Put(const Rollout& rollout);
  Status Resolve(const Rollout& rollout);
  Status NoteDeed(const char* action, const Rollout& rollout,
                  const std::string& detail);
  Result<Rollout> Live();
  Result<std::optional<policy::Rings>> Configured();

  store::Store& store_;
  Publisher& publisher_;
  const Presence& presence_;
  Changes& changes_;
  const Clock& clock_;
  std::function<void()> announce_;

  std::mutex changing_;             // one change at a time; before all others
  std::optional<BootTime> looked_;  // under changing_
  std::mutex refreshing_;
  mutable std::mutex mutex_;  // guards given_
  Given given_;
};

}  // namespace sekisho::core
