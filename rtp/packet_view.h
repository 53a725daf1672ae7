#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/bytes.h"
#include "base/expected.h"
#include "rtp/parse_error.h"
#include "rtp/types.h"
#include "rtp/wire_list.h"

namespace simpul::rtp {

// A read-only view of one RTP packet (RFC 3550 §5.1). parse() checks every length once; the
// accessors then read the borrowed bytes without copying. It must not outlive those bytes.
// A packet of padding alone is legal: its payload is empty.
class PacketView {
 public:
  static constexpr size_t kFixedHeaderSize = 12;

  [[nodiscard]] static Expected<PacketView, ParseError> parse(Bytes bytes);

  bool marker() const { return (header()[1] & 0x80) != 0; }
  PayloadType payload_type() const { return PayloadType(static_cast<uint8_t>(header()[1] & 0x7f)); }
  SequenceNumber sequence_number() const {
    return SequenceNumber(load_be16(header().subspan<2, 2>()));
  }
  uint32_t timestamp() const { return load_be32(header().subspan<4, 4>()); }
  Ssrc ssrc() const { return Ssrc(load_be32(header().subspan<8, 4>())); }
  WireList<Ssrc> csrcs() const { return WireList<Ssrc>(csrcs_); }

  // The header extension block without its 4-byte head, and the profile of that head (RFC 8285
  // §4); empty and 0 when there is none.
  Bytes extension() const { return extension_; }
  uint16_t extension_profile() const { return extension_profile_; }

  Bytes payload() const { return payload_; }
  size_t padding_size() const { return padding_size_; }
  // What is in front of the payload: fixed header, CSRCs, extension.
  size_t header_size() const { return bytes_.size() - payload_.size() - padding_size_; }

 private:
  explicit PacketView(Bytes bytes) : bytes_(bytes) {}

  std::span<const uint8_t, kFixedHeaderSize> header() const {
    return bytes_.first<kFixedHeaderSize>();
  }

  Bytes bytes_;
  Bytes csrcs_;
  Bytes extension_;
  Bytes payload_;
  uint16_t extension_profile_ = 0;
  uint8_t padding_size_ = 0;
};

}  // namespace simpul::rtp
