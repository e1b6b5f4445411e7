// Patterns of a policy's own types of data, as the engine will compile them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sekisho::policy {

// What RE2 may hold for one pattern, program and caches.
inline constexpr int64_t kMaxTypePatternMemory = int64_t{256} << 10;

// Why `pattern` cannot be used, in RE2's words; nothing if it can.
std::optional<std::string> PatternProblem(std::string_view pattern);

}  // namespace sekisho::policy
