// Reads the terminal's own logs of before the agent. Blocks for as long as that
// takes: for Jobs.
#pragma once

#include <string>

#include "agent/past/collect.h"
#include "common/result.h"

namespace sekisho::agent {

struct PastLogs {
  std::string journalctl = "/usr/bin/journalctl";
  std::string wtmp = "/var/log/wtmp";
};

struct PastRead {
  past::Past past;
  // Why a log was not read; empty: it was, or there is none.
  std::string problem;
};

// What happened before `before`. A log that is not there says nothing.
PastRead ReadPast(const PastLogs& logs, WallTime before);

}  // namespace sekisho::agent
