#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"

namespace simpul::dtls {

enum class Role : uint8_t;
struct Fragment;
struct Record;

// Decides which records may reach the handshake of one association, so that forgeries cost it
// neither memory nor its life. MessageAssembler sets memory aside for what is announced, and
// OpenSSL takes what it does not expect for the end; so only messages that the peer's role may send
// pass, under the number and of the size that they can have. Plain alerts never pass: anybody can
// write one (RFC 6347 §4.1.2.7).
class HandshakeFilter {
 public:
  // A client's messages together at their largest; a server's.
  static constexpr size_t kClientBytesMax = 9'472;
  static constexpr size_t kServerBytesMax = 9'984;

  explicit HandshakeFilter(Role own_role) : own_role_(own_role) {}

  bool passes(const Record& record) const;

 private:
  bool passes(const Fragment& fragment) const;

  const Role own_role_;
};

}  // namespace simpul::dtls
