#pragma once

#include <memory>

#include "crypto/cipher_keys.h"

namespace simpul::crypto {

// The suites by libipsec-mb, which interleaves the messages of a batch. The manager outlives them.
std::unique_ptr<SrtpCipher> make_ipsec_mb_cipher(IMB_MGR& manager, const CipherKeys& keys);

}  // namespace simpul::crypto
