// An event loop that runs only while a test waits for something, so that the
// test sees what is between two steps. No timers.
#pragma once

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <functional>
#include <map>
#include <mutex>
#include <utility>
#include <vector>

#include "common/event_loop.h"
#include "common/unique_fd.h"

namespace sekisho::agent {

class SteppedLoop final : public EventLoop {
 public:
  Status Add(int fd, uint32_t, FdCallback callback) override {
    watched_[fd] = std::move(callback);
    return {};
  }
  Status Modify(int, uint32_t) override { return {}; }
  void Remove(int fd) override { watched_.erase(fd); }
  TimerId After(std::chrono::milliseconds, Callback) override { return 0; }
  void Cancel(TimerId) override {}
  void Post(Callback callback) override {
    const std::lock_guard lock(mutex_);
    posted_.push_back(std::move(callback));
    const uint64_t one = 1;
    [[maybe_unused]] const ssize_t n = ::write(wake_.get(), &one, sizeof one);
  }
  void Run() override {}
  void Stop() override {}

  void RunUntil(const std::function<bool()>& done) {
    while (!done()) Step();
  }

 private:
  void Step() {
    std::vector<pollfd> fds = {{wake_.get(), POLLIN, 0}};
    for (const auto& [fd, callback] : watched_) fds.push_back({fd, POLLIN, 0});
    ::poll(fds.data(), fds.size(), -1);
    for (const pollfd& ready : fds) {
      if (ready.revents == 0) continue;
      if (ready.fd == wake_.get()) {
        RunPosted();
      } else if (const auto found = watched_.find(ready.fd);
                 found != watched_.end()) {
        const FdCallback callback = found->second;
        callback(POLLIN);
      }
    }
  }
  void RunPosted() {
    uint64_t count = 0;
    [[maybe_unused]] const ssize_t n =
        ::read(wake_.get(), &count, sizeof count);
    std::vector<Callback> due;
    {
      const std::lock_guard lock(mutex_);
      due.swap(posted_);
    }
    for (const Callback& callback : due) callback();
  }

  const UniqueFd wake_{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  std::map<int, FdCallback> watched_;
  std::mutex mutex_;  // guards posted_
  std::vector<Callback> posted_;
};

}  // namespace sekisho::agent
