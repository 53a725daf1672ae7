#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace simpul {

// An IP address and a port. IPv4 is kept in its mapped form (RFC 4291 §2.5.5.2), so that every
// address has one shape and one comparison.
struct Address {
  std::array<uint8_t, 16> ip{};
  uint16_t port = 0;

  // The address as it is written ("192.0.2.1", "2001:db8::1"); nothing else is taken, no names.
  static std::optional<Address> parse(std::string_view ip, uint16_t port);
  static Address v4(std::array<uint8_t, 4> ip, uint16_t port);

  bool is_v4() const;
  bool is_loopback() const;
  bool is_unspecified() const;
  bool is_link_local() const;     // of IPv6: fe80::/10, RFC 4291 §2.5.6
  std::string ip_text() const;    // "192.0.2.1", "2001:db8::1"
  std::string to_string() const;  // "192.0.2.1:5000", "[2001:db8::1]:5000"

  friend bool operator==(const Address&, const Address&) = default;
  // NOLINTNEXTLINE(modernize-use-nullptr): clang-tidy 14 takes the default for a null pointer
  friend auto operator<=>(const Address&, const Address&) = default;
};

}  // namespace simpul

template <>
struct std::hash<simpul::Address> {
  size_t operator()(const simpul::Address& address) const noexcept {
    // Two multiplications spread the sixteen bytes; the table's own hash does the rest.
    const std::span<const uint8_t, 16> ip(address.ip);
    const uint64_t high = simpul::load_be64(ip.first<8>());
    const uint64_t low = simpul::load_be64(ip.last<8>()) ^ uint64_t { address.port } << 48;
    return static_cast<size_t>((high * 0x9E3779B97F4A7C15ull) ^ (low * 0xC2B2AE3D27D4EB4Full));
  }
};
