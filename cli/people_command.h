// `sekisho people`: who may use accounts that several share, and what he proves
// it with.
#pragma once

#include <span>
#include <string_view>

namespace sekisho::cli {

// `args` begins after "people". Returns the exit code.
int RunPeopleCommand(std::span<const std::string_view> args);

}  // namespace sekisho::cli
