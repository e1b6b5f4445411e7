// Tells whoever watches (consoles, waiting RPCs) what changed.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>

#include "server/core/queries.h"

namespace sekisho::core {

// Thread-safe. Callbacks run on the thread that tells, under a lock: no
// callback runs after its Subscription is gone.
class Changes {
 public:
  using Callback = std::function<void(const Change&)>;

  // The subscription must not outlive this.
  std::unique_ptr<Subscription> Subscribe(Callback callback);
  void Tell(const Change& change);
  size_t watcher_count();

 private:
  class Entry;

  std::mutex mutex_;  // guards callbacks_, next_
  std::map<int, Callback> callbacks_;
  int next_ = 0;
};

}  // namespace sekisho::core
