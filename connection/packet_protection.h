#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "connection/media_config.h"
#include "connection/stream_protection.h"
#include "rtp/flexfec.h"
#include "rtp/media_packet.h"

namespace simpul::connection {

// Parity packets of one call, with the line of each. Kept between calls, so that little is
// allocated, and shared by all receivers of a thread.
struct Parities {
  std::vector<rtp::FlexfecParity> payloads;
  std::vector<uint16_t> lines;  // beside them; of PacketProtection
};

// The parity packets towards one receiver: of each line that agreed on FlexFEC (see
// StreamProtection), under its own SSRC and sequence numbers. Takes memory only while it is on.
class PacketProtection {
 public:
  explicit PacketProtection(const MediaConfig& config);

  bool is_possible() const { return !lines_.empty(); }
  // How many parity packets there are for each packet from now on; 0: none.
  void set_share(double share);
  bool is_on() const { return is_on_; }
  bool is_parity(rtp::Ssrc ssrc) const;

  // The packet leaves under this header, with so many bytes of padding.
  void add(const rtp::OutgoingPacket& packet, Bytes header, uint8_t padding, Parities& out);
  // Nothing more leaves at present.
  void end_burst(Parities& out);
  // The packet that carries a parity; borrows from `parities`.
  rtp::OutgoingPacket packet_of(const Parities& parities, size_t index);

 private:
  struct Line {
    rtp::Ssrc media;
    Flexfec flexfec;
    uint64_t next_index = 1;
    uint32_t timestamp = 0;  // of what was protected last
    uint32_t csrc = 0;
    bool is_touched = false;  // since the last end of a burst
    std::optional<StreamProtection> stream{};
  };

  std::vector<Line> lines_;
  bool is_on_ = false;
};

}  // namespace simpul::connection
