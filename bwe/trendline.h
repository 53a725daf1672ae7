#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/time.h"
#include "bwe/packet_groups.h"

namespace simpul::bwe {

enum class PathUse : uint8_t { kNormal, kOver, kUnder };

// Says whether a queue grows on the path: a straight line is laid through the smoothed delays of
// the last groups of packets, and its slope is compared with a threshold that adapts to how
// restless the path is (Carlucci et al., Analysis and Design of the Google Congestion Control,
// MMSys 2016).
class Trendline {
 public:
  static constexpr size_t kWindow = 20;
  static constexpr double kThresholdMin = 6.0;  // all in ms
  static constexpr double kThresholdStart = 12.5;
  static constexpr double kThresholdMax = 600.0;

  void add(const GroupDelta& delta);
  PathUse use() const { return use_; }

 private:
  // In whole numbers, so that the sums of the window go on for ever without an error; they may
  // wrap, as only differences are looked at.
  struct Point {
    uint64_t time = 0;   // steps of a report (250 µs) since the first
    uint64_t delay = 0;  // µs, smoothed
  };
  struct Sums {
    uint64_t time = 0;
    uint64_t delay = 0;
    uint64_t time_squared = 0;
    uint64_t time_by_delay = 0;

    void add(const Point& point, uint64_t sign);
  };

  double slope() const;
  void judge(double trend, double sent_ms, Duration at);
  void adapt(double level, Duration at);

  std::array<Point, kWindow> points_{};
  Sums sums_;         // of the points
  size_t count_ = 0;  // of deltas that were added
  double accumulated_ = 0;
  double smoothed_ = 0;
  Duration first_at_{};
  double trend_ = 0;
  double threshold_ = kThresholdStart;
  Duration adapted_at_{};
  bool is_adapted_ = false;
  double over_for_ms_ = -1;
  int over_count_ = 0;
  PathUse use_ = PathUse::kNormal;
};

}  // namespace simpul::bwe
