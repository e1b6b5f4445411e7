// Fans the desk's changes out to the open event streams. The desk's callback
// only fills bounded queues; each stream drains its own, and asks the desk what
// of it its reader sees.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "server/core/queries.h"

namespace sekisho::web {

class LiveFeed {
 public:
  // One open stream. A reader that falls behind loses the oldest changes and
  // is told "resync": changes are hints, the rows are read through the API.
  class Reader {
   public:
    explicit Reader(std::function<void()> wake) : wake_(std::move(wake)) {}
    struct Waiting {
      std::vector<core::Change> changes;
      bool lost = false;  // there were more
      bool empty() const { return changes.empty() && !lost; }
    };
    // What waits now.
    Waiting Take();

   private:
    friend class LiveFeed;
    void Put(const core::Change& change);

    static constexpr size_t kMaxWaiting = 256;
    std::function<void()> wake_;  // any thread; must not block
    std::mutex mutex_;
    std::deque<core::Change> waiting_;  // guarded by mutex_
    bool lost_ = false;                 // guarded by mutex_
  };
  // Server-sent events, as bytes to send.
  static std::string Print(const Reader::Waiting& waiting);

  explicit LiveFeed(core::Desk& desk);

  std::shared_ptr<Reader> Open(std::function<void()> wake);
  // After it no reader is woken; to be called before what `wake` uses goes.
  void Stop() { subscription_.reset(); }

 private:
  void OnChange(const core::Change& change);

  std::mutex mutex_;
  std::vector<std::weak_ptr<Reader>> readers_;        // guarded by mutex_
  std::unique_ptr<core::Subscription> subscription_;  // ends first
};

}  // namespace sekisho::web
