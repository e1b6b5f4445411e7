// A few threads that may wait, so that those that read requests never do.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace sekisho::gate {

class WorkerPool {
 public:
  using Job = std::function<void()>;

  explicit WorkerPool(size_t thread_count);
  ~WorkerPool();  // finishes what was posted
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  void Post(Job job);
  // On the calling thread, at once: two changes of threads less.
  void RunHere(const Job& job);
  // Until nothing is queued or running. Jobs may post more.
  void Drain();

 private:
  void Work();

  std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable idle_;
  std::deque<Job> jobs_;  // guarded by mutex_
  size_t running_ = 0;    // guarded by mutex_
  bool stop_ = false;     // guarded by mutex_
  std::vector<std::thread> threads_;
};

}  // namespace sekisho::gate
