// What /proc says about one process, read while the process waits. Its
// environment is never looked at: the process wrote it.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "common/result.h"

namespace sekisho::attribute {

inline constexpr size_t kMaxCommandBytes = 4096;

struct Process {
  int64_t pid = 0;
  int64_t parent = 0;
  int64_t uid = -1;            // real
  int64_t login_uid = -1;      // -1: not set
  int64_t audit_session = -1;  // -1: none
  std::string tty;             // "tty2", "pts/0", "ttyS0" or empty
  std::string cgroup;          // path in the unified hierarchy
  std::string program;         // /proc/PID/exe; empty for kernel threads
  std::string command;         // first word, then how many words are not shown
  uint64_t start_time = 0;     // tells one user of a pid from the next
};

// `root` is put in front of "/proc". kNotFound: gone, or its pid was reused
// while it was read.
Result<Process> ReadProcess(const std::string& root, pid_t pid);

// When it began, in ticks since boot. kNotFound or kDataLoss: gone.
Result<uint64_t> StartTimeOf(const std::string& root, pid_t pid);

// "cp (3 arguments)" from NUL-separated words: what follows the first word may
// hold names and passwords.
std::string RedactCommand(std::string_view cmdline);

// The kernel's tty_nr as a name below /dev; empty when there is none.
std::string TtyName(int64_t tty_number);

}  // namespace sekisho::attribute
