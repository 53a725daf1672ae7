#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/time.h"
#include "bwe/own_loss.h"
#include "bwe/packet_result.h"

namespace simpul::bwe {

// What the losses of the last seconds allow. A path is taken to lose a share of all packets by
// itself (inherent loss), and everything above its bandwidth. Of a few bandwidths around the
// present one that is chosen under which the observed losses are most likely, with a slight
// preference for more; so random loss does not lower the rate, and loss that grows with the rate
// does (libwebrtc's loss-based estimation, second version). How much a path may lose by itself is
// assumed, and known where less was sent than it carries.
class LossEstimator {
 public:
  static constexpr Duration kObservation = std::chrono::milliseconds(250);
  static constexpr size_t kObservations = 15;
  static constexpr size_t kObservationsNeeded = 3;
  static constexpr Duration kHoldMin = std::chrono::milliseconds(300);
  static constexpr Duration kHoldMax = std::chrono::seconds(60);

  // What one report said, and the rate that was aimed at meanwhile.
  void add(std::span<const PacketResult> results);
  // After add(): chooses anew when an observation was completed. What arrives says nothing of how
  // much could where the sender had no more to send.
  struct Rates {
    double delay_bps = 0;
    std::optional<double> acknowledged_bps = {};
    bool is_application_limited = false;
  };
  void update(const Rates& rates, TimePoint now);
  // A probe showed that the path carries it.
  void on_probe(double bps);

  // Nothing until there is enough to go by, or while loss is no limit.
  std::optional<double> limit_bps() const { return limit_bps_; }
  double average_loss() const { return average_loss_; }
  // What the path loses by itself, as far as that is known.
  double own_loss() const { return own_loss_.value().value_or(0); }

 private:
  struct Observation {
    double sent_bytes = 0;
    double lost_bytes = 0;
    double packets = 0;
    double lost_packets = 0;
    double sent_bps = 0;
    uint64_t number = 0;
  };
  struct Channel {
    double bps = 0;
    double inherent_loss = 0.01;
  };

  void take_late(const PacketResult& result);
  bool complete_observation();
  double loss_of(const Channel& channel, double sent_bps) const;
  double inherent_loss_max(double bps) const;
  void improve(Channel& channel) const;
  double likelihood(const Channel& channel) const;
  double preference(double bps) const;
  Channel choose(const Rates& rates) const;
  double instant_limit_bps() const;
  double allowed_loss() const;
  void measure_loss();
  void measure_own_loss(const Rates& rates);
  bool is_own_loss() const;
  double weight_of(const Observation& observation) const;
  void limit_growth(Channel& best, const Rates& rates, TimePoint now) const;
  void set_limit(double bps, const Rates& rates, TimePoint now);
  void begin_window(TimePoint now);
  std::span<const Observation> observations() const;
  const Observation& newest_observation() const {
    return observations_[(observed_ - 1) % kObservations];
  }

  std::vector<Observation> observations_;  // kObservations, from the first on
  uint64_t observed_ = 0;
  // The observation that is being made.
  Observation partial_;
  std::optional<TimePoint> partial_first_sent_;
  TimePoint partial_last_sent_;

  std::optional<Channel> channel_;
  std::optional<double> limit_bps_;
  OwnLoss own_loss_;
  double average_loss_ = 0;
  double certain_loss_ = 0;  // the least and the most that it may be, with so few packets
  double possible_loss_ = 1;
  // Whether loss is the limit, and what the limit did last.
  enum class State : uint8_t { kNone, kFalling, kRising };
  State state_ = State::kNone;
  // When it has begun to fall it does not rise above this for a while, longer each time that it
  // does so again before loss was no limit any more.
  TimePoint hold_until_{};
  Duration hold_ = kHoldMin;
  double hold_bps_ = 0;
  // Growth within a window is limited.
  TimePoint window_began_{};
  double window_bps_ = 0;
};

}  // namespace simpul::bwe
