#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/bytes.h"

namespace simpul::dtls {

enum class ContentType : uint8_t {
  kChangeCipherSpec = 20,
  kAlert = 21,
  kHandshake = 22,
  kApplicationData = 23,
};

inline constexpr size_t kRecordHeaderSize = 13;
inline constexpr uint16_t kVersion12 = 0xfefd;

// One record of a datagram (RFC 6347 §4.1); borrows its bytes.
struct Record {
  ContentType type{};
  uint16_t epoch = 0;
  uint64_t sequence_number = 0;  // 48 bits
  Bytes whole;                   // with the header
  Bytes content;                 // encrypted from epoch 1 on
};

// Gives the records of a datagram one by one and ends at the first that is none: a wrong version,
// a length that is zero or does not fit, a content type nobody speaks. Whatever follows is garbage.
class RecordReader {
 public:
  explicit RecordReader(Bytes datagram) : rest_(datagram) {}
  std::optional<Record> next();

 private:
  Bytes rest_;
};

}  // namespace simpul::dtls
