// Logins of before the agent, from records as utmp(5) has them. Pure. Whoever
// was root could write them: nothing here is proven.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "common/bytes.h"
#include "common/clock.h"

namespace sekisho::past {

inline constexpr size_t kRecordBytes = 384;  // x86-64, little-endian

struct PastLogin {
  WallTime time;
  std::string user;  // at most 32 bytes
  std::string line;  // "tty2", "pts/0"; at most 32 bytes
  std::string host;  // where it came from; empty: here; at most 256 bytes
};

// nullopt: no login (boots, ends of logins, damage).
std::optional<PastLogin> ParseLogin(ByteSpan record);

}  // namespace sekisho::past
