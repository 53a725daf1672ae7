#include "crypto/secret.h"

#include <openssl/crypto.h>

namespace simpul::crypto {

void wipe(MutableBytes secret) { OPENSSL_cleanse(secret.data(), secret.size()); }

bool constant_time_equal(Bytes a, Bytes b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace simpul::crypto
