#include "rtp/vp8.h"

#include "base/byte_writer.h"
#include "rtp/byte_reader.h"

namespace simpul::rtp {
namespace {

constexpr uint8_t kExtended = 0x80;      // X, of the first byte
constexpr uint8_t kNonReference = 0x20;  // N
constexpr uint8_t kStart = 0x10;         // S
constexpr uint8_t kPartition = 0x07;     // PID
constexpr uint8_t kHasPictureId = 0x80;  // I, of the extension byte
constexpr uint8_t kHasTl0PicIdx = 0x40;  // L
constexpr uint8_t kHasTemporal = 0x20;   // T
constexpr uint8_t kHasKeyIdx = 0x10;     // K
constexpr uint8_t kLongPictureId = 0x80;
constexpr uint8_t kLayerSync = 0x20;  // Y
constexpr uint8_t kKeyIdx = 0x1f;
constexpr size_t kKeyFrameHeaderSize = 10;

void read_extension(ByteReader& reader, Vp8Descriptor& descriptor) {
  const uint8_t fields = reader.u8();
  if ((fields & kHasPictureId) != 0) {
    const uint8_t first = reader.u8();
    descriptor.long_picture_id = (first & kLongPictureId) != 0;
    const auto high = static_cast<uint16_t>(first & 0x7f);
    descriptor.picture_id =
        descriptor.long_picture_id ? static_cast<uint16_t>(high << 8 | reader.u8()) : high;
  }
  if ((fields & kHasTl0PicIdx) != 0) descriptor.tl0_pic_idx = reader.u8();
  if ((fields & (kHasTemporal | kHasKeyIdx)) == 0) return;
  const uint8_t shared = reader.u8();
  if ((fields & kHasTemporal) != 0) {
    descriptor.temporal_id = static_cast<uint8_t>(shared >> 6);
    descriptor.layer_sync = (shared & kLayerSync) != 0;
  }
  if ((fields & kHasKeyIdx) != 0) descriptor.key_idx = static_cast<uint8_t>(shared & kKeyIdx);
}

// RFC 6386 §9.1: three bytes of frame tag, a start code, width and height with their scales.
void read_frame_head(Bytes frame, Vp8Descriptor& descriptor) {
  if (!descriptor.starts_frame() || frame.size() < kKeyFrameHeaderSize) return;
  const bool is_inter_frame = (frame[0] & 0x01) != 0;
  if (is_inter_frame || frame[3] != 0x9d || frame[4] != 0x01 || frame[5] != 0x2a) return;
  descriptor.key_frame = true;
  descriptor.width = static_cast<uint16_t>((frame[7] & 0x3f) << 8 | frame[6]);
  descriptor.height = static_cast<uint16_t>((frame[9] & 0x3f) << 8 | frame[8]);
}

}  // namespace

//      0 1 2 3 4 5 6 7
//     +-+-+-+-+-+-+-+-+
//     |X|R|N|S|R| PID |
//     +-+-+-+-+-+-+-+-+
// X:  |I|L|T|K| RSV   |
//     +-+-+-+-+-+-+-+-+
// I:  |M| PictureID   |  and 8 bits more if M
//     +-+-+-+-+-+-+-+-+
// L:  |   TL0PICIDX   |
//     +-+-+-+-+-+-+-+-+
// T/K:|TID|Y| KEYIDX  |
//     +-+-+-+-+-+-+-+-+
Expected<Vp8Descriptor, ParseError> Vp8Descriptor::parse(Bytes payload) {
  ByteReader reader(payload);
  Vp8Descriptor descriptor;
  const uint8_t first = reader.u8();
  descriptor.non_reference = (first & kNonReference) != 0;
  descriptor.start_of_partition = (first & kStart) != 0;
  descriptor.partition = static_cast<uint8_t>(first & kPartition);
  if ((first & kExtended) != 0) read_extension(reader, descriptor);
  if (!reader.ok()) return unexpected(ParseError::kTooShort);
  descriptor.size = static_cast<uint8_t>(reader.read());
  read_frame_head(reader.rest(), descriptor);
  return descriptor;
}

PictureNumbers Vp8Descriptor::numbers() const {
  return {.picture_id = picture_id.value_or(0),
          .tl0_pic_idx = tl0_pic_idx.value_or(0),
          .key_idx = key_idx.value_or(0)};
}

PayloadHead Vp8Descriptor::with_numbers(const PictureNumbers& numbers) const {
  const bool has_shared = temporal_id || key_idx;
  const bool is_extended = size > 1;
  PayloadHead head{.replaced = size};
  ByteWriter writer(head.bytes);
  writer.u8(static_cast<uint8_t>((is_extended ? kExtended : 0) |
                                 (non_reference ? kNonReference : 0) |
                                 (start_of_partition ? kStart : 0) | partition));
  if (is_extended) {
    writer.u8(static_cast<uint8_t>((picture_id ? kHasPictureId : 0) |
                                   (tl0_pic_idx ? kHasTl0PicIdx : 0) |
                                   (temporal_id ? kHasTemporal : 0) | (key_idx ? kHasKeyIdx : 0)));
  }
  if (picture_id && long_picture_id) {
    writer.u16(static_cast<uint16_t>(kLongPictureId << 8 | (numbers.picture_id & 0x7fff)));
  } else if (picture_id) {
    writer.u8(static_cast<uint8_t>(numbers.picture_id & 0x7f));
  }
  if (tl0_pic_idx) writer.u8(numbers.tl0_pic_idx);
  if (has_shared) {
    const auto key = key_idx ? numbers.key_idx & kKeyIdx : 0;
    writer.u8(
        static_cast<uint8_t>(temporal_id.value_or(0) << 6 | (layer_sync ? kLayerSync : 0) | key));
  }
  head.size = static_cast<uint8_t>(writer.size());
  return head;
}

}  // namespace simpul::rtp
