#include "connection/paced_packets.h"

#include <algorithm>

#include "base/check.h"

namespace simpul::connection {

void PacedPackets::put(const rtp::OutgoingPacket& packet, TimePoint now) {
  SIMPUL_CHECK(packet.packet != nullptr && *packet.packet && packet.extensions != nullptr);
  if (gone_ >= kMax) {
    packets_.erase(packets_.begin(), packets_.begin() + static_cast<ptrdiff_t>(gone_));
    borrowed_.erase(borrowed_.begin(), borrowed_.begin() + static_cast<ptrdiff_t>(gone_));
    gone_ = 0;
  }
  packets_.push_back(packet);
  borrowed_.push_back({.packet = *packet.packet, .extensions = *packet.extensions, .came = now});
  bytes_ += size_of(packet);
}

std::span<const rtp::OutgoingPacket> PacedPackets::first(size_t bytes_max, TimePoint came_by) {
  size_t bytes = 0;
  size_t end = gone_;
  for (; end < packets_.size() && borrowed_[end].came <= came_by; ++end) {
    bytes += size_of(packets_[end]);
    if (bytes > bytes_max) break;
    packets_[end].packet = &borrowed_[end].packet;
    packets_[end].extensions = &borrowed_[end].extensions;
  }
  return std::span(packets_).subspan(gone_, end - gone_);
}

void PacedPackets::drop(size_t count) {
  for (; count > 0; --count, ++gone_) {
    bytes_ -= size_of(packets_[gone_]);
    borrowed_[gone_].packet.reset();
  }
}

bool PacedPackets::has_repair(const rtp::OutgoingPacket& repair) const {
  const auto waiting = std::span(packets_).subspan(gone_);
  return std::ranges::any_of(waiting, [&repair](const rtp::OutgoingPacket& one) {
    return one.ssrc == repair.ssrc && repaired_by(one) == repaired_by(repair);
  });
}

}  // namespace simpul::connection
