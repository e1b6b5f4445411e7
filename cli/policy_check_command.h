// `sekisho policy check [--json] FILE...`: says what is wrong with policies
// before anyone signs them.
#pragma once

#include <span>
#include <string_view>

namespace sekisho::cli {

// `args` begins after "policy check". Returns the exit code: 0 every file is
// good (warnings allowed), 1 problems, 2 wrong use, 3 a file cannot be read.
int RunPolicyCheck(std::span<const std::string_view> args);

}  // namespace sekisho::cli
