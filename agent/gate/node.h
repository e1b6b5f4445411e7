// What the gate remembers of a file or directory that the kernel, an open
// handle or an undecided content still refers to. Everything is guarded by the
// filesystem's mutex except `writing`, which is taken before that mutex.
#pragma once

#include <sys/stat.h>

#include <atomic>
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

// A new file that is judged while it is written, and of which a part may be on
// the medium already, under a temporary name.
struct Stream {
  // Under the node's `writing`.
  std::unique_ptr<ContentStream> scan;
  std::string path;  // when it began
  int fed_fd = -1;   // where the worker was told that the content lies
  int64_t fed_bytes = 0;
  bool stopped = false;  // nothing more is released before the verdict
  // The last question that was answered by a yes.
  ipc::Findings allowed;
  int64_t allowed_bytes = 0;
  int64_t allowed_persons = 0;

  // Under the filesystem's mutex; null until something was released.
  SharedFd file;
  SharedFd dir;
  std::string temporary_name;
  // Bytes that are on the medium, no longer in `staged`.
  std::atomic<int64_t> released_bytes{0};
  // The kernel was told to write bytes before this to the device; one request
  // at a time.
  std::atomic<int64_t> written_back_bytes{0};
  std::atomic<bool> writing_back{false};
};
using StreamPtr = std::shared_ptr<Stream>;

struct Node {
  // ---- its place
  uint64_t id = 0;
  NodePtr parent;        // null for the root
  std::string name;      // as given, any bytes
  bool linked = true;    // false: removed, or refused before it ever existed
  uint64_t lookups = 0;  // references the kernel holds
  std::unordered_map<std::string, Node*> children;  // by folded name
  SharedFd dir;          // O_PATH, for directories, while cached
  bool entered = false;  // an entry was made in this directory

  // ---- its content (regular files)
  // on the medium | staged | state
  //       no      |  yes   | new, nothing decided yet
  //       yes     |  no    | as committed
  //       yes     |  yes   | changed since the last commit
  bool on_medium = true;
  std::shared_ptr<StagedFile> staged;
  StreamPtr stream;      // of `staged`, when it has one
  bool in_order = true;  // so far every byte was written behind the last one
  // What was released since the last verdict, whatever became of it.
  Released released;
  Who released_by;
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
