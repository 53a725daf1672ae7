#include "rtp/rtcp_writer.h"

#include <algorithm>
#include <bit>

#include "base/byte_writer.h"
#include "rtp/rtcp_types.h"

namespace simpul::rtp {
namespace {

constexpr size_t kWordSize = 4;
constexpr size_t kHeaderSize = 4;
constexpr size_t kCountMax = 31;  // five bits
constexpr size_t kNackHeadSize = kHeaderSize + 8;
constexpr uint16_t kNackReach = 16;  // numbers that the bits of one entry reach

// Writes a packet whose body `write_body` writes; its size, or 0 when it does not fit.
template <class WriteBody>
size_t write_packet(MutableBytes room, uint8_t type, size_t format, const WriteBody& write_body) {
  ByteWriter writer(room);
  writer.u8(static_cast<uint8_t>(0x80 | format));
  writer.u8(type);
  writer.u16(0);
  write_body(writer);
  writer.zeros((kWordSize - writer.size() % kWordSize) % kWordSize);
  if (!writer.ok()) return 0;
  store_be16(room.subspan<2, 2>(), static_cast<uint16_t>(writer.size() / kWordSize - 1));
  return writer.size();
}

void write_block(ByteWriter& writer, const ReportBlock& block) {
  writer.u32(block.ssrc.value());
  writer.u8(block.fraction_lost);
  writer.u24(static_cast<uint32_t>(std::clamp(block.cumulative_lost, -0x800000, 0x7fffff)));
  writer.u32(block.extended_highest);
  writer.u32(block.jitter);
  writer.u32(block.last_sender_report);
  writer.u32(block.delay_since_last_sender_report);
}

}  // namespace

RtcpWriter::RtcpWriter(MutableBytes room)
    : room_(room.first(std::min(room.size(), kRtcpSizeMax))) {}

bool RtcpWriter::sender_report(const SenderInfo& sender, std::span<const ReportBlock> blocks) {
  if (blocks.size() > kCountMax) return false;
  return append(write_packet(free(), kSenderReport, blocks.size(), [&](ByteWriter& writer) {
    writer.u32(sender.ssrc.value());
    writer.u64(sender.ntp_time);
    writer.u32(sender.rtp_timestamp);
    writer.u32(sender.packets);
    writer.u32(sender.octets);
    for (const ReportBlock& block : blocks) write_block(writer, block);
  }));
}

bool RtcpWriter::receiver_report(Ssrc sender, std::span<const ReportBlock> blocks) {
  if (blocks.size() > kCountMax) return false;
  return append(write_packet(free(), kReceiverReport, blocks.size(), [&](ByteWriter& writer) {
    writer.u32(sender.value());
    for (const ReportBlock& block : blocks) write_block(writer, block);
  }));
}

bool RtcpWriter::cname(Ssrc ssrc, std::string_view cname) {
  if (cname.empty() || cname.size() > 255) return false;
  return append(write_packet(free(), kSourceDescription, 1, [&](ByteWriter& writer) {
    writer.u32(ssrc.value());
    writer.u8(kSdesCname);
    writer.u8(static_cast<uint8_t>(cname.size()));
    writer.bytes(as_bytes(cname));
    writer.u8(kSdesEnd);
  }));
}

bool RtcpWriter::bye(std::span<const Ssrc> ssrcs) {
  if (ssrcs.empty() || ssrcs.size() > kCountMax) return false;
  return append(write_packet(free(), kGoodbye, ssrcs.size(), [&](ByteWriter& writer) {
    for (const Ssrc ssrc : ssrcs) writer.u32(ssrc.value());
  }));
}

bool RtcpWriter::pli(Ssrc sender, Ssrc media) {
  return append(write_packet(free(), kPayloadFeedback, kFormatPli, [&](ByteWriter& writer) {
    writer.u32(sender.value());
    writer.u32(media.value());
  }));
}

bool RtcpWriter::fir(Ssrc sender, std::span<const FirEntry> entries) {
  if (entries.empty()) return false;
  return append(write_packet(free(), kPayloadFeedback, kFormatFir, [&](ByteWriter& writer) {
    writer.u32(sender.value());
    writer.u32(0);  // the media's SSRC is in each entry (RFC 5104 §4.3.1.2)
    for (const FirEntry& entry : entries) {
      writer.u32(entry.ssrc.value());
      writer.u8(entry.sequence_number);
      writer.u24(0);
    }
  }));
}

bool RtcpWriter::remb(Ssrc sender, uint64_t bitrate_bps, std::span<const Ssrc> ssrcs) {
  if (ssrcs.size() > 255) return false;
  constexpr int kMantissaBits = 18;
  const int exponent = std::max(0, static_cast<int>(std::bit_width(bitrate_bps)) - kMantissaBits);
  const auto mantissa = static_cast<uint32_t>(bitrate_bps >> exponent);
  return append(write_packet(free(), kPayloadFeedback, kFormatApplication, [&](ByteWriter& writer) {
    writer.u32(sender.value());
    writer.u32(0);
    writer.bytes(kRembName);
    writer.u8(static_cast<uint8_t>(ssrcs.size()));
    writer.u24(static_cast<uint32_t>(exponent) << kMantissaBits | mantissa);
    for (const Ssrc ssrc : ssrcs) writer.u32(ssrc.value());
  }));
}

size_t RtcpWriter::nack(Ssrc sender, Ssrc media, std::span<const SequenceNumber> missing) {
  size_t taken = 0;
  const auto write_entries = [&](ByteWriter& writer) {
    writer.u32(sender.value());
    writer.u32(media.value());
    while (taken < missing.size() && writer.left() >= kWordSize) {
      const uint16_t first = missing[taken++].value();
      uint16_t following = 0;
      for (; taken < missing.size(); ++taken) {
        const auto distance = static_cast<uint16_t>(missing[taken].value() - first);
        if (distance > kNackReach) break;
        if (distance > 0) following = static_cast<uint16_t>(following | 1u << (distance - 1));
      }
      writer.u16(first);
      writer.u16(following);
    }
  };
  if (missing.empty() || left() < kNackHeadSize + kWordSize) return 0;
  append(write_packet(free(), kRtpFeedback, kFormatNack, write_entries));
  return taken;
}

size_t RtcpWriter::transport_feedback(const FeedbackHead& head,
                                      std::span<const TimePoint> arrivals) {
  const FeedbackWritten written = write_transport_feedback(head, arrivals, free());
  append(written.size);
  return written.statuses;
}

}  // namespace simpul::rtp
