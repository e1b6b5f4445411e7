// Work that may wait (devices, mounts, peers), each on a thread of its own, so
// that a device that hangs holds up nothing else. The answer comes back to the
// loop thread. Two threads stand by, so that a plugged device does not wait for
// one to be made.
#pragma once

#include <condition_variable>
#include <deque>
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
  using Job = std::function<std::function<void()>()>;
  // What the threads share; it outlives the Jobs object while one still works.
  struct Shared {
    std::mutex mutex;
    std::condition_variable wake;
    std::deque<Job> waiting;    // each has an idle thread that will take it
    size_t idle = 0;            // threads that wait and have no job coming
    EventLoop* loop = nullptr;  // nullptr: the Jobs object is gone
  };

  void Begin(Job job);
  static void Work(const std::shared_ptr<Shared>& shared, Job job);

  std::shared_ptr<Shared> shared_;
};

}  // namespace sekisho::agent
