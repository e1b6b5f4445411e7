// `sekisho device list|show|approve|revoke`.
#pragma once

#include <span>
#include <string_view>

namespace sekisho::cli {

// `args` begins after "device". Exit code: 0 done, 1 refused, 2 wrong use, 3
// the server cannot be reached.
int RunDeviceCommand(std::span<const std::string_view> args);

}  // namespace sekisho::cli
