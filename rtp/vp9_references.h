#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "rtp/vp9.h"

namespace simpul::rtp {

// Finds references of VP9 pictures (RFC 9628 §4.2, P_DIFF, flexible mode) that cannot be meant: to
// a picture of a higher temporal layer, or to one before the last key picture. Chromium's encoder
// writes such: for a picture that it left out it counts one in the references and none in the
// picture ids, so that they reach one too far back. The picture behind that one is meant, where it
// can be; receivers that do not get the other one would wait for it. One stream's, in the order in
// which packets come; what is not known is left as it is.
class Vp9References {
 public:
  // Puts right what the descriptor of the next packet refers to.
  void correct(Vp9Descriptor& descriptor);

 private:
  static constexpr uint16_t kPictures = 128;  // P_DIFF has seven bits
  static constexpr uint8_t kUnknown = 0;
  static constexpr uint8_t kBeforeKeyPicture = 0xFF;

  bool note(const Vp9Descriptor& descriptor);  // false when it is too old
  uint8_t& layer_of(uint16_t picture_id) { return layers_[picture_id % kPictures]; }

  // By picture id: the temporal layer and 1, or one of the values above.
  std::array<uint8_t, kPictures> layers_{};
  std::optional<uint16_t> newest_;
};

}  // namespace simpul::rtp
