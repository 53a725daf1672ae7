#include "connection/packet_protection.h"

#include <algorithm>
#include <utility>

namespace simpul::connection {

PacketProtection::PacketProtection(const MediaConfig& config) {
  for (const SendingLine& line : config.sending) {
    if (line.flexfec) lines_.push_back({.media = line.ssrc, .flexfec = *line.flexfec});
  }
}

bool PacketProtection::is_parity(rtp::Ssrc ssrc) const {
  return std::ranges::any_of(lines_,
                             [ssrc](const Line& line) { return line.flexfec.ssrc == ssrc; });
}

void PacketProtection::set_share(double share) {
  is_on_ = share > 0;
  for (Line& line : lines_) {
    if (!is_on_) {
      line.stream.reset();
      continue;
    }
    if (!line.stream) line.stream.emplace(line.media);
    line.stream->set_share(share);
  }
}

void PacketProtection::add(const rtp::OutgoingPacket& packet, Bytes header, uint8_t padding,
                           Parities& out) {
  const auto line = std::ranges::find(lines_, packet.ssrc, &Line::media);
  if (line == lines_.end()) return;
  line->stream->add({.sequence_number = packet.sequence_number(),
                     .header = header,
                     .head = Bytes(packet.head).first(packet.head_size),
                     .body = packet.body,
                     .padding = padding},
                    packet.timestamp, out.payloads);
  line->timestamp = packet.timestamp;
  line->csrc = packet.csrc;
  line->is_touched = true;
  out.lines.resize(out.payloads.size(), static_cast<uint16_t>(line - lines_.begin()));
}

void PacketProtection::end_burst(Parities& out) {
  for (size_t i = 0; i < lines_.size(); ++i) {
    if (!std::exchange(lines_[i].is_touched, false)) continue;
    lines_[i].stream->end_burst(out.payloads);
    out.lines.resize(out.payloads.size(), static_cast<uint16_t>(i));
  }
}

rtp::OutgoingPacket PacketProtection::packet_of(const Parities& parities, size_t index) {
  Line& line = lines_[parities.lines[index]];
  return {.index = line.next_index++,
          .timestamp = line.timestamp,
          .ssrc = line.flexfec.ssrc,
          .payload_type = line.flexfec.payload_type,
          .csrc = line.csrc,
          .body = parities.payloads[index].payload(),
          .source = {}};
}

}  // namespace simpul::connection
