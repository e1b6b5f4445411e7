// `sekisho upgrade`: asks the agent on this terminal about program files, for
// the package's scripts.
#pragma once

#include <span>
#include <string_view>

namespace sekisho::cli {

int RunUpgradeCheck(std::span<const std::string_view> args);

}  // namespace sekisho::cli
