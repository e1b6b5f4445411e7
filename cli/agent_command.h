// `sekisho agent list|show|token|revoke` and `sekisho login`.
#pragma once

#include <span>
#include <string_view>

namespace sekisho::cli {

// `args` begins after "agent" or "login". Exit code: 0 done, 1 refused, 2 wrong
// use, 3 the server cannot be reached.
int RunAgentCommand(std::span<const std::string_view> args);
int RunLoginCommand(std::span<const std::string_view> args);

}  // namespace sekisho::cli
