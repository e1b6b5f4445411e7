// `sekisho alert list|show|ack|assign|close`.
#pragma once

#include <span>
#include <string_view>

namespace sekisho::cli {

// `args` begins after "alert". Exit code: 0 done, 1 refused, 2 wrong use, 3 the
// server cannot be reached.
int RunAlertCommand(std::span<const std::string_view> args);

}  // namespace sekisho::cli
