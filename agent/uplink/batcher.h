// Events between sekishod and the stream: batches within the server's limits,
// a window of what is not yet acknowledged, and nothing else.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "common/result.h"
#include "sekisho/event/v1/event_service.pb.h"

namespace sekisho::uplink {

// The server's limits (event_service.proto).
inline constexpr int kMaxBatchRecords = 500;
inline constexpr size_t kMaxBatchBytes = size_t{512} * 1024;
// Ours: what may be here at once, queued or on its way.
inline constexpr size_t kWindowRecords = 1'000;
inline constexpr size_t kWindowBytes = size_t{1} << 20;

class Batcher {
 public:
  // One record as it came. kInvalidArgument: not an EventRecord.
  Status Add(std::string_view record);
  // Room for more; when not, reading from sekishod stops.
  bool HasRoom() const {
    return queue_.size() + on_way_.size() < kWindowRecords &&
           bytes_ < kWindowBytes;
  }
  bool HasBatch() const { return !queue_.empty(); }
  // The next batch; it stays in the window until it is acknowledged.
  event::v1::EventBatch TakeBatch();
  // Committed up to and including.
  void Ack(int32_t epoch, int64_t sequence);
  bool AwaitsAck() const { return !on_way_.empty(); }
  // Forgets everything: sekishod will be asked again.
  void Clear();

 private:
  struct OnWay {
    int32_t epoch = 0;
    int64_t sequence = 0;
    size_t bytes = 0;
  };
  struct Queued {
    event::v1::EventRecord record;
    size_t bytes = 0;
  };
  std::deque<Queued> queue_;
  std::deque<OnWay> on_way_;
  size_t bytes_ = 0;  // of both
};

}  // namespace sekisho::uplink
