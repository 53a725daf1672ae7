#pragma once

#include <cstdint>

#include "bench/peer/frame.h"
#include "bench/peer/media_profile.h"
#include "bench/peer/random.h"

namespace simpul::peer {

// An encoder without a picture: decides of each frame how large it is, which layer it belongs to
// and what it builds on. Its bit rate is kept on average: what a key frame has more than its share,
// the frames behind it have less, each a tenth at most.
class FrameMaker {
 public:
  FrameMaker(const VideoProfile& profile, size_t layer, uint64_t seed);

  // The next frame, but for its times and the numbers of its packets.
  Frame next(bool key_frame);

 private:
  uint32_t size_of(const Frame& frame);

  uint32_t mean_bytes_;
  double size_variation_;
  double key_factor_min_;
  double key_factor_max_;
  uint8_t temporal_layers_;
  Random random_;
  uint32_t debt_bytes_ = 0;
  uint16_t number_ = 0;
  uint16_t picture_id_;
  uint8_t tl0_pic_idx_;
  uint8_t position_ = 0;  // in the pattern of temporal layers
};

}  // namespace simpul::peer
