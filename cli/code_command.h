// `sekisho code`, on a terminal without network: shows the challenge of a
// blocked medium, and takes the code that somebody reads out for it.
#pragma once

#include <span>
#include <string_view>

namespace sekisho::cli {

// `args` begins after "code". Returns the exit code: 0 shown or opened, 1
// refused, 2 wrong use, 3 no agent runs here.
int RunCode(std::span<const std::string_view> args);

}  // namespace sekisho::cli
