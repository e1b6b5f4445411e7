// When a terminal is expected to be on: "Mon-Fri 08:00-20:00 Asia/Tokyo". They
// say when silence is worth an alert; they never excuse a gap in an answer.
// Pure.
//
//   hours  = "always" | window *( ";" window ) " " zone
//   window = days " " HH:MM "-" HH:MM       until 24:00; over midnight if the
//   days   = day [ "-" day ] *( "," ... )   end is not after the beginning
//   day    = "Mon" .. "Sun"
//   zone   = a name such as Asia/Tokyo, or UTC
#pragma once

#include <array>
#include <string_view>
#include <vector>

#include "common/result.h"
#include "policy/zone.h"

namespace sekisho::core {

inline constexpr size_t kMaxHoursBytes = 256;
inline constexpr size_t kMaxHourWindows = 16;

class ExpectedHours {
 public:
  // Empty text: always. kInvalidArgument says what is wrong and how it is
  // written right.
  static Result<ExpectedHours> Parse(std::string_view text);

  bool Contains(WallTime time) const;
  // The zone that was named; UTC without one.
  const policy::Zone& zone() const { return zone_; }

 private:
  struct Window {
    std::array<bool, 7> days{};  // on which it begins; Sunday is 0
    int from_minute = 0;
    int to_minute = 0;  // may be over 1440: into the next day
  };
  static Result<Window> ParseWindow(std::string_view text);

  std::vector<Window> windows_;  // empty: always
  policy::Zone zone_;
};

}  // namespace sekisho::core
