#include "crypto/srtp_cipher.h"

#include <intel-ipsec-mb.h>
#include <openssl/evp.h>

#include <algorithm>

#include "base/check.h"
#include "crypto/evp_cipher.h"
#include "crypto/ipsec_mb_cipher.h"

namespace simpul::crypto {
namespace {

struct ContextDeleter {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};

IMB_MGR* make_manager() {
  IMB_MGR* manager = alloc_mb_mgr(0);
  SIMPUL_CHECK(manager != nullptr);
  init_mb_mgr_auto(manager, nullptr);
  SIMPUL_CHECK(imb_get_errno(manager) == 0);
  return manager;
}

}  // namespace

CipherImplementation best_cipher_implementation() {
  const bool fit = __builtin_cpu_supports("aes") != 0 && __builtin_cpu_supports("pclmul") != 0 &&
                   __builtin_cpu_supports("avx") != 0;
  return fit ? CipherImplementation::kIpsecMb : CipherImplementation::kOpenSsl;
}

CipherEngine::CipherEngine(CipherImplementation implementation) : implementation_(implementation) {
  if (implementation == CipherImplementation::kIpsecMb) manager_.reset(make_manager());
}

CipherEngine::~CipherEngine() = default;

void CipherEngine::ManagerDeleter::operator()(IMB_MGR* manager) const { free_mb_mgr(manager); }

std::unique_ptr<SrtpCipher> CipherEngine::make_cipher(CipherSuite suite, Bytes key,
                                                      Bytes authentication_key) {
  SIMPUL_CHECK(key.size() == cipher_key_size(suite));
  SIMPUL_CHECK(authentication_key.size() == authentication_key_size(suite));
  const CipherKeys keys{.suite = suite, .key = key, .authentication_key = authentication_key};
  switch (implementation_) {
    case CipherImplementation::kIpsecMb:
      return make_ipsec_mb_cipher(*manager_, keys);
    case CipherImplementation::kOpenSsl:
      return make_evp_cipher(keys);
  }
  return nullptr;
}

void counter_key_stream(Bytes key, const CipherIv& iv, MutableBytes out) {
  const EVP_CIPHER* cipher = key.size() == 32 ? EVP_aes_256_ctr() : EVP_aes_128_ctr();
  const std::unique_ptr<EVP_CIPHER_CTX, ContextDeleter> context(EVP_CIPHER_CTX_new());
  std::ranges::fill(out, uint8_t{0});
  int size = 0;
  SIMPUL_CHECK(EVP_EncryptInit_ex(context.get(), cipher, nullptr, key.data(), iv.data()) == 1);
  SIMPUL_CHECK(EVP_EncryptUpdate(context.get(), out.data(), &size, out.data(),
                                 static_cast<int>(out.size())) == 1);
}

}  // namespace simpul::crypto
