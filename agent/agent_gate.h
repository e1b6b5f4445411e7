// What sekishod opens before there is an agent: the kernel gate with the list
// of the agent's programs, or the reason why there is none.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "agent/agent.h"
#include "agent/enforce/kernel_gate.h"
#include "agent/own_programs.h"

namespace sekisho::agent {

// The agent's programs: where they are installed, and what each may. In tests
// only those that are there.
std::vector<OwnPrograms::Program> ProgramsOf(const AgentOptions& options);

// The agent's programs as they are installed now, and this process's own.
// What cannot be identified is left out and logged: the gate then treats that
// program as a stranger.
std::vector<enforce::AgentProgram> AgentPrograms(const AgentOptions& options);

struct OpenedGate {
  std::unique_ptr<enforce::KernelGate> gate;  // null: see `problem`
  std::string problem;
};
// In tests always null. The mode of a gate that is not pinned yet is that of
// the last run, so that no moment is open that was closed before.
OpenedGate OpenKernelGate(const AgentOptions& options);

// Everything below `root`, for tests without rights.
AgentOptions TestOptions(const std::string& root);

}  // namespace sekisho::agent
