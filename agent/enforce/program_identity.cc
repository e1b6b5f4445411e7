// Names a program file as the kernel does.
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/stat.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "agent/enforce/kernel_gate.h"
#include "agent/enforce/mount.h"
#include "common/file.h"

namespace sekisho::enforce {
namespace {

constexpr size_t kMaxMountInfoBytes = size_t{4} * 1024 * 1024;

}  // namespace

Result<ProgramIdentity> IdentifyProgram(const std::string& path) {
  ASSIGN_OR_RETURN(const UniqueFd file, OpenAt(AT_FDCWD, path, O_RDONLY));
  return IdentifyProgram(file.get(), path);
}

Result<ProgramIdentity> IdentifyProgram(int fd, const std::string& name) {
  struct statx info = {};
  if (statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_MNT_ID, &info) !=
      0) {
    return FailErrno("statx " + name);
  }
  if (!S_ISREG(info.stx_mode)) {
    return Fail(Code::kInvalidArgument, name + ": not a regular file");
  }
  if ((info.stx_mask & STATX_MNT_ID) == 0) {
    return Fail(Code::kUnimplemented, "statx tells no mount id");
  }
  ASSIGN_OR_RETURN(
      const std::string text,
      ReadFileAt(AT_FDCWD, "/proc/self/mountinfo", kMaxMountInfoBytes));
  ASSIGN_OR_RETURN(const auto mounts, ParseMountInfo(text));
  ProgramIdentity identity{.inode = info.stx_ino};
  bool found = false;
  for (const MountEntry& entry : mounts) {
    if (static_cast<uint64_t>(entry.id) != info.stx_mnt_id) continue;
    identity.fs_major = entry.device.major;
    identity.fs_minor = entry.device.minor;
    found = true;
  }
  if (!found) return Fail(Code::kNotFound, name + ": its mount is not listed");
  int generation = 0;
  if (ioctl(fd, FS_IOC_GETVERSION, &generation) == 0) {
    identity.generation = static_cast<uint32_t>(generation);
    identity.has_generation = true;
  }
  return identity;
}

}  // namespace sekisho::enforce
