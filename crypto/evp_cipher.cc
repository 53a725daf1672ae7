#include "crypto/evp_cipher.h"

#include <openssl/evp.h>

#include "base/check.h"
#include "crypto/hash.h"

namespace simpul::crypto {
namespace {

struct ContextDeleter {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_CIPHER_CTX, ContextDeleter>;

enum Direction : int { kOpen = 0, kSeal = 1 };

Context make_context(const EVP_CIPHER* cipher, Bytes key) {
  Context context(EVP_CIPHER_CTX_new());
  SIMPUL_CHECK(context != nullptr);
  SIMPUL_CHECK(EVP_CipherInit_ex(context.get(), cipher, nullptr, key.data(), nullptr, kSeal) == 1);
  return context;
}

// The key schedule stays: only the nonce is new with each message.
void restart(EVP_CIPHER_CTX* context, const CipherIv& iv, Direction direction) {
  SIMPUL_CHECK(EVP_CipherInit_ex(context, nullptr, nullptr, nullptr, iv.data(), direction) == 1);
}

// `out` is null for bytes that are only authenticated.
uint8_t* update(EVP_CIPHER_CTX* context, uint8_t* out, Bytes in) {
  if (in.empty()) return out;
  int size = 0;
  SIMPUL_CHECK(EVP_CipherUpdate(context, out, &size, in.data(), static_cast<int>(in.size())) == 1);
  return out == nullptr ? out : out + size;
}

void encrypt_text(EVP_CIPHER_CTX* context, const SealJob& job) {
  uint8_t* out = update(context, job.destination.data(), job.head);
  out = update(context, out, job.body);
  if (job.padding != 0) update(context, out, PaddingBytes(job.padding).bytes());
}

class EvpGcmCipher final : public SrtpCipher {
 public:
  EvpGcmCipher(const EVP_CIPHER* cipher, Bytes key) : context_(make_context(cipher, key)) {}

  void seal(std::span<const SealJob> jobs) override {
    EVP_CIPHER_CTX* context = context_.get();
    for (const SealJob& job : jobs) {
      restart(context, job.iv, kSeal);
      update(context, nullptr, job.associated);
      encrypt_text(context, job);
      finish(context);
      SIMPUL_CHECK(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, kTagSizeMax, job.tag) == 1);
    }
  }

  void open(std::span<OpenJob> jobs) override {
    EVP_CIPHER_CTX* context = context_.get();
    for (OpenJob& job : jobs) {
      restart(context, job.iv, kOpen);
      update(context, nullptr, job.associated);
      update(context, job.text.data(), job.text);
      SIMPUL_CHECK(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, kTagSizeMax, job.tag) == 1);
      job.authentic = finish(context);
    }
  }

 private:
  // Of GCM no bytes come at the end; opening, it is where the tag is compared.
  static bool finish(EVP_CIPHER_CTX* context) {
    std::array<uint8_t, 16> none;
    int size = 0;
    return EVP_CipherFinal_ex(context, none.data(), &size) == 1;
  }

  Context context_;
};

class EvpCounterCipher final : public SrtpCipher {
 public:
  EvpCounterCipher(Bytes key, Bytes authentication_key)
      : context_(make_context(EVP_aes_128_ctr(), key)), hmac_(authentication_key) {}

  void seal(std::span<const SealJob> jobs) override {
    for (const SealJob& job : jobs) {
      restart(context_.get(), job.iv, kSeal);
      encrypt_text(context_.get(), job);
      const Sha1Digest tag = digest(job.associated, job.destination, job.trailer);
      std::copy_n(tag.begin(), kTagSize, job.tag);
    }
  }

  void open(std::span<OpenJob> jobs) override {
    for (OpenJob& job : jobs) {
      std::array<uint8_t, kTagSize> received;
      std::copy_n(job.tag, kTagSize, received.begin());
      const Sha1Digest tag = digest(job.associated, job.text, job.trailer);
      job.authentic = constant_time_equal(Bytes(tag).first(kTagSize), received);
      if (!job.authentic) continue;
      restart(context_.get(), job.iv, kSeal);  // counter mode has one direction only
      update(context_.get(), job.text.data(), job.text);
    }
  }

 private:
  static constexpr size_t kTagSize = tag_size(CipherSuite::kAes128CounterHmacSha1);

  Sha1Digest digest(Bytes associated, MutableBytes text, uint32_t trailer) const {
    store_trailer(text.data() + text.size(), trailer);
    return hmac_.digest({associated.data(), associated.size() + text.size() + kTrailerSize});
  }

  Context context_;
  HmacSha1 hmac_;
};

}  // namespace

std::unique_ptr<SrtpCipher> make_evp_cipher(const CipherKeys& keys) {
  switch (keys.suite) {
    case CipherSuite::kAes128Gcm:
      return std::make_unique<EvpGcmCipher>(EVP_aes_128_gcm(), keys.key);
    case CipherSuite::kAes256Gcm:
      return std::make_unique<EvpGcmCipher>(EVP_aes_256_gcm(), keys.key);
    case CipherSuite::kAes128CounterHmacSha1:
      return std::make_unique<EvpCounterCipher>(keys.key, keys.authentication_key);
  }
  return nullptr;
}

}  // namespace simpul::crypto
