// A maintenance unlock: the body of an envelope of type "unlock", which is for
// one agent and ends when its envelope expires. Pure.
// Text, one spelling only:
//   sekisho-unlock-1
//   requested_by <who asked>
//   confirmed_by <another who agreed>
//   reason <why>
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/result.h"

namespace sekisho::policy {

inline constexpr size_t kMaxUnlockTextBytes = 512;  // each of the three
inline constexpr int64_t kMaxUnlockSeconds = int64_t{24} * 3600;

struct Unlock {
  std::string requested_by;
  std::string confirmed_by;
  std::string reason;
  bool operator==(const Unlock&) const = default;
};

// kInvalidArgument: another form; a text that is empty, too long, not UTF-8 or
// more than a line; one person for both.
Result<Unlock> ParseUnlock(std::string_view text);
std::string PrintUnlock(const Unlock& unlock);

// By whom a caller of the server is known: "tanaka" of "root (tanaka)". Empty
// for a root of whom nobody knows who he is.
std::string PersonOf(std::string_view user);

}  // namespace sekisho::policy
