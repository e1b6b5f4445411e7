// Who looked for whom in the history, and why: written down once an hour for
// the same search, since a list is read in pages and kept fresh.
#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <string>

#include "common/clock.h"
#include "common/result.h"

namespace sekisho::core {

inline constexpr size_t kMinSearchReasonBytes = 3;
inline constexpr size_t kMaxSearchReasonBytes = 512;
inline constexpr auto kSearchRemembered = std::chrono::hours(1);

// kInvalidArgument: none, too short or too long.
Status CheckSearchReason(const std::string& reason);

// Thread-safe. What is forgotten is only written down once more.
class PersonSearches {
 public:
  bool IsNew(const std::string& user, const std::string& person,
             const std::string& reason, WallTime now);

 private:
  std::mutex mutex_;  // guards written_
  std::map<std::string, WallTime> written_;
};

}  // namespace sekisho::core
