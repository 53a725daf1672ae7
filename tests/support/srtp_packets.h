#pragma once

#include <cstdint>
#include <memory>
#include <random>
#include <vector>

#include "base/bytes.h"
#include "dtls/srtp_keys.h"
#include "dtls/srtp_receiver.h"
#include "dtls/srtp_sender.h"

namespace simpul::testing {

using Buffer = std::vector<uint8_t>;

struct RtpFields {
  uint16_t sequence_number = 1;
  uint32_t ssrc = 0x11223344;
  size_t csrc_count = 0;
  size_t extension_words = 0;  // 0: no extension
  size_t payload_size = 100;
};

inline size_t header_size_of(const RtpFields& fields) {
  const size_t extension_size = fields.extension_words == 0 ? 0 : 4 + 4 * fields.extension_words;
  return 12 + 4 * fields.csrc_count + extension_size;
}

// A plain RTP packet whose other bytes follow from its sequence number.
inline Buffer make_rtp(const RtpFields& fields) {
  Buffer packet(header_size_of(fields) + fields.payload_size);
  for (size_t i = 0; i < packet.size(); ++i) {
    packet[i] = static_cast<uint8_t>(i * 5 + fields.sequence_number);
  }
  packet[0] = static_cast<uint8_t>(0x80 | fields.csrc_count);
  packet[1] = 96;
  const std::span<uint8_t> at(packet);
  store_be16(at.subspan<2, 2>(), fields.sequence_number);
  store_be32(at.subspan<8, 4>(), fields.ssrc);
  if (fields.extension_words != 0) {
    packet[0] |= 0x10;
    const auto extension = at.subspan(12 + 4 * fields.csrc_count);
    store_be16(extension.subspan<0, 2>(), 0xBEDE);
    store_be16(extension.subspan<2, 2>(), static_cast<uint16_t>(fields.extension_words));
  }
  return packet;
}

// A plain compound RTCP packet, as far as SRTCP looks at it.
inline Buffer make_rtcp(uint32_t ssrc, size_t payload_size) {
  Buffer packet(8 + payload_size, 0x5A);
  packet[0] = 0x80;
  packet[1] = 200;
  store_be32(std::span<uint8_t>(packet).subspan<4, 4>(), ssrc);
  return packet;
}

inline dtls::SrtpMasterKey make_master_key(dtls::SrtpProfile profile, uint8_t seed = 1) {
  Buffer key(dtls::master_key_size(profile));
  Buffer salt(dtls::master_salt_size(profile));
  for (size_t i = 0; i < key.size(); ++i) key[i] = static_cast<uint8_t>(i * 13 + seed);
  for (size_t i = 0; i < salt.size(); ++i) salt[i] = static_cast<uint8_t>(i * 29 + seed + 100);
  return {profile, key, salt};
}

// The payload is given in the pieces that `head_size` cuts it into.
inline Buffer seal_rtp(dtls::SrtpSender& sender, const Buffer& plain, size_t header_size,
                       uint64_t index, size_t head_size = 0) {
  Buffer sealed(plain.size() + dtls::kSrtpOverheadMax);
  std::copy_n(plain.begin(), header_size, sealed.begin());
  const Bytes payload = Bytes(plain).subspan(header_size);
  dtls::RtpToSeal packet{.destination = sealed,
                         .header_size = header_size,
                         .head = payload.first(head_size),
                         .body = payload.subspan(head_size),
                         .index = index};
  sender.seal({&packet, 1});
  sealed.resize(packet.sealed_size);
  return sealed;
}

// The packet with these fields in rollover round `round`, sealed.
inline Buffer seal_rtp(dtls::SrtpSender& sender, const RtpFields& fields, uint64_t round = 0) {
  return seal_rtp(sender, make_rtp(fields), header_size_of(fields),
                  round << 16 | fields.sequence_number);
}

inline Buffer seal_rtcp(dtls::SrtpSender& sender, const Buffer& plain) {
  Buffer sealed(plain.size() + dtls::kSrtcpOverheadMax);
  sealed.resize(sender.seal_rtcp(plain, sealed));
  return sealed;
}

// Opens a copy of the packet; gives the RTP packet or the error.
inline Expected<Buffer, dtls::SrtpError> open_rtp(dtls::SrtpReceiver& receiver, Buffer packet) {
  dtls::RtpToOpen to_open{.packet = packet};
  receiver.open({&to_open, 1});
  if (!to_open.opened) return unexpected(to_open.opened.error());
  packet.resize(*to_open.opened);
  return packet;
}

inline Expected<Buffer, dtls::SrtpError> open_rtcp(dtls::SrtpReceiver& receiver, Buffer packet) {
  const auto opened = receiver.open_rtcp(packet);
  if (!opened) return unexpected(opened.error());
  packet.resize(*opened);
  return packet;
}

inline RtpFields random_fields(std::mt19937& random) {
  RtpFields fields;
  fields.csrc_count = random() % 3 == 0 ? random() % 16 : 0;
  fields.extension_words = random() % 2 == 0 ? random() % 20 : 0;
  fields.payload_size = random() % 4 == 0 ? random() % 20 : random() % 1300;
  return fields;
}

}  // namespace simpul::testing
