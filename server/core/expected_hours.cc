#include "server/core/expected_hours.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>

#include "common/text.h"

namespace sekisho::core {
namespace {

constexpr int kDayMinutes = 24 * 60;
constexpr std::array<std::string_view, 7> kDays = {"Sun", "Mon", "Tue", "Wed",
                                                   "Thu", "Fri", "Sat"};

std::unexpected<Error> Bad(std::string_view what, const char* instead) {
  return Fail(Code::kInvalidArgument,
              "'" + EscapeUntrusted(what, 64) + "' is not " + instead);
}

std::optional<int> DayOf(std::string_view word) {
  const auto at = std::ranges::find(kDays, word);
  if (at == kDays.end()) return std::nullopt;
  return static_cast<int>(at - kDays.begin());
}

std::optional<int> MinuteOf(std::string_view text) {
  const auto digit = [&](size_t i) { return text[i] >= '0' && text[i] <= '9'; };
  if (text.size() != 5 || text[2] != ':' || !digit(0) || !digit(1) ||
      !digit(3) || !digit(4)) {
    return std::nullopt;
  }
  const int hour = (text[0] - '0') * 10 + (text[1] - '0');
  const int minute = (text[3] - '0') * 10 + (text[4] - '0');
  const int all = hour * 60 + minute;
  if (minute > 59 || all > kDayMinutes) return std::nullopt;
  return all;
}

}  // namespace

Result<ExpectedHours::Window> ExpectedHours::ParseWindow(
    std::string_view text) {
  const size_t gap = text.find(' ');
  if (gap == std::string_view::npos) {
    return Bad(text, "days and times such as Mon-Fri 08:00-20:00");
  }
  Window window;
  for (const std::string_view part : Split(text.substr(0, gap), ',')) {
    const auto ends = Split(part, '-');
    const auto first = DayOf(ends[0]);
    const auto last = ends.size() == 2 ? DayOf(ends[1]) : first;
    if (!first || !last || ends.size() > 2) {
      return Bad(part, "a day or days such as Mon, Mon-Fri or Mon,Wed");
    }
    for (int day = *first;; day = (day + 1) % 7) {
      window.days[static_cast<size_t>(day)] = true;
      if (day == *last) break;
    }
  }
  const auto times = Split(Trim(text.substr(gap + 1)), '-');
  const auto from = times.size() == 2 ? MinuteOf(times[0]) : std::nullopt;
  const auto to = times.size() == 2 ? MinuteOf(times[1]) : std::nullopt;
  if (!from || !to || *from == kDayMinutes) {
    return Bad(text.substr(gap + 1), "times such as 08:00-20:00");
  }
  window.from_minute = *from;
  window.to_minute = *to > *from ? *to : *to + kDayMinutes;
  return window;
}

Result<ExpectedHours> ExpectedHours::Parse(std::string_view text) {
  ExpectedHours hours;
  hours.zone_ = *policy::Zone::Find("UTC");
  text = Trim(text);
  if (text.empty() || text == "always") return hours;
  if (text.size() > kMaxHoursBytes) {
    return Fail(Code::kInvalidArgument, "at most 256 characters");
  }
  const size_t gap = text.rfind(' ');
  const auto zone = gap == std::string_view::npos
                        ? std::nullopt
                        : policy::Zone::Find(text.substr(gap + 1));
  if (!zone) {
    return Bad(text,
               "expected hours with a time zone at the end, such as Mon-Fri "
               "08:00-20:00 Asia/Tokyo");
  }
  hours.zone_ = *zone;
  for (const std::string_view part : Split(text.substr(0, gap), ';')) {
    if (hours.windows_.size() == kMaxHourWindows) {
      return Fail(Code::kInvalidArgument, "at most 16 windows");
    }
    ASSIGN_OR_RETURN(Window window, ParseWindow(Trim(part)));
    hours.windows_.push_back(window);
  }
  return hours;
}

bool ExpectedHours::Contains(WallTime time) const {
  if (windows_.empty()) return true;
  const policy::LocalTime local = zone_.ToLocal(time);
  const auto day = std::chrono::floor<std::chrono::days>(local);
  const auto weekday = std::chrono::weekday(day).c_encoding();
  const auto minute = static_cast<int>(
      std::chrono::floor<std::chrono::minutes>(local - day).count());
  return std::ranges::any_of(windows_, [&](const Window& window) {
    const auto begun = [&](unsigned on, int at) {
      return window.days[on] && at >= window.from_minute &&
             at < window.to_minute;
    };
    return begun(weekday, minute) ||
           begun((weekday + 6) % 7, minute + kDayMinutes);
  });
}

}  // namespace sekisho::core
