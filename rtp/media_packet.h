#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/packet.h"
#include "base/time.h"
#include "rtp/codec_format.h"
#include "rtp/dependency_descriptor.h"
#include "rtp/extension_map.h"
#include "rtp/types.h"

namespace simpul::rtp {

// A header extension that travels on to the receivers, with its bytes inside the packet.
struct PassedExtension {
  ExtensionKind kind;
  uint16_t offset;
  uint8_t size;
};

// The extensions of one packet that are passed on (is_passed_on), each kind once.
struct PassedExtensions {
  static constexpr size_t kMax = 8;
  std::array<PassedExtension, kMax> items;
  uint8_t count = 0;

  const PassedExtension* find(ExtensionKind kind) const {
    for (uint8_t i = 0; i < count; ++i) {
      if (items[i].kind == kind) return &items[i];
    }
    return nullptr;
  }
};

// One authenticated and decrypted RTP packet, parsed once: what a connection hands over for a
// track. RTX is unwrapped, padding is taken off, extension ids are replaced by what they mean.
struct MediaPacket {
  PacketRef packet;
  uint16_t payload_offset = 0;
  uint16_t payload_size = 0;
  Ssrc ssrc;
  SequenceNumber sequence_number;
  uint32_t timestamp = 0;
  CodecFormat format;
  bool marker = false;
  PassedExtensions extensions;

  Bytes payload() const { return Bytes(packet->data()).subspan(payload_offset, payload_size); }
  // The extension's data; empty when it is not there.
  Bytes extension(ExtensionKind kind) const {
    const PassedExtension* found = extensions.find(kind);
    return found ? Bytes(packet->data()).subspan(found->offset, found->size) : Bytes();
  }
};

// One packet as it leaves a slot, before it has bytes of its own: where its payload is and which
// numbers its header gets. Everything it borrows lives until the next call into the relay.
struct OutgoingPacket {
  uint64_t index = 0;  // 48 bits: rollover counter and sequence number (RFC 3711 §3.3.1)
  uint32_t timestamp = 0;
  Ssrc ssrc;
  PayloadType payload_type;
  bool marker = false;
  uint32_t csrc = 0;  // the track's id
  // Written in front of `body`: an RTX sequence number, a new payload descriptor.
  std::array<uint8_t, 8> head{};
  uint8_t head_size = 0;
  uint8_t padding = 0;  // bytes of padding at the end (RFC 3550 §5.1), besides what sizes need
  // The stream begins anew with it, by a key frame: nothing before it is of use any more.
  bool begins_anew = false;
  Bytes body;    // borrowed from the packet
  Bytes source;  // the packet's bytes, where the extensions' offsets point into
  const PassedExtensions* extensions = nullptr;
  const PacketRef* packet = nullptr;       // that all this is borrowed from; null: padding alone
  std::optional<uint16_t> frame_number{};  // for the dependency descriptor, in place of its own
  ActiveTargets active_targets{};
  // How far the publisher's clock is ahead of the node's, as an NTP span; for abs-capture-time.
  std::optional<int64_t> clock_ahead{};

  SequenceNumber sequence_number() const { return SequenceNumber(static_cast<uint16_t>(index)); }
  size_t payload_size() const { return head_size + body.size(); }
};

// All packets that are due for one receiver now, in one piece and in the order to send them.
struct OutgoingBatch {
  std::span<const OutgoingPacket> packets;
  size_t repairs_begin = 0;
  size_t media_begin = 0;

  // Sound, which never waits.
  std::span<const OutgoingPacket> urgent() const { return packets.first(repairs_begin); }
  // What was asked for again.
  std::span<const OutgoingPacket> repairs() const {
    return packets.subspan(repairs_begin, media_begin - repairs_begin);
  }
  std::span<const OutgoingPacket> media() const { return packets.subspan(media_begin); }
};

// A retransmission that was to leave and did not: of this packet of that stream.
struct UnsentRepair {
  Ssrc ssrc;
  SequenceNumber sequence_number;
  size_t size = 0;  // of the payload
};

}  // namespace simpul::rtp
