// Subscribes to sekishod's notices and shows them; comes back when sekishod
// does, keeps what no screen would take for a while.
#pragma once

#include <deque>
#include <string>

#include "agent/ipc/messages.h"
#include "agent/notify/desktop.h"
#include "common/event_loop.h"
#include "common/unique_fd.h"

namespace sekisho::notify {

// The oldest make room: an operator reads the newest first.
inline constexpr size_t kMaxWaiting = 16;

class Notifier {
 public:
  struct Options {
    std::string socket_path;
    std::string language;  // "ja", "en"
    std::chrono::milliseconds retry{2'000};
  };
  // All must outlive it. Loop thread only.
  Notifier(EventLoop& loop, Screen& screen, Options options)
      : loop_(loop), screen_(screen), options_(std::move(options)) {}
  ~Notifier();
  Notifier(const Notifier&) = delete;
  Notifier& operator=(const Notifier&) = delete;

  void Start() { Connect(); }

 private:
  Status Open();
  void Connect();
  void Lose();
  void OnReady();
  void ShowWaiting();

  EventLoop& loop_;
  Screen& screen_;
  const Options options_;
  UniqueFd fd_;
  std::deque<ipc::PlacedNotice> waiting_;
  bool told_ = false;  // that there is no sekishod
  EventLoop::TimerId retry_ = 0;
  EventLoop::TimerId show_again_ = 0;
};

}  // namespace sekisho::notify
