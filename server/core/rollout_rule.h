// When a rollout stops by itself, in one place. Pure: numbers in, a sentence
// out.
//
// Blocks. A refused device or transfer is a block. Those that were made under
// the new version stop it if there are at least `blocks` of them on at least
// `terminals` terminals, and at least `times` as many as expected:
//
//   expected = rate of the same terminals before * rise * their hours since
//
// The rate before is taken over the same hours of the seven days before, of
// those on which people worked as they do now (half as many blocks in all the
// house as on the busiest: a Sunday says nothing of a Monday; at
// least one block, so that nothing is infinitely more than nothing), with what
// an observing policy would have refused: who turns enforcement on expects
// that. The rise is how much more the terminals with the old version refuse
// than they did (at least 1; only if they refused as much as would stop it):
// a day of many sticks is no fault of the policy.
//
// Trouble. Terminals that were offered the version and refused it, did not
// take it within kAnswerPatience although they are connected, or fell silent
// within kSilenceWindow of it, stop it if they are two and a tenth of those
// that were offered it, or all of them.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "policy/rings.h"

namespace sekisho::core {

inline constexpr auto kAnswerPatience = std::chrono::minutes(10);
inline constexpr auto kSilenceWindow = std::chrono::minutes(15);
inline constexpr int kDaysBefore = 7;

struct BlockSum {
  int64_t blocks = 0;
  int64_t terminals = 0;  // with at least one
  double hours = 0;       // of all terminals, one after the other
};

struct RolloutNumbers {
  BlockSum since, before;                // terminals that have it
  BlockSum others_since, others_before;  // with the old version
  int64_t offered = 0;
  int64_t acknowledged = 0;
  int64_t waiting = 0;  // may still answer
  int64_t refused = 0;
  int64_t unanswered = 0;
  int64_t silent = 0;
};

double ExpectedBlocks(const RolloutNumbers& numbers,
                      const policy::HaltRule& rule);
// Empty: go on.
std::string HaltReason(const RolloutNumbers& numbers,
                       const policy::HaltRule& rule);

}  // namespace sekisho::core
