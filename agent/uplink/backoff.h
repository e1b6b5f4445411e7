// How long to wait before the next attempt: the first retry is quick, then each
// wait doubles up to a limit, and each is spread at random, so that a fleet
// does not come back as one.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace sekisho::uplink {

struct BackoffLimits {
  std::chrono::milliseconds quick{200};
  std::chrono::milliseconds first{1'000};
  // While nobody answers: a cable may be back at any moment.
  std::chrono::milliseconds unanswered{15'000};
  // After the server said no.
  std::chrono::milliseconds longest{60'000};
};

class Backoff {
 public:
  explicit Backoff(BackoffLimits limits) : limits_(limits) {}

  // `random`: any number, all of its bits used. Between half and the whole of
  // the current step.
  std::chrono::milliseconds Next(uint64_t random) {
    const auto cap = refused_ ? limits_.longest : limits_.unanswered;
    const auto grown =
        attempts_ == 0
            ? limits_.quick
            : limits_.first * (int64_t{1} << std::min(attempts_ - 1, 20));
    const auto step = std::min<std::chrono::milliseconds>(grown, cap);
    ++attempts_;
    const auto half = step / 2;
    return half + std::chrono::milliseconds(static_cast<int64_t>(
                      random % static_cast<uint64_t>(half.count() + 1)));
  }
  // It worked, or something says that it may work now.
  void Reset() { attempts_ = 0; }
  void SetLimits(const BackoffLimits& limits) { limits_ = limits; }
  void Refused() {
    refused_ = true;
    attempts_ = 20;
  }
  void Unanswered() { refused_ = false; }

 private:
  BackoffLimits limits_;
  int attempts_ = 0;
  bool refused_ = false;
};

}  // namespace sekisho::uplink
