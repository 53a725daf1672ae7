#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/time.h"
#include "bwe/packet_result.h"

namespace simpul::bwe {

// What probes found out: the rate at which the packets of one arrived, or a little less than that
// where they arrived more slowly than they were sent (the path is full then).
class ProbeResults {
 public:
  static constexpr size_t kProbesMax = 8;  // that are remembered; the oldest goes first

  // What the path loses by itself, and what is lost on it now.
  struct Losses {
    double own = 0;
    double present = 0;
  };

  // `bytes` and `packets` is how much the probe consists of.
  void on_planned(ProbeId probe, uint32_t bytes, uint32_t packets);
  // A rate when enough of the probe has arrived.
  std::optional<double> add(const PacketResult& received, const Losses& losses);

 private:
  struct Probe {
    ProbeId id;
    uint32_t planned_bytes = 0;
    uint32_t planned_packets = 0;
    uint32_t bytes = 0;
    uint32_t packets = 0;
    TimePoint first_sent = TimePoint::max();
    TimePoint last_sent = TimePoint::min();
    Duration first_arrived = Duration::max();
    Duration last_arrived = Duration::min();
    uint32_t last_sent_size = 0;
    uint32_t first_arrived_size = 0;
  };

  static std::optional<double> rate_of(const Probe& probe, const Losses& losses);

  std::array<Probe, kProbesMax> probes_{};
  size_t next_ = 0;
};

}  // namespace simpul::bwe
