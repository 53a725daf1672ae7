#pragma once

#include <optional>

#include "base/time.h"

namespace simpul::bwe {

// What a receiver that reports on no packet says of its path (draft-alvestrand-rmcat-remb-03). It
// makes that of what arrives: its estimate begins there, grows by 8 % a second to half as much
// again, and falls only where packets had to wait. So it is no limit before it has fallen; and as a
// smaller layer leaves too little for it to grow to the next one, padding fills it up: never to
// more than the receiver says, nor than the next layer needs.
class ReceiverEstimate {
 public:
  // A fallen one limits for so long at least: longer than a layer that did not fit is held back.
  static constexpr Duration kNarrowFor = std::chrono::seconds(150);
  // Packets that left so long after it say that the receiver has fallen silent.
  static constexpr Duration kAge = std::chrono::seconds(5);
  static constexpr Duration kStep = std::chrono::milliseconds(500);
  static constexpr Duration kBurstFor = std::chrono::seconds(10);
  static constexpr Duration kAfterFall = std::chrono::seconds(3);
  // Filling that found the path full, or nothing, is tried again after that, twice as long each
  // time.
  static constexpr Duration kHoldMin = std::chrono::seconds(10);
  static constexpr Duration kHoldMax = std::chrono::seconds(30);
  // A layer that the estimate allows comes so much later at most. Until then padding stays in its
  // place, so that its first frames are not taken for a path that has become narrow.
  static constexpr Duration kUntilItCame = std::chrono::milliseconds(3'500);
  static constexpr Duration kFillMax = std::chrono::seconds(30);

  // Of packets that it goes by.
  void on_sent(size_t bytes, TimePoint now);
  void on_estimate(double bps, TimePoint now);
  // The rate that would be of use, with the next layer.
  void set_wanted(double bps) { wanted_bps_ = bps; }

  double bps() const { return bps_.value_or(0); }
  bool is_limit(TimePoint now) const {
    return bps_ && last_sent_ - at_ <= kAge &&
           ((fallen_at_ && now - *fallen_at_ <= kNarrowFor) || wanted_bps_ > *bps_ ||
            filling_since_);
  }
  // When fill() has something to say.
  TimePoint next_look() const { return next_look_; }
  // The rate that is to leave until the next look, with padding; nothing: no padding.
  std::optional<double> fill(TimePoint now);

 private:
  // What left in each of two whole seconds, the lesser.
  double sent_bps() const;
  void take_burst(double bps, TimePoint now);
  void hold_back(TimePoint now);

  std::optional<double> bps_;
  TimePoint at_{};
  std::optional<TimePoint> fallen_at_;
  std::optional<TimePoint> burst_at_;  // it fell, and was not believed
  double wanted_bps_ = 0;
  TimePoint last_sent_{};
  TimePoint second_began_{};
  double second_bits_ = 0;
  double last_bits_ = 0;  // of the seconds before
  double former_bits_ = 0;
  std::optional<TimePoint> filling_since_;
  TimePoint fill_until_{};
  double goal_bps_ = 0;
  TimePoint held_until_{};
  Duration hold_ = kHoldMin;
  TimePoint next_look_ = kNever;
};

}  // namespace simpul::bwe
