#include "policy/window.h"

#include <algorithm>

namespace sekisho::policy {
namespace {

using std::chrono::days;
using std::chrono::local_days;

constexpr days kHorizon{400};

std::vector<DateSpan> Gather(const std::vector<std::string>& names,
                             const std::vector<DateSet>& sets) {
  std::vector<DateSpan> spans;
  for (const DateSet& set : sets) {
    if (std::ranges::find(names, set.name) == names.end()) continue;
    spans.insert(spans.end(), set.spans.begin(), set.spans.end());
  }
  return spans;
}

}  // namespace

OpenTimes::OpenTimes(const Window& window, const std::vector<DateSet>& holidays)
    : window_(window),
      zone_(Zone::Find(window.zone)),
      except_(Gather(window.except, holidays)),
      only_on_(Gather(window.only_on, holidays)) {}

bool OpenTimes::IsOneOf(const std::vector<DateSpan>& spans,
                        std::chrono::year_month_day date) const {
  return std::ranges::any_of(spans, [&](const DateSpan& span) {
    if (span.every_year) {
      return date.month() == span.first.month() &&
             date.day() == span.first.day();
    }
    return span.first <= date && date <= span.last;
  });
}

bool OpenTimes::BeginsOn(local_days day) const {
  // iso_encoding: Monday 1 to Sunday 7.
  const unsigned weekday = std::chrono::weekday(day).iso_encoding() - 1;
  if ((window_.days >> weekday & 1U) == 0) return false;
  const std::chrono::year_month_day date{day};
  if (!window_.only_on.empty() && !IsOneOf(only_on_, date)) return false;
  return !IsOneOf(except_, date);
}

WallTime OpenTimes::From(local_days day) const {
  return zone_->ToUtc(day + std::chrono::minutes(window_.from_minute));
}

WallTime OpenTimes::To(local_days day) const {
  const bool overnight = window_.to_minute <= window_.from_minute;
  return zone_->ToUtc(day + days(overnight ? 1 : 0) +
                      std::chrono::minutes(window_.to_minute));
}

bool OpenTimes::IsOpenAt(WallTime now) const {
  if (!zone_) return false;
  const auto today = std::chrono::floor<days>(zone_->ToLocal(now));
  for (const local_days day : {today, today - days(1)}) {
    if (BeginsOn(day) && From(day) <= now && now < To(day)) return true;
  }
  return false;
}

std::optional<WallTime> OpenTimes::NextChange(WallTime now) const {
  if (!zone_) return std::nullopt;
  const auto today = std::chrono::floor<days>(zone_->ToLocal(now));
  for (auto day = today - days(1); day < today + kHorizon; day += days(1)) {
    if (!BeginsOn(day)) continue;
    if (From(day) > now) return From(day);
    // Where the next stretch begins as this one ends, nothing changes; asking
    // once too often costs nothing.
    if (To(day) > now) return To(day);
  }
  return std::nullopt;
}

}  // namespace sekisho::policy
