// Whom the gate asks: the scan worker what a content is, sekishod who does it
// and whether it may pass. Interfaces, so that tests answer instead.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "agent/ipc/messages.h"

namespace sekisho::gate {

using Deadline = std::chrono::steady_clock::time_point;

// Nobody waits longer than this for sekishod.
inline constexpr std::chrono::seconds kCoreWait{10};

// The process that sent a request, as the kernel says; 0/0 for the kernel's
// own write-back.
struct Requester {
  uint32_t pid = 0;
  uint32_t uid = 0;
  Deadline deadline;  // kCoreWait after the request came, queues included
};

// sekishod's handle for a person and process. Worth nothing to another
// sekishod than the one that gave it: after its restart the number may mean
// somebody else, hence the generation.
struct Who {
  uint64_t generation = 0;
  uint64_t id = 0;
};

// A content on its way to the scan worker while it is being written.
class ContentStream {
 public:
  virtual ~ContentStream() = default;
  // The content has grown to `size_bytes` and lies in `content_fd`, or where it
  // lay before for -1. Waits until the worker is no more than one piece behind;
  // what it said last. nullopt: it is gone, and Finish() will say so.
  enum class Want { kFindings, kQuiet };
  virtual std::optional<ipc::ScanProgress> Feed(int content_fd,
                                                int64_t size_bytes,
                                                Want want) = 0;
  // Of the whole content. Every failure is a finding, as of Scan(). nullopt: it
  // can only be judged whole, by Scan(); nothing of it was ever judged before.
  virtual std::optional<ipc::Findings> Finish(int content_fd,
                                              int64_t size_bytes) = 0;
};

class Scanner {
 public:
  virtual ~Scanner() = default;
  // How much of a content that is being looked at has been read.
  using SoFar = std::function<void(int64_t read_bytes)>;
  // Blocks up to the policy's time limit. Every failure is a finding:
  // inspection "none" with the reason "crash" or "timeout". `so_far` is called
  // meanwhile if it takes long; may be null.
  virtual ipc::Findings Scan(int content_fd, int64_t size_bytes,
                             const std::string& name, const SoFar& so_far) = 0;
  // Of a name that comes without a content. Does not wait for contents.
  virtual ipc::Findings ScanName(const std::string& name) = 0;
  // Starts with the first `size_bytes`. nullptr: not now, too many go on or no
  // worker is there.
  virtual std::unique_ptr<ContentStream> Begin(int content_fd,
                                               int64_t size_bytes,
                                               const std::string& name) = 0;
};

// What of a content went to the medium before its verdict.
struct Released {
  uint64_t stream_id = 0;  // 0: nothing
  int64_t persons = 0;
};

struct Judgement {
  uint64_t question_id = 0;
  bool allowed = false;
  bool answered = false;  // false: sekishod was not there in time
};

// Thread-safe; every call blocks until the deadline at most.
class Core {
 public:
  virtual ~Core() = default;
  // nullopt: no answer. The caller refuses.
  virtual std::optional<Who> AskWho(const Requester& requester) = 0;
  // Anything but a clear yes is no.
  virtual Judgement Judge(const Who& who, const std::string& path,
                          const std::string& operation,
                          const ipc::Findings& findings,
                          const Released& released, Deadline deadline) = 0;
  // May the beginning of a content be released? `ask` without the numbers that
  // the core gives. Anything but a clear yes is no.
  virtual Judgement AskRelease(const Who& who, ipc::ReleaseQuestion ask,
                               Deadline deadline) = 0;
  // Somebody waits for a verdict. Does not block; may be lost.
  virtual void TellChecking(const Who& who, ipc::Checking checking) = 0;
  // No verdict will be asked for. Does not block.
  virtual void TellEnded(const Who& who, ipc::StreamEnded ended) = 0;
  // An allowed transfer did not reach the medium. Does not block.
  virtual void TellFailed(uint64_t question_id, const std::string& path,
                          const std::string& error) = 0;
  // A name on the medium has changed, or was found there. Does not block and
  // sends nothing itself; told before any later question. What has no room is
  // counted.
  virtual void TellFile(ipc::ToldFile file) = 0;
};

}  // namespace sekisho::gate
