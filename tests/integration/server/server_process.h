// The server as a process of its own, to be killed.
#pragma once

#include <sys/types.h>

#include <string>

#include "tests/support/fake_agent.h"

namespace sekisho::testing {

struct Process {
  pid_t pid = 0;
  int agents_port = 0;
  int metrics_port = 0;
};

// On the state in `dir`, with dir/run as its runtime; nothing of its own stays.
// `database`: a connection string of PostgreSQL.
Process StartProcess(const std::string& dir, const std::string& database = "");
// SIGKILL.
void Kill(const Process& process);
// SIGTERM, not waited for.
void Terminate(const Process& process);
int ExitStatus(const Process& process);

// `sekisho-server` with words and options, to its end.
struct Ran {
  int status = 0;
  std::string said;  // on both outputs
};
Ran RunServer(const std::string& arguments);

// A new folder with a server's state in which one agent is enrolled.
std::string StateWithAgent(Enrolled& enrolled);

}  // namespace sekisho::testing
