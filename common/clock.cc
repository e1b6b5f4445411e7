#include "common/clock.h"

#include <fmt/format.h>
#include <time.h>

namespace sekisho {

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

}  // namespace sekisho
