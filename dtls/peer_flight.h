#pragma once

#include <span>
#include <vector>

#include "base/bytes.h"
#include "dtls/fragment.h"
#include "dtls/message_assembler.h"

// The flight in which the peer signs: a client's Certificate to CertificateVerify (RFC 5246
// §7.4.8), a server's ServerHello to ServerHelloDone (RFC 8422 §5.4). Nobody can sign who has not
// heard what we said, so what a client says is kept from OpenSSL until it cannot be forged from
// afar. A server signs both randoms and its part of the key exchange alone: a forgery in the rest
// of its flight shows at its Finished only. Whose certificate it is, others decide.
namespace simpul::dtls {

enum class Role : uint8_t;

// Whether a message begins a handshake, and stands alone.
bool is_hello(uint8_t type);

// All messages of the flight, in order; empty when one is missing. They are borrowed.
std::vector<Fragment> signed_flight(Role own_role, const MessageAssembler& messages);

// Whether these messages are such a flight and the signature in it is right. `said` is what is
// signed besides: to a server all messages before it, to a client its random.
bool is_signed(Role own_role, Bytes said, std::span<const Fragment> flight);

}  // namespace simpul::dtls
