// Time as a value that is passed in, so that decisions can be tested.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace sekisho {

using WallTime = std::chrono::sys_time<std::chrono::microseconds>;
using BootTime = std::chrono::microseconds;  // since boot, counts suspend

class Clock {
 public:
  virtual ~Clock() = default;
  virtual WallTime Now() const = 0;
  virtual BootTime SinceBoot() const = 0;  // CLOCK_BOOTTIME
};

class SystemClock final : public Clock {
 public:
  WallTime Now() const override;
  BootTime SinceBoot() const override;
};

// "2026-11-23T14:10:44.123456Z"
std::string FormatUtc(WallTime time);
// "2026-12-31T15:00:00Z", with up to 6 decimals of a second; nothing else.
std::optional<WallTime> ParseUtc(std::string_view text);

}  // namespace sekisho
