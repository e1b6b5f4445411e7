// Mounts: the medium's real filesystem as a descriptor that is attached
// nowhere, and the FUSE mount that users see in pid 1's mount namespace. Who
// may mount what is decided elsewhere.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "agent/enforce/kernel_gate.h"
#include "common/result.h"
#include "common/unique_fd.h"

namespace sekisho::enforce {

enum class Filesystem { kVfat, kExfat, kExt4 };
Result<Filesystem> ParseFilesystem(const std::string& name);  // "vfat", ...
const char* FilesystemName(Filesystem filesystem);

enum class MountAccess { kReadOnly, kReadWrite };

struct MediumMountOptions {
  Filesystem filesystem = Filesystem::kVfat;
  MountAccess access = MountAccess::kReadOnly;
  // Owner of everything on filesystems without owners (vfat, exfat).
  uid_t uid = 0;
  gid_t gid = 0;
};

// Makes the mount with fsopen/fsconfig/fsmount, always nosuid, nodev, noexec,
// nosymfollow; names are UTF-8. `device_path` must name `expected` (a node that
// stands for another number is kAborted). The mount lives as long as a
// descriptor on it or below it. Open the device with NodeAccess::kGate before.
// Failure: nothing is mounted.
Result<UniqueFd> MountDetached(const std::string& device_path,
                               const DeviceNumber& expected,
                               const MediumMountOptions& options);

struct FuseMountOptions {
  std::string mount_point;  // absolute; must exist and be a directory
  std::string subtype;      // e.g. the medium's file system name
  uid_t uid = 0;
  gid_t gid = 0;
  MountAccess access = MountAccess::kReadWrite;
  bool no_exec = true;
};

// Opens /dev/fuse, mounts it in pid 1's mount namespace (a child made for that
// enters it; the caller's own namespace is left alone) with allow_other,
// default_permissions, nosuid, nodev, fsname=sekisho, and returns the FUSE
// descriptor for the gate. Takes no name from a medium: the caller chose a safe
// mount point. Failure: nothing is mounted.
Result<UniqueFd> MountFuse(const FuseMountOptions& options);

// Lazily (MNT_DETACH) unmounts the topmost mount at `mount_point` in pid 1's
// namespace. Not mounted: success. Failure: still visible; aborting the FUSE
// connection (closing the gate's descriptor) makes it useless.
Status Unmount(const std::string& mount_point);

struct MountEntry {
  int id = 0;
  DeviceNumber device;  // of the superblock
  std::string root;
  std::string mount_point;  // unescaped
  std::string options;
  std::string type;
  std::string source;  // unescaped
};

// Pure; a line that cannot be read is kDataLoss.
Result<std::vector<MountEntry>> ParseMountInfo(const std::string& text);
// Mounts of pid 1's namespace.
Result<std::vector<MountEntry>> InitMounts(
    const std::string& proc_root = "/proc");
// Those of `mounts` that stand on one of `devices`.
std::vector<MountEntry> MountsOf(const std::vector<MountEntry>& mounts,
                                 const std::vector<DeviceNumber>& devices);

}  // namespace sekisho::enforce
