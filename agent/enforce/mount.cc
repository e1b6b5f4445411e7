#include "agent/enforce/mount.h"

#include <fcntl.h>
#include <linux/mount.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#include <array>
#include <cerrno>
#include <functional>
#include <memory>
#include <utility>

#include "common/file.h"

// <sys/mount.h> and <linux/mount.h> cannot both be included with this glibc;
// the numbers below are from the kernel's stable interface.
extern "C" int umount2(const char* target, int flags) noexcept;
extern "C" int mount(const char* source, const char* target, const char* type,
                     unsigned long flags, const void* data) noexcept;

namespace sekisho::enforce {
namespace {

constexpr unsigned long kReadOnly = 1;
constexpr unsigned long kNoSuid = 2;
constexpr unsigned long kNoDev = 4;
constexpr unsigned long kNoExec = 8;
constexpr int kDetach = 2;    // MNT_DETACH
constexpr int kNoFollow = 8;  // UMOUNT_NOFOLLOW
constexpr size_t kMaxContextLog = 512;

int Fsconfig(int fs, unsigned command, const char* key, const char* value) {
  return static_cast<int>(syscall(SYS_fsconfig, fs, command, key, value, 0));
}

// What the filesystem had to say ("e exfat: ..."), for the error's message.
std::string ContextLog(int fs) {
  std::array<char, kMaxContextLog> text = {};
  const ssize_t size = read(fs, text.data(), text.size());
  if (size <= 0) return "";
  return " (" + std::string(text.data(), static_cast<size_t>(size)) + ")";
}

Status SetOption(int fs, const char* key, const std::string& value) {
  if (Fsconfig(fs, FSCONFIG_SET_STRING, key, value.c_str()) != 0) {
    const int number = errno;
    return FailErrno(
        std::string("option ") + key + "=" + value + ContextLog(fs), number);
  }
  return {};
}

Status SetFlag(int fs, const char* key) {
  if (Fsconfig(fs, FSCONFIG_SET_FLAG, key, nullptr) != 0) {
    const int number = errno;
    return FailErrno(std::string("option ") + key + ContextLog(fs), number);
  }
  return {};
}

Status SetOptions(int fs, const MediumMountOptions& options) {
  const std::string uid = std::to_string(options.uid);
  const std::string gid = std::to_string(options.gid);
  switch (options.filesystem) {
    case Filesystem::kVfat:
      RETURN_IF_ERROR(SetFlag(fs, "utf8"));
      RETURN_IF_ERROR(SetOption(fs, "shortname", "mixed"));
      break;
    case Filesystem::kExfat:
      RETURN_IF_ERROR(SetOption(fs, "iocharset", "utf8"));
      break;
    case Filesystem::kExt4:
      break;
  }
  if (options.filesystem != Filesystem::kExt4) {
    RETURN_IF_ERROR(SetOption(fs, "uid", uid));
    RETURN_IF_ERROR(SetOption(fs, "gid", gid));
    RETURN_IF_ERROR(SetOption(fs, "fmask", "0177"));
    RETURN_IF_ERROR(SetOption(fs, "dmask", "0077"));
    RETURN_IF_ERROR(SetOption(fs, "errors", "remount-ro"));
  }
  if (options.access == MountAccess::kReadOnly) {
    RETURN_IF_ERROR(SetFlag(fs, "ro"));
    // Replaying a journal writes.
    if (options.filesystem == Filesystem::kExt4) {
      RETURN_IF_ERROR(SetFlag(fs, "noload"));
    }
  }
  return {};
}

// Runs `inside` in a child that has entered pid 1's mount namespace and returns
// its errno; the caller's namespace and threads stay where they are.
Result<int> InInitNamespace(const std::function<int()>& inside) {
  ASSIGN_OR_RETURN(const UniqueFd space,
                   OpenAt(AT_FDCWD, "/proc/1/ns/mnt", O_RDONLY));
  const pid_t child = fork();
  if (child < 0) return FailErrno("fork");
  if (child == 0) {
    if (setns(space.get(), CLONE_NEWNS) != 0) _exit(errno & 0xff);
    _exit(inside() & 0xff);
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return FailErrno("wait for the mounting child");
  }
  if (!WIFEXITED(status)) {
    return Fail(Code::kInternal, "the mounting child was killed");
  }
  return WEXITSTATUS(status);
}

// A comma would begin the next option.
bool IsPlainWord(const std::string& text) {
  return text.find_first_of(",\\\n\t ") == std::string::npos;
}

}  // namespace

Result<Filesystem> ParseFilesystem(const std::string& name) {
  if (name == "vfat") return Filesystem::kVfat;
  if (name == "exfat") return Filesystem::kExfat;
  if (name == "ext4") return Filesystem::kExt4;
  return Fail(Code::kUnimplemented, "no mount of a foreign '" + name + "'");
}

const char* FilesystemName(Filesystem filesystem) {
  switch (filesystem) {
    case Filesystem::kVfat:
      return "vfat";
    case Filesystem::kExfat:
      return "exfat";
    case Filesystem::kExt4:
      return "ext4";
  }
  return "";
}

Result<UniqueFd> MountDetached(const std::string& device_path,
                               const DeviceNumber& expected,
                               const MediumMountOptions& options) {
  ASSIGN_OR_RETURN(const UniqueFd node,
                   OpenAt(AT_FDCWD, device_path, O_PATH | O_NOFOLLOW));
  struct stat info = {};
  if (fstat(node.get(), &info) != 0) return FailErrno("stat " + device_path);
  if (!S_ISBLK(info.st_mode) || expected.kind != NodeKind::kBlock ||
      major(info.st_rdev) != expected.major ||
      minor(info.st_rdev) != expected.minor) {
    return Fail(Code::kAborted, device_path + " is not " + ToString(expected));
  }
  // By descriptor, so that the path cannot become another node in between.
  const std::string source = "/proc/self/fd/" + std::to_string(node.get());
  const char* const type = FilesystemName(options.filesystem);
  const UniqueFd fs(
      static_cast<int>(syscall(SYS_fsopen, type, FSOPEN_CLOEXEC)));
  if (!fs) return FailErrno(std::string("fsopen ") + type);
  const std::string what = std::string("mount ") + type + " " + device_path;
  if (const Status set = SetOption(fs.get(), "source", source); !set) {
    return Wrap(what, set.error());
  }
  if (const Status set = SetOptions(fs.get(), options); !set) {
    return Wrap(what, set.error());
  }
  if (Fsconfig(fs.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr) != 0) {
    const int number = errno;
    return FailErrno(what + ContextLog(fs.get()), number);
  }
  unsigned attributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
                        MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NOSYMFOLLOW;
  if (options.access == MountAccess::kReadOnly) {
    attributes |= MOUNT_ATTR_RDONLY;
  }
  UniqueFd mount_fd(static_cast<int>(
      syscall(SYS_fsmount, fs.get(), FSMOUNT_CLOEXEC, attributes)));
  if (!mount_fd) return FailErrno(what);
  return mount_fd;
}

Result<UniqueFd> MountFuse(const FuseMountOptions& options) {
  if (!options.mount_point.starts_with('/') || !IsPlainWord(options.subtype)) {
    return Fail(Code::kInvalidArgument, "mount point or subtype");
  }
  ASSIGN_OR_RETURN(UniqueFd fuse, OpenAt(AT_FDCWD, "/dev/fuse", O_RDWR));
  std::string data = "fd=" + std::to_string(fuse.get()) +
                     ",rootmode=40000,user_id=" + std::to_string(options.uid) +
                     ",group_id=" + std::to_string(options.gid) +
                     ",allow_other,default_permissions,max_read=1048576";
  const std::string type =
      options.subtype.empty() ? "fuse" : "fuse." + options.subtype;
  unsigned long flags = kNoSuid | kNoDev;
  if (options.no_exec) flags |= kNoExec;
  if (options.access == MountAccess::kReadOnly) flags |= kReadOnly;
  const std::string point = options.mount_point;
  ASSIGN_OR_RETURN(const int number, InInitNamespace([&] {
                     struct stat info = {};
                     if (lstat(point.c_str(), &info) != 0) return errno;
                     if (!S_ISDIR(info.st_mode)) return ENOTDIR;
                     return mount("sekisho", point.c_str(), type.c_str(), flags,
                                  data.c_str()) == 0
                                ? 0
                                : errno;
                   }));
  if (number != 0) return FailErrno("mount FUSE at " + point, number);
  return fuse;
}

Status Unmount(const std::string& mount_point) {
  ASSIGN_OR_RETURN(
      const int number, InInitNamespace([&] {
        return umount2(mount_point.c_str(), kDetach | kNoFollow) == 0 ? 0
                                                                      : errno;
      }));
  if (number != 0 && number != EINVAL && number != ENOENT) {
    return FailErrno("unmount " + mount_point, number);
  }
  return {};
}

}  // namespace sekisho::enforce
