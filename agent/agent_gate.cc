#include "agent/agent_gate.h"

#include <unistd.h>

#include <utility>

#include "common/file.h"
#include "common/log.h"

namespace sekisho::agent {

std::vector<OwnPrograms::Program> ProgramsOf(const AgentOptions& options) {
  using enforce::ProgramRole;
  std::vector<OwnPrograms::Program> programs;
  for (const std::string_view listed : policy::kProtectedPrograms) {
    const std::string name(listed.substr(listed.rfind('/') + 1));
    const bool daemon = name == "sekishod";
    OwnPrograms::Program program{
        .path = daemon ? options.daemon_path : options.libexec_dir + "/" + name,
        .manifest_path = std::string(listed),
        .role = daemon                   ? ProgramRole::kDaemon
                : name == "sekisho-gate" ? ProgramRole::kGate
                                         : ProgramRole::kOther};
    if (options.machine == AgentOptions::Machine::kTest &&
        ::access(program.path.c_str(), F_OK) != 0) {
      continue;
    }
    programs.push_back(std::move(program));
  }
  return programs;
}

std::vector<enforce::AgentProgram> AgentPrograms(const AgentOptions& options) {
  std::vector<OwnPrograms::Program> programs = ProgramsOf(options);
  programs.push_back({.path = "/proc/self/exe",
                      .manifest_path = {},
                      .role = enforce::ProgramRole::kDaemon});
  std::vector<enforce::AgentProgram> found;
  for (const OwnPrograms::Program& program : programs) {
    const auto identity = enforce::IdentifyProgram(program.path);
    if (!identity) {
      Log(LogLevel::kWarning, identity.error().message);
      continue;
    }
    found.push_back({*identity, program.role});
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
  options.libexec_dir = root + "/libexec";
  options.daemon_path = root + "/sbin/sekishod";
  options.sysfs_root = root + "/sys";
  options.unit_root = root + "/units";
  options.systemctl = "/bin/true";
  options.spool_bytes = int64_t{4} << 20;
  options.landings = AgentOptions::LandingWatching::kOff;
  options.past = AgentOptions::Past::kOff;
  return options;
}

}  // namespace sekisho::agent
