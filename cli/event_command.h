// `sekisho event list|tail|export|verify`. Verify works on the live server or,
// offline, on an export; it needs nothing secret.
#pragma once

#include <span>
#include <string_view>

namespace sekisho::cli {

// `args` begins after "event". Exit code: 0 done (verify: every chain is
// whole), 1 refused or something found, 2 wrong use, 3 the server or a file
// cannot be reached.
int RunEventCommand(std::span<const std::string_view> args);

}  // namespace sekisho::cli
