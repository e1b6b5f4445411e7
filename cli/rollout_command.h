// `sekisho policy rollout|rings`: policy that reaches terminals ring by ring.
#pragma once

#include <span>
#include <string_view>

namespace sekisho::cli {

// `args` begins after the word in the name. Exit code: 0 done, 1 refused, or
// the rollout is halted, 2 wrong use, 3 the server or the file cannot be
// reached.
int RunPolicyRollout(std::span<const std::string_view> args);
int RunPolicyRings(std::span<const std::string_view> args);

}  // namespace sekisho::cli
