#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/bytes.h"
#include "rtp/media_packet.h"
#include "rtp/red.h"

namespace simpul::relay {

// Makes RED (RFC 2198) of the Opus packets of one slot: each repeats the frames that were sent
// before it, so that a receiver that loses one finds it in the next. It takes what the slot sends,
// numbers included, and reads nothing of the frames. What is RED already is left as it is.
class Redundancy {
 public:
  static constexpr size_t kFramesMax = 2;  // repeated in one packet
  // How far back they are at most, by sequence number: what the publisher's path lost leaves holes.
  static constexpr size_t kReach = 3;
  static constexpr size_t kFrameSizeMax = 512;  // of a frame that is repeated, in bytes
  static constexpr size_t kPayloadMax = 1'100;  // of what is made
  static constexpr size_t kAtOnceMax = 8;       // packets; what else is due at once leaves plain

  struct Types {
    rtp::PayloadType red;
    rtp::PayloadType frames;
  };
  explicit Redundancy(const Types& types) : types_(types) {}

  void set_frames(size_t frames) { frames_ = frames < kFramesMax ? frames : kFramesMax; }
  size_t frames() const { return frames_; }

  // Returns by how many bytes the payloads have grown. They hold until the next call.
  size_t add_to(std::span<rtp::OutgoingPacket> packets);

 private:
  struct Kept {
    uint64_t index = 0;  // 0: nothing
    uint32_t timestamp = 0;
    uint32_t csrc = 0;
    size_t size = 0;
    std::array<uint8_t, kFrameSizeMax> bytes;
  };
  struct Blocks {
    std::array<rtp::RedBlock, kFramesMax> all;
    size_t first = kFramesMax;

    std::span<const rtp::RedBlock> used() const { return std::span(all).subspan(first); }
  };

  void keep(const rtp::OutgoingPacket& packet, Bytes frame);
  // The newest that were kept of the same track, the oldest first.
  Blocks blocks_before(const rtp::OutgoingPacket& packet) const;

  Types types_;
  size_t frames_ = 1;
  std::array<Kept, kReach + 1> kept_;  // by index modulo
  std::array<std::array<uint8_t, kPayloadMax>, kAtOnceMax> payloads_;
};

}  // namespace simpul::relay
