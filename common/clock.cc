#include "common/clock.h"

#include <fmt/format.h>
#include <time.h>

namespace sekisho {
namespace {

std::optional<int> Digits(std::string_view text, size_t at, size_t count) {
  if (at + count > text.size()) return std::nullopt;
  int value = 0;
  for (const char c : text.substr(at, count)) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  return value;
}

}  // namespace

WallTime SystemClock::Now() const {
  return std::chrono::time_point_cast<std::chrono::microseconds>(
      std::chrono::system_clock::now());
}

BootTime SystemClock::SinceBoot() const {
  timespec ts{};
  ::clock_gettime(CLOCK_BOOTTIME, &ts);
  return std::chrono::seconds(ts.tv_sec) +
         std::chrono::microseconds(ts.tv_nsec / 1000);
}

std::string FormatUtc(WallTime time) {
  const auto micros = time.time_since_epoch().count();
  auto seconds = micros / 1'000'000;
  auto rest = micros % 1'000'000;
  if (rest < 0) {
    rest += 1'000'000;
    --seconds;
  }
  const time_t as_time = seconds;
  tm parts{};
  ::gmtime_r(&as_time, &parts);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z",
                     parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday,
                     parts.tm_hour, parts.tm_min, parts.tm_sec, rest);
}

std::optional<WallTime> ParseUtc(std::string_view text) {
  using namespace std::chrono;
  if (text.size() < 20 || text.size() > 27 || text.back() != 'Z' ||
      text[4] != '-' || text[7] != '-' || text[10] != 'T' || text[13] != ':' ||
      text[16] != ':') {
    return std::nullopt;
  }
  const auto year_number = Digits(text, 0, 4);
  const auto month_number = Digits(text, 5, 2);
  const auto day_number = Digits(text, 8, 2);
  const auto hour = Digits(text, 11, 2);
  const auto minute = Digits(text, 14, 2);
  const auto second = Digits(text, 17, 2);
  if (!year_number || !month_number || !day_number || !hour || !minute ||
      !second || *hour > 23 || *minute > 59 || *second > 59) {
    return std::nullopt;
  }
  const year_month_day date{year(*year_number),
                            month(static_cast<unsigned>(*month_number)),
                            day(static_cast<unsigned>(*day_number))};
  if (!date.ok()) return std::nullopt;
  int micros = 0;
  if (text.size() > 20) {
    const size_t decimals = text.size() - 21;
    const auto value = Digits(text, 20, decimals);
    if (text[19] != '.' || decimals == 0 || !value) return std::nullopt;
    micros = *value;
    for (size_t i = decimals; i < 6; ++i) micros *= 10;
  }
  return sys_days(date) + hours(*hour) + minutes(*minute) + seconds(*second) +
         microseconds(micros);
}

}  // namespace sekisho
