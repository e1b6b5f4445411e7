// `sekisho scan [--json] [--explain] [--policy FILE] [--jobs N] PATH...`: looks
// into files and folders as the gate would, and says what policy would do.
#pragma once

#include <span>
#include <string_view>

namespace sekisho::cli {

// `args` begins after "scan". Returns the exit code: 0 everything would be
// allowed, 1 something would be blocked or alerted, 2 wrong use or a policy
// that is wrong, 3 a file, a folder or the policy could not be read.
int RunScan(std::span<const std::string_view> args);

}  // namespace sekisho::cli
