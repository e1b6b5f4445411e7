#include "agent/held_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <utility>

#include "agent/write_watch.h"
#include "common/file.h"

namespace sekisho::agent {
namespace {

struct HandleSpace {
  alignas(file_handle)
      std::array<char, sizeof(file_handle) + MAX_HANDLE_SZ> bytes{};
  file_handle* get() { return reinterpret_cast<file_handle*>(bytes.data()); }
};

std::string FolderOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == 0 || slash == std::string::npos ? "/" : path.substr(0, slash);
}

}  // namespace

HeldFile HeldFile::Of(UniqueFd file, std::string path, std::string root) {
  HeldFile held;
  held.path_ = std::move(path);
  held.root_ = std::move(root);
  struct stat about{};
  if (::fstat(file.get(), &about) == 0) {
    held.device_ = about.st_dev;
    held.inode_ = about.st_ino;
  }
  HandleSpace space;
  space.get()->handle_bytes = MAX_HANDLE_SZ;
  int mount_id = 0;
  if (::name_to_handle_at(file.get(), "", space.get(), &mount_id,
                          AT_EMPTY_PATH) == 0) {
    held.handle_type_ = space.get()->handle_type;
    held.handle_.assign(reinterpret_cast<const char*>(space.get()->f_handle),
                        space.get()->handle_bytes);
  } else {
    held.file_ = std::move(file);
  }
  return held;
}

Result<UniqueFd> HeldFile::OpenHandle() const {
  HandleSpace space;
  space.get()->handle_type = handle_type_;
  space.get()->handle_bytes = static_cast<unsigned>(handle_.size());
  std::memcpy(space.get()->f_handle, handle_.data(), handle_.size());
  // Its folder may be gone, the chosen one above it may be another mount.
  for (const std::string& folder : {FolderOf(path_), root_}) {
    const auto mount = OpenAt(AT_FDCWD, folder, O_RDONLY | O_DIRECTORY);
    if (!mount) continue;
    UniqueFd file(
        ::open_by_handle_at(mount->get(), space.get(),
                            O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOATIME));
    if (file) return file;
  }
  return Fail(Code::kNotFound, path_ + " is gone");
}

Result<HeldFile::Opened> HeldFile::Open() const {
  Opened opened;
  if (handle_.empty()) {
    // Its own, so that the next one can be opened too.
    opened.file.Reset(::fcntl(file_.get(), F_DUPFD_CLOEXEC, 3));
    if (!opened.file) return FailErrno("hold " + path_);
  } else {
    ASSIGN_OR_RETURN(opened.file, OpenHandle());
  }
  struct stat about{};
  if (::fstat(opened.file.get(), &about) != 0)
    return FailErrno("stat " + path_);
  if (about.st_nlink == 0 || about.st_dev != device_ ||
      about.st_ino != inode_) {
    return Fail(Code::kNotFound, path_ + " is gone");
  }
  opened.size_bytes = about.st_size;
  // Opened by handle it may have no name that the kernel remembers.
  opened.path = path_;
  const auto now = PathOf(opened.file.get());
  struct stat named{};
  if (now && ::lstat(now->c_str(), &named) == 0 &&
      named.st_ino == about.st_ino && named.st_dev == about.st_dev) {
    opened.path = *now;
  }
  return opened;
}

}  // namespace sekisho::agent
