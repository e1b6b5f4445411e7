// Words and judgements about the gate that need no kernel.
#include <algorithm>
#include <array>

#include "agent/enforce/kernel_gate.h"

namespace sekisho::enforce {

std::string ToString(const DeviceNumber& number) {
  const char* const kind = number.kind == NodeKind::kBlock  ? "b"
                           : number.kind == NodeKind::kChar ? "c"
                                                            : "remote ";
  return kind + std::to_string(number.major) + ":" +
         std::to_string(number.minor);
}

const char* HookName(DeniedAccess::Hook hook) {
  constexpr std::array kNames = {
      "unknown",  "open",     "mount",    "device_cgroup", "authorize",
      "kill",     "ptrace",   "gate_map", "pin",           "program_write",
      "exec_map", "exe_file", "tracing",  "socket"};
  const auto index = static_cast<size_t>(hook);
  return index < kNames.size() ? kNames[index] : kNames[0];
}

GateStanding GateState::Standing() const {
  if (!lsm_active && !cgroup_device_active) return GateStanding::kUnsupported;
  if (!lsm_active || !cgroup_device_active || !missing_hooks.empty()) {
    return GateStanding::kDegraded;
  }
  return GateStanding::kFull;
}

bool IsExpectedDenial(const DeniedAccess& denial) {
  constexpr std::array<std::string_view, 18> kLookers = {
      "systemd-udevd", "(udev-worker)", "systemd-journal",
      "udisksd",       "lvm",           "pvscan",
      "vgs",           "blkid",         "multipathd",
      "mdadm",         "smartd",        "ata_id",
      "scsi_id",       "cdrom_id",      "mtp-probe",
      "fwupd",         "upowerd",       "usbmuxd"};
  if (denial.hook == DeniedAccess::Hook::kPtrace) return !denial.write;
  return denial.login_uid == UINT32_MAX && denial.uid == 0 && !denial.write &&
         std::ranges::find(kLookers, denial.comm) != kLookers.end();
}

}  // namespace sekisho::enforce
