// Drives the gate by hand inside a test guest: `gate_selftest COMMAND ARGS`.
// The gate takes the program for sekishod; a copy of the file is a stranger to
// it, and plays the attacker (`try-...`). Installed nowhere.
#include <bpf/bpf.h>
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <scsi/sg.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include <array>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "agent/enforce/kernel_gate.h"
#include "agent/enforce/mount.h"
#include "agent/enforce/sysfs_disks.h"
#include "agent/enforce/usb_authorizer.h"
#include "common/file.h"

using namespace sekisho;           // NOLINT: a test tool's main
using namespace sekisho::enforce;  // NOLINT

namespace {

using Arguments = std::vector<std::string>;

constexpr int kExecRefused = 77;

Result<DeviceNumber> ParseNumber(const std::string& text) {
  const size_t colon = text.find(':');
  DeviceNumber number;
  if (colon == std::string::npos) {
    return Fail(Code::kInvalidArgument, "want b8:16 or c21:0, not " + text);
  }
  number.kind = text[0] == 'c' ? NodeKind::kChar : NodeKind::kBlock;
  std::from_chars(text.data() + 1, text.data() + colon, number.major);
  std::from_chars(text.data() + colon + 1, text.data() + text.size(),
                  number.minor);
  return number;
}

Result<std::unique_ptr<KernelGate>> OpenGate(GateMode mode) {
  KernelGateOptions options;
  options.initial_mode = mode;
  ASSIGN_OR_RETURN(const ProgramIdentity self,
                   IdentifyProgram("/proc/self/exe"));
  options.programs.push_back({self, ProgramRole::kDaemon});
  return KernelGate::Open(options);
}

void Print(const GateState& state) {
  const char* const standing[] = {"full", "degraded", "unsupported"};
  std::printf("state %s mode %s lsm %d cgroup %d %s\n",
              standing[static_cast<int>(state.Standing())],
              state.mode == GateMode::kEnforce ? "enforce" : "observe",
              state.lsm_active, state.cgroup_device_active, state.why.c_str());
  for (const std::string& hook : state.missing_hooks) {
    std::printf("missing %s\n", hook.c_str());
  }
}

Status WithGate(const Arguments& arguments) {
  const std::string& command = arguments[0];
  const std::string first = arguments.size() > 1 ? arguments[1] : "";
  const std::string second = arguments.size() > 2 ? arguments[2] : "";
  const GateMode mode =
      first == "enforce" ? GateMode::kEnforce : GateMode::kObserve;
  ASSIGN_OR_RETURN(const auto gate, OpenGate(mode));
  if (command == "load" || command == "state") {
    Print(gate->State());
    return {};
  }
  if (command == "mode") return gate->SetMode(mode);
  if (command == "teardown") return gate->Teardown();
  if (command == "open") {
    ASSIGN_OR_RETURN(const DeviceNumber number, ParseNumber(first));
    ASSIGN_OR_RETURN(const DeviceTicket ticket, gate->TakeTicket(number));
    return gate->OpenDevice(ticket, second == "probe"  ? NodeAccess::kProbe
                                    : second == "gate" ? NodeAccess::kGate
                                                       : NodeAccess::kFull);
  }
  if (command == "epoch") {
    ASSIGN_OR_RETURN(const DeviceNumber number, ParseNumber(first));
    ASSIGN_OR_RETURN(const DeviceTicket ticket, gate->TakeTicket(number));
    std::printf("epoch %llu\n", static_cast<unsigned long long>(ticket.epoch));
    return {};
  }
  if (command == "close") {
    ASSIGN_OR_RETURN(const DeviceNumber number, ParseNumber(first));
    return gate->CloseDevice(number);
  }
  if (command == "stay") {  // holds the gate like a daemon until killed
    std::printf("staying %d\n", getpid());
    (void)std::fflush(stdout);
    for (;;) pause();
  }
  if (command == "events") {
    ASSIGN_OR_RETURN(
        const size_t count, gate->ReadEvents([](const DeniedAccess& denial) {
          std::printf(
              "event %s %s comm=%s pid=%d uid=%u login=%d sig=%d "
              "target=%d write=%d refused=%d expected=%d\n",
              HookName(denial.hook), ToString(denial.device).c_str(),
              denial.comm.c_str(), denial.pid, denial.uid,
              static_cast<int>(denial.login_uid), denial.signal,
              denial.target_pid, denial.write, denial.refused, denial.expected);
        }));
    ASSIGN_OR_RETURN(const GateCounters counters, gate->Counters());
    std::printf(
        "events %zu denied %llu suppressed %llu lost %llu missed %llu\n", count,
        static_cast<unsigned long long>(counters.denied),
        static_cast<unsigned long long>(counters.suppressed),
        static_cast<unsigned long long>(counters.lost),
        static_cast<unsigned long long>(counters.missed));
    return {};
  }
  return Fail(Code::kInvalidArgument, "unknown command " + command);
}

Status ShowDisk(const Disk& disk) {
  std::printf("disk %s %s size=%llu seq=%llu removable=%d external=%d\n",
              disk.name.c_str(), ToString(disk.number).c_str(),
              static_cast<unsigned long long>(disk.size_bytes),
              static_cast<unsigned long long>(disk.sequence), disk.removable,
              disk.external);
  for (const DeviceNumber& node : disk.AllNodes()) {
    std::printf("  node %s\n", ToString(node).c_str());
  }
  return {};
}

Status Usb(const Arguments& arguments) {
  ASSIGN_OR_RETURN(UsbDevice device, UsbDevice::Open(arguments.at(1)));
  if (arguments[0] == "authorize") return device.Authorize();
  if (arguments[0] == "deauthorize") return device.Deauthorize();
  if (arguments[0] == "allow-interface") {
    return device.SetInterface(arguments.at(2),
                               UsbDevice::InterfaceState::kAllowed);
  }
  ASSIGN_OR_RETURN(const auto interfaces, device.Interfaces());
  ASSIGN_OR_RETURN(const uint32_t minor, device.UsbfsMinor());
  std::printf("usb %s devnum=%d descriptors=%zu usbfs=c189:%u interfaces=%zu\n",
              device.name().c_str(), device.devnum(),
              device.descriptors().size(), minor, interfaces.size());
  ASSIGN_OR_RETURN(const auto disks, DisksOfUsbDevice(arguments.at(1)));
  for (const Disk& disk : disks) RETURN_IF_ERROR(ShowDisk(disk));
  return {};
}

// Mounts detached, writes and reads a file through the descriptor.
Status Medium(const Arguments& arguments) {
  ASSIGN_OR_RETURN(const DeviceNumber number, ParseNumber(arguments.at(2)));
  ASSIGN_OR_RETURN(const Filesystem filesystem,
                   ParseFilesystem(arguments.at(3)));
  MediumMountOptions options;
  options.filesystem = filesystem;
  options.access = MountAccess::kReadWrite;
  ASSIGN_OR_RETURN(const UniqueFd root,
                   MountDetached(arguments.at(1), number, options));
  ASSIGN_OR_RETURN(const UniqueFd file,
                   OpenAt(root.get(), "名簿.txt", O_RDWR | O_CREAT, 0600));
  RETURN_IF_ERROR(WriteAll(file.get(), AsBytes("kakunin\n")));
  ASSIGN_OR_RETURN(const std::string text,
                   ReadFileAt(root.get(), "名簿.txt", 64));
  std::printf("medium %s", text.c_str());
  ASSIGN_OR_RETURN(const auto mounts, InitMounts());
  std::printf("visible %zu\n", MountsOf(mounts, {number}).size());
  if (arguments.size() > 4) {
    (void)std::fflush(stdout);
    for (;;) pause();
  }
  return {};
}

Status Fuse(const Arguments& arguments) {
  FuseMountOptions options;
  options.mount_point = arguments.at(1);
  options.subtype = "vfat";
  ASSIGN_OR_RETURN(const UniqueFd fuse, MountFuse(options));
  ASSIGN_OR_RETURN(const auto mounts, InitMounts());
  for (const MountEntry& entry : mounts) {
    if (entry.source == "sekisho") {
      std::printf("fuse %s %s %s\n", entry.type.c_str(),
                  entry.mount_point.c_str(), entry.options.c_str());
    }
  }
  return Unmount(options.mount_point);
}

// TEST UNIT READY by SG_IO.
Status TryScsi(const Arguments& arguments) {
  ASSIGN_OR_RETURN(const UniqueFd node,
                   OpenAt(AT_FDCWD, arguments.at(1), O_RDWR | O_NONBLOCK));
  std::array<unsigned char, 6> command = {};
  sg_io_hdr_t header = {};
  header.interface_id = 'S';
  header.dxfer_direction = SG_DXFER_NONE;
  header.cmd_len = command.size();
  header.cmdp = command.data();
  header.timeout = 2000;
  if (ioctl(node.get(), SG_IO, &header) != 0) return FailErrno("SG_IO");
  return {};
}

Status TryOpen(const Arguments& arguments) {
  const int flags =
      arguments.size() > 2 && arguments[2] == "w" ? O_RDWR : O_RDONLY;
  ASSIGN_OR_RETURN(const UniqueFd node,
                   OpenAt(AT_FDCWD, arguments.at(1), flags | O_NONBLOCK));
  return {};
}

// Every map and program by id, as bpftool would.
Status TryMaps(const Arguments&) {
  int opened = 0;
  uint32_t id = 0;
  while (bpf_map_get_next_id(id, &id) == 0) {
    const UniqueFd fd(bpf_map_get_fd_by_id(id));
    if (fd) ++opened;
  }
  id = 0;
  int programs = 0;
  while (bpf_prog_get_next_id(id, &id) == 0) {
    const UniqueFd fd(bpf_prog_get_fd_by_id(id));
    if (fd) ++programs;
  }
  std::printf("maps opened %d programs opened %d\n", opened, programs);
  return {};
}

Status TryPin(const Arguments& arguments) {
  const UniqueFd fd(bpf_obj_get(arguments.at(1).c_str()));
  if (!fd) return FailErrno("get pin");
  return {};
}

// Detaches whatever link is pinned there.
Status TryDetachLink(const Arguments& arguments) {
  const UniqueFd fd(bpf_obj_get(arguments.at(1).c_str()));
  if (!fd) return FailErrno("get pin");
  if (const int error = bpf_link_detach(fd.get()); error != 0) {
    return FailErrno("detach", -error);
  }
  return {};
}

// Detaches the device programs of the root cgroup without naming one.
Status TryDetachCgroup(const Arguments& arguments) {
  ASSIGN_OR_RETURN(const UniqueFd cgroup,
                   OpenAt(AT_FDCWD, arguments.at(1), O_RDONLY | O_DIRECTORY));
  if (const int error = bpf_prog_detach(cgroup.get(), BPF_CGROUP_DEVICE);
      error != 0) {
    return FailErrno("detach", -error);
  }
  return {};
}

Status TryPtrace(const Arguments& arguments) {
  const std::string& text = arguments.at(1);
  pid_t pid = 0;
  std::from_chars(text.data(), text.data() + text.size(), pid);
  if (ptrace(PTRACE_ATTACH, pid, nullptr, nullptr) != 0) {
    return FailErrno("ptrace");
  }
  return {};
}

// A tracer that was there before execve of the agent's program.
Status TryTraceMe(const Arguments& arguments) {
  const pid_t child = fork();
  if (child < 0) return FailErrno("fork");
  if (child == 0) {
    ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
    execl(arguments.at(1).c_str(), "x", "state", nullptr);
    _exit(kExecRefused);
  }
  int status = 0;
  waitpid(child, &status, 0);
  if (WIFSTOPPED(status)) {
    ptrace(PTRACE_KILL, child, nullptr, nullptr);
    return {};
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == kExecRefused) {
    return Fail(Code::kPermissionDenied, "exec was denied");
  }
  return Fail(Code::kUnknown, "the traced program ended");
}

// Takes another program's inode as its own executable.
Status TryExeFile(const Arguments& arguments) {
  ASSIGN_OR_RETURN(const UniqueFd file,
                   OpenAt(AT_FDCWD, arguments.at(1), O_RDONLY));
  if (prctl(PR_SET_MM, PR_SET_MM_EXE_FILE, file.get(), 0, 0) != 0) {
    return FailErrno("prctl");
  }
  return {};
}

// As the agent: foreign code may not become executable in it.
Status ExecMap(const Arguments&) {
  void* const page = mmap(nullptr, 4096, PROT_READ | PROT_EXEC,
                          MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) return FailErrno("mmap");
  return {};
}

Status Run(const Arguments& arguments) {
  const std::string& command = arguments.at(0);
  const std::vector<std::pair<std::string, Status (*)(const Arguments&)>>
      commands = {
          {"usb", &Usb},
          {"authorize", &Usb},
          {"deauthorize", &Usb},
          {"allow-interface", &Usb},
          {"medium", &Medium},
          {"fuse", &Fuse},
          {"try-open", &TryOpen},
          {"try-scsi", &TryScsi},
          {"try-maps", &TryMaps},
          {"try-pin", &TryPin},
          {"try-detach-link", &TryDetachLink},
          {"try-detach-cgroup", &TryDetachCgroup},
          {"try-ptrace", &TryPtrace},
          {"try-traceme", &TryTraceMe},
          {"try-exe-file", &TryExeFile},
          {"exec-map", &ExecMap},
      };
  for (const auto& [name, function] : commands) {
    if (name == command) return function(arguments);
  }
  if (command == "probe") {
    Print(ProbeKernelSupport());
    return {};
  }
  if (command == "disks") {
    ASSIGN_OR_RETURN(const auto disks, AllDisks());
    for (const Disk& disk : disks) RETURN_IF_ERROR(ShowDisk(disk));
    ASSIGN_OR_RETURN(const auto system, SystemDisks());
    for (const DeviceNumber& node : system) {
      std::printf("system %s\n", ToString(node).c_str());
    }
    return {};
  }
  return WithGate(arguments);
}

}  // namespace

int main(int argc, char** argv) {
  const Arguments arguments(argv + 1, argv + argc);
  if (arguments.empty()) return 2;
  const Status status = Run(arguments);
  if (!status) {
    std::printf("error %d %s\n", static_cast<int>(status.error().code),
                status.error().message.c_str());
    return 1;
  }
  return 0;
}
