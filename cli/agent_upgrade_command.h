// `sekisho agent upgrade`: lets agents that enforce take the programs of new
// packages.
#pragma once

#include <span>
#include <string_view>

namespace sekisho::cli {

int RunAgentUpgrade(std::span<const std::string_view> args);

}  // namespace sekisho::cli
