// What the gate does to the medium, for whoever compares it with what the
// kernel counts. Thread-safe; each thing is counted before it is done.
#pragma once

#include <atomic>
#include <cstdint>

#include "agent/ipc/messages.h"

namespace sekisho::gate {

// The longest name takes 21 records of 32 bytes in a FAT directory, 19 in an
// exFAT one, and less in ext4.
inline constexpr int64_t kLongestEntryBytes = int64_t{22} * 32;

class MediumCounts {
 public:
  void SetCluster(int64_t bytes) { cluster_bytes_ = bytes; }
  int64_t cluster_bytes() const { return cluster_bytes_; }

  void Wrote(int64_t bytes) { written_bytes_ += bytes; }
  void Changed() { ++changes_; }
  void Grew(int64_t bytes) { directory_bytes_ += bytes; }
  void Freed(int64_t bytes) { freed_bytes_ += bytes; }

  ipc::GateCounts Now() const {
    return {.written_bytes = written_bytes_.load(),
            .changes = changes_.load(),
            .directory_bytes = directory_bytes_.load(),
            .freed_bytes = freed_bytes_.load(),
            .cluster_bytes = cluster_bytes_.load()};
  }

 private:
  std::atomic<int64_t> written_bytes_{0};
  std::atomic<int64_t> changes_{0};
  std::atomic<int64_t> directory_bytes_{0};
  std::atomic<int64_t> freed_bytes_{0};
  std::atomic<int64_t> cluster_bytes_{0};
};

}  // namespace sekisho::gate
