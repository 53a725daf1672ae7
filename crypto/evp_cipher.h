#pragma once

#include <memory>

#include "crypto/cipher_keys.h"

namespace simpul::crypto {

// The suites by OpenSSL, one message after the other: the fallback for any CPU.
std::unique_ptr<SrtpCipher> make_evp_cipher(const CipherKeys& keys);

}  // namespace simpul::crypto
