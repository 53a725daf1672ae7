#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "bwe/packet_result.h"
#include "connection/media_sender.h"
#include "rtp/congestion_feedback.h"
#include "rtp/types.h"

namespace simpul::connection {

// Under which transport-wide number each packet left, for a peer who reports by SSRC and sequence
// number (RFC 8888), and which of those were left out. Of each source the last kKept packets are
// known, of no more sources than were named: 6 KiB each.
class SentNumbers {
 public:
  static constexpr size_t kKept = 1'024;

  void add_source(rtp::Ssrc ssrc) { sources_.push_back({.ssrc = ssrc}); }

  void on_sent(const NumberedPacket& packet) {
    const auto source = std::ranges::find(sources_, packet.ssrc, &Source::ssrc);
    if (source == sources_.end()) return;
    keep(*source, packet.sequence, packet.transport_sequence);
    if (!packet.follows_hole) return;
    keep(*source, before(packet.sequence), before(packet.transport_sequence));
  }

  // What the message says of packets that are known, by their transport-wide numbers, until the
  // next one is read; nothing when it is not well-formed.
  std::optional<std::span<bwe::NumberReport>> read(const rtp::CongestionFeedback& feedback) {
    packets_.clear();
    reports_.clear();
    if (!feedback.append_reports(packets_)) return std::nullopt;
    for (const rtp::PacketReport& packet : packets_) {
      const auto number = find(packet.ssrc, packet.sequence);
      if (number) reports_.push_back({.number = *number, .arrived_at = packet.arrived_at});
    }
    return reports_;
  }

  std::optional<rtp::SequenceNumber> find(rtp::Ssrc ssrc, rtp::SequenceNumber sequence) const {
    const auto source = std::ranges::find(sources_, ssrc, &Source::ssrc);
    if (source == sources_.end()) return std::nullopt;
    const Entry& entry = source->entries[sequence.value() % kKept];
    if (!entry.is_known || entry.sequence != sequence) return std::nullopt;
    return entry.number;
  }

 private:
  struct Entry {
    rtp::SequenceNumber sequence;
    rtp::SequenceNumber number;
    bool is_known = false;
  };
  struct Source {
    rtp::Ssrc ssrc;
    std::array<Entry, kKept> entries{};
  };

  static rtp::SequenceNumber before(rtp::SequenceNumber number) {
    return rtp::SequenceNumber(static_cast<uint16_t>(number.value() - 1));
  }
  static void keep(Source& source, rtp::SequenceNumber sequence, rtp::SequenceNumber number) {
    source.entries[sequence.value() % kKept] = {sequence, number, true};
  }

  std::vector<Source> sources_;
  std::vector<rtp::PacketReport> packets_;  // scratch
  std::vector<bwe::NumberReport> reports_;
};

}  // namespace simpul::connection
