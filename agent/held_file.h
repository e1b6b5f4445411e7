// A file that is looked at later: by its handle, so that nothing is kept from
// being unmounted and the space of a removed file is free at once. File systems
// that have no handles are held by a descriptor.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "common/result.h"
#include "common/unique_fd.h"

namespace sekisho::agent {

class HeldFile {
 public:
  HeldFile() = default;
  // `path`: where it is now. `root`: a folder above it, of the same mount.
  static HeldFile Of(UniqueFd file, std::string path, std::string root);

  struct Opened {
    UniqueFd file;  // read-only
    std::string path;
    int64_t size_bytes = 0;
  };
  // Where it is by now. kNotFound: it was removed. Waits for the disk.
  Result<Opened> Open() const;
  const std::string& path() const { return path_; }

 private:
  Result<UniqueFd> OpenHandle() const;

  std::string path_;
  std::string root_;
  int handle_type_ = 0;
  std::string handle_;  // empty: held by file_
  UniqueFd file_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

}  // namespace sekisho::agent
