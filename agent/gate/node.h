// What the gate remembers of a file or directory that the kernel, an open
// handle or an undecided content still refers to. Everything is guarded by the
// filesystem's mutex except `writing`, which is taken before that mutex.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "agent/gate/judge.h"
#include "agent/gate/staging.h"
#include "common/unique_fd.h"

namespace sekisho::gate {

struct Node;
using NodePtr = std::shared_ptr<Node>;
using SharedFd = std::shared_ptr<UniqueFd>;

struct Node {
  // ---- its place
  uint64_t id = 0;
  NodePtr parent;        // null for the root
  std::string name;      // as given, any bytes
  bool linked = true;    // false: removed, or refused before it ever existed
  uint64_t lookups = 0;  // references the kernel holds
  std::unordered_map<std::string, Node*> children;  // by folded name
  SharedFd dir;  // O_PATH, for directories, while cached

  // ---- its content (regular files)
  // on the medium | staged | state
  //       no      |  yes   | new, nothing decided yet
  //       yes     |  no    | as committed
  //       yes     |  yes   | changed since the last commit
  bool on_medium = true;
  std::shared_ptr<StagedFile> staged;
  bool dirty = false;   // staged differs from what was last judged
  bool frozen = false;  // staged is being judged: writers work on a copy
  SharedFd real;        // the committed file, while it is open
  mode_t mode = 0;      // of what is staged
  timespec atime{};
  timespec mtime{};
  int open_handles = 0;
  int write_handles = 0;

  // ---- its verdicts
  bool judging = false;
  std::vector<std::function<void()>> parked;  // for when judging ends
  uint32_t refusals = 0;  // handles opened before the last one are dead
  int refused_errno = 0;

  // Serialises writers, and freezing.
  std::mutex writing;

  bool Busy() const { return open_handles > 0 || staged != nullptr || judging; }
};

// An open file or directory.
struct Handle {
  NodePtr node;
  bool write = false;
  Who who;
  uint32_t refusals_seen = 0;
  // Directories: a listing taken at offset 0; records of type byte, name, NUL.
  std::string listing;
  std::vector<uint32_t> starts;
};
using HandlePtr = std::shared_ptr<Handle>;

}  // namespace sekisho::gate
