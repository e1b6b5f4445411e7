// Builds behind the acknowledged path what people search and are alerted by.
// One thread; how far it is behind is `lag_rows`.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "server/core/changes.h"
#include "server/store/store.h"

namespace sekisho::core {

// Which alerts an event makes; pure.
using AlertRule =
    std::function<std::vector<store::NewAlert>(const store::Event& event)>;

class Indexer {
 public:
  Indexer(store::Store& store, Changes& changes, AlertRule rule)
      : store_(store), changes_(changes), rule_(std::move(rule)) {}
  ~Indexer();

  void Start();
  // Whether it works: of several servers on one database one does. From any
  // thread; at first it does.
  void SetActive(bool active);
  // From any thread: there is something new in the log.
  void Wake();
  // One batch, on the caller's thread; how many rows. For tests and for the
  // thread itself.
  Result<int> RunOnce();
  // Waits until all that Wake() told of is indexed; false at `until`.
  bool CatchUp(std::chrono::steady_clock::time_point until);
  int64_t lag_rows() const { return lag_.load(); }

 private:
  void Loop();
  Result<bool> IsApproved(const store::Event& event);
  Result<std::set<int64_t>> RepeatsIn(const std::vector<store::Event>& events);

  store::Store& store_;
  Changes& changes_;
  const AlertRule rule_;
  std::atomic<int64_t> lag_ = 0;
  std::mutex mutex_;  // guards stopping_, awake_, idle_, active_
  std::condition_variable wake_, caught_up_;
  bool stopping_ = false;
  bool awake_ = true;
  bool idle_ = false;
  bool active_ = true;
  std::thread thread_;
};

}  // namespace sekisho::core
