#pragma once

#include <cstddef>
#include <span>
#include <utility>
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
  // The first of them, no more than so many bytes, that came by then; until the next call.
  std::span<const rtp::OutgoingPacket> first(size_t bytes_max, TimePoint came_by = kNever);
  void drop(size_t count);
  // Drops those of one stream, of which `each` is told.
  template <typename Each>
  void drop_stream(rtp::Ssrc ssrc, Each each);

  // Which packet it sends again (RFC 4588 §4).
  static rtp::SequenceNumber repaired_by(const rtp::OutgoingPacket& repair) {
    return rtp::SequenceNumber(load_be16(std::span(repair.head).first<2>()));
  }
  // Whether the retransmission of that packet waits here.
  bool has_repair(const rtp::OutgoingPacket& repair) const;
  // When the first of them came; kNever when there is none.
  TimePoint first_came() const { return size() == 0 ? kNever : borrowed_[gone_].came; }
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

template <typename Each>
void PacedPackets::drop_stream(rtp::Ssrc ssrc, Each each) {
  size_t kept = gone_;
  for (size_t i = gone_; i < packets_.size(); ++i) {
    if (packets_[i].ssrc == ssrc) {
      bytes_ -= size_of(packets_[i]);
      each(packets_[i]);
      continue;
    }
    if (kept != i) {
      packets_[kept] = packets_[i];
      borrowed_[kept] = std::move(borrowed_[i]);
    }
    ++kept;
  }
  packets_.erase(packets_.begin() + static_cast<ptrdiff_t>(kept), packets_.end());
  borrowed_.erase(borrowed_.begin() + static_cast<ptrdiff_t>(kept), borrowed_.end());
}

}  // namespace simpul::connection
