#pragma once

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>

#include "base/time.h"
#include "bwe/packet_result.h"
#include "bwe/send_history.h"
#include "rtp/types.h"

namespace simpul::connection {

// The share of packets that the path to a receiver loses, over the last seconds, by what the
// receiver reports: of all but parity packets, whose number is decided by it. They leave together
// behind a burst, where a queue that is full drops first, and would ask for more of their kind.
class MediaLoss {
 public:
  static constexpr Duration kHalfLife = std::chrono::seconds(2);
  static constexpr double kPacketsMin = 50;  // that it has to know of
  // Parity packets that may still be reported on; older ones count as others.
  static constexpr size_t kParitiesMax = 1'024;

  void on_parity(rtp::SequenceNumber transport_sequence, TimePoint now);
  void on_results(std::span<const bwe::PacketResult> results, TimePoint now);

  double value() const { return packets_ < kPacketsMin ? 0 : lost_ / packets_; }

 private:
  struct Parity {
    uint16_t number = 0;
    TimePoint sent{};
  };
  void forget_first();

  double packets_ = 0;
  double lost_ = 0;
  TimePoint latest_{};
  std::deque<Parity> parities_;
  std::unique_ptr<std::bitset<UINT16_MAX + 1>> is_parity_;  // since there was one
};

}  // namespace simpul::connection
