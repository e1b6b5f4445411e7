// Time zones by IANA name: the rule that holds from now on, as a POSIX TZ rule
// ("JST-9", "CET-1CEST,M3.5.0,M10.5.0/3"). The rules are embedded, so that
// server, command line and the static sekishod judge a moment the same, and
// nobody moves a window by editing files of the terminal. Why not TZif files:
// docs/adr/0302.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include "common/clock.h"

namespace sekisho::policy {

// A moment as the clock on the wall shows it, in seconds since 1970-01-01.
using LocalTime = std::chrono::local_seconds;

class Zone {
 public:
  // A name of the table or a POSIX TZ rule; nullopt for anything else.
  static std::optional<Zone> Find(std::string_view name);
  static std::optional<Zone> ParseRule(std::string_view rule);

  LocalTime ToLocal(WallTime time) const;
  // A time that the clock shows twice is its first; one that it skips is as
  // many seconds after the jump as it was after the hour that is missing.
  WallTime ToUtc(LocalTime time) const;

 private:
  struct Change {  // when summer time begins or ends
    enum class Kind { kMonthWeekDay, kJulian, kDayOfYear };
    Kind kind = Kind::kMonthWeekDay;
    int month = 0, week = 0, day = 0;
    int seconds = 2 * 3600;  // after local midnight; may be negative
  };
  class RuleReader;

  static std::chrono::local_seconds At(const Change& change,
                                       std::chrono::year year);
  int OffsetAt(std::chrono::sys_seconds time) const;

  int standard_seconds_ = 0;  // east of Greenwich
  int summer_seconds_ = 0;
  bool has_summer_ = false;
  Change begin_;
  Change end_;
};

}  // namespace sekisho::policy
