#include "agent/enforce/gate_pins.h"

#include <bpf/bpf.h>
#include <dirent.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#include <algorithm>
#include <cerrno>
#include <memory>

namespace sekisho::enforce {
namespace {

constexpr long kBpfFsMagic = 0xcafe4a11;
constexpr char kNewSuffix[] = "_new";  // bpffs refuses dots

struct CloseDirectory {
  void operator()(DIR* directory) const { closedir(directory); }
};

bool IsBpfFs(const std::string& path) {
  struct statfs info = {};
  return statfs(path.c_str(), &info) == 0 && info.f_type == kBpfFsMagic;
}

}  // namespace

Result<PinDirectory> PreparePinDirectory(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos || slash == 0) {
    return Fail(Code::kInvalidArgument, "pin directory '" + path + "'");
  }
  const std::string parent = path.substr(0, slash);
  if (!IsBpfFs(parent) &&
      mount("bpf", parent.c_str(), "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC,
            "mode=0700") != 0) {
    return FailErrno("mount a bpffs at " + parent);
  }
  if (mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
    return FailErrno("mkdir " + path);
  }
  struct stat info = {};
  if (lstat(path.c_str(), &info) != 0) return FailErrno("stat " + path);
  if (!S_ISDIR(info.st_mode) || info.st_uid != 0 || !IsBpfFs(path)) {
    return Fail(Code::kFailedPrecondition,
                path + ": not a directory of root's on a bpffs");
  }
  return PinDirectory{
      .inode = info.st_ino,
      .fs_device = major(info.st_dev) << 20 | minor(info.st_dev)};
}

Result<std::vector<std::string>> ListPins(const std::string& path) {
  const std::unique_ptr<DIR, CloseDirectory> directory(opendir(path.c_str()));
  if (!directory) return FailErrno("open " + path);
  std::vector<std::string> names;
  while (const dirent* entry = readdir(directory.get())) {
    if (entry->d_name[0] != '.') names.emplace_back(entry->d_name);
  }
  std::ranges::sort(names);
  return names;
}

Result<UniqueFd> OpenPin(const std::string& path) {
  const int fd = bpf_obj_get(path.c_str());
  if (fd < 0) return FailErrno("open pin " + path, -fd);
  return UniqueFd(fd);
}

Status ReplacePin(int fd, const std::string& path) {
  const std::string fresh = path + kNewSuffix;
  RETURN_IF_ERROR(RemovePin(fresh));
  if (const int error = bpf_obj_pin(fd, fresh.c_str()); error != 0) {
    return FailErrno("pin " + fresh, -error);
  }
  // bpffs has no rename over an existing pin.
  RETURN_IF_ERROR(RemovePin(path));
  if (rename(fresh.c_str(), path.c_str()) != 0) {
    return FailErrno("rename " + fresh);
  }
  return {};
}

Status RemovePin(const std::string& path) {
  if (unlink(path.c_str()) != 0 && errno != ENOENT) {
    return FailErrno("remove pin " + path);
  }
  return {};
}

}  // namespace sekisho::enforce
