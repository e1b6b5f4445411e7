// `sekisho policy push|history|rollback`: what the server distributes.
#pragma once

#include <span>
#include <string_view>

namespace sekisho::cli {

// `args` begins after the word in the name. Exit code: 0 done, 1 refused, 2
// wrong use, 3 the server or the file cannot be reached.
int RunPolicyPush(std::span<const std::string_view> args);
int RunPolicyHistory(std::span<const std::string_view> args);
int RunPolicyRollback(std::span<const std::string_view> args);

}  // namespace sekisho::cli
