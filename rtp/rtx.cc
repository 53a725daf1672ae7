#include "rtp/rtx.h"

namespace simpul::rtp {

Expected<RtxPayload, ParseError> unwrap_rtx(Bytes payload) {
  if (payload.size() < kRtxHeadSize) return unexpected(ParseError::kTooShort);
  return RtxPayload{.original = SequenceNumber(load_be16(payload.first<2>())),
                    .payload = payload.subspan(kRtxHeadSize)};
}

std::array<uint8_t, kRtxHeadSize> rtx_head(SequenceNumber original) {
  std::array<uint8_t, kRtxHeadSize> head{};
  store_be16(head, original.value());
  return head;
}

}  // namespace simpul::rtp
