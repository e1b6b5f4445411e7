// Goes through folders and all below, a few entries at a time: files of one
// file system each, links not followed. What cannot be read is passed over.
#pragma once

#include <dirent.h>
#include <sys/stat.h>

#include <memory>
#include <string>
#include <vector>

namespace sekisho::agent {

// Folders found and not yet gone through; more than these are passed over.
inline constexpr size_t kMaxFoldersAhead = 100'000;

class FolderWalk {
 public:
  struct Found {
    std::string path;
    std::string folder;   // the one of the start that it is below
    struct stat about{};  // a regular file
  };

  explicit FolderWalk(const std::vector<std::string>& folders);

  // Looks at up to `entries` more; empty and done(): that was all. May wait for
  // the disk.
  std::vector<Found> Step(size_t entries);
  bool done() const { return ahead_.empty() && open_ == nullptr; }

 private:
  struct Folder {
    std::string path;
    std::string start;
    dev_t device = 0;
    bool is_start = false;
  };
  struct DirCloser {
    void operator()(DIR* dir) const { ::closedir(dir); }
  };
  void OpenNext();
  void Look(const dirent& entry, std::vector<Found>* found);

  std::vector<Folder> ahead_;
  Folder at_;
  std::unique_ptr<DIR, DirCloser> open_;
};

}  // namespace sekisho::agent
