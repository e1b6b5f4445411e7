// The kernel gate (layer 2): pinned BPF LSM and cgroup device programs that
// deny every path to removable block devices, SCSI generic and usbfs nodes
// which policy did not open. They stand without the agent: what fails here
// leaves nodes closed. Deciding what to open is left to others.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/clock.h"
#include "common/result.h"

namespace sekisho::enforce {

// kRemote is no node: a mount that is another machine's drive, with major 0 and
// the minor below.
enum class NodeKind : uint8_t { kBlock = 0, kChar = 1, kRemote = 2 };
// What xrdp mounts of the drives at the other end of a remote desktop.
inline constexpr uint32_t kRemoteXrdp = 1;

// What a node in /dev stands for, independent of its path and namespace.
struct DeviceNumber {
  NodeKind kind = NodeKind::kBlock;
  uint32_t major = 0;
  uint32_t minor = 0;
  bool operator==(const DeviceNumber&) const = default;
  auto operator<=>(const DeviceNumber&) const = default;
};

std::string ToString(const DeviceNumber& number);  // "b8:16", "c21:1"

// A device number at one moment. It goes stale in the kernel when that device
// is removed, also if another device gets the number at once. Take the ticket
// first, then look at the device (sysfs by directory fd), then open it.
struct DeviceTicket {
  DeviceNumber number;
  uint64_t epoch = 0;
};

// Observe refuses nothing and reports what enforce would have refused.
enum class GateMode : uint32_t { kObserve = 0, kEnforce = 1 };

// Who may open a node that the gate closes by default. sekishod always may.
enum class NodeAccess : uint32_t {
  kProbe = 1,  // and the probe, for reading only
  kGate = 2,   // sekishod alone: it mounts, the media gate gets the mount fd
  kFull = 3,   // everybody the file permissions let through
};

// Agent programs, recognised by the inode they were executed from.
enum class ProgramRole : uint32_t {
  kDaemon = 1,  // sekishod: may change the gate, open nodes, signal the others
  kProbe = 2,
  kGate = 3,
  kOther = 4,  // protected from kill, ptrace, writing; no rights of its own
};

// The inode as the kernel names it: device of the superblock, not of stat(2)
// (they differ on btrfs), and its generation, so that a deleted program's
// inode number cannot be borrowed by a new file.
struct ProgramIdentity {
  uint64_t inode = 0;
  uint32_t fs_major = 0;
  uint32_t fs_minor = 0;
  uint32_t generation = 0;
  bool has_generation = false;  // false: the filesystem tells none (tmpfs)
  bool operator==(const ProgramIdentity&) const = default;
};

// Identity of the file at `path`, from statx(2), /proc/self/mountinfo and
// FS_IOC_GETVERSION.
Result<ProgramIdentity> IdentifyProgram(const std::string& path);
// The same of an open regular file; `name` is for messages.
Result<ProgramIdentity> IdentifyProgram(int fd, const std::string& name);

struct AgentProgram {
  ProgramIdentity identity;
  ProgramRole role = ProgramRole::kOther;
  bool operator==(const AgentProgram&) const = default;
};

enum class GateStanding { kFull, kDegraded, kUnsupported };

// For `sekisho doctor`, `sekisho status` and the heartbeat.
struct GateState {
  GateMode mode = GateMode::kObserve;
  bool lsm_active = false;  // "bpf" in the LSM list, programs attached
  bool cgroup_device_active = false;       // program on the root cgroup
  std::vector<std::string> missing_hooks;  // by name, e.g. "lsm/file_open"
  std::string why;                         // one sentence, empty when full

