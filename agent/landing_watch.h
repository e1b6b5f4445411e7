// Finds large amounts of personal data that arrive on the terminal's own disks,
// or lie there for long. Log only: it refuses, delays and answers nobody. Its
// cost is bounded: notices taken a second, one look at a time, and rests nine
// times as long as each look took. What it does not look at is counted.
//
//   close after writing -> queue (quiet for a while) -> sekisho-scan -> landed
//   once a day, a slow walk ---------------------------^
#pragma once

#include <array>
#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "agent/enforce/kernel_gate.h"
#include "agent/folder_walk.h"
#include "agent/ipc/messages.h"
#include "agent/ipc/scan_rules.h"
#include "agent/jobs.h"
#include "agent/landing_queue.h"
#include "agent/lying_files.h"
#include "agent/write_watch.h"
#include "common/clock.h"
#include "common/event_loop.h"
#include "common/unix_socket.h"
#include "policy/model.h"

namespace sekisho::agent {

// Smaller files hold too few people to matter.
inline constexpr int64_t kSmallestLandingBytes = 2048;

// Is `path` one of `folders` or below it? The folder; else empty.
std::string FolderAbove(const std::string& path,
                        const std::vector<std::string>& folders);

class LandingWatch {
 public:
  struct Timing {
    LandingQueue::Timing queue;
    int events_per_second = 2'000;
    int rest_per_look = 9;  // times as long as it took: a duty of 10 %
    std::chrono::milliseconds shortest_rest{20};
    std::chrono::milliseconds first_walk{600'000};
    std::chrono::milliseconds walk_every{86'400'000};
    std::chrono::milliseconds walk_step{1'000};
    size_t walk_entries = 500;
  };
  struct Options {
    policy::Landings policy;
    std::string scan_socket;
    Listener listener = Listener::kInit;
    std::string lying_path;  // what was told of what lies there
    // Programs of the agent: what they write is no landing.
    std::string libexec_dir;
    std::string daemon_path;
    Timing timing;
  };
  struct Events {
    std::function<bool(const enforce::DeviceNumber&)> external;
    std::function<ipc::SharedScanRules()> rules;
    std::function<std::array<std::byte, 32>()> sketch_key;
    // A file with at least as many people as policy says.
    std::function<void(const Landed&, const std::string& path,
                       const ipc::Findings&)>
        landed;
    // One file, or one notice of the kernel's, is not looked at.
    std::function<void(const std::string& why)> lost;
  };

  // kPermissionDenied without CAP_SYS_ADMIN. All must outlive it.
  static Result<std::unique_ptr<LandingWatch>> Start(EventLoop& loop,
                                                     Jobs& jobs,
                                                     const Clock& clock,
                                                     Options options,
                                                     Events events);
  ~LandingWatch();

  const policy::Landings& policy() const { return options_.policy; }
  // Mounts or devices changed.
  void Refresh() { watch_->Refresh(); }
  // The types that policy defines changed: what was clean may not be.
  void RulesChanged();
  // People the file was told with before, and that it is told again.
  int64_t ToldPersons(const Landed::Key& key) const {
    return queue_.ToldPersons(key);
  }
  void SetTold(const Landed::Key& key, int64_t persons) {
    queue_.SetTold(key, persons);
  }

 private:
  // One look, in a thread of Jobs.
  struct Look {
    Landed landed;
    ipc::ScanRequest request;
    ipc::SharedScanRules rules;
    std::string scan_socket;
    Listener listener = Listener::kInit;
    UniqueFd worker;  // of the look before, or none
    // Comes out:
    std::string path;
    Result<ipc::Findings> findings = ipc::Findings{};
    std::chrono::milliseconds took{0};
  };
  struct Writer {
    pid_t pid = 0;
    uint64_t start_time = 0;
    BootTime read{};
    attribute::Who who;
    std::vector<std::string> source_hosts;
  };

  LandingWatch(EventLoop& loop, Jobs& jobs, const Clock& clock, Options options,
               Events events);
  bool Wanted(const enforce::MountEntry& mount) const;
  void OnWritten(WriteWatch::Written written);
  bool IsOurs(const attribute::Who& who) const;
  const Writer& WriterOf(pid_t pid);
  void Arm();
  void LookAtNext();
  static void DoLook(Look& look);
  void OnLooked(Look& look);
  void Walk();
  void OnWalked(std::vector<FolderWalk::Found> found);
  void EndWalk();
  void Offer(const FolderWalk::Found& found);
  void After(EventLoop::TimerId* timer, std::chrono::milliseconds delay,
             void (LandingWatch::*then)());
  void Save();

  EventLoop& loop_;
  Jobs& jobs_;
  const Clock& clock_;
  const Options options_;
  const Events events_;
  LandingQueue queue_;
  LyingFiles lying_;
  std::unique_ptr<WriteWatch> watch_;
  Writer writer_;  // of the notice before
  bool looking_ = false;
  BootTime rest_until_{};
  EventLoop::TimerId look_timer_ = 0;
  UniqueFd worker_;
  ipc::SharedScanRules worker_rules_;
  EventLoop::TimerId walk_timer_ = 0;
  std::shared_ptr<FolderWalk> walk_;  // null: none now
  std::deque<FolderWalk::Found> lying_found_;
  // Answers of jobs go nowhere once this is gone.
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace sekisho::agent
