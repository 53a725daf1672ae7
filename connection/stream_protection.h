#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "rtp/flexfec.h"
#include "rtp/types.h"

namespace simpul::connection {

// Decides which packets of one video stream are a block of FlexFEC, and how many parity packets it
// gets: a share of its packets. A block ends where it has earned enough of them that a run of
// losses comes back, after a while with fewer, and when it spans all that it can. Times are those
// of the media, in RTP's ticks.
class StreamProtection {
 public:
  static constexpr size_t kRowsAimed = 3;
  static constexpr uint32_t kWaitMax = 60 * 90;  // 60 ms

  explicit StreamProtection(rtp::Ssrc source)
      : encoder_(std::make_unique<rtp::FlexfecEncoder>(source)) {}

  // How many parity packets there are for each packet from now on.
  void set_share(double share) { share_ = share; }
  void add(const rtp::ProtectedPacket& packet, uint32_t timestamp,
           std::vector<rtp::FlexfecParity>& out);
  // Nothing more leaves at present.
  void end_burst(std::vector<rtp::FlexfecParity>& out);

 private:
  void finish(std::vector<rtp::FlexfecParity>& out);

  std::unique_ptr<rtp::FlexfecEncoder> encoder_;  // large
  double share_ = 0;
  double earned_ = 0;  // parity packets
  uint32_t began_ = 0;
  uint32_t latest_ = 0;
};

}  // namespace simpul::connection
