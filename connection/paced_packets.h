#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "base/packet.h"
#include "base/time.h"
#include "rtp/media_packet.h"

namespace simpul::connection {

// Packets that wait until they may leave, in their order, together with what they borrow: so that
// whoever made them need not keep it.
class PacedPackets {
 public:
  // The caller lets go of all when there are more.
  static constexpr size_t kMax = 1'024;
  // Bytes of these at once, so that the caller has room for them.
  static constexpr size_t kForcedMax = 512 * 1024;

  void put(const rtp::OutgoingPacket& packet, TimePoint now);
  // The first of them, no more than so many bytes; until the next call.
  std::span<const rtp::OutgoingPacket> first(size_t bytes_max);
  void drop(size_t count);
  // Drops what came before that, and says how many packets it was.
  size_t drop_before(TimePoint time);

  // Whether the retransmission of that packet waits here.
  bool has_repair(const rtp::OutgoingPacket& repair) const;
  size_t size() const { return packets_.size() - gone_; }
  size_t bytes() const { return bytes_; }

 private:
  // What the headers and the tag take beside the payload.
  static constexpr size_t kOverhead = 40;
  struct Borrowed {
    PacketRef packet;
    rtp::PassedExtensions extensions;
    TimePoint came;
  };
  static size_t size_of(const rtp::OutgoingPacket& packet) {
    return packet.payload_size() + kOverhead;
  }

  std::vector<rtp::OutgoingPacket> packets_;
  std::vector<Borrowed> borrowed_;  // beside them
  size_t gone_ = 0;                 // of both, from the front
  size_t bytes_ = 0;
};

}  // namespace simpul::connection
