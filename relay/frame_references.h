#pragma once

#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "relay/feed_packet.h"

namespace simpul::relay {

// Which frames of a stream with dependency descriptors came whole, and what they refer to, so that
// it can be told whether a receiver can decode one. That is what chains are for (RTP Payload Format
// for AV1, A.8.3.4), and holds for streams and frames without them too; what comes late mends it.
class FrameReferences {
 public:
  // Older ones are taken for whole: who lacks one has asked for a key frame since.
  static constexpr size_t kFramesKept = 256;

  // A packet that came, in any order, but once.
  void note(const FeedPacket& packet);
  void clear() { frames_.clear(); }

  // Whether all that the frame needs, back and back, itself included, came whole and was sent,
  // where is_sent(frame number) tells that.
  template <class IsSent>
  bool can_decode(uint16_t frame_number, const IsSent& is_sent) const {
    std::bitset<kFramesKept> seen;
    std::array<uint16_t, kFramesKept> open{};
    size_t count = 0;
    const auto add = [&](uint16_t number) {
      if (!is_kept(number) || seen.test(number % kFramesKept)) return;
      seen.set(number % kFramesKept);
      open[count++] = number;
    };
    add(frame_number);
    while (count > 0) {
      const uint16_t number = open[--count];
      const Frame& frame = frames_[number % kFramesKept];
      if (!frame.is_whole(number) || !is_sent(number)) return false;
      for (size_t i = 0; i < frame.reference_count; ++i) {
        add(static_cast<uint16_t>(number - frame.references[i]));
      }
    }
    return true;
  }

 private:
  struct Frame {
    uint16_t number = 0;
    uint16_t packets = 0;
    int64_t first = kNone;  // packet, which says that it starts the frame
    int64_t last = kNone;
    uint8_t reference_count = 0;
    std::array<uint16_t, rtp::LayerInfo::kReferencesMax> references{};

    bool is_whole(uint16_t of) const {
      return number == of && first != kNone && last != kNone && packets == last - first + 1;
    }
  };
  static constexpr int64_t kNone = -1;

  // Those that came before the first packet of all are not, either.
  bool is_kept(uint16_t number) const {
    const auto back = static_cast<uint16_t>(newest_ - number);
    return !frames_.empty() && back < kept_;
  }

  std::vector<Frame> frames_;  // by number modulo its size; no memory before the first
  uint16_t newest_ = 0;
  uint16_t kept_ = 0;  // up to the newest
};

}  // namespace simpul::relay
