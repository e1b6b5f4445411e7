#include "server/core/changes.h"

namespace sekisho::core {

class Changes::Entry final : public Subscription {
 public:
  Entry(Changes* changes, int number) : changes_(changes), number_(number) {}
  ~Entry() override {
    std::lock_guard lock(changes_->mutex_);
    changes_->callbacks_.erase(number_);
  }

 private:
  Changes* changes_;
  int number_;
};

std::unique_ptr<Subscription> Changes::Subscribe(Callback callback) {
  std::lock_guard lock(mutex_);
  const int number = next_++;
  callbacks_.emplace(number, std::move(callback));
  return std::make_unique<Entry>(this, number);
}

void Changes::Tell(const Change& change) {
  std::lock_guard lock(mutex_);
  for (const auto& [number, callback] : callbacks_) {
    callback(change);
  }
}

size_t Changes::watcher_count() {
  std::lock_guard lock(mutex_);
  return callbacks_.size();
}

}  // namespace sekisho::core
