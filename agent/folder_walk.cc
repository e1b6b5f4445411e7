#include "agent/folder_walk.h"

#include <fcntl.h>
#include <unistd.h>

#include <string_view>
#include <utility>

namespace sekisho::agent {

FolderWalk::FolderWalk(const std::vector<std::string>& folders) {
  for (const std::string& folder : folders) {
    ahead_.push_back(
        {.path = folder, .start = folder, .device = 0, .is_start = true});
  }
}

std::vector<FolderWalk::Found> FolderWalk::Step(size_t entries) {
  std::vector<Found> found;
  for (size_t i = 0; i < entries && !done(); ++i) {
    if (open_ == nullptr) {
      OpenNext();
      continue;
    }
    const dirent* entry = ::readdir(open_.get());
    if (entry == nullptr) {
      open_.reset();
    } else {
      Look(*entry, &found);
    }
  }
  return found;
}

void FolderWalk::OpenNext() {
  at_ = std::move(ahead_.back());
  ahead_.pop_back();
  // The chosen folder itself may be a link.
  const int follow = at_.is_start ? 0 : O_NOFOLLOW;
  const int fd = ::open(at_.path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC |
                                              O_NOATIME | O_NONBLOCK | follow);
  struct stat about{};
  if (fd < 0) return;
  if (::fstat(fd, &about) != 0 ||
      (!at_.is_start && about.st_dev != at_.device)) {
    ::close(fd);
    return;
  }
  at_.device = about.st_dev;
  open_.reset(::fdopendir(fd));
  if (open_ == nullptr) ::close(fd);
}

void FolderWalk::Look(const dirent& entry, std::vector<Found>* found) {
  const std::string_view name = entry.d_name;
  if (name == "." || name == "..") return;
  Found one;
  if (::fstatat(::dirfd(open_.get()), entry.d_name, &one.about,
                AT_SYMLINK_NOFOLLOW) != 0 ||
      one.about.st_dev != at_.device) {
    return;
  }
  one.path = (at_.path == "/" ? "" : at_.path) + "/" + std::string(name);
  if (S_ISREG(one.about.st_mode)) {
    one.folder = at_.start;
    found->push_back(std::move(one));
  } else if (S_ISDIR(one.about.st_mode) && ahead_.size() < kMaxFoldersAhead) {
    ahead_.push_back({.path = std::move(one.path),
                      .start = at_.start,
                      .device = at_.device,
                      .is_start = false});
  }
}

}  // namespace sekisho::agent
