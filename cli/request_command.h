// `sekisho request DEVICE --purpose TEXT [--for 8h]`: the operator asks for
// approval of a device.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "common/result.h"

namespace sekisho::cli {

inline constexpr size_t kMaxPurposeBytes = 1024;
inline constexpr int64_t kMaxRequestSeconds = int64_t{30} * 24 * 3600;

// `args` begins after "request". Returns the exit code: 0 asked, 1 refused, 2
// wrong use, 3 no agent runs here.
int RunRequest(std::span<const std::string_view> args);

// "45m", "8h", "2d" in seconds, at most kMaxRequestSeconds.
Result<int64_t> ParseDuration(std::string_view text);

}  // namespace sekisho::cli
