#include "dtls/fragment.h"

#include "base/byte_writer.h"
#include "dtls/record.h"

namespace simpul::dtls {

//  0                   1                   2                   3
//  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// |     type      |                    length                     |
// |          message_seq          |        fragment offset        :
// :               |                fragment length                |
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
std::optional<Fragment> take_fragment(Bytes& content) {
  if (content.size() < kFragmentHeaderSize) return std::nullopt;
  Fragment fragment{.type = content[0],
                    .length = load_be24(content.subspan<1, 3>()),
                    .message_seq = load_be16(content.subspan<4, 2>()),
                    .offset = load_be24(content.subspan<6, 3>()),
                    .bytes = {}};
  const uint32_t size = load_be24(content.subspan<9, 3>());
  content = content.subspan(kFragmentHeaderSize);
  if (size > content.size() || fragment.offset + size > fragment.length) return std::nullopt;
  if (size == 0 && fragment.length != 0) return std::nullopt;
  fragment.bytes = content.first(size);
  content = content.subspan(size);
  return fragment;
}

void append_message_record(const Fragment& message, std::vector<uint8_t>& datagram) {
  const size_t content_size = kFragmentHeaderSize + message.bytes.size();
  const size_t start = datagram.size();
  datagram.resize(start + kRecordHeaderSize + content_size);
  ByteWriter writer(MutableBytes(datagram).subspan(start));
  writer.u8(static_cast<uint8_t>(ContentType::kHandshake));
  writer.u16(kVersion12);
  writer.u64(0);  // epoch and sequence number
  writer.u16(static_cast<uint16_t>(content_size));
  writer.u8(message.type);
  writer.u24(message.length);
  writer.u16(message.message_seq);
  writer.u24(0);
  writer.u24(message.length);
  writer.bytes(message.bytes);
}

}  // namespace simpul::dtls
