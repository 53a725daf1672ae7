#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace simpul {

// Borrowed bytes from the network: never outlive the call they came in.
using Bytes = std::span<const uint8_t>;
using MutableBytes = std::span<uint8_t>;

// Big-endian loads and stores. The fixed extents make a wrong offset a compile error:
// `header.subspan<11, 2>()` does not compile for a 12-byte header.
constexpr uint16_t load_be16(std::span<const uint8_t, 2> b) {
  return static_cast<uint16_t>(b[0] << 8 | b[1]);
}

constexpr uint32_t load_be24(std::span<const uint8_t, 3> b) {
  return uint32_t{b[0]} << 16 | uint32_t{b[1]} << 8 | b[2];
}

constexpr uint32_t load_be32(std::span<const uint8_t, 4> b) {
  return uint32_t{load_be16(b.first<2>())} << 16 | load_be16(b.last<2>());
}

constexpr uint64_t load_be64(std::span<const uint8_t, 8> b) {
  return uint64_t{load_be32(b.first<4>())} << 32 | load_be32(b.last<4>());
}

constexpr void store_be16(std::span<uint8_t, 2> b, uint16_t value) {
  b[0] = static_cast<uint8_t>(value >> 8);
  b[1] = static_cast<uint8_t>(value);
}

constexpr void store_be24(std::span<uint8_t, 3> b, uint32_t value) {
  b[0] = static_cast<uint8_t>(value >> 16);
  b[1] = static_cast<uint8_t>(value >> 8);
  b[2] = static_cast<uint8_t>(value);
}

constexpr void store_be32(std::span<uint8_t, 4> b, uint32_t value) {
  store_be16(b.first<2>(), static_cast<uint16_t>(value >> 16));
  store_be16(b.last<2>(), static_cast<uint16_t>(value));
}

constexpr void store_be64(std::span<uint8_t, 8> b, uint64_t value) {
  store_be32(b.first<4>(), static_cast<uint32_t>(value >> 32));
  store_be32(b.last<4>(), static_cast<uint32_t>(value));
}

// Text as bytes and back, without a copy.
inline Bytes as_bytes(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

inline std::string_view as_text(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace simpul
