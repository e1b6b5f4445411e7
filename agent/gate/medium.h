// The real filesystem below its root descriptor. It may be hostile: a device
// can answer differently each time, so no step follows a symlink or leaves the
// root, whatever the medium says now.
#pragma once

#include <sys/stat.h>
#include <sys/vfs.h>

#include <memory>
#include <string>
#include <string_view>

#include "agent/gate/errno_or.h"
#include "agent/gate/tree.h"
#include "common/unique_fd.h"

namespace sekisho::gate {

class Medium {
 public:
  // `root`: a directory descriptor, O_PATH is enough.
  static ErrnoOr<std::unique_ptr<Medium>> Open(UniqueFd root);

  bool is_fat() const { return is_fat_; }  // vfat or exfat
  int root() const { return root_.get(); }

  // A descriptor for the directory `path` ("" is the root), O_PATH.
  ErrnoOr<UniqueFd> Directory(const std::string& path) const;
  // `name` is one component. Never through a symlink.
  static ErrnoOr<UniqueFd> OpenIn(int dir_fd, const std::string& name,
                                  int flags, mode_t mode = 0);
  static ErrnoOr<struct stat> StatIn(int dir_fd, const std::string& name);

  // What the filesystem would say to a new file of this name, asked before
  // anything is staged for it.
  ErrnoStatus CheckName(std::string_view name) const;
  ErrnoOr<struct statfs> Space() const;
  ErrnoStatus Sync() const;

 private:
  Medium(UniqueFd root, bool is_fat)
      : root_(std::move(root)), is_fat_(is_fat) {}

  const UniqueFd root_;
  const bool is_fat_;
};

}  // namespace sekisho::gate
