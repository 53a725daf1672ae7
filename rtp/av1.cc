#include "rtp/av1.h"

#include <optional>

#include "rtp/bit_reader.h"
#include "rtp/byte_reader.h"

namespace simpul::rtp {
namespace {

constexpr uint8_t kContinues = 0x80;       // Z
constexpr uint8_t kIsContinued = 0x40;     // Y
constexpr uint8_t kStartsSequence = 0x08;  // N

constexpr uint8_t kSequenceHeader = 1;  // OBU type
constexpr uint8_t kObuExtension = 0x04;
constexpr uint8_t kObuHasSize = 0x02;

constexpr int kLengthBytesMax = 8;  // leb128() of AV1 §4.10.5
constexpr int kOperatingPointsMax = 32;

std::optional<uint64_t> read_length(ByteReader& reader) {
  uint64_t value = 0;
  for (int i = 0; i < kLengthBytesMax; ++i) {
    const uint8_t byte = reader.u8();
    value |= uint64_t{byte & 0x7fu} << (7 * i);
    if ((byte & 0x80) == 0) return value;
  }
  return std::nullopt;
}

// AV1 §5.5.3, timing_info(): returns whether decoder_model_info() follows.
bool skip_timing(BitReader& reader) {
  reader.skip(32);
  reader.skip(32);
  if (reader.flag()) (void)reader.exponential_golomb();  // uvlc() is written like ue(v)
  return reader.flag();
}

// AV1 §5.5.1, the operating points.
void skip_operating_points(BitReader& reader) {
  const bool has_timing = reader.flag();
  const bool has_model = has_timing && skip_timing(reader);
  int delay_bits = 0;
  if (has_model) {
    delay_bits = static_cast<int>(reader.bits(5)) + 1;
    reader.skip(32);
    reader.skip(10);
  }
  const bool has_display_delay = reader.flag();
  const int points = static_cast<int>(reader.bits(5)) + 1;
  for (int i = 0; i < points && i < kOperatingPointsMax && reader.ok(); ++i) {
    reader.skip(12);
    if (reader.bits(5) > 7) reader.skip(1);  // tier, of the larger levels
    if (has_model && reader.flag()) {
      reader.skip(delay_bits);
      reader.skip(delay_bits);
      reader.skip(1);
    }
    if (has_display_delay && reader.flag()) reader.skip(4);
  }
}

// The largest size of the sequence, by its header's payload.
void read_sequence_header(Bytes header, Av1Payload& payload) {
  BitReader reader(header);
  reader.skip(4);  // profile, still picture
  if (reader.flag()) {
    reader.skip(5);  // of a still picture, only a level follows
  } else {
    skip_operating_points(reader);
  }
  const int width_bits = static_cast<int>(reader.bits(4)) + 1;
  const int height_bits = static_cast<int>(reader.bits(4)) + 1;
  const uint32_t width = reader.bits(width_bits) + 1;
  const uint32_t height = reader.bits(height_bits) + 1;
  if (!reader.ok() || width > 0xffff || height > 0xffff) return;
  payload.width = static_cast<uint16_t>(width);
  payload.height = static_cast<uint16_t>(height);
}

void read_element(Bytes element, Av1Payload& payload) {
  ByteReader reader(element);
  const uint8_t head = reader.u8();
  if ((head >> 3 & 0x0f) != kSequenceHeader) return;
  if ((head & kObuExtension) != 0) (void)reader.u8();
  if ((head & kObuHasSize) != 0) (void)read_length(reader);
  if (reader.ok()) read_sequence_header(reader.rest(), payload);
}

}  // namespace

//      0 1 2 3 4 5 6 7
//     +-+-+-+-+-+-+-+-+
//     |Z|Y| W |N|-|-|-|
//     +-+-+-+-+-+-+-+-+
// then the elements, each behind its length; of W of them the last one has none.
Expected<Av1Payload, ParseError> Av1Payload::parse(Bytes bytes) {
  ByteReader reader(bytes);
  const uint8_t head = reader.u8();
  Av1Payload payload{.continues = (head & kContinues) != 0,
                     .is_continued = (head & kIsContinued) != 0,
                     .starts_sequence = (head & kStartsSequence) != 0};
  const size_t count = head >> 4 & 0x03;
  if (!reader.ok()) return unexpected(ParseError::kTooShort);
  if (payload.continues && payload.starts_sequence) return unexpected(ParseError::kMalformed);
  while (count == 0 ? !reader.rest().empty() : payload.elements < count) {
    if (++payload.elements > kElementsMax) return unexpected(ParseError::kMalformed);
    size_t size = reader.rest().size();
    if (payload.elements != count) {
      const auto told = read_length(reader);
      if (!told) return unexpected(ParseError::kMalformed);
      if (!reader.ok() || *told > reader.rest().size()) return unexpected(ParseError::kTooShort);
      size = static_cast<size_t>(*told);
    }
    const Bytes element = reader.bytes(size);
    // Temporal delimiters may stand in front of it, though senders leave them out (§4.4).
    if (payload.starts_sequence && payload.width == 0) read_element(element, payload);
  }
  if (payload.elements == 0) return unexpected(ParseError::kMalformed);
  return payload;
}

}  // namespace simpul::rtp
