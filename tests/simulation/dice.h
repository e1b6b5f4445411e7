// Chance from a fixed seed: the same month on every machine.
#pragma once

#include <cmath>
#include <cstdint>

namespace sekisho::simulation {

class Dice {
 public:
  explicit Dice(uint64_t seed) : state_(seed * 2 + 1) {}

  // Both ends included.
  int64_t Roll(int64_t from, int64_t to) {
    return from +
           static_cast<int64_t>(Next() % static_cast<uint64_t>(to - from + 1));
  }
  bool Chance(double share) { return Unit() < share; }
  // How many of a thing that happens `mean` times; at most 4 times that.
  int Count(double mean) {
    int count = 0;
    const double least = std::exp(-mean);
    for (double left = Unit(); left > least && count < 4 * mean + 4; ++count) {
      left *= Unit();
    }
    return count;
  }

 private:
  // splitmix64
  uint64_t Next() {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
  }
  double Unit() { return static_cast<double>(Next() >> 11) * 0x1.0p-53; }

  uint64_t state_;
};

}  // namespace sekisho::simulation
