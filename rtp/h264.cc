#include "rtp/h264.h"

#include <algorithm>
#include <array>

#include "rtp/bit_reader.h"
#include "rtp/byte_reader.h"

namespace simpul::rtp {
namespace {

// NAL unit types (H.264 table 7-1, RFC 6184 §5.2).
constexpr uint8_t kSlice = 1;
constexpr uint8_t kSlicePartitionLast = 4;
constexpr uint8_t kIdr = 5;
constexpr uint8_t kSequenceParameters = 7;
constexpr uint8_t kSingleMax = 23;
constexpr uint8_t kStapA = 24;
constexpr uint8_t kFuA = 28;

constexpr uint8_t kTypeMask = 0x1f;
constexpr uint8_t kFragmentStart = 0x80;
constexpr uint8_t kFragmentEnd = 0x40;

constexpr uint32_t kMacroblock = 16;
constexpr uint32_t kSideMax = 16'384;
constexpr size_t kParametersMax = 256;  // bytes of a set that are looked at

bool is_single(uint8_t type) { return type >= 1 && type <= kSingleMax; }

void note_type(uint8_t type, H264Payload& payload) {
  payload.has_idr |= type == kIdr;
  payload.has_slice |= type >= kSlice && type <= kSlicePartitionLast;
}

void note_unit(Bytes unit, H264Payload& payload) {
  const auto type = static_cast<uint8_t>(unit[0] & kTypeMask);
  note_type(type, payload);
  if (type != kSequenceParameters) return;
  payload.has_parameters = true;
  const auto size = read_sequence_parameters(unit.subspan(1));
  if (!size) return;
  payload.width = size->width;
  payload.height = size->height;
}

//     |F|NRI|  24   |   size (16)   | unit ... |   size (16)   | unit ... |
Expected<H264Payload, ParseError> parse_aggregate(Bytes units) {
  H264Payload payload{.starts_unit = true};
  ByteReader reader(units);
  size_t count = 0;
  while (!reader.rest().empty()) {
    const size_t size = reader.u16();
    const Bytes unit = reader.bytes(size);
    if (!reader.ok()) return unexpected(ParseError::kTooShort);
    if (++count > H264Payload::kUnitsMax || unit.empty()) return unexpected(ParseError::kMalformed);
    const auto type = static_cast<uint8_t>(unit[0] & kTypeMask);
    if (!is_single(type)) return unexpected(ParseError::kMalformed);
    note_unit(unit, payload);
  }
  if (count == 0) return unexpected(ParseError::kTooShort);
  return payload;
}

//     |F|NRI|  28   |S|E|R|  type   | piece ... |
Expected<H264Payload, ParseError> parse_fragment(Bytes payload) {
  if (payload.size() < 3) return unexpected(ParseError::kTooShort);
  const uint8_t head = payload[1];
  const bool starts = (head & kFragmentStart) != 0;
  const auto type = static_cast<uint8_t>(head & kTypeMask);
  if (starts && (head & kFragmentEnd) != 0) return unexpected(ParseError::kMalformed);
  if (!is_single(type)) return unexpected(ParseError::kMalformed);
  H264Payload piece{.has_parameters = starts && type == kSequenceParameters, .starts_unit = starts};
  note_type(type, piece);
  return piece;
}

// H.264 §7.3.2.1.1.1: a scaling list is skipped, but its end depends on what it says.
void skip_scaling_list(BitReader& reader, int entries) {
  int32_t last = 8;
  int32_t next = 8;
  for (int i = 0; i < entries && reader.ok(); ++i) {
    if (next != 0) {
      const int64_t delta = reader.signed_exponential_golomb();
      next = static_cast<int32_t>(((last + delta) % 256 + 256) % 256);
    }
    if (next != 0) last = next;
  }
}

bool has_chroma_format(uint32_t profile) {
  constexpr std::array<uint32_t, 13> kProfiles = {100, 110, 122, 244, 44,  83, 86,
                                                  118, 128, 138, 139, 134, 135};
  return std::ranges::find(kProfiles, profile) != kProfiles.end();
}

// Returns chroma_format_idc, or 4 when the planes are separate.
uint32_t read_chroma(BitReader& reader) {
  uint32_t format = reader.exponential_golomb();
  if (format == 3 && reader.flag()) format = 4;
  (void)reader.exponential_golomb();  // bit depth of luma
  (void)reader.exponential_golomb();  // of chroma
  reader.skip(1);
  if (!reader.flag()) return format;
  const int lists = format == 3 || format == 4 ? 12 : 8;
  for (int i = 0; i < lists && reader.ok(); ++i) {
    if (reader.flag()) skip_scaling_list(reader, i < 6 ? 16 : 64);
  }
  return format;
}

void skip_picture_order(BitReader& reader) {
  const uint32_t type = reader.exponential_golomb();
  if (type == 0) (void)reader.exponential_golomb();
  if (type != 1) return;
  reader.skip(1);
  (void)reader.signed_exponential_golomb();
  (void)reader.signed_exponential_golomb();
  const uint32_t cycle = reader.exponential_golomb();
  for (uint32_t i = 0; i < std::min(cycle, 255u) && reader.ok(); ++i) {
    (void)reader.signed_exponential_golomb();
  }
}

Expected<PictureSize, ParseError> read_size(BitReader& reader, uint32_t chroma) {
  const uint64_t columns = uint64_t{reader.exponential_golomb()} + 1;
  const uint64_t rows = uint64_t{reader.exponential_golomb()} + 1;
  const bool frames_only = reader.flag();
  if (!frames_only) reader.skip(1);
  reader.skip(1);
  const uint64_t fields = frames_only ? 1 : 2;
  uint64_t width = columns * kMacroblock;
  uint64_t height = rows * kMacroblock * fields;
  if (reader.flag()) {
    const uint64_t unit_x = chroma == 1 || chroma == 2 ? 2 : 1;
    const uint64_t unit_y = (chroma == 1 ? 2 : 1) * fields;
    uint64_t cut_x = reader.exponential_golomb();
    cut_x = (cut_x + reader.exponential_golomb()) * unit_x;
    uint64_t cut_y = reader.exponential_golomb();
    cut_y = (cut_y + reader.exponential_golomb()) * unit_y;
    if (cut_x >= width || cut_y >= height) return unexpected(ParseError::kMalformed);
    width -= cut_x;
    height -= cut_y;
  }
  if (!reader.ok()) return unexpected(ParseError::kTooShort);
  if (width > kSideMax || height > kSideMax) return unexpected(ParseError::kMalformed);
  return PictureSize{static_cast<uint16_t>(width), static_cast<uint16_t>(height)};
}

}  // namespace

Expected<PictureSize, ParseError> read_sequence_parameters(Bytes set) {
  // Without the bytes that keep start codes from arising (§7.4.1.1).
  std::array<uint8_t, kParametersMax> bytes{};
  size_t size = 0;
  size_t zeros = 0;
  for (const uint8_t byte : set) {
    if (size == bytes.size()) break;
    const bool inserted = zeros >= 2 && byte == 3;
    zeros = byte == 0 ? zeros + 1 : 0;
    if (!inserted) bytes[size++] = byte;
  }
  BitReader reader(Bytes(bytes).first(size));
  const uint32_t profile = reader.bits(8);
  reader.skip(16);                    // constraints, level
  (void)reader.exponential_golomb();  // its id
  const uint32_t chroma = has_chroma_format(profile) ? read_chroma(reader) : 1;
  (void)reader.exponential_golomb();  // bits of frame_num
  skip_picture_order(reader);
  (void)reader.exponential_golomb();  // reference frames
  reader.skip(1);
  return read_size(reader, chroma);
}

//     |F|NRI|  type |
Expected<H264Payload, ParseError> H264Payload::parse(Bytes payload) {
  if (payload.empty()) return unexpected(ParseError::kTooShort);
  const auto type = static_cast<uint8_t>(payload[0] & kTypeMask);
  if (type == kStapA) return parse_aggregate(payload.subspan(1));
  if (type == kFuA) return parse_fragment(payload);
  if (!is_single(type)) return unexpected(ParseError::kMalformed);
  H264Payload single{.starts_unit = true};
  note_unit(payload, single);
  return single;
}

}  // namespace simpul::rtp
