// Files that are closed after writing, on the file systems that the owner
// chooses by their mounts. It listens and never answers, delays or refuses
// anything. Loses what the kernel drops, and says so.
#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <functional>
#include <memory>
#include <set>
#include <string>

#include "agent/enforce/mount.h"
#include "common/event_loop.h"
#include "common/result.h"
#include "common/unique_fd.h"

namespace sekisho::agent {

class WriteWatch {
 public:
  struct Written {
    struct stat about{};  // a regular file
    pid_t pid = 0;        // may be gone
    UniqueFd file;        // read-only
  };
  struct Events {
    // True: the file system of this mount is watched.
    std::function<bool(const enforce::MountEntry&)> wanted;
    std::function<void(Written)> written;
    // The kernel's queue was full, or a mount cannot be watched.
    std::function<void(const std::string& why)> lost;
  };
  struct Limits {
    // Notices taken from the kernel; more wait in its queue. 0: no bound.
    int events_per_second = 0;
  };

  // kPermissionDenied without CAP_SYS_ADMIN.
  static Result<std::unique_ptr<WriteWatch>> Start(EventLoop& loop,
                                                   Events events,
                                                   const Limits& limits);
  ~WriteWatch();

  // Mounts changed or a new medium is known: look again.
  void Refresh();

 private:
  WriteWatch(EventLoop& loop, Events events, const Limits& limits);
  Status Mark(const enforce::MountEntry& mount);
  void Read();
  void Tell(pid_t pid, UniqueFd file);
  void Rest();

  EventLoop& loop_;
  Events events_;
  const Limits limits_;
  UniqueFd fanotify_;
  UniqueFd mounts_;       // /proc/1/mountinfo, for EPOLLPRI
  std::set<int> marked_;  // mount ids
  int taken_ = 0;         // since the last rest
  EventLoop::TimerId resting_ = 0;
};

// Where an open file is now; " (deleted)" at the end: nowhere.
Result<std::string> PathOf(int file);

}  // namespace sekisho::agent
