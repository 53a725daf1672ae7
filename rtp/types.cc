#include "rtp/types.h"

namespace simpul::rtp {

std::string_view to_string(MediaKind kind) {
  switch (kind) {
    case MediaKind::kAudio:
      return "audio";
    case MediaKind::kVideo:
      return "video";
  }
  return "unknown";
}

std::string_view to_string(Codec codec) {
  switch (codec) {
    case Codec::kOpus:
      return "opus";
    case Codec::kRed:
      return "red";
    case Codec::kVp8:
      return "VP8";
    case Codec::kVp9:
      return "VP9";
    case Codec::kH264:
      return "H264";
    case Codec::kAv1:
      return "AV1";
  }
  return "unknown";
}

}  // namespace simpul::rtp
