// Takes one request apart, finds who carries it out and answers it. Requests
// that may wait for a verdict leave the reading thread with a copy of what
// they need.
#pragma once

#include <atomic>
#include <functional>
#include <span>
#include <string>

#include "agent/gate/filesystem.h"
#include "agent/gate/fuse_device.h"
#include "agent/gate/worker_pool.h"

namespace sekisho::gate {

class Dispatcher {
 public:
  // None owned. `asking` is for opens, which must not queue behind verdicts. So
  // many of the `readers` that call Handle() may wait themselves that one is
  // always left to read.
  Dispatcher(FuseChannel* channel, Filesystem* filesystem, WorkerPool* asking,
             WorkerPool* verdicts, int readers = 1)
      : channel_(channel),
        filesystem_(filesystem),
        asking_(asking),
        verdicts_(verdicts),
        may_wait_(readers - 1) {}

  // `buffer` starts with the request and is overwritten with what is read.
  // Thread-safe, one buffer a thread.
  void Handle(std::span<std::byte> buffer, size_t request_bytes);

 private:
  struct Request;  // a view of the buffer

  // What may wait: here while other readers are left, else on the pool.
  void Run(WorkerPool& pool, WorkerPool::Job job);
  // false: no reader would be left.
  bool RunHere(WorkerPool& pool, const WorkerPool::Job& job);
  void Init(const Request& request);
  void SetAttr(const Request& request);
  void Create(const Request& request);
  void Open(const Request& request);
  void MakeDirectory(const Request& request);
  void Symlink(const Request& request);
  void Rename(const Request& request, size_t head_bytes);
  void Read(const Request& request, std::span<std::byte> buffer);
  void Write(const Request& request);
  void Flush(const Request& request);
  void Fsync(const Request& request);
  void ReadDirectory(const Request& request, Filesystem::Entries entries);
  void BatchForget(const Request& request);
  // A value whose size may be asked first, with room 0.
  void Xattr(const Request& request, const ErrnoOr<std::string>& value);

  void Answer(uint64_t unique, const ErrnoStatus& status);
  template <typename T>
  void Answer(uint64_t unique, const ErrnoOr<T>& value);

  FuseChannel* const channel_;
  Filesystem* const filesystem_;
  WorkerPool* const asking_;
  WorkerPool* const verdicts_;
  std::atomic<int> may_wait_;  // readers
};

}  // namespace sekisho::gate
