// How far a rollout has come, from what is stored and heard. Pure.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "policy/rings.h"
#include "server/core/queries.h"
#include "server/core/rollout_rule.h"

namespace sekisho::core {

// All must outlive the question.
struct RolloutView {
  const Rollout& rollout;  // a live one
  const policy::Rings& rings;
  const std::vector<Agent>& agents;  // none revoked; states as presence says
  const std::map<std::string, store::RolloutTerminal>& offered;  // by agent
  WallTime now;
};

// One for each of the agents, in their order.
std::vector<RolloutTerminal> TerminalsOf(const RolloutView& view);
// `terminals` as above; `blocks` of kDaysBefore days before the rollout began
// until now.
RolloutNumbers NumbersOf(const RolloutView& view,
                         const std::vector<RolloutTerminal>& terminals,
                         const std::vector<store::BlockCount>& blocks);
// `open`: the last ring that is; -1: none.
std::vector<RingProgress> RingsOf(
    const policy::Rings& rings, int open,
    const std::vector<RolloutTerminal>& terminals);

// When the next ring may open by itself, and what it waits for until then
// (RolloutStatus::waits_for).
struct NextRing {
  std::optional<WallTime> time;
  std::string waits_for;  // empty: nothing, it is due
};
NextRing NextRingOf(const RolloutView& view,
                    const std::vector<RolloutTerminal>& terminals,
                    const RolloutNumbers& numbers);

}  // namespace sekisho::core
