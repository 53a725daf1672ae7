#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/time.h"

namespace simpul::relay {

// Decides how many earlier frames the sound towards one receiver repeats, from the loss that its
// receiver reports tell (RFC 3550 §6.4.1) and from what its path carries. A lie costs the liar's
// own path a multiple of its sound, and no more than a share of what it says to carry.
class RedundancyChoice {
 public:
  // Shares of packets lost, smoothed: from the first on it begins, below the second it ends.
  static constexpr double kBegin = 0.02;
  static constexpr double kEnd = 0.005;
  static constexpr double kSecondBegin = 0.08;
  static constexpr double kSecondEnd = 0.04;
  // A report counts by the packets that it is about, half as much after so long.
  static constexpr Duration kHalfLife = std::chrono::seconds(4);
  static constexpr double kPacketsMin = 50;  // that it has to know of
  // Where the path's rate is known, sound takes one part of so many of it at most.
  static constexpr uint64_t kPathShare = 2;

  struct Report {
    double loss = 0;       // of the packets, 0 to 1
    uint32_t packets = 0;  // sent since the last one
  };
  // True when it has changed.
  bool on_report(const Report& report, TimePoint now);
  // What the sound takes with that many frames repeated, and what the path carries. True when it
  // has changed.
  struct Rates {
    uint64_t sound_bps = 0;    // of payloads that repeat nothing
    uint64_t headers_bps = 0;  // and all else that goes with them
    std::optional<uint64_t> path_bps{};
  };
  bool set_rates(const Rates& rates);

  size_t frames() const { return frames_; }
  double loss() const { return packets_ > 0 ? lost_ / packets_ : 0; }

 private:
  size_t wanted() const;
  bool fits(size_t frames) const;
  bool choose();

  double packets_ = 0;
  double lost_ = 0;
  TimePoint latest_{};
  Rates rates_;
  size_t wanted_ = 0;  // by the loss alone
  size_t frames_ = 0;
};

}  // namespace simpul::relay
