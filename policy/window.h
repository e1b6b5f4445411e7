// When a window is open, and when that changes next. Pure: the moment is an
// argument.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "policy/model.h"
#include "policy/zone.h"

namespace sekisho::policy {

// A window with its zone and its dates at hand.
class OpenTimes {
 public:
  // A zone nobody knows (the parser refuses it) gives a window that is never
  // open.
  OpenTimes(const Window& window, const std::vector<DateSet>& holidays);

  bool IsOpenAt(WallTime now) const;
  // The first moment after `now` at which the window opens or closes; within
  // 400 days, else nullopt.
  std::optional<WallTime> NextChange(WallTime now) const;

 private:
  bool BeginsOn(std::chrono::local_days day) const;
  bool IsOneOf(const std::vector<DateSpan>& spans,
               std::chrono::year_month_day date) const;
  WallTime From(std::chrono::local_days day) const;
  WallTime To(std::chrono::local_days day) const;

  Window window_;
  std::optional<Zone> zone_;
  std::vector<DateSpan> except_;
  std::vector<DateSpan> only_on_;
};

}  // namespace sekisho::policy