  // Degraded: one of the two layers or a hook is missing. Unsupported: none
  // of the layers stands.
  GateStanding Standing() const;
};

// Reads what the running kernel offers without loading anything. Never fails:
// what cannot be read counts as missing.
GateState ProbeKernelSupport();

// One refused access, or (observe) one that enforce would have refused.
struct DeniedAccess {
  enum class Hook : uint32_t {
    kOpen = 1,          // open of a node
    kMount = 2,         // mount of a closed device
    kDeviceCgroup = 3,  // open by number, mknod (dm, md, mount)
    kAuthorize = 4,     // sysfs authorized* of USB
    kKill = 5,
    kPtrace = 6,
    kGateMap = 7,       // descriptor of a map or program of the gate
    kPin = 8,           // pins in bpffs: unlink, rename, umount
    kProgramWrite = 9,  // an agent program opened for writing or truncated
    kExecMap = 10,      // foreign executable code in an agent program
    kExeFile = 11,      // prctl(PR_SET_MM) that could borrow an identity
    kTracing = 12,      // ftrace switches that would silence the hooks
    kSocket = 13,       // a gate that dials somebody else than the agent
  };
  Hook hook = Hook::kOpen;
  DeviceNumber device;  // for the first three hooks
  pid_t pid = 0;        // thread group, initial pid namespace
  uid_t uid = 0;
  uint32_t login_uid = UINT32_MAX;  // UINT32_MAX: none
  uint32_t audit_session = UINT32_MAX;
  pid_t target_pid = 0;  // kKill, kPtrace, kSocket (0: it is gone)
  int signal = 0;        // kKill
  bool write = false;    // kPtrace: attach; false: a look into /proc/PID
  bool refused = true;   // false: observe
  // udev, LVM, udisks and the like look at each new disk; not an alarm.
  bool expected = false;
  std::string comm;  // chosen by the process: untrusted text, at most 15 bytes
  uint64_t boot_time_ns = 0;
};

const char* HookName(DeniedAccess::Hook hook);

struct GateCounters {
  uint64_t denied = 0;
  uint64_t suppressed = 0;  // same process, device and hook within a second
  uint64_t lost = 0;        // ring buffer full
  // Hook calls that the kernel left out because the same program was at work
  // on that processor and had been preempted. 0 unless somebody made the
  // kernel fully preemptible; anything else is an alarm.
  uint64_t missed = 0;
};

struct KernelGateOptions {
  std::string pin_directory = "/sys/fs/bpf/sekisho";
  std::string cgroup_root = "/sys/fs/cgroup";
  std::string sysfs_root = "/sys";
  std::string proc_root = "/proc";
  // Mode when nothing is pinned yet; a pinned gate keeps its own.
  GateMode initial_mode = GateMode::kObserve;
  // Must hold the caller itself as kDaemon: later only that inode may touch
  // the gate. A gate that enforces already keeps the list it has: what stands
  // in a program's place now may be anybody's.
  std::vector<AgentProgram> programs;
};

// Thread: all calls from one thread. Errors are values; after an error the
// kernel side is as closed as before the call, or more.
class KernelGate {
 public:
  // Takes over the pinned gate if there is one (no moment without it, also
  // when the object is a newer one), else loads, fills in the system disks,
  // attaches and pins. Failure: kFailedPrecondition with what is missing when
  // neither layer can stand; if only one can, the gate is opened and State()
  // is degraded. Links that were pinned before keep enforcing.
  static Result<std::unique_ptr<KernelGate>> Open(
      const KernelGateOptions& options);

  // Destroying the object leaves the kernel side in place.
  virtual ~KernelGate() = default;

  // Enforce opens the system disks first. Failure: the old mode stays.
  virtual Status SetMode(GateMode mode) = 0;
  virtual GateState State() const = 0;

  virtual Result<DeviceTicket> TakeTicket(const DeviceNumber& number) = 0;
  // Opens one node; a disk's partitions, sg and bsg nodes are opened one by
  // one. Replaces an earlier access. A stale ticket is kAborted and opens
  // nothing. Failure: stays closed. With kGate it also closes a node of a major
  // that is open by default (device-mapper), until that device goes.
  virtual Status OpenDevice(const DeviceTicket& ticket, NodeAccess access) = 0;
  // With a ticket of now: for a number that cannot have been another device's
  // a moment ago, or may be anybody's.
  Status OpenNow(const DeviceNumber& number, NodeAccess access) {
    ASSIGN_OR_RETURN(const DeviceTicket ticket, TakeTicket(number));
    return OpenDevice(ticket, access);
  }
  // Already open descriptors and mounts go on; unmount and deauthorise before.
  // Not there: success. Failure: the node may still be open: deauthorise the
  // device instead.
  virtual Status CloseDevice(const DeviceNumber& number) = 0;
  // Opens what carries the system (see SystemDisks). Also to be called after
  // root, swap or boot changed. Failure: some of these nodes stay closed to
  // new opens; what is mounted or swapped on goes on.
  virtual Status OpenSystemDisks() = 0;

  // Who is recognised now.
  virtual Result<std::vector<AgentProgram>> AgentPrograms() const = 0;
  // Replaces the list. Must still hold the caller, else kInvalidArgument and
  // nothing changes. New entries are written before old ones go.
  virtual Status SetAgentPrograms(
      const std::vector<AgentProgram>& programs) = 0;

  // A verified signed unlock, until then on CLOCK_BOOTTIME; it ends by itself.
  // The agent's processes may be signalled, nothing else is lifted. Zero ends
  // it. Failure: as before.
  virtual Status Unlock(BootTime until) = 0;
  // Zero: never. Outlives the caller, not the boot.
  virtual Result<BootTime> UnlockedUntil() const = 0;

  // Reads /proc/devices again for majors that modules took since (bsg, nvme).
  virtual Status RefreshMajors() = 0;

  // Readable (EPOLLIN) when denials wait; owned by the gate.
  virtual int EventsFd() const = 0;
  // Hands over what waits, at most `max_events`; returns how many.
  virtual Result<size_t> ReadEvents(
      const std::function<void(const DeniedAccess&)>& each,
      size_t max_events = 256) = 0;
  virtual Result<GateCounters> Counters() const = 0;

  // Takes every link, program and pin down: for package removal and a
  // verified signed unlock. The caller has verified; the kernel lets only the
  // daemon's inode through while it enforces. Failure: what could not be
  // removed goes on enforcing.
  virtual Status Teardown() = 0;
};

// True for processes that look at every new disk by themselves and run outside
// any login session (`comm` can be chosen by the process, hence the session),
// and for looks into /proc/PID of the agent, as lsof and pidof have.
bool IsExpectedDenial(const DeniedAccess& denial);

}  // namespace sekisho::enforce
