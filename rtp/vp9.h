#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/expected.h"
#include "rtp/parse_error.h"
#include "rtp/picture_numbers.h"
#include "rtp/picture_size.h"

namespace simpul::rtp {

// The VP9 payload descriptor (RFC 9628 §4.2), in flexible and non-flexible mode. The frame behind
// it is not read: that the picture is a key picture and how large it is stands here.
struct Vp9Descriptor {
  static constexpr uint8_t kReferencesMax = 3;  // P_DIFF of one frame

  uint8_t first = 0;             // the flags, as they came
  bool inter_predicted = false;  // P: depends on earlier pictures
  bool flexible = false;         // F
  bool starts_frame = false;     // B: of its layer
  bool ends_frame = false;       // E: of its layer
  bool used_above = true;        // not Z: higher spatial layers may need it
  bool has_layers = false;       // L
  bool long_picture_id = false;  // M: 15 bits
  std::optional<uint16_t> picture_id;
  uint8_t temporal_id = 0;
  bool switching_up = false;  // U
  uint8_t spatial_id = 0;
  bool inter_layer = false;            // D: depends on the layer below
  std::optional<uint8_t> tl0_pic_idx;  // of the non-flexible mode
  uint8_t reference_count = 0;         // P_DIFF, of the flexible mode: how many pictures back
  std::array<uint8_t, kReferencesMax> references{};
  bool are_references_corrected = false;  // they are not what came (vp9_references.h)
  uint8_t spatial_layers = 0;             // by the scalability structure; 0: not told
  uint16_t width = 0;                     // of the scalability structure's top layer; 0: not told
  uint16_t height = 0;
  uint16_t size = 0;  // of the descriptor

  // True for the first packet of a key picture, whose layers may be several (L3T3_KEY): the one
  // that depends on none below. Some senders of simulcast give each stream a spatial layer of its
  // own.
  bool key_frame() const { return starts_frame && !inter_predicted && !inter_layer; }

  // kTooShort when it is cut off, kMalformed when it has more than kReferencesMax references.
  [[nodiscard]] static Expected<Vp9Descriptor, ParseError> parse(Bytes payload);

  // The sizes that the scalability structure of a payload that parse() took tells of its layers.
  static SpatialSizes read_sizes(Bytes payload);

  PictureNumbers numbers() const;

  // The first bytes of the descriptor with other numbers, in the fields and sizes that it has, and
  // corrected references; what stays as it is stays behind them.
  PayloadHead with_numbers(const PictureNumbers& numbers) const;
};

}  // namespace simpul::rtp
