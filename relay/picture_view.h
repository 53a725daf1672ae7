#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "relay/feed_packet.h"

namespace simpul::relay {

// The packets of one picture (one timestamp) that are due together, as far as the choice of layers
// needs to know them. They are added in order, and borrowed.
class PictureView {
 public:
  static constexpr size_t kFramesMax = 8;  // one of each spatial layer

  struct Frame {
    const FeedPacket* first = nullptr;   // that starts it; null: lost, or there is none
    const FeedPacket* newest = nullptr;  // of all
  };

  void add(const FeedPacket& packet) {
    if (opening_ == nullptr) opening_ = &packet;
    const rtp::LayerInfo& layers = packet.payload.layers;
    Frame& frame = frames_[layers.spatial % kFramesMax];
    if (layers.starts_frame && frame.first == nullptr) frame.first = &packet;
    frame.newest = &packet;
    end_ = std::max(end_, layers.spatial % kFramesMax + size_t{1});
    is_complete_ |= packet.media.marker;
  }

  // By spatial layer; those from end() on are not there.
  const Frame& frame(size_t spatial) const { return frames_[spatial % kFramesMax]; }
  size_t end() const { return end_; }
  const FeedPacket* opening() const { return opening_; }  // the first packet; null of an empty view
  bool is_complete() const { return is_complete_; }       // its last packet is among them

 private:
  std::array<Frame, kFramesMax> frames_{};
  size_t end_ = 0;
  const FeedPacket* opening_ = nullptr;
  bool is_complete_ = false;
};

// The packets of the picture that begins with the one at `first`: packet_at() gives them, in order.
template <class PacketAt>
PictureView picture_at(size_t first, size_t end, const PacketAt& packet_at) {
  PictureView picture;
  const uint32_t timestamp = packet_at(first).media.timestamp;
  for (size_t i = first; i < end && packet_at(i).media.timestamp == timestamp; ++i) {
    picture.add(packet_at(i));
  }
  return picture;
}

}  // namespace simpul::relay
