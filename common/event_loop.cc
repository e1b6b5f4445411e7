#include "common/event_loop.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <map>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "common/clock.h"
#include "common/unique_fd.h"

namespace sekisho {
namespace {

class EpollLoop final : public EventLoop {
 public:
  EpollLoop(UniqueFd epoll, UniqueFd wake, UniqueFd timer)
      : epoll_(std::move(epoll)),
        wake_(std::move(wake)),
        timer_(std::move(timer)) {}

  Status Start() {
    RETURN_IF_ERROR(Add(wake_.get(), EPOLLIN, [this](uint32_t) {
      uint64_t count = 0;
      if (::read(wake_.get(), &count, sizeof count) > 0) RunPosted();
    }));
    return Add(timer_.get(), EPOLLIN, [this](uint32_t) {
      uint64_t count = 0;
      if (::read(timer_.get(), &count, sizeof count) > 0) RunDue();
    });
  }

  Status Add(int fd, uint32_t events, FdCallback callback) override {
    const uint64_t key = ++next_key_;
    epoll_event event{};
    event.events = events;
    event.data.u64 = key;
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) {
      return FailErrno("epoll add");
    }
    keys_[fd] = key;
    watches_[key] = std::make_shared<FdCallback>(std::move(callback));
    return {};
  }

  Status Modify(int fd, uint32_t events) override {
    const auto found = keys_.find(fd);
    if (found == keys_.end()) {
      return Fail(Code::kNotFound, "epoll modify: fd is not watched");
    }
    epoll_event event{};
    event.events = events;
    event.data.u64 = found->second;
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event) != 0) {
      return FailErrno("epoll modify");
    }
    return {};
  }

  void Remove(int fd) override {
    const auto found = keys_.find(fd);
    if (found == keys_.end()) return;
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
    watches_.erase(found->second);
    keys_.erase(found);
  }

  TimerId After(std::chrono::milliseconds delay, Callback callback) override {
    const TimerId id = ++next_key_;
    timers_.emplace(std::pair(clock_.SinceBoot() + delay, id),
                    std::move(callback));
    Arm();
    return id;
  }

  void Cancel(TimerId id) override {
    for (auto it = timers_.begin(); it != timers_.end(); ++it) {
      if (it->first.second == id) {
        timers_.erase(it);
        return;
      }
    }
  }

  void Post(Callback callback) override {
    {
      const std::lock_guard lock(mutex_);
      posted_.push_back(std::move(callback));
    }
    Wake();
  }

  void Run() override {
    while (!stopped_.load()) {
      std::array<epoll_event, 64> events;
      const int n = ::epoll_wait(epoll_.get(), events.data(),
                                 static_cast<int>(events.size()), -1);
      if (n < 0) {
        CHECK(errno == EINTR);
        continue;
      }
      for (int i = 0; i < n; ++i) {
        const epoll_event& event = events[static_cast<size_t>(i)];
        // An earlier callback of this round may have removed this watch; a
        // key is never used twice, so a reused fd number cannot be confused.
        const uint64_t key = event.data.u64;  // copied: epoll_event is packed
        const auto found = watches_.find(key);
        if (found == watches_.end()) continue;
        const std::shared_ptr<FdCallback> keep = found->second;
        (*keep)(event.events);
      }
    }
  }

  void Stop() override {
    stopped_.store(true);
    Wake();
  }

 private:
  void Wake() {
    const uint64_t one = 1;
    // A full counter means a wake-up is already pending.
    [[maybe_unused]] const ssize_t n = ::write(wake_.get(), &one, sizeof one);
  }

  void RunPosted() {
    std::vector<Callback> batch;
    {
      const std::lock_guard lock(mutex_);
      batch.swap(posted_);
    }
    for (const Callback& callback : batch) callback();
  }

  void RunDue() {
    while (!timers_.empty() &&
           timers_.begin()->first.first <= clock_.SinceBoot()) {
      auto node = timers_.extract(timers_.begin());
      node.mapped()();
    }
    Arm();
  }

  void Arm() {
    itimerspec spec{};
    if (!timers_.empty()) {
      const auto at = timers_.begin()->first.first;
      const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(at);
      spec.it_value.tv_sec = seconds.count();
      // Never 0/0, which would disarm.
      spec.it_value.tv_nsec = (at - seconds).count() * 1000 + 1;
    }
    CHECK(::timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &spec, nullptr) ==
          0);
  }

  SystemClock clock_;
  UniqueFd epoll_;
  UniqueFd wake_;
  UniqueFd timer_;
  uint64_t next_key_ = 0;
  std::unordered_map<int, uint64_t> keys_;
  std::unordered_map<uint64_t, std::shared_ptr<FdCallback>> watches_;
  std::map<std::pair<BootTime, TimerId>, Callback> timers_;
  std::atomic<bool> stopped_{false};
  std::mutex mutex_;
  std::vector<Callback> posted_;  // guarded by mutex_
};

}  // namespace

Result<std::unique_ptr<EventLoop>> EventLoop::Create() {
  UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll) return FailErrno("epoll_create");
  UniqueFd wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake) return FailErrno("eventfd");
  UniqueFd timer(::timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK));
  if (!timer) return FailErrno("timerfd_create");
  auto loop = std::make_unique<EpollLoop>(std::move(epoll), std::move(wake),
                                          std::move(timer));
  RETURN_IF_ERROR(loop->Start());
  return loop;
}

}  // namespace sekisho
