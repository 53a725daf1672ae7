#include "net/frame_reader.h"

#include <algorithm>
#include <utility>

namespace simpul::net {

Bytes FrameReader::read(Bytes input, PacketPool& pool, std::vector<PacketRef>& packets,
                        FrameStatistics& statistics, size_t packets_max) {
  const size_t before = packets.size();
  while (packets.size() - before < packets_max) {
    if (body_left_ == 0) input = skip_runts(input, statistics);
    if (input.empty()) break;
    input = body_left_ == 0 ? take_header(input, pool, statistics)
                            : take_body(input, packets, statistics);
  }
  return input;
}

// Those that are there whole, which would otherwise cost their sender less than us.
Bytes FrameReader::skip_runts(Bytes input, FrameStatistics& statistics) const {
  while (header_size_ == 0 && input.size() >= kFrameHeaderSize) {
    const size_t size = load_be16(input.first<kFrameHeaderSize>());
    if (size >= kFrameSizeMin || input.size() < kFrameHeaderSize + size) break;
    if (size > 0) ++statistics.dropped_runt;
    input = input.subspan(kFrameHeaderSize + size);
  }
  return input;
}

Bytes FrameReader::take_header(Bytes input, PacketPool& pool, FrameStatistics& statistics) {
  header_[header_size_++] = input.front();
  input = input.subspan(1);
  if (header_size_ < kFrameHeaderSize) return input;
  header_size_ = 0;
  body_left_ = load_be16(header_);
  if (body_left_ == 0) return input;
  if (body_left_ > kPacketCapacity) {
    ++statistics.dropped_too_large;
    return input;
  }
  if (body_left_ < kFrameSizeMin) {
    ++statistics.dropped_runt;
    return input;
  }
  packet_ = pool.allocate();
  if (!packet_) ++statistics.dropped_no_packet;
  return input;
}

Bytes FrameReader::take_body(Bytes input, std::vector<PacketRef>& packets,
                             FrameStatistics& statistics) {
  const Bytes part = input.first(std::min(input.size(), body_left_));
  body_left_ -= part.size();
  if (packet_) {
    std::ranges::copy(part, packet_->bytes.subspan(packet_->size).begin());
    packet_->size += static_cast<uint32_t>(part.size());
    if (body_left_ == 0) {
      ++statistics.frames;
      statistics.bytes += packet_->size;
      packets.push_back(std::move(packet_));
    }
  }
  return input.subspan(part.size());
}

}  // namespace simpul::net
