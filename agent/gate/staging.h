// Where content waits for its verdict: a small file in memory, a larger one in
// an unlinked file of the staging directory. Nothing staged survives the gate.
// Bounded: every byte is taken from one budget, also by copies.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "agent/gate/errno_or.h"
#include "common/bytes.h"
#include "common/result.h"
#include "common/unique_fd.h"

namespace sekisho::gate {

inline constexpr int64_t kMemoryFileBytes = int64_t{1} << 20;
// All files held in memory together; beyond it small files go to disk too.
inline constexpr int64_t kMemoryTotalBytes = int64_t{8} << 20;

struct StagingLimits {
  int64_t total_bytes = 0;
  int64_t file_bytes = 0;
};

class StagedFile;

// Thread-safe. Outlives its files.
class StagingArea {
 public:
  // `directory` must be on a filesystem with O_TMPFILE. Needs /proc/self/fd.
  static Result<std::unique_ptr<StagingArea>> Open(const std::string& directory,
                                                   StagingLimits limits);
  ErrnoOr<std::unique_ptr<StagedFile>> NewFile();

  int64_t used_bytes() const { return used_.load(); }
  const StagingLimits& limits() const { return limits_; }

 private:
  friend class StagedFile;
  StagingArea(UniqueFd directory, UniqueFd self_fds, StagingLimits limits)
      : directory_(std::move(directory)),
        self_fds_(std::move(self_fds)),
        limits_(limits) {}

  bool Take(int64_t bytes);  // false: over the bound
  bool TakeMemory(int64_t bytes);
  void GiveBack(int64_t bytes) { used_.fetch_sub(bytes); }
  void GiveBackMemory(int64_t bytes) { memory_.fetch_sub(bytes); }

  const UniqueFd directory_;
  const UniqueFd self_fds_;  // /proc/self/fd, to open a second, weaker fd
  const StagingLimits limits_;
  std::atomic<int64_t> used_{0};
  std::atomic<int64_t> memory_{0};
};

// One content. Writers are serialised by the caller; Read() and size() may run
// beside one writer.
class StagedFile {
 public:
  ~StagedFile();
  StagedFile(const StagedFile&) = delete;
  StagedFile& operator=(const StagedFile&) = delete;

  int64_t size() const { return size_.load(); }
  // Bytes before this were given away by Discard(), and read as zeros.
  int64_t start() const { return start_.load(); }
  int fd() const { return current_fd_.load(); }

  // EFBIG over the file's bound, ENOSPC over the area's. All or nothing.
  ErrnoStatus Write(ByteSpan bytes, int64_t offset);
  ErrnoStatus Truncate(int64_t size);
  // Fewer than asked only at the end.
  ErrnoOr<size_t> Read(std::span<std::byte> out, int64_t offset) const;
  // For the scan worker: cannot be written through.
  ErrnoOr<UniqueFd> OpenReadOnly() const;
  // A copy of its own, paid from the same budget. Without what was discarded.
  ErrnoOr<std::unique_ptr<StagedFile>> Clone() const;
  // The bytes before `end` are kept elsewhere now: gives back their room.
  void Discard(int64_t end);
  // Takes the discarded bytes back, from the same offsets of `from`.
  ErrnoStatus Restore(int from);
  // From now on it may hold this much in memory.
  void HoldInMemory(int64_t bytes) { memory_bytes_ = bytes; }

 private:
  friend class StagingArea;
  explicit StagedFile(StagingArea* area) : area_(area) {}

  ErrnoStatus Reserve(int64_t size);
  ErrnoStatus MoveToDisk();

  StagingArea* const area_;
  // Where the content is changes when the file moves to disk; Read() may still
  // be using the memory's number, so both stay open.
  UniqueFd memory_fd_;
  UniqueFd disk_fd_;
  std::atomic<int> current_fd_{-1};
  bool in_memory_ = false;
  int64_t memory_bytes_ = kMemoryFileBytes;
  int64_t taken_ = 0;  // of the budget, for what is behind start_
  std::atomic<int64_t> size_{0};
  std::atomic<int64_t> start_{0};
};

// Copies `size` bytes, keeping holes. `to` is empty before.
ErrnoStatus CopyContent(int from, int to, int64_t size);
// Fewer than asked only at the end.
ErrnoOr<size_t> ReadAt(int fd, std::span<std::byte> out, int64_t offset);
// Copies [start, end), which lies at the same offsets in both.
ErrnoStatus CopyRange(int from, int to, int64_t start, int64_t end);

}  // namespace sekisho::gate
