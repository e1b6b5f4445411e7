#include "agent/jobs.h"

#include <thread>

namespace sekisho::agent {
namespace {
constexpr size_t kStandingBy = 2;
}  // namespace

Jobs::Jobs(EventLoop& loop) : shared_(std::make_shared<Shared>()) {
  shared_->loop = &loop;
}

Jobs::~Jobs() {
  const std::lock_guard lock(shared_->mutex);
  shared_->loop = nullptr;
  shared_->wake.notify_all();
}

void Jobs::Begin(Job job) {
  {
    const std::lock_guard lock(shared_->mutex);
    if (shared_->idle > 0) {
      --shared_->idle;
      shared_->waiting.push_back(std::move(job));
      shared_->wake.notify_one();
      return;
    }
  }
  std::thread(&Jobs::Work, shared_, std::move(job)).detach();
}

void Jobs::Work(const std::shared_ptr<Shared>& shared, Job job) {
  for (;;) {
    std::function<void()> answer = job();
    job = nullptr;  // what it holds is let go of before waiting
    std::unique_lock lock(shared->mutex);
    if (shared->loop == nullptr) return;
    shared->loop->Post(std::move(answer));
    if (shared->idle == kStandingBy) return;
    ++shared->idle;
    shared->wake.wait(lock, [&] {
      return shared->loop == nullptr || !shared->waiting.empty();
    });
    // What was handed over is done, as on a thread of its own.
    if (shared->waiting.empty()) return;
    job = std::move(shared->waiting.front());
    shared->waiting.pop_front();
  }
}

}  // namespace sekisho::agent
