#pragma once

#include <cstdint>
#include <optional>
#include <variant>

#include "base/bytes.h"
#include "base/expected.h"
#include "rtp/dependency_descriptor.h"
#include "rtp/layer_info.h"
#include "rtp/parse_error.h"
#include "rtp/picture_numbers.h"
#include "rtp/red.h"
#include "rtp/types.h"
#include "rtp/vp8.h"
#include "rtp/vp9.h"

namespace simpul::rtp {

// What one packet of H.264 shows of a key frame, where that takes several to tell.
enum class KeyPart : uint8_t {
  kNone,        // of another codec, or told by a dependency descriptor
  kParameters,  // sequence parameters without a picture
  kIdr,
  kOtherPicture,
  kOther,
};

// What forwarding needs to know of one payload, whatever the codec.
struct PayloadInfo {
  bool key_frame = false;  // a receiver can begin with this packet; true for all audio
  KeyPart key_part = KeyPart::kNone;
  uint16_t width = 0;  // of a key frame or parameters; 0 when it is not told or cannot be read
  uint16_t height = 0;
  std::optional<uint16_t> frame_number;  // of the dependency descriptor
  LayerInfo layers{};
  // The payload's own descriptor, where it has to be rewritten.
  std::variant<std::monostate, Vp8Descriptor, Vp9Descriptor, RedPayload> descriptor;

  // Of VP8 and VP9; nothing for the others.
  std::optional<PictureNumbers> numbers() const;
  // The descriptor's first bytes with other numbers; empty where there are none.
  PayloadHead with_numbers(const PictureNumbers& numbers) const;
};

// Reads a payload, which is not empty. With a dependency descriptor that can be read the frame in
// the payload is not looked at: it may be encrypted end to end. Without one (empty), or when it
// cannot be read, the codec's own signs count. An error: nobody could decode the payload. `reader`
// is the stream's own.
Expected<PayloadInfo, ParseError> read_payload(Codec codec, Bytes payload,
                                               Bytes dependency_descriptor,
                                               DependencyReader& reader);
// The sizes of the spatial layers, where `payload` with what was read of it begins a key picture.
SpatialSizes read_spatial_sizes(const PayloadInfo& info, Bytes payload,
                                const DependencyReader& reader);
// Where no other packet of the stream is known: dependencies are told of key frames alone.
Expected<PayloadInfo, ParseError> read_payload(Codec codec, Bytes payload,
                                               Bytes dependency_descriptor);

}  // namespace simpul::rtp
