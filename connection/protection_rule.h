#pragma once

#include "base/time.h"

namespace simpul::connection {

// Decides how many parity packets (FlexFEC) a receiver gets for each packet of video. They pay
// where a retransmission comes too late to be shown, or a second one does and many are needed, by
// the table of docs/congestion.md; elsewhere there are none. They are spent only where what the
// path carries leaves room beside the media, and never while packets wait in its queue, for then
// the loss is likely their own. A pure function of the path and of what was decided before.
class ProtectionRule {
 public:
  // From here on receivers no longer wait for a first retransmission, and for a second.
  static constexpr Duration kFirstIsLate = std::chrono::milliseconds(200);
  static constexpr Duration kSecondIsLate = std::chrono::milliseconds(80);
  static constexpr double kLossThen = 0.01;
  static constexpr double kLossWithSecond = 0.04;
  // What was decided stays until round trip or loss is under this share of what made it so.
  static constexpr double kStays = 0.7;
  static constexpr Duration kQueueMax = std::chrono::milliseconds(100);
  static constexpr double kShareMax = 1.0 / 3;

  struct Path {
    Duration round_trip{};  // with an empty queue
    Duration queue_delay{};
    double loss = 0;          // 0 to 1, of the media alone
    double carried_bps = 0;   // 0: not known
    double arriving_bps = 0;  // parity packets included; 0: not known
  };
  void update(const Path& path);

  // Parity packets for each packet: what is spent now, and what layers have to leave free for.
  double share() const { return share_; }
  double reserved() const { return wanted_; }

 private:
  static double share_for(double loss);
  bool pays(const Path& path) const;

  double wanted_ = 0;
  double share_ = 0;
};

}  // namespace simpul::connection
