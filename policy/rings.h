// The order in which terminals get a new policy, and when that stops by itself:
// what an admin writes (docs/policy.md). Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "policy/parser.h"

namespace sekisho::policy {

inline constexpr size_t kMaxRings = 16;
inline constexpr size_t kMaxRingsBytes = size_t{64} * 1024;
inline constexpr size_t kMaxRingTerminals = 1000;
// The last ring is watched for so long if it does not say.
inline constexpr auto kLastSoak = std::chrono::hours(1);

// A terminal is in the first ring that names it or whose share reaches it. The
// last takes the rest.
struct Ring {
  std::string name;
  std::vector<std::string> terminals;  // names or patterns
  int percent = 0;  // of all terminals, with the rings before it; 0 = none
  std::chrono::seconds soak{0};  // 0 = a person opens the next
  bool operator==(const Ring&) const = default;
};

// What stops a rollout: server/core/rollout_rule.h says how.
struct HaltRule {
  int64_t blocks = 5;
  int64_t terminals = 2;
  int64_t times = 3;
  bool operator==(const HaltRule&) const = default;
};

struct Rings {
  std::vector<Ring> rings;  // at least one
  HaltRule halt;
  bool operator==(const Rings&) const = default;
};

std::expected<Rings, std::vector<Problem>> ParseRings(
    std::string_view text, std::string_view file_name);

// 0 to 99, the same for ever; a share of N percent is those below N, so that
// one that grows loses nobody.
int ShareOf(std::string_view agent_id);
size_t RingOf(const Rings& rings, std::string_view agent_id,
              std::string_view terminal);

}  // namespace sekisho::policy
