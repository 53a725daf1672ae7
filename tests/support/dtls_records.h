#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.h"

namespace simpul::testing {

// One DTLS 1.2 record, with any numbers in its header.
inline std::vector<uint8_t> make_record(uint8_t type, const std::vector<uint8_t>& content,
                                        uint16_t epoch = 0, uint64_t sequence_number = 0) {
  std::vector<uint8_t> bytes = {type, 0xfe, 0xfd, static_cast<uint8_t>(epoch >> 8),
                                static_cast<uint8_t>(epoch)};
  for (int shift = 40; shift >= 0; shift -= 8) {
    bytes.push_back(static_cast<uint8_t>(sequence_number >> shift));
  }
  bytes.push_back(static_cast<uint8_t>(content.size() >> 8));
  bytes.push_back(static_cast<uint8_t>(content.size()));
  bytes.insert(bytes.end(), content.begin(), content.end());
  return bytes;
}

struct HandshakeFragment {
  uint8_t type = 1;
  uint32_t length = 0;  // of the whole message
  uint16_t message_seq = 0;
  uint32_t offset = 0;
  std::vector<uint8_t> bytes = {};
};

inline std::vector<uint8_t> make_fragment(const HandshakeFragment& fragment) {
  const auto size = static_cast<uint32_t>(fragment.bytes.size());
  std::vector<uint8_t> bytes = {fragment.type};
  const auto append24 = [&bytes](uint32_t value) {
    for (int shift = 16; shift >= 0; shift -= 8) {
      bytes.push_back(static_cast<uint8_t>(value >> shift));
    }
  };
  append24(fragment.length);
  bytes.push_back(static_cast<uint8_t>(fragment.message_seq >> 8));
  bytes.push_back(static_cast<uint8_t>(fragment.message_seq));
  append24(fragment.offset);
  append24(size);
  bytes.insert(bytes.end(), fragment.bytes.begin(), fragment.bytes.end());
  return bytes;
}

// A whole ClientHello, well formed, of which nobody can make anything: it offers only
// TLS_NULL_WITH_NULL_NULL.
inline std::vector<uint8_t> make_null_hello() {
  std::vector<uint8_t> body = {0xfe, 0xfd};
  body.insert(body.end(), 32, 0x5a);                        // random
  body.insert(body.end(), {0, 0, 0, 2, 0, 0, 1, 0, 0, 0});  // no id, no cookie, suite, compression
  const auto length = static_cast<uint32_t>(body.size());
  return make_record(22, make_fragment({.type = 1, .length = length, .bytes = body}));
}

}  // namespace simpul::testing
