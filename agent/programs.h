// The few fixed programs that sekishod starts, with fixed words and a clean
// environment; and what it says to systemd about itself.
#pragma once

#include <string>
#include <vector>

#include "common/result.h"

namespace sekisho::agent {

// Starts `words[0]` (an absolute path) and waits for its end; standard output
// and input are /dev/null. Blocks: for Jobs. Failure: it could not be started,
// or did not exit with 0.
Status RunProgram(const std::vector<std::string>& words);

// The same, with what it wrote to standard output. kResourceExhausted: it was
// more than `max_bytes`, and the program was ended.
Result<std::string> OutputOf(const std::vector<std::string>& words,
                             size_t max_bytes);

// One datagram to $NOTIFY_SOCKET ("READY=1"); nothing without one.
void NotifySystemd(const std::string& text);
// Half of $WATCHDOG_USEC in milliseconds; 0: no watchdog.
int WatchdogIntervalMs();

}  // namespace sekisho::agent
