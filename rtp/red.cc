#include "rtp/red.h"

#include "base/byte_writer.h"
#include "base/check.h"
#include "rtp/byte_reader.h"

namespace simpul::rtp {
namespace {

constexpr uint8_t kFollowed = 0x80;  // F: another header comes after this one
constexpr size_t kOlderHeader = 4;
constexpr size_t kPrimaryHeader = 1;
constexpr int kSizeBits = 10;

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

size_t red_size(std::span<const RedBlock> older, Bytes primary) {
  size_t size = kPrimaryHeader + primary.size();
  for (const RedBlock& block : older) size += kOlderHeader + block.data.size();
  return size;
}

size_t write_red(PayloadType block_type, std::span<const RedBlock> older, Bytes primary,
                 MutableBytes room) {
  SIMPUL_CHECK(red_size(older, primary) <= room.size());
  ByteWriter writer(room);
  for (const RedBlock& block : older) {
    SIMPUL_CHECK(block.age <= RedBlock::kAgeMax && block.data.size() <= RedBlock::kSizeMax);
    const uint32_t age_and_size =
        uint32_t{block.age} << kSizeBits | static_cast<uint32_t>(block.data.size());
    writer.u8(static_cast<uint8_t>(kFollowed | block_type.value()));
    writer.u8(static_cast<uint8_t>(age_and_size >> 16));
    writer.u16(static_cast<uint16_t>(age_and_size));
  }
  writer.u8(block_type.value());
  for (const RedBlock& block : older) writer.bytes(block.data);
  writer.bytes(primary);
  return red_size(older, primary);
}

}  // namespace simpul::rtp
