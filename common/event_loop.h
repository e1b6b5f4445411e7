// One thread's epoll loop. All state of a process belongs to its loop thread;
// other threads hand results back with Post().
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>

#include "common/result.h"

namespace sekisho {

class EventLoop {
 public:
  using FdCallback = std::function<void(uint32_t epoll_events)>;
  using Callback = std::function<void()>;
  using TimerId = uint64_t;

  static Result<std::unique_ptr<EventLoop>> Create();
  virtual ~EventLoop() = default;

  // Watches `fd` (not owned) for EPOLLIN/EPOLLOUT...; the callback may remove
  // its own or any other fd. Loop thread only.
  virtual Status Add(int fd, uint32_t epoll_events, FdCallback callback) = 0;
  virtual Status Modify(int fd, uint32_t epoll_events) = 0;
  // Must be called before the fd is closed.
  virtual void Remove(int fd) = 0;

  // Runs once after `delay` on CLOCK_BOOTTIME. Loop thread only.
  virtual TimerId After(std::chrono::milliseconds delay, Callback callback) = 0;
  virtual void Cancel(TimerId id) = 0;

  // From any thread: runs on the loop thread, in order of posting.
  virtual void Post(Callback callback) = 0;

  virtual void Run() = 0;   // until Stop()
  virtual void Stop() = 0;  // from any thread
};

}  // namespace sekisho
