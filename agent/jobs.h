// Work that may wait (devices, mounts, peers), each on a thread of its own, so
// that a device that hangs holds up nothing else. The answer comes back to the
// loop thread.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <utility>

#include "common/event_loop.h"

namespace sekisho::agent {

class Jobs {
 public:
  explicit Jobs(EventLoop& loop);
  // Jobs that still run are left alone; their answers go nowhere.
  ~Jobs();

  // `work` on another thread, then `done` with its result on the loop thread.
  template <typename Work, typename Done>
  void Run(Work work, Done done) {
    Begin([work = std::move(work), done = std::move(done)]() mutable {
      return std::function<void()>(
          [result = std::make_shared<decltype(work())>(work()),
           done = std::move(done)] { done(std::move(*result)); });
    });
  }

 private:
  struct Way {  // to the loop, until the Jobs object is gone
    std::mutex mutex;
    EventLoop* loop = nullptr;
  };
  using Job = std::function<std::function<void()>()>;
  void Begin(Job job);

  std::shared_ptr<Way> way_;
};

}  // namespace sekisho::agent
