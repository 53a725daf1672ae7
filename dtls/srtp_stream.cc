#include "dtls/srtp_stream.h"

#include <algorithm>

namespace simpul::dtls {

SrtpStream::SrtpStream(crypto::CipherEngine& engine, SrtpProfile profile, const SrtpSessionKey& key)
    : bits_behind_(profile == SrtpProfile::kAes128CmHmacSha1_80 ? 16 : 32) {
  crypto::CipherIv salt{};
  std::ranges::copy(Bytes(key.salt).first(master_salt_size(profile)), salt.begin());
  const std::span<const uint8_t, 16> at(salt);
  salt_front_ = load_be64(at.first<8>());
  salt_back_ = load_be64(at.last<8>());
  const crypto::CipherSuite suite = cipher_suite(profile);
  cipher_ =
      engine.make_cipher(suite, Bytes(key.cipher).first(crypto::cipher_key_size(suite)),
                         Bytes(key.authentication).first(crypto::authentication_key_size(suite)));
}

}  // namespace simpul::dtls
