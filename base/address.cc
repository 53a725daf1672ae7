#include "base/address.h"

#include <arpa/inet.h>

#include <algorithm>

namespace simpul {
namespace {

constexpr std::array<uint8_t, 12> kMappedPrefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

}  // namespace

Address Address::v4(std::array<uint8_t, 4> ip, uint16_t port) {
  Address address;
  std::ranges::copy(kMappedPrefix, address.ip.begin());
  std::ranges::copy(ip, address.ip.begin() + kMappedPrefix.size());
  address.port = port;
  return address;
}

std::optional<Address> Address::parse(std::string_view ip, uint16_t port) {
  const std::string text(ip);
  std::array<uint8_t, 4> four{};
  if (inet_pton(AF_INET, text.c_str(), four.data()) == 1) return v4(four, port);
  Address address;
  if (inet_pton(AF_INET6, text.c_str(), address.ip.data()) != 1) return std::nullopt;
  address.port = port;
  return address;
}

bool Address::is_v4() const {
  return std::ranges::equal(std::span(ip).first(kMappedPrefix.size()), kMappedPrefix);
}

bool Address::is_loopback() const {
  if (is_v4()) return ip[12] == 127;
  return std::ranges::all_of(std::span(ip).first(15), [](uint8_t b) { return b == 0; }) &&
         ip[15] == 1;
}

bool Address::is_unspecified() const {
  const auto tail = is_v4() ? std::span(ip).subspan(12) : std::span<const uint8_t>(ip);
  return std::ranges::all_of(tail, [](uint8_t b) { return b == 0; });
}

bool Address::is_link_local() const { return ip[0] == 0xfe && (ip[1] & 0xc0) == 0x80; }

std::string Address::ip_text() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (is_v4()) {
    inet_ntop(AF_INET, ip.data() + kMappedPrefix.size(), text.data(), text.size());
  } else {
    inet_ntop(AF_INET6, ip.data(), text.data(), text.size());
  }
  return text.data();
}

std::string Address::to_string() const {
  const std::string number = std::to_string(port);
  return is_v4() ? ip_text() + ":" + number : "[" + ip_text() + "]:" + number;
}

}  // namespace simpul
