// The few fixed programs that sekishod starts, with fixed words and a clean
// environment; and what it says to systemd about itself.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"

namespace sekisho::agent {

// Starts `words[0]` (an absolute path) and waits for its end; standard output
// and input are /dev/null. Blocks: for Jobs. Failure: it could not be started,
// or did not exit with 0.
Status RunProgram(const std::vector<std::string>& words);

// As RunProgram(), with what it wrote to standard output. kResourceExhausted:
// it was more than `max_bytes`, and the program was ended.
Result<std::string> OutputOf(const std::vector<std::string>& words,
                             size_t max_bytes);

struct ReadingBounds {
  size_t line_bytes = size_t{16} * 1024;  // longer lines are passed over
  int64_t bytes = int64_t{512} << 20;
  std::chrono::milliseconds time{120'000};
};
// Starts `words[0]` as RunProgram() does, at the lowest priority, and gives
// each line of its standard output to `line`. True: all of it was read; false:
// a bound was reached, and the program was ended.
Result<bool> ReadProgram(const std::vector<std::string>& words,
                         const ReadingBounds& bounds,
                         const std::function<void(std::string_view)>& line);

// One datagram to $NOTIFY_SOCKET ("READY=1"); nothing without one.
void NotifySystemd(const std::string& text);
// Half of $WATCHDOG_USEC in milliseconds; 0: no watchdog.
int WatchdogIntervalMs();

}  // namespace sekisho::agent
