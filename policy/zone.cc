#include "policy/zone.h"

#include <algorithm>
#include <array>

namespace sekisho::policy {
namespace {

using std::chrono::days;
using std::chrono::local_days;
using std::chrono::local_seconds;
using std::chrono::seconds;
using std::chrono::sys_seconds;

constexpr size_t kMaxRuleBytes = 64;

// "NAME RULE" a line, sorted by name.
constexpr std::string_view kZones =
#include "policy/zones.inc"
    ;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

bool IsLetter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

}  // namespace

// std offset [dst [offset] , start [/time] , end [/time]]
class Zone::RuleReader {
 public:
  explicit RuleReader(std::string_view text) : rest_(text) {}

  std::optional<Zone> Read() {
    Zone zone;
    int west = 0;
    if (!Name() || !Offset(24, &west)) return std::nullopt;
    zone.standard_seconds_ = -west;
    if (rest_.empty()) return zone;
    if (!Name()) return std::nullopt;
    zone.has_summer_ = true;
    zone.summer_seconds_ = zone.standard_seconds_ + 3600;
    if (!rest_.empty() && rest_[0] != ',') {
      if (!Offset(24, &west)) return std::nullopt;
      zone.summer_seconds_ = -west;
    }
    if (!Take(',') || !ReadChange(&zone.begin_) || !Take(',') ||
        !ReadChange(&zone.end_) || !rest_.empty()) {
      return std::nullopt;
    }
    return zone;
  }

 private:
  bool Take(char c) {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }

  bool Name() {
    const bool quoted = Take('<');
    size_t size = 0;
    while (size < rest_.size() &&
           (IsLetter(rest_[size]) ||
            (quoted && (IsDigit(rest_[size]) || rest_[size] == '+' ||
                        rest_[size] == '-')))) {
      ++size;
    }
    if (size < 3) return false;
    rest_.remove_prefix(size);
    return !quoted || Take('>');
  }

  bool Number(int low, int high, int* out) {
    int value = 0;
    size_t size = 0;
    while (size < rest_.size() && size < 3 && IsDigit(rest_[size])) {
      value = value * 10 + (rest_[size++] - '0');
    }
    if (size == 0 || value < low || value > high) return false;
    rest_.remove_prefix(size);
    *out = value;
    return true;
  }

  // [+-]hh[:mm[:ss]]
  bool Offset(int max_hours, int* out) {
    const bool negative = Take('-');
    if (!negative) Take('+');
    int hours = 0;
    int minutes = 0;
    int secs = 0;
    if (!Number(0, max_hours, &hours)) return false;
    if (Take(':') && !Number(0, 59, &minutes)) return false;
    if (Take(':') && !Number(0, 59, &secs)) return false;
    *out = (hours * 60 + minutes) * 60 + secs;
    if (negative) *out = -*out;
    return true;
  }

  bool ReadChange(Change* out) {
    if (Take('M')) {
      out->kind = Change::Kind::kMonthWeekDay;
      if (!Number(1, 12, &out->month) || !Take('.') ||
          !Number(1, 5, &out->week) || !Take('.') || !Number(0, 6, &out->day)) {
        return false;
      }
    } else if (Take('J')) {
      out->kind = Change::Kind::kJulian;
      if (!Number(1, 365, &out->day)) return false;
    } else {
      out->kind = Change::Kind::kDayOfYear;
      if (!Number(0, 365, &out->day)) return false;
    }
    return !Take('/') || Offset(167, &out->seconds);
  }

  std::string_view rest_;
};

std::optional<Zone> Zone::ParseRule(std::string_view rule) {
  if (rule.size() > kMaxRuleBytes) return std::nullopt;
  return RuleReader(rule).Read();
}

std::optional<Zone> Zone::Find(std::string_view name) {
  std::string_view rest = kZones;
  while (!rest.empty()) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = rest.substr(0, end);
    if (line.size() > name.size() && line.starts_with(name) &&
        line[name.size()] == ' ') {
      return ParseRule(line.substr(name.size() + 1));
    }
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return ParseRule(name);
}

local_seconds Zone::At(const Change& change, std::chrono::year year) {
  using std::chrono::January;
  const local_days first{year / January / 1};
  local_days day = first;
  switch (change.kind) {
    case Change::Kind::kMonthWeekDay: {
      const auto month =
          year / std::chrono::month(static_cast<unsigned>(change.month));
      const std::chrono::weekday weekday(static_cast<unsigned>(change.day));
      day =
          change.week == 5
              ? local_days(month / weekday[std::chrono::last])
              : local_days(month / weekday[static_cast<unsigned>(change.week)]);
      break;
    }
    case Change::Kind::kJulian: {  // 29 February is never counted
      const bool after_february = change.day >= 60;
      day = first + days(change.day - 1) +
            days(year.is_leap() && after_february ? 1 : 0);
      break;
    }
    case Change::Kind::kDayOfYear:
      day = first + days(change.day);
      break;
  }
  return day + seconds(change.seconds);
}

int Zone::OffsetAt(sys_seconds time) const {
  if (!has_summer_) return standard_seconds_;
  const auto standard = time + seconds(standard_seconds_);
  const std::chrono::year_month_day date{std::chrono::floor<days>(standard)};
  // The clock that is in force before a change says when the change is.
  const sys_seconds begin{At(begin_, date.year()).time_since_epoch() -
                          seconds(standard_seconds_)};
  const sys_seconds end{At(end_, date.year()).time_since_epoch() -
                        seconds(summer_seconds_)};
  const bool summer =
      begin < end ? time >= begin && time < end : time >= begin || time < end;
  return summer ? summer_seconds_ : standard_seconds_;
}

LocalTime Zone::ToLocal(WallTime time) const {
  const auto whole = std::chrono::floor<seconds>(time);
  return LocalTime(whole.time_since_epoch() + seconds(OffsetAt(whole)));
}

WallTime Zone::ToUtc(LocalTime time) const {
  std::array<int, 2> offsets{standard_seconds_,
                             has_summer_ ? summer_seconds_ : standard_seconds_};
  // The larger offset gives the earlier moment.
  std::ranges::sort(offsets, std::ranges::greater());
  for (const int offset : offsets) {
    const sys_seconds utc{time.time_since_epoch() - seconds(offset)};
    if (OffsetAt(utc) == offset) return utc;
  }
  // Skipped: read by the clock that was in force before the jump.
  return sys_seconds{time.time_since_epoch() - seconds(offsets.back())};
}

}  // namespace sekisho::policy
