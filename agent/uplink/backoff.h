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
  std::chrono::milliseconds longest{60'000};
};

class Backoff {
 public:
  explicit Backoff(BackoffLimits limits) : limits_(limits) {}

  // `random`: any number, all of its bits used. Between half and the whole of
  // the current step.
  std::chrono::milliseconds Next(uint64_t random) {
    const auto step =
        attempts_ == 0
            ? std::min(limits_.quick, limits_.longest)
            : std::min(
                  limits_.first * (int64_t{1} << std::min(attempts_ - 1, 20)),
                  limits_.longest);
    ++attempts_;
    const auto half = step / 2;
    return half + std::chrono::milliseconds(static_cast<int64_t>(
                      random % static_cast<uint64_t>(half.count() + 1)));
  }
  // It worked, or something says that it may work now.
  void Reset() { attempts_ = 0; }
  void SetLimits(const BackoffLimits& limits) { limits_ = limits; }
  // The server said no: no hurry.
  void SlowDown() { attempts_ = 20; }

 private:
  BackoffLimits limits_;
  int attempts_ = 0;
};

}  // namespace sekisho::uplink
