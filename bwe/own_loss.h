#pragma once

#include <array>
#include <cstddef>
#include <optional>

namespace simpul::bwe {

// What a path loses by itself, however little is sent: that which was lost while far less arrived
// than did at other times not long before or after, for want of bandwidth was no cause then.
// Nothing until that was seen.
class OwnLoss {
 public:
  // Of what arrived at most lately.
  static constexpr double kLittle = 0.8;
  static constexpr double kPacketsNeeded = 40;
  // Where more than this is lost the path is not worth using, whatever it is that loses it.
  static constexpr double kMax = 0.5;
  // What arrived at most is forgotten after one to two times so many observations in which as much
  // was sent as might be: others say nothing of what could arrive.
  static constexpr size_t kMemory = 40;

  // What became of some packets, the rate at which those of them arrived that did, and that rate
  // over a longer time.
  struct Observation {
    double packets = 0;
    double lost = 0;
    double received_bps = 0;
    double arriving_bps = 0;
    bool is_application_limited = false;
  };
  void add(const Observation& observation);
  // No more than this is lost now.
  void limit(double loss);

  std::optional<double> value() const;

 private:
  // Of the packets that came at about one rate; the older, the less they count.
  struct Rate {
    double packets = 0;
    double lost = 0;
  };
  static constexpr size_t kRates = 48;
  static constexpr double kFirst = 32'000;  // bit/s
  static constexpr double kStep = 1.16;

  static size_t rate_of(double bps);

  std::array<Rate, kRates> rates_{};
  double former_bps_ = 0;  // that arrived at most, in the generation before
  double current_bps_ = 0;
  size_t observed_ = 0;  // of this generation
  Rate sum_{};           // of those that count
};

}  // namespace simpul::bwe
