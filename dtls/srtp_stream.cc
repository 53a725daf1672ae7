#include "dtls/srtp_stream.h"

#include <algorithm>

namespace simpul::dtls {

SrtpStream::SrtpStream(crypto::CipherEngine& engine, SrtpProfile profile, const SrtpSessionKey& key)
    : numbers_at_(profile == SrtpProfile::kAes128CmHmacSha1_80 ? 4 : 2) {
  std::ranges::copy(Bytes(key.salt).first(master_salt_size(profile)), salt_.begin());
  const crypto::CipherSuite suite = cipher_suite(profile);
  cipher_ =
      engine.make_cipher(suite, Bytes(key.cipher).first(crypto::cipher_key_size(suite)),
                         Bytes(key.authentication).first(crypto::authentication_key_size(suite)));
}

}  // namespace simpul::dtls
