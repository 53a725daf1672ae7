#include "rtp/flexfec.h"

#include <algorithm>
#include <span>

#include "base/byte_writer.h"
#include "base/check.h"

namespace simpul::rtp {
namespace {

constexpr size_t kFixedHeader = 12;
constexpr uint16_t kPaddingBit = 0x2000;
constexpr uint16_t kFirstKept = 0x3fff;  // R and F, where a packet has its version, are zero
constexpr size_t kShortMask = 15;        // bits

void add_bytes(Bytes from, MutableBytes into) {
  for (size_t i = 0; i < from.size(); ++i) into[i] = static_cast<uint8_t>(into[i] ^ from[i]);
}

// The largest number of rows up to `wanted` into which the columns can be joined evenly.
size_t even_rows(size_t wanted) {
  size_t rows = std::clamp<size_t>(wanted, 1, FlexfecEncoder::kRowsMax);
  while (FlexfecEncoder::kRowsMax % rows != 0) --rows;
  return rows;
}

}  // namespace

bool FlexfecEncoder::add(const ProtectedPacket& packet) {
  SIMPUL_CHECK(packet.header.size() >= kFixedHeader && takes(packet.sequence_number));
  const size_t size = packet.size() - kFixedHeader;
  if (size > FlexfecParity::kProtectedMax) return false;
  if (packets_++ == 0) base_ = packet.sequence_number;
  const size_t offset = offset_of(packet.sequence_number);
  Column& column = columns_[offset % kRowsMax];
  column.mask |= uint64_t{1} << offset;
  const uint16_t padded = packet.padding > 0 ? kPaddingBit : 0;
  column.first ^= static_cast<uint16_t>(load_be16(packet.header.first<2>()) | padded);
  column.length ^= static_cast<uint16_t>(size);
  column.timestamp ^= load_be32(packet.header.subspan<4, 4>());
  if (size > column.size) {
    std::fill(column.rest.begin() + column.size, column.rest.begin() + size, uint8_t{0});
    column.size = size;
  }
  MutableBytes rest(column.rest);
  for (const Bytes part : {packet.header.subspan(kFixedHeader), packet.head, packet.body}) {
    add_bytes(part, rest);
    rest = rest.subspan(part.size());
  }
  // Padding is zeros, but for its size at the end (RFC 3550 §5.1).
  if (packet.padding > 0)
    add_bytes(std::span(&packet.padding, 1), rest.subspan(packet.padding - 1));
  return true;
}

void FlexfecEncoder::join(const Column& from, Column& into) {
  if (from.mask == 0) return;
  into.mask |= from.mask;
  into.first ^= from.first;
  into.length ^= from.length;
  into.timestamp ^= from.timestamp;
  if (from.size > into.size) {
    std::fill(into.rest.begin() + into.size, into.rest.begin() + from.size, uint8_t{0});
    into.size = from.size;
  }
  add_bytes(Bytes(from.rest).first(from.size), into.rest);
}

//      0                   1                   2                   3
//      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//     |R|F|P|X|  CC   |M| PT recovery |        length recovery        |
//     |                          TS recovery                          |
//     |  SSRC count   |                   reserved                    |
//     |                             SSRC_i                            |
//     |          SN base_i            |k|         mask [0-14]         |
//     |k|                        mask [15-45]                         |   where the first k is 0
//     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
void FlexfecEncoder::write(const Column& row, FlexfecParity& parity) const {
  uint64_t mask = 0;  // as it is written: packet 0 is the uppermost of 46 bits
  for (size_t i = 0; i < kSpanMax; ++i) mask |= (row.mask >> i & 1) << (kSpanMax - 1 - i);
  ByteWriter writer(parity.bytes);
  writer.u16(row.first & kFirstKept);
  writer.u16(row.length);
  writer.u32(row.timestamp);
  writer.u32(1U << 24);
  writer.u32(source_.value());
  writer.u16(base_.value());
  const bool is_short = row.mask >> kShortMask == 0;
  const auto first_bits = static_cast<uint16_t>(mask >> (kSpanMax - kShortMask));
  writer.u16(static_cast<uint16_t>((is_short ? 0x8000 : 0) | first_bits));
  if (!is_short) writer.u32(0x8000'0000 | static_cast<uint32_t>(mask & 0x7fff'ffff));
  writer.bytes(Bytes(row.rest).first(row.size));
  parity.size = writer.size();
}

size_t FlexfecEncoder::finish(size_t wanted, std::vector<FlexfecParity>& out) {
  const size_t rows = even_rows(wanted);
  size_t made = 0;
  for (size_t row = 0; row < rows; ++row) {
    Column& joined = columns_[row];
    for (size_t other = row + rows; other < kRowsMax; other += rows) join(columns_[other], joined);
    if (joined.mask == 0) continue;
    write(joined, out.emplace_back());
    ++made;
  }
  for (Column& column : columns_) {
    column.mask = 0;
    column.first = column.length = 0;
    column.timestamp = 0;
    column.size = 0;
  }
  packets_ = 0;
  return made;
}

}  // namespace simpul::rtp
