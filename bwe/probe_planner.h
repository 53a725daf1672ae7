#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/time.h"
#include "bwe/packet_result.h"

namespace simpul::bwe {

// A wish to send at a rate above the present one until so much has been sent: all that leaves in
// that time belongs to the probe, and packets sent again or padding make up the rest. Probes that
// are wished for together are sent one after the other.
struct Probe {
  ProbeId id;
  double bps = 0;
  uint32_t bytes = 0;
  uint32_t packets = 0;

  friend bool operator==(const Probe&, const Probe&) = default;
};

// Decides when to find out by a probe whether the path carries more: at the start, where less is
// sent than could be because there is no layer in between, and some time after a sudden drop. Never
// for more than somebody could use, and rarer each time that nothing came of it.
class ProbePlanner {
 public:
  static constexpr uint32_t kPackets = 5;
  static constexpr uint32_t kBytesMin = 3'000;
  static constexpr Duration kLength = std::chrono::milliseconds(15);
  static constexpr double kBpsMax = 5'000'000.0;
  static constexpr Duration kIntervalMin = std::chrono::seconds(3);
  static constexpr Duration kIntervalMax = std::chrono::seconds(5);
  static constexpr Duration kAnswerMax = std::chrono::seconds(1);

  // What could be used if the path carried it: the next layer up, or no more than now. No probe
  // aims much higher. A source that is never told of takes whatever the estimate is.
  void set_wanted(double bps) { wanted_bps_ = bps; }
  bool has_started() const { return has_started_; }
  bool has_wanted() const { return wanted_bps_.has_value(); }

  // At the beginning, with the rate that is assumed.
  void start(double bps, TimePoint now, std::vector<Probe>& probes);
  // The estimate changed; `by_probe` when a probe's result did it.
  void on_estimate(double bps, bool by_probe, TimePoint now, std::vector<Probe>& probes);
  void on_drop(double former_bps, TimePoint now);
  // Less is being sent than the estimate allows, or no longer.
  void set_application_limited(bool limited) { is_application_limited_ = limited; }
  void advance(TimePoint now, std::vector<Probe>& probes);
  // Instead of advance(): nobody would tell what comes of it.
  void postpone(TimePoint now);
  TimePoint next_deadline() const;

 private:
  void add(double bps, TimePoint now, std::vector<Probe>& probes);

  std::optional<double> wanted_bps_;
  double estimate_bps_ = 0;
  bool is_application_limited_ = false;
  bool has_started_ = false;
  uint8_t last_id_ = 0;
  // Above this result the last probe is followed by another at twice the rate.
  std::optional<double> further_above_bps_;
  TimePoint answer_until_{};
  TimePoint next_at_ = kNever;
  Duration interval_ = kIntervalMin;
  double probed_from_bps_ = 0;  // the estimate when the last probe was sent
  std::optional<double> dropped_from_bps_;
  TimePoint dropped_at_{};
};

}  // namespace simpul::bwe
