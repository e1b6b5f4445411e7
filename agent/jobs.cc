#include "agent/jobs.h"

#include <thread>

namespace sekisho::agent {

Jobs::Jobs(EventLoop& loop) : way_(std::make_shared<Way>()) {
  way_->loop = &loop;
}

Jobs::~Jobs() {
  const std::lock_guard lock(way_->mutex);
  way_->loop = nullptr;
}

void Jobs::Begin(Job job) {
  std::thread([way = way_, job = std::move(job)] {
    std::function<void()> answer = job();
    const std::lock_guard lock(way->mutex);
    if (way->loop != nullptr) way->loop->Post(std::move(answer));
  }).detach();
}

}  // namespace sekisho::agent
