// `sekisho enroll`: this terminal becomes an agent of a server.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "common/result.h"

namespace sekisho::cli {

// `args` begins after "enroll". Returns the exit code: 0 enrolled, 1 refused, 2
// wrong use, 3 server or sekishod cannot be reached. Needs root.
int RunEnroll(std::span<const std::string_view> args);

// `text` of agent.yaml with `server: ADDRESS` in it, once; the rest stays.
std::string WithServer(std::string_view text, std::string_view address);
// The same for any key.
std::string WithSetting(std::string_view text, std::string_view key,
                        std::string_view value);

// Where the agent connects afterwards: the port below, "host:7444" to
// "host:7443".
Result<std::string> AgentAddressOf(std::string_view enrol_address);

}  // namespace sekisho::cli
