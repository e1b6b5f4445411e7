// `sekisho data-set list|push|remove`: whose people terminals know again.
#pragma once

#include <span>
#include <string_view>

namespace sekisho::cli {

// `args` begins after "data-set". Returns the exit code.
int RunDataSetCommand(std::span<const std::string_view> args);

}  // namespace sekisho::cli
