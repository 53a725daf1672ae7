#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.h"

namespace simpul::dtls {

inline constexpr size_t kFragmentHeaderSize = 12;

// Handshake types (RFC 5246 §7.4, RFC 6347 §4.2.2).
namespace message_type {
inline constexpr uint8_t kClientHello = 1;
inline constexpr uint8_t kServerHello = 2;
inline constexpr uint8_t kHelloVerifyRequest = 3;
inline constexpr uint8_t kCertificate = 11;
inline constexpr uint8_t kServerKeyExchange = 12;
inline constexpr uint8_t kCertificateRequest = 13;
inline constexpr uint8_t kServerHelloDone = 14;
inline constexpr uint8_t kCertificateVerify = 15;
inline constexpr uint8_t kClientKeyExchange = 16;
}  // namespace message_type

// A part of a handshake message, or all of it (RFC 6347 §4.2.2); borrows its bytes.
struct Fragment {
  uint8_t type = 0;
  uint32_t length = 0;  // of the whole message
  uint16_t message_seq = 0;
  uint32_t offset = 0;
  Bytes bytes;

  bool is_whole() const { return offset == 0 && bytes.size() == length; }
};

// Takes the first fragment off a plain handshake record's content; nothing when it lies about its
// sizes, or has no bytes of a message that has some.
std::optional<Fragment> take_fragment(Bytes& content);

// Appends a plain record that holds one message as a whole; its sequence number is zero.
void append_message_record(const Fragment& message, std::vector<uint8_t>& datagram);

}  // namespace simpul::dtls
