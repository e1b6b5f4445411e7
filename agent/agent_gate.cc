#include "agent/agent_gate.h"

#include <utility>

#include "common/file.h"
#include "common/log.h"

namespace sekisho::agent {

std::vector<enforce::AgentProgram> AgentPrograms(const AgentOptions& options) {
  using enforce::ProgramRole;
  const std::pair<std::string, ProgramRole> programs[] = {
      {options.daemon_path, ProgramRole::kDaemon},
      {"/proc/self/exe", ProgramRole::kDaemon},
      {options.libexec_dir + "/sekisho-probe", ProgramRole::kOther},
      {options.libexec_dir + "/sekisho-gate", ProgramRole::kGate},
      {options.libexec_dir + "/sekisho-devices", ProgramRole::kOther},
      {options.libexec_dir + "/sekisho-scan", ProgramRole::kOther},
      {options.libexec_dir + "/sekisho-uplink", ProgramRole::kOther},
  };
  std::vector<enforce::AgentProgram> found;
  for (const auto& [path, role] : programs) {
    const auto identity = enforce::IdentifyProgram(path);
    if (!identity) {
      Log(LogLevel::kWarning, identity.error().message);
      continue;
    }
    found.push_back({*identity, role});
  }
  return found;
}

OpenedGate OpenKernelGate(const AgentOptions& options) {
  OpenedGate opened;
  if (options.machine == AgentOptions::Machine::kTest) {
    opened.problem = "test";
    return opened;
  }
  enforce::KernelGateOptions gate;
  gate.programs = AgentPrograms(options);
  const auto mode = ReadFileAt(AT_FDCWD, options.state_dir + "/core/mode", 64);
  if (mode && mode->starts_with("enforce")) {
    gate.initial_mode = enforce::GateMode::kEnforce;
  }
  auto result = enforce::KernelGate::Open(gate);
  if (result) {
    opened.gate = std::move(*result);
  } else {
    opened.problem = result.error().message;
    Log(LogLevel::kError, "kernel gate: " + opened.problem);
  }
  return opened;
}

AgentOptions TestOptions(const std::string& root) {
  AgentOptions options;
  options.machine = AgentOptions::Machine::kTest;
  options.state_dir = root + "/state";
  options.runtime_dir = root + "/run";
  options.media_dir = root + "/media";
  options.sysfs_root = root + "/sys";
  options.systemctl = "/bin/true";
  options.spool_bytes = int64_t{4} << 20;
  return options;
}

}  // namespace sekisho::agent
