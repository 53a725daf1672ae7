#include "bench/peer/frame_maker.h"

#include <algorithm>
#include <array>

namespace simpul::peer {
namespace {

constexpr uint32_t kBytesMin = 64;
constexpr double kRepaidShare = 0.1;  // of a debt, by each frame

// The pattern of three temporal layers (L1T3), and how large its frames are beside the mean.
struct Position {
  uint8_t temporal_id;
  uint8_t depends_on;
  bool layer_sync;
  double size;
};
constexpr std::array<Position, 4> kPattern = {
    {{0, 4, false, 1.6}, {2, 1, true, 0.7}, {1, 2, true, 1.0}, {2, 1, false, 0.7}}};

}  // namespace

FrameMaker::FrameMaker(const VideoProfile& profile, size_t layer, uint64_t seed)
    : mean_bytes_(profile.layers.at(layer).bitrate_bps / 8 / profile.frames_per_second),
      size_variation_(profile.size_variation),
      key_factor_min_(profile.key_frame_factor_min),
      key_factor_max_(profile.key_frame_factor_max),
      temporal_layers_(profile.temporal_layers),
      random_(seed),
      picture_id_(static_cast<uint16_t>(random_.next() & 0x7fff)),
      tl0_pic_idx_(static_cast<uint8_t>(random_.next())) {}

Frame FrameMaker::next(bool key_frame) {
  Frame frame{.number = number_++, .picture_id = picture_id_, .key_frame = key_frame};
  picture_id_ = static_cast<uint16_t>((picture_id_ + 1) & 0x7fff);
  if (key_frame) position_ = 0;
  frame.depends_on = key_frame ? 0 : 1;
  if (temporal_layers_ > 1) {
    const Position& position = kPattern[position_];
    frame.temporal_id = position.temporal_id;
    frame.layer_sync = position.layer_sync;
    if (!key_frame) frame.depends_on = position.depends_on;
    if (frame.temporal_id == 0) ++tl0_pic_idx_;
    frame.tl0_pic_idx = tl0_pic_idx_;
  }
  frame.bytes = size_of(frame);
  position_ = static_cast<uint8_t>((position_ + 1) % kPattern.size());
  return frame;
}

uint32_t FrameMaker::size_of(const Frame& frame) {
  const double mean = mean_bytes_;
  if (frame.key_frame) {
    const auto size =
        static_cast<uint32_t>(mean * random_.between(key_factor_min_, key_factor_max_));
    if (size_variation_ > 0) debt_bytes_ += size - std::min(size, mean_bytes_);
    return std::max(size, kBytesMin);
  }
  double size = mean * random_.between(1 - size_variation_, 1 + size_variation_);
  if (temporal_layers_ > 1) size *= kPattern[position_].size;
  const auto repaid = std::min(debt_bytes_, static_cast<uint32_t>(kRepaidShare * mean));
  debt_bytes_ -= repaid;
  return std::max(static_cast<uint32_t>(size) - std::min(repaid, static_cast<uint32_t>(size)),
                  kBytesMin);
}

}  // namespace simpul::peer
