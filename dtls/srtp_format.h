#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "crypto/srtp_cipher.h"

// Where the parts of SRTP and SRTCP packets lie (RFC 3711 §3.1, §3.4; RFC 7714 §8, §9).
namespace simpul::dtls {

inline constexpr size_t kRtpHeaderSize = 12;
inline constexpr size_t kRtcpHeaderSize = 8;  // of the first packet: what stays in the clear
inline constexpr uint64_t kSrtpIndexMax = (uint64_t{1} << 48) - 1;
inline constexpr uint32_t kSrtcpIndexMax = 0x7FFFFFFF;
inline constexpr uint32_t kSrtcpEncryptedBit = 0x80000000;

inline uint16_t rtp_sequence_number(Bytes packet) {
  return load_be16(packet.subspan(2).first<2>());
}
inline uint32_t rtp_ssrc(Bytes packet) { return load_be32(packet.subspan(8).first<4>()); }
inline uint32_t rtcp_ssrc(Bytes packet) { return load_be32(packet.subspan(4).first<4>()); }

// The size of the RTP header with its CSRCs and its extension; nothing when the packet ends sooner.
inline std::optional<size_t> rtp_header_size(Bytes packet) {
  if (packet.size() < kRtpHeaderSize) return std::nullopt;
  size_t size = kRtpHeaderSize + 4u * (packet[0] & 0x0F);
  const bool extended = (packet[0] & 0x10) != 0;
  if (extended) {
    if (packet.size() < size + 4) return std::nullopt;
    size += 4 + 4u * load_be16(packet.subspan(size + 2).first<2>());
  }
  if (packet.size() < size) return std::nullopt;
  return size;
}

// An SRTCP packet ends, behind `text_size` encrypted bytes, with the E bit and the index (the
// trailer) and the tag; with AEAD the tag comes first.
struct SrtcpLayout {
  size_t trailer;
  size_t tag;
  size_t size;
};

constexpr bool is_aead(crypto::CipherSuite suite) {
  return suite != crypto::CipherSuite::kAes128CounterHmacSha1;
}

constexpr SrtcpLayout srtcp_layout(crypto::CipherSuite suite, size_t text_size) {
  const size_t end = kRtcpHeaderSize + text_size;
  const size_t tag_size = crypto::tag_size(suite);
  return {.trailer = is_aead(suite) ? end + tag_size : end,
          .tag = is_aead(suite) ? end : end + crypto::kTrailerSize,
          .size = end + tag_size + crypto::kTrailerSize};
}

// What of an SRTCP packet is authenticated and not encrypted: the header where it lies, and for
// AEAD, where the trailer is apart from it, a copy of both.
class SrtcpAssociated {
 public:
  SrtcpAssociated(Bytes packet, uint32_t trailer) : header_(packet.first(kRtcpHeaderSize)) {
    const std::span<uint8_t, kRtcpHeaderSize + crypto::kTrailerSize> copy(copy_);
    std::ranges::copy(header_, copy.begin());
    store_be32(copy.last<crypto::kTrailerSize>(), trailer);
  }
  Bytes bytes(crypto::CipherSuite suite) const { return is_aead(suite) ? Bytes(copy_) : header_; }

 private:
  Bytes header_;
  std::array<uint8_t, kRtcpHeaderSize + crypto::kTrailerSize> copy_;
};

}  // namespace simpul::dtls
