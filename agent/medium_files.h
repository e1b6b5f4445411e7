// What gates tell of the names on their media, gathered into events: no event
// for each of a thousand removals, and none later than what it is about.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "agent/ipc/messages.h"
#include "common/event_loop.h"

namespace sekisho::agent {

// Of one event. Names beyond these bytes go into the next.
inline constexpr size_t kMaxEventFiles = 256;
inline constexpr size_t kMaxEventNameBytes = size_t{64} * 1024;
// A gate tells no more in three tries of a listing (gate/filesystem.h); what
// comes nevertheless is only counted.
inline constexpr int64_t kMaxListedFiles = 30'000;

class MediumFiles {
 public:
  struct Batch {
    std::vector<ipc::ToldFile> files;
    int64_t lost_count = 0;
    bool listing_ends = false;
    int64_t present_count = 0;
    bool complete = false;
  };
  using Tell = std::function<void(int64_t mount_id, Batch batch)>;

  // Loop thread only. `tell` is called from the loop, or from inside of a call.
  MediumFiles(EventLoop& loop, Tell tell,
              std::chrono::milliseconds wait = std::chrono::milliseconds{2000})
      : loop_(loop), tell_(std::move(tell)), wait_(wait) {}
  ~MediumFiles();

  void Add(int64_t mount_id, const ipc::FilesTold& told);
  // An event about this path comes: what was told of it goes first.
  // True: something was.
  bool Before(int64_t mount_id, const std::string& path);
  // The mount ends.
  void End(int64_t mount_id);
  void Flush();

 private:
  struct Waiting {
    Batch batch;
    size_t name_bytes = 0;
    EventLoop::TimerId timer = 0;
    int64_t listed = 0;  // PRESENT since the mount
    bool overfull = false;
  };
  void AddFile(int64_t mount_id, Waiting& waiting, const ipc::ToldFile& file);
  void TellNow(int64_t mount_id, Waiting& waiting);

  EventLoop& loop_;
  const Tell tell_;
  const std::chrono::milliseconds wait_;
  std::map<int64_t, Waiting> waiting_;
};

}  // namespace sekisho::agent
