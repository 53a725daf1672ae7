#include "dtls/record.h"

namespace simpul::dtls {
namespace {

constexpr size_t kContentMax = (1 << 14) + 2048;
constexpr uint16_t kVersion10 = 0xfeff;  // the record around a first hello (RFC 6347 §4.2.1)
constexpr uint64_t kSequenceNumberMask = (uint64_t{1} << 48) - 1;

}  // namespace

//  0                   1                   2                   3
//  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// |     type      |            version            |     epoch     :
// :               |            sequence number                    :
// :                               |            length             |
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
std::optional<Record> RecordReader::next() {
  if (rest_.size() < kRecordHeaderSize) return std::nullopt;
  const uint8_t type = rest_[0];
  if (type < static_cast<uint8_t>(ContentType::kChangeCipherSpec) ||
      type > static_cast<uint8_t>(ContentType::kApplicationData)) {
    return std::nullopt;
  }
  const uint16_t version = load_be16(rest_.subspan<1, 2>());
  if (version != kVersion10 && version != kVersion12) return std::nullopt;
  const size_t length = load_be16(rest_.subspan<11, 2>());
  if (length == 0 || length > kContentMax || length > rest_.size() - kRecordHeaderSize) {
    return std::nullopt;
  }
  const Record record = {.type = static_cast<ContentType>(type),
                         .epoch = load_be16(rest_.subspan<3, 2>()),
                         .sequence_number = load_be64(rest_.subspan<3, 8>()) & kSequenceNumberMask,
                         .whole = rest_.first(kRecordHeaderSize + length),
                         .content = rest_.subspan(kRecordHeaderSize, length)};
  rest_ = rest_.subspan(kRecordHeaderSize + length);
  return record;
}

}  // namespace simpul::dtls
