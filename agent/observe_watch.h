// Observe mode: what is written to media that the desktop or root mounted. It
// listens to closes after writing and never answers, delays or refuses
// anything. Loses what the kernel drops, and says so.
#pragma once

#include <sys/types.h>

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "agent/enforce/kernel_gate.h"
#include "common/event_loop.h"
#include "common/result.h"
#include "common/unique_fd.h"

namespace sekisho::agent {

class ObserveWatch {
 public:
  struct Events {
    // True: this is a node of an external medium; its mounts are watched.
    std::function<bool(const enforce::DeviceNumber&)> external;
    // A file was closed after writing. `file` is a read-only descriptor of it;
    // `path` is where it was then; `pid` may be gone.
    std::function<void(const enforce::DeviceNumber&, pid_t pid,
                       std::string path, UniqueFd file)>
        written;
    // The kernel's queue was full, or a mount cannot be watched.
    std::function<void(const std::string& why)> lost;
  };

  // kPermissionDenied without CAP_SYS_ADMIN.
  static Result<std::unique_ptr<ObserveWatch>> Start(EventLoop& loop,
                                                     Events events);
  ~ObserveWatch();

  // Mounts changed or a new medium is known: look again.
  void Refresh();

 private:
  ObserveWatch(EventLoop& loop, Events events);
  void Read();

  EventLoop& loop_;
  Events events_;
  UniqueFd fanotify_;
  UniqueFd mounts_;  // /proc/1/mountinfo, for EPOLLPRI
  // Mount id to device: what is marked already.
  std::map<int, enforce::DeviceNumber> marked_;
};

}  // namespace sekisho::agent
