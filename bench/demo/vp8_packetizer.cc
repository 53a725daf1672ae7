#include "bench/demo/vp8_packetizer.h"

namespace simpul::demo {

void Vp8Packetizer::cut(Bytes frame, std::vector<std::vector<uint8_t>>& payloads) {
  constexpr size_t kRoom = kPayloadMax - kDescriptorSize;
  const size_t count = (frame.size() + kRoom - 1) / kRoom;
  for (size_t i = 0; i < count; ++i) {
    const size_t size = frame.size() / (count - i);
    std::vector<uint8_t> payload = {static_cast<uint8_t>(i == 0 ? 0x90 : 0x80),  // X, and S
                                    0x80,                                        // I
                                    static_cast<uint8_t>(0x80 | picture_id_ >> 8),
                                    static_cast<uint8_t>(picture_id_)};
    payload.insert(payload.end(), frame.begin(), frame.begin() + static_cast<int64_t>(size));
    payloads.push_back(std::move(payload));
    frame = frame.subspan(size);
  }
  picture_id_ = static_cast<uint16_t>((picture_id_ + 1) & 0x7fff);
}

}  // namespace simpul::demo
