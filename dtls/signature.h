#pragma once

#include <span>

#include "base/bytes.h"

namespace simpul::dtls {

// Whether `signature` is that of the first certificate's key over all of `parts`. Takes the body of
// a Certificate message and a digitally-signed structure (RFC 5246 §4.7): algorithm, length, bytes.
// Costs some sixty microseconds of CPU with a key of P-256, and several hundred with others.
bool is_signed_by(Bytes certificate_message, Bytes signature, std::span<const Bytes> parts);

}  // namespace simpul::dtls
