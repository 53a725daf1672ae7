#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <utility>

#include "base/time.h"

namespace simpul::congestion {

// A receiver that reports on no packet and estimates its path itself, by the times at which packets
// left and arrived, as aiortc 1.4 does (and libwebrtc did in 2016): groups of packets, a Kalman
// filter of how their delay grows, a threshold that adapts, and a rate that grows by 8 % a second
// or, near the last maximum, by a packet each response time.
class RembReceiver {
 public:
  // What it says, where it says something.
  std::optional<double> on_packet(Duration sent_at, Duration arrived_at, size_t size);

 private:
  enum class Use { kNormal, kUnder, kOver };
  struct Group {
    double first_sent = 0;  // milliseconds
    double last_sent = 0;
    double arrived = 0;
    double size = 0;
  };

  void add_to_groups(double sent, double arrived, double size);
  void filter(double arrival_delta, double sent_delta, double size_delta);
  void detect(double sent_delta, double now);
  std::optional<double> throughput(double now);
  std::optional<double> update(std::optional<double> throughput, double now);
  double grown(double now) const;

  std::deque<std::pair<double, double>> arrived_;  // of the last second: when, bits
  double first_arrived_ = -1;
  std::optional<Group> group_;
  std::optional<Group> former_;
  // The filter.
  double covariance_[2][2] = {{100, 0}, {0, 0.1}};
  double slope_ = 1.0 / 64;
  double offset_ = 0;
  double former_offset_ = 0;
  double noise_mean_ = 0;
  double noise_ = 50;
  int deltas_ = 0;
  // The detector.
  Use use_ = Use::kNormal;
  double threshold_ = 12.5;
  double threshold_at_ = -1;
  double over_for_ = -1;
  int over_times_ = 0;
  double detected_offset_ = 0;
  // The rate.
  enum class State { kHold, kIncrease } state_ = State::kHold;
  double rate_ = 30e6;
  bool has_begun_ = false;
  double measured_from_ = -1;
  double measured_ = 30e6;
  std::optional<double> maximum_kbps_;
  double maximum_variance_ = 0.4;
  bool is_near_maximum_ = false;
  double changed_at_ = -1;
  double said_at_ = -1;
};

}  // namespace simpul::congestion
