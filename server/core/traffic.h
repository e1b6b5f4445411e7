// What agents brought since the start and what became of it, in numbers.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>

#include "common/result.h"

namespace sekisho::core {

inline constexpr size_t kCodeCount = 17;
// From a batch's arrival to its commit; upper bounds in seconds.
inline constexpr std::array kAckBounds = {
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1.0, 2.5, 10.0};

// Thread-safe; a reader may see one batch in one number and not yet in another.
class Traffic {
 public:
  struct Numbers {
    int64_t batches = 0;  // that came
    int64_t events = 0;   // that are committed
    // By code; of kOk none.
    std::array<int64_t, kCodeCount> refused_batches{};
    std::array<int64_t, kCodeCount> refused_streams{};
    // Committed batches, by the first bound that holds; the last has none.
    std::array<int64_t, kAckBounds.size() + 1> acks{};
    double ack_seconds = 0;
  };

  void Batch() { ++batches_; }
  void Committed(int64_t events, std::chrono::microseconds waited) {
    events_ += events;
    ack_microseconds_ += waited.count();
    const double seconds = static_cast<double>(waited.count()) / 1e6;
    size_t at = 0;
    while (at < kAckBounds.size() && seconds > kAckBounds[at]) ++at;
    ++acks_[at];
  }
  void RefusedBatch(Code code) { ++refused_batches_[IndexOf(code)]; }
  void RefusedStream(Code code) { ++refused_streams_[IndexOf(code)]; }

  Numbers Read() const {
    Numbers numbers;
    numbers.batches = batches_;
    numbers.events = events_;
    Copy(refused_batches_, numbers.refused_batches);
    Copy(refused_streams_, numbers.refused_streams);
    Copy(acks_, numbers.acks);
    numbers.ack_seconds = static_cast<double>(ack_microseconds_) / 1e6;
    return numbers;
  }

 private:
  using Count = std::atomic<int64_t>;

  static size_t IndexOf(Code code) {
    const auto index = static_cast<size_t>(code);
    return index < kCodeCount ? index : static_cast<size_t>(Code::kUnknown);
  }
  template <size_t kSize>
  static void Copy(const std::array<Count, kSize>& from,
                   std::array<int64_t, kSize>& to) {
    for (size_t i = 0; i < kSize; ++i) to[i] = from[i];
  }

  Count batches_ = 0, events_ = 0, ack_microseconds_ = 0;
  std::array<Count, kCodeCount> refused_batches_{}, refused_streams_{};
  std::array<Count, kAckBounds.size() + 1> acks_{};
};

}  // namespace sekisho::core
