#include "rtp/rtcp_reader.h"

#include <algorithm>

#include "rtp/rtcp_types.h"

namespace simpul::rtp {
namespace {

using Parsed = Expected<RtcpPacket, ParseError>;

constexpr size_t kHeaderSize = 4;
constexpr size_t kWordSize = 4;
constexpr size_t kSenderInfoSize = 24;
constexpr size_t kSsrcSize = 4;
constexpr size_t kFeedbackHeadSize = 8;  // SSRC of the sender, SSRC of the media
constexpr size_t kNackEntrySize = 4;

Ssrc read_ssrc(Bytes body) { return Ssrc(load_be32(body.first<4>())); }

Parsed read_sender_report(Bytes body, size_t count) {
  const size_t blocks_size = count * Wire<ReportBlock>::kSize;
  if (body.size() < kSenderInfoSize + blocks_size) return unexpected(ParseError::kTooShort);
  const auto info = body.first<kSenderInfoSize>();
  return SenderReport{.sender = {.ssrc = read_ssrc(info),
                                 .ntp_time = load_be64(info.subspan<4, 8>()),
                                 .rtp_timestamp = load_be32(info.subspan<12, 4>()),
                                 .packets = load_be32(info.subspan<16, 4>()),
                                 .octets = load_be32(info.subspan<20, 4>())},
                      .blocks = WireList<ReportBlock>(body.subspan(kSenderInfoSize, blocks_size))};
}

Parsed read_receiver_report(Bytes body, size_t count) {
  const size_t blocks_size = count * Wire<ReportBlock>::kSize;
  if (body.size() < kSsrcSize + blocks_size) return unexpected(ParseError::kTooShort);
  return ReceiverReport{.sender = read_ssrc(body),
                        .blocks = WireList<ReportBlock>(body.subspan(kSsrcSize, blocks_size))};
}

// Takes the items of one chunk (type, length, text; type 0 ends) and its padding off `rest`.
bool read_sdes_chunk(Bytes& rest, Sdes& chunk) {
  const size_t begin = rest.size();
  if (begin < kSsrcSize) return false;
  chunk.ssrc = read_ssrc(rest);
  rest = rest.subspan(kSsrcSize);
  while (!rest.empty() && rest[0] != kSdesEnd) {
    if (rest.size() < 2 || rest.size() - 2 < rest[1]) return false;
    if (rest[0] == kSdesCname && chunk.cname.empty()) {
      chunk.cname = as_text(rest.subspan(2, rest[1]));
    }
    rest = rest.subspan(size_t{2} + rest[1]);
  }
  if (rest.empty()) return false;
  const size_t used = begin - rest.size() + 1;
  const size_t padding = (kWordSize - used % kWordSize) % kWordSize;
  if (rest.size() < 1 + padding) return false;
  rest = rest.subspan(1 + padding);
  return true;
}

Parsed read_sdes(Bytes body, size_t count) {
  Sdes first;
  for (size_t i = 0; i < count; ++i) {
    Sdes chunk;
    if (!read_sdes_chunk(body, chunk)) return unexpected(ParseError::kMalformed);
    if (i == 0) first = chunk;
  }
  return first;
}

Parsed read_bye(Bytes body, size_t count) {
  // The reason behind the SSRCs is not read, so its length cannot lie.
  if (body.size() < count * kSsrcSize) return unexpected(ParseError::kTooShort);
  return Bye{.ssrcs = WireList<Ssrc>(body.first(count * kSsrcSize))};
}

Parsed read_nack(Ssrc sender, Ssrc media, Bytes entries) {
  if (entries.empty() || entries.size() % kNackEntrySize != 0) {
    return unexpected(ParseError::kMalformed);
  }
  return Nack{.sender = sender, .media = media, .entries = entries};
}

Parsed read_transport_feedback(Ssrc sender, Ssrc media, Bytes rest) {
  constexpr size_t kHeadSize = 8;
  if (rest.size() < kHeadSize) return unexpected(ParseError::kTooShort);
  const TransportFeedback feedback{.sender = sender,
                                   .media = media,
                                   .base = SequenceNumber(load_be16(rest.first<2>())),
                                   .status_count = load_be16(rest.subspan<2, 2>()),
                                   .reference_time = load_be24(rest.subspan<4, 3>()),
                                   .feedback_count = rest[7],
                                   .body = rest.subspan(kHeadSize)};
  if (feedback.status_count == 0) return unexpected(ParseError::kMalformed);
  return feedback;
}

// Blocks of streams, and the time behind them: nothing is about one stream alone.
Parsed read_congestion_feedback(Ssrc sender, Bytes rest) {
  constexpr size_t kTimestampSize = 4;
  if (rest.size() < kTimestampSize) return unexpected(ParseError::kTooShort);
  return CongestionFeedback{.sender = sender,
                            .timestamp = load_be32(rest.last<kTimestampSize>()),
                            .blocks = rest.first(rest.size() - kTimestampSize)};
}

Parsed read_fir(Ssrc sender, Bytes entries) {
  if (entries.empty() || entries.size() % Wire<FirEntry>::kSize != 0) {
    return unexpected(ParseError::kMalformed);
  }
  return Fir{.sender = sender, .entries = WireList<FirEntry>(entries)};
}

//  "REMB" | count | exponent (6), mantissa (18) | SSRCs
Parsed read_remb(Ssrc sender, Bytes rest) {
  const uint32_t rate = load_be24(rest.subspan<5, 3>());
  const uint32_t exponent = rate >> 18;
  const uint64_t mantissa = rate & 0x3ffff;
  const bool overflows = mantissa > (kRembBitrateMax >> exponent);
  const size_t ssrcs_size = rest[4] * kSsrcSize;
  rest = rest.subspan(kRembHeadSize);
  if (rest.size() < ssrcs_size) return unexpected(ParseError::kTooShort);
  return Remb{.sender = sender,
              .bitrate_bps = overflows ? kRembBitrateMax : mantissa << exponent,
              .ssrcs = WireList<Ssrc>(rest.first(ssrcs_size))};
}

Parsed read_feedback(uint8_t type, uint8_t format, Bytes body) {
  if (body.size() < kSsrcSize) return unexpected(ParseError::kTooShort);
  if (type == kRtpFeedback && format == kFormatCongestion) {
    return read_congestion_feedback(read_ssrc(body), body.subspan(kSsrcSize));
  }
  if (body.size() < kFeedbackHeadSize) return unexpected(ParseError::kTooShort);
  const Ssrc sender = read_ssrc(body);
  const Ssrc media = read_ssrc(body.subspan(kSsrcSize));
  const Bytes rest = body.subspan(kFeedbackHeadSize);
  if (type == kRtpFeedback) {
    if (format == kFormatNack) return read_nack(sender, media, rest);
    if (format == kFormatTransport) return read_transport_feedback(sender, media, rest);
  } else {
    if (format == kFormatPli) return Pli{.sender = sender, .media = media};
    if (format == kFormatFir) return read_fir(sender, rest);
    const bool is_remb = format == kFormatApplication && rest.size() >= kRembHeadSize &&
                         std::ranges::equal(rest.first<4>(), kRembName);
    if (is_remb) return read_remb(sender, rest);
  }
  return UnknownRtcp{.packet_type = type, .format = format};
}

Parsed read_body(uint8_t type, uint8_t format, Bytes body) {
  switch (type) {
    case kSenderReport:
      return read_sender_report(body, format);
    case kReceiverReport:
      return read_receiver_report(body, format);
    case kSourceDescription:
      return read_sdes(body, format);
    case kGoodbye:
      return read_bye(body, format);
    case kRtpFeedback:
    case kPayloadFeedback:
      return read_feedback(type, format, body);
    default:  // not an enumeration: the network chooses the number
      return UnknownRtcp{.packet_type = type, .format = format};
  }
}

// Takes the padding off a packet. Only the last of a compound has some, and in whole words (RFC
// 3550 §6.4.1); but browsers fill up the last word of transport-wide feedback with it, wherever
// that is.
bool strip_padding(Bytes& body, bool is_last, bool fills_word) {
  const size_t padding = body.empty() ? 0 : body.back();
  if (padding == 0 || padding > body.size()) return false;
  if (!fills_word && (!is_last || padding % kWordSize != 0)) return false;
  body = body.first(body.size() - padding);
  return true;
}

}  // namespace

ReportBlock Wire<ReportBlock>::read(std::span<const uint8_t, kSize> b) {
  constexpr uint32_t kSignBit = 0x800000;
  const uint32_t lost = load_be24(b.subspan<5, 3>());
  return {.ssrc = Ssrc(load_be32(b.first<4>())),
          .fraction_lost = b[4],
          .cumulative_lost = static_cast<int32_t>(lost ^ kSignBit) - int32_t{kSignBit},
          .extended_highest = load_be32(b.subspan<8, 4>()),
          .jitter = load_be32(b.subspan<12, 4>()),
          .last_sender_report = load_be32(b.subspan<16, 4>()),
          .delay_since_last_sender_report = load_be32(b.subspan<20, 4>())};
}

FirEntry Wire<FirEntry>::read(std::span<const uint8_t, kSize> b) {
  return {.ssrc = Ssrc(load_be32(b.first<4>())), .sequence_number = b[4]};
}

void Nack::append_missing(std::vector<SequenceNumber>& missing) const {
  for (Bytes rest = entries; rest.size() >= kNackEntrySize; rest = rest.subspan(kNackEntrySize)) {
    const uint16_t first = load_be16(rest.first<2>());
    missing.push_back(SequenceNumber(first));
    uint16_t following = load_be16(rest.subspan<2, 2>());
    for (uint16_t distance = 1; following != 0; ++distance, following >>= 1) {
      if ((following & 1) == 0) continue;
      missing.push_back(SequenceNumber(static_cast<uint16_t>(first + distance)));
    }
  }
}

bool is_rtcp(Bytes datagram) {
  return datagram.size() >= 2 && datagram[1] >= 192 && datagram[1] <= 223;
}

std::optional<RtcpPacket> RtcpReader::next() {
  if (error_ || rest_.empty()) return std::nullopt;
  auto packet = read_packet();
  if (!packet) {
    error_ = packet.error();
    return std::nullopt;
  }
  return *packet;
}

//  0                   1                   2                   3
//  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// |V=2|P|  format |  packet type  |   length, in words, minus one |
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
Expected<RtcpPacket, ParseError> RtcpReader::read_packet() {
  if (++packets_ > kPacketsMax) return unexpected(ParseError::kMalformed);
  if (rest_.size() < kHeaderSize) return unexpected(ParseError::kTooShort);
  if (rest_[0] >> 6 != 2) return unexpected(ParseError::kBadVersion);
  const bool has_padding = (rest_[0] & 0x20) != 0;
  const auto format = static_cast<uint8_t>(rest_[0] & 0x1f);
  const uint8_t type = rest_[1];
  const size_t size = (size_t{load_be16(rest_.subspan<2, 2>())} + 1) * kWordSize;
  if (rest_.size() < size) return unexpected(ParseError::kTooShort);
  Bytes body = rest_.subspan(kHeaderSize, size - kHeaderSize);
  rest_ = rest_.subspan(size);
  const bool fills_word = type == kRtpFeedback && format == kFormatTransport;
  if (has_padding && !strip_padding(body, rest_.empty(), fills_word)) {
    return unexpected(ParseError::kBadPadding);
  }
  return read_body(type, format, body);
}

}  // namespace simpul::rtp
