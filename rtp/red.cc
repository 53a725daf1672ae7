#include "rtp/red.h"

#include "rtp/byte_reader.h"

namespace simpul::rtp {
namespace {

constexpr uint8_t kFollowed = 0x80;  // F: another header comes after this one

}  // namespace

//     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//     |1|  block PT   |   timestamp offset (14)   | block length (10)  |   of each redundant block
//     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//     |0|  block PT   |   of the primary block
//     +-+-+-+-+-+-+-+-+
Expected<RedPayload, ParseError> RedPayload::parse(Bytes payload) {
  ByteReader reader(payload);
  size_t redundant_size = 0;
  size_t blocks = 0;
  uint8_t first = reader.u8();
  const auto type = static_cast<uint8_t>(first & 0x7f);
  while ((first & kFollowed) != 0) {
    if (++blocks > kRedundantMax) return unexpected(ParseError::kMalformed);
    (void)reader.u8();  // high bits of the offset
    redundant_size += reader.u16() & 0x03ffu;
    first = reader.u8();
    if (!reader.ok()) return unexpected(ParseError::kTooShort);
    if ((first & 0x7f) != type) return unexpected(ParseError::kMalformed);
  }
  (void)reader.bytes(redundant_size);
  if (!reader.ok()) return unexpected(ParseError::kTooShort);
  if (reader.rest().empty()) return unexpected(ParseError::kMalformed);
  return RedPayload{.block_type = PayloadType(type),
                    .primary_offset = static_cast<uint16_t>(reader.read())};
}

}  // namespace simpul::rtp
