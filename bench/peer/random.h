#pragma once

#include <cstdint>

namespace simpul::peer {

// Numbers that a seed decides, the same on every standard library (SplitMix64).
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}

  uint64_t next() {
    state_ += 0x9e3779b97f4a7c15;
    uint64_t mixed = state_;
    mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9;
    mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111eb;
    return mixed ^ mixed >> 31;
  }
  // From 0, below 1.
  double share() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }
  double between(double least, double most) { return least + (most - least) * share(); }

 private:
  uint64_t state_;
};

}  // namespace simpul::peer
