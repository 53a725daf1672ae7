#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "rtp/congestion_feedback.h"
#include "rtp/transport_feedback.h"
#include "rtp/types.h"
#include "rtp/wire_list.h"

namespace simpul::rtp {

// RFC 3550 §6.4.1: what one receiver says about one stream. `fraction_lost` is in 1/256,
// `jitter` in units of the RTP clock, the delay in 1/65536 s.
struct ReportBlock {
  Ssrc ssrc;
  uint8_t fraction_lost = 0;
  int32_t cumulative_lost = 0;  // 24 bits on the wire
  uint32_t extended_highest = 0;
  uint32_t jitter = 0;
  uint32_t last_sender_report = 0;  // the middle 32 bits of its NTP time; 0: there was none
  uint32_t delay_since_last_sender_report = 0;

  friend bool operator==(const ReportBlock&, const ReportBlock&) = default;
};

// RFC 5104 §4.3.1: a request for a key frame; a repeated one has the same number.
struct FirEntry {
  Ssrc ssrc;
  uint8_t sequence_number = 0;

  friend bool operator==(const FirEntry&, const FirEntry&) = default;
};

template <>
struct Wire<ReportBlock> {
  static constexpr size_t kSize = 24;
  static ReportBlock read(std::span<const uint8_t, kSize> b);
};

template <>
struct Wire<FirEntry> {
  static constexpr size_t kSize = 8;
  static FirEntry read(std::span<const uint8_t, kSize> b);
};

// The sender's own numbers in a sender report.
struct SenderInfo {
  Ssrc ssrc;
  uint64_t ntp_time = 0;
  uint32_t rtp_timestamp = 0;
  uint32_t packets = 0;
  uint32_t octets = 0;

  friend bool operator==(const SenderInfo&, const SenderInfo&) = default;
};

// What a compound can hold. The lists and texts borrow from the datagram.
struct SenderReport {
  SenderInfo sender;
  WireList<ReportBlock> blocks;
};

struct ReceiverReport {
  Ssrc sender;
  WireList<ReportBlock> blocks;
};

// The first chunk alone; the others are walked and not kept.
struct Sdes {
  Ssrc ssrc;
  std::string_view cname;
};

struct Bye {
  WireList<Ssrc> ssrcs;
};

// RFC 4585 §6.2.1.
struct Nack {
  Ssrc sender;
  Ssrc media;
  Bytes entries;  // PID and BLP pairs

  // Appends what is asked for, in the order asked: at most 17 for each 4 bytes.
  void append_missing(std::vector<SequenceNumber>& missing) const;
};

struct Pli {
  Ssrc sender;
  Ssrc media;
};

struct Fir {
  Ssrc sender;
  WireList<FirEntry> entries;
};

// draft-alvestrand-rmcat-remb-03. The bit rate is at most kRembBitrateMax.
struct Remb {
  Ssrc sender;
  uint64_t bitrate_bps = 0;
  WireList<Ssrc> ssrcs;
};
inline constexpr uint64_t kRembBitrateMax = 100'000'000'000;

// Well-formed and of no use to us (APP, XR, TMMBR, ...).
struct UnknownRtcp {
  uint8_t packet_type = 0;
  uint8_t format = 0;  // or count, by the packet type
};

using RtcpPacket = std::variant<SenderReport, ReceiverReport, Sdes, Bye, Nack, Pli, Fir,
                                TransportFeedback, CongestionFeedback, Remb, UnknownRtcp>;

}  // namespace simpul::rtp
