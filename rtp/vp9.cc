#include "rtp/vp9.h"

#include "base/byte_writer.h"
#include "rtp/byte_reader.h"

namespace simpul::rtp {
namespace {

constexpr uint8_t kHasPictureId = 0x80;    // I, of the first byte
constexpr uint8_t kInterPredicted = 0x40;  // P
constexpr uint8_t kHasLayers = 0x20;       // L
constexpr uint8_t kFlexible = 0x10;        // F
constexpr uint8_t kStart = 0x08;           // B
constexpr uint8_t kEnd = 0x04;             // E
constexpr uint8_t kHasStructure = 0x02;    // V
constexpr uint8_t kNotUsedAbove = 0x01;    // Z
constexpr uint8_t kLongPictureId = 0x80;
constexpr uint8_t kSwitchingUp = 0x10;
constexpr uint8_t kInterLayer = 0x01;
constexpr uint8_t kMoreReferences = 0x01;  // N, of a P_DIFF byte

//     +-+-+-+-+-+-+-+-+
// I:  |M| PICTURE ID  |  and 8 bits more if M
//     +-+-+-+-+-+-+-+-+
void read_picture_id(ByteReader& reader, Vp9Descriptor& descriptor) {
  const uint8_t first = reader.u8();
  descriptor.long_picture_id = (first & kLongPictureId) != 0;
  const auto high = static_cast<uint16_t>(first & 0x7f);
  descriptor.picture_id =
      descriptor.long_picture_id ? static_cast<uint16_t>(high << 8 | reader.u8()) : high;
}

//     +-+-+-+-+-+-+-+-+
// L:  | TID |U| SID |D|
//     +-+-+-+-+-+-+-+-+
//     |   TL0PICIDX   |  unless F
//     +-+-+-+-+-+-+-+-+
void read_layers(ByteReader& reader, Vp9Descriptor& descriptor) {
  const uint8_t layers = reader.u8();
  descriptor.temporal_id = static_cast<uint8_t>(layers >> 5);
  descriptor.switching_up = (layers & kSwitchingUp) != 0;
  descriptor.spatial_id = static_cast<uint8_t>(layers >> 1 & 0x07);
  descriptor.inter_layer = (layers & kInterLayer) != 0;
  if (!descriptor.flexible) descriptor.tl0_pic_idx = reader.u8();
}

//         +-+-+-+-+-+-+-+-+
// P,F:    | P_DIFF      |N|  up to 3 times
//         +-+-+-+-+-+-+-+-+
bool read_references(ByteReader& reader, Vp9Descriptor& descriptor) {
  for (uint8_t& back : descriptor.references) {
    const uint8_t reference = reader.u8();
    back = static_cast<uint8_t>(reference >> 1);
    ++descriptor.reference_count;
    if ((reference & kMoreReferences) == 0) return true;
  }
  return false;
}

//     +-+-+-+-+-+-+-+-+
// V:  | N_S |Y|G|-|-|-|
//     +-+-+-+-+-+-+-+-+
// Y:  | WIDTH, HEIGHT |  2 bytes each, N_S + 1 times
//     +-+-+-+-+-+-+-+-+
// G:  |      N_G      |
//     +-+-+-+-+-+-+-+-+
//     | TID |U| R |-|-|  N_G times, each with R bytes of P_DIFF
//     +-+-+-+-+-+-+-+-+
void read_structure(ByteReader& reader, Vp9Descriptor& descriptor, SpatialSizes* sizes) {
  const uint8_t first = reader.u8();
  const int layers = (first >> 5) + 1;
  descriptor.spatial_layers = static_cast<uint8_t>(layers);
  const bool has_sizes = (first & 0x10) != 0;
  const bool has_group = (first & 0x08) != 0;
  for (int i = 0; has_sizes && i < layers && reader.ok(); ++i) {
    descriptor.width = reader.u16();
    descriptor.height = reader.u16();
    if (sizes == nullptr) continue;
    (*sizes)[static_cast<size_t>(i)] = {.width = descriptor.width, .height = descriptor.height};
  }
  const uint8_t pictures = has_group ? reader.u8() : uint8_t{0};
  for (uint8_t i = 0; i < pictures && reader.ok(); ++i) {
    const size_t references = reader.u8() >> 2 & 0x03;
    (void)reader.bytes(references);
  }
}

//      0 1 2 3 4 5 6 7
//     +-+-+-+-+-+-+-+-+
//     |I|P|L|F|B|E|V|Z|
//     +-+-+-+-+-+-+-+-+
// What the structure tells of each layer goes into `sizes`, if that is there.
Expected<Vp9Descriptor, ParseError> read_descriptor(Bytes payload, SpatialSizes* sizes) {
  ByteReader reader(payload);
  Vp9Descriptor descriptor;
  const uint8_t first = reader.u8();
  descriptor.inter_predicted = (first & kInterPredicted) != 0;
  descriptor.flexible = (first & kFlexible) != 0;
  descriptor.starts_frame = (first & kStart) != 0;
  descriptor.ends_frame = (first & kEnd) != 0;
  descriptor.used_above = (first & kNotUsedAbove) == 0;
  descriptor.has_layers = (first & kHasLayers) != 0;
  descriptor.first = first;
  if ((first & kHasPictureId) != 0) read_picture_id(reader, descriptor);
  if (descriptor.has_layers) read_layers(reader, descriptor);
  if (descriptor.flexible && descriptor.inter_predicted && !read_references(reader, descriptor)) {
    return unexpected(ParseError::kMalformed);
  }
  if ((first & kHasStructure) != 0) read_structure(reader, descriptor, sizes);
  if (!reader.ok()) return unexpected(ParseError::kTooShort);
  descriptor.size = static_cast<uint16_t>(reader.read());
  return descriptor;
}

}  // namespace

Expected<Vp9Descriptor, ParseError> Vp9Descriptor::parse(Bytes payload) {
  return read_descriptor(payload, nullptr);
}

SpatialSizes Vp9Descriptor::read_sizes(Bytes payload) {
  SpatialSizes sizes{};
  (void)read_descriptor(payload, &sizes);
  return sizes;
}

PictureNumbers Vp9Descriptor::numbers() const {
  return {.picture_id = picture_id.value_or(0), .tl0_pic_idx = tl0_pic_idx.value_or(0)};
}

PayloadHead Vp9Descriptor::with_numbers(const PictureNumbers& numbers) const {
  PayloadHead head;
  ByteWriter writer(head.bytes);
  writer.u8(first);
  if (picture_id && long_picture_id) {
    writer.u16(static_cast<uint16_t>(kLongPictureId << 8 | (numbers.picture_id & 0x7fff)));
  } else if (picture_id) {
    writer.u8(static_cast<uint8_t>(numbers.picture_id & 0x7f));
  }
  if (has_layers) {
    writer.u8(static_cast<uint8_t>(temporal_id << 5 | (switching_up ? kSwitchingUp : 0) |
                                   spatial_id << 1 | (inter_layer ? kInterLayer : 0)));
  }
  if (tl0_pic_idx) writer.u8(numbers.tl0_pic_idx);
  for (uint8_t i = 0; are_references_corrected && i < reference_count; ++i) {
    const bool has_more = i + 1 < reference_count;
    writer.u8(static_cast<uint8_t>(references[i] << 1 | (has_more ? kMoreReferences : 0)));
  }
  head.size = static_cast<uint8_t>(writer.size());
  head.replaced = head.size;
  return head;
}

}  // namespace simpul::rtp
