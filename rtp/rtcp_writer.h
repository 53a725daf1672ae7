#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "base/bytes.h"
#include "rtp/rtcp.h"

namespace simpul::rtp {

// Appends RTCP packets to a compound in the caller's memory. Each call writes a whole packet, or
// nothing and says so: the room, and kRtcpSizeMax, are never exceeded. The order is the caller's
// matter (RFC 3550 §6.1 wants a report first, RFC 5506 does not).
class RtcpWriter {
 public:
  explicit RtcpWriter(MutableBytes room);

  // At most 31 report blocks, CNAMEs of 1 to 255 bytes, 1 to 31 leaving SSRCs.
  bool sender_report(const SenderInfo& sender, std::span<const ReportBlock> blocks);
  bool receiver_report(Ssrc sender, std::span<const ReportBlock> blocks);
  bool cname(Ssrc ssrc, std::string_view cname);
  bool bye(std::span<const Ssrc> ssrcs);
  bool pli(Ssrc sender, Ssrc media);
  bool fir(Ssrc sender, std::span<const FirEntry> entries);
  // Rounds the bit rate down to what 18 bits of mantissa can say; at most 255 SSRCs.
  bool remb(Ssrc sender, uint64_t bitrate_bps, std::span<const Ssrc> ssrcs);

  // Writes a prefix of `missing`, which ascends (across the wrap too), and returns how many
  // numbers it holds; fewer than all when the room ends.
  size_t nack(Ssrc sender, Ssrc media, std::span<const SequenceNumber> missing);

  // As write_transport_feedback(); returns how many of `arrivals` were written.
  size_t transport_feedback(const FeedbackHead& head, std::span<const TimePoint> arrivals);

  size_t size() const { return size_; }
  size_t left() const { return room_.size() - size_; }
  MutableBytes written() const { return room_.first(size_); }

 private:
  MutableBytes free() const { return room_.subspan(size_); }
  bool append(size_t packet_size) {
    size_ += packet_size;
    return packet_size > 0;
  }

  MutableBytes room_;
  size_t size_ = 0;
};

}  // namespace simpul::rtp
