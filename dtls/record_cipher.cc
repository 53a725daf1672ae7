#include "dtls/record_cipher.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>

#include "base/byte_writer.h"
#include "base/check.h"
#include "crypto/secret.h"

namespace simpul::dtls {
namespace {

constexpr size_t kNonceSize = 8;  // what is sent of it
constexpr size_t kTagSize = 16;
constexpr size_t kOverhead = kNonceSize + kTagSize;
constexpr uint16_t kEpoch = 1;
constexpr uint64_t kSequenceNumberMax = (uint64_t{1} << 48) - 1;

using GcmNonce = std::array<uint8_t, 12>;
using AssociatedData = std::array<uint8_t, 13>;

struct FreeContext {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_CIPHER_CTX, FreeContext>;

enum Direction : int { kOpen = 0, kSeal = 1 };

GcmNonce nonce_of(const RecordKey& key, Bytes sent) {
  GcmNonce nonce;
  std::ranges::copy(key.salt, nonce.begin());
  std::ranges::copy(sent.first<kNonceSize>(), nonce.begin() + key.salt.size());
  return nonce;
}

// Epoch and sequence number, type, version, and the size in the clear (RFC 5246 §6.2.3.3).
AssociatedData associated_data(Bytes header, size_t size) {
  AssociatedData data;
  ByteWriter writer(data);
  writer.bytes(header.subspan(3, 8));
  writer.bytes(header.first(3));
  writer.u16(static_cast<uint16_t>(size));
  return data;
}

// One at a time: there are a few in the life of an association.
Context start(const RecordKey& key, const GcmNonce& nonce, Bytes associated, Direction direction) {
  Context context(EVP_CIPHER_CTX_new());
  SIMPUL_CHECK(context != nullptr);
  const EVP_CIPHER* cipher = key.key_size == 32 ? EVP_aes_256_gcm() : EVP_aes_128_gcm();
  SIMPUL_CHECK(EVP_CipherInit_ex(context.get(), cipher, nullptr, key.key.data(), nonce.data(),
                                 direction) == 1);
  int size = 0;
  SIMPUL_CHECK(EVP_CipherUpdate(context.get(), nullptr, &size, associated.data(),
                                static_cast<int>(associated.size())) == 1);
  return context;
}

void transform(EVP_CIPHER_CTX* context, Bytes in, MutableBytes out) {
  if (in.empty()) return;
  int size = 0;
  SIMPUL_CHECK(
      EVP_CipherUpdate(context, out.data(), &size, in.data(), static_cast<int>(in.size())) == 1);
}

// Of GCM no bytes come at the end; opening, it is where the tag is compared.
bool finish(EVP_CIPHER_CTX* context) {
  std::array<uint8_t, 16> none;
  int size = 0;
  return EVP_CipherFinal_ex(context, none.data(), &size) == 1;
}

struct FreeKdf {
  void operator()(EVP_KDF* kdf) const { EVP_KDF_free(kdf); }
  void operator()(EVP_KDF_CTX* context) const { EVP_KDF_CTX_free(context); }
};

}  // namespace

RecordKey::~RecordKey() {
  crypto::wipe(key);
  crypto::wipe(salt);
}

void tls_prf(crypto::DigestAlgorithm digest, Bytes secret, Bytes seed, MutableBytes out) {
  const std::unique_ptr<EVP_KDF, FreeKdf> kdf(EVP_KDF_fetch(nullptr, "TLS1-PRF", nullptr));
  SIMPUL_CHECK(kdf != nullptr);
  const std::unique_ptr<EVP_KDF_CTX, FreeKdf> context(EVP_KDF_CTX_new(kdf.get()));
  SIMPUL_CHECK(context != nullptr);
  // OpenSSL's parameters are not const; it only reads these.
  std::string name(crypto::to_string(digest));
  std::vector<uint8_t> secret_copy(secret.begin(), secret.end());
  std::vector<uint8_t> seed_copy(seed.begin(), seed.end());
  const std::array params = {
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, name.data(), 0),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SECRET, secret_copy.data(),
                                        secret_copy.size()),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, seed_copy.data(), seed_copy.size()),
      OSSL_PARAM_construct_end()};
  SIMPUL_CHECK(EVP_KDF_derive(context.get(), out.data(), out.size(), params.data()) == 1);
  crypto::wipe(secret_copy);
}

RecordKeys derive_record_keys(const RecordSecrets& secrets) {
  static constexpr std::string_view kLabel = "key expansion";
  std::array<uint8_t, kLabel.size() + 2 * kHelloRandomSize> seed;
  auto end = std::ranges::copy(kLabel, seed.begin()).out;
  end = std::ranges::copy(secrets.server_random, end).out;
  std::ranges::copy(secrets.client_random, end);
  RecordKeys keys;
  std::array<uint8_t, 2 * (32 + 4)> block{};
  const MutableBytes used =
      MutableBytes(block).first(2 * (secrets.key_size + keys.client_write.salt.size()));
  tls_prf(secrets.digest, secrets.master, seed, used);
  Bytes rest = used;
  const auto take = [&rest](MutableBytes to) {
    std::ranges::copy(rest.first(to.size()), to.begin());
    rest = rest.subspan(to.size());
  };
  for (RecordKey* key : {&keys.client_write, &keys.server_write}) {
    key->key_size = secrets.key_size;
    take(MutableBytes(key->key).first(secrets.key_size));
  }
  take(keys.client_write.salt);
  take(keys.server_write.salt);
  crypto::wipe(block);
  return keys;
}

std::optional<RecordNumbers> record_numbers(const Record& record) {
  if (record.epoch != kEpoch || record.content.size() < kOverhead) return std::nullopt;
  return RecordNumbers{.sequence_number = record.sequence_number,
                       .nonce = load_be64(record.content.first<kNonceSize>())};
}

std::optional<std::vector<uint8_t>> RecordCipher::open(const Record& record) {
  if (record.epoch != kEpoch || record.content.size() < kOverhead) return std::nullopt;
  using Verdict = SrtpReplayWindow::Verdict;
  if (received_ && received_->check(record.sequence_number) != Verdict::kNew) return std::nullopt;
  std::vector<uint8_t> content(record.content.size() - kOverhead);
  const auto context = start(remote_, nonce_of(remote_, record.content),
                             associated_data(record.whole, content.size()), kOpen);
  transform(context.get(), record.content.subspan(kNonceSize, content.size()), content);
  std::array<uint8_t, kTagSize> tag;
  std::ranges::copy(record.content.last<kTagSize>(), tag.begin());
  SIMPUL_CHECK(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_TAG, kTagSize, tag.data()) ==
               1);
  if (!finish(context.get())) return std::nullopt;
  if (received_) {
    received_->add(record.sequence_number);
  } else {
    received_.emplace(record.sequence_number);
  }
  return content;
}

std::vector<uint8_t> RecordCipher::seal(ContentType type, Bytes content) {
  if (last_sent_.sequence_number >= kSequenceNumberMax) return {};
  ++last_sent_.sequence_number;
  ++last_sent_.nonce;
  std::vector<uint8_t> record(kRecordHeaderSize + content.size() + kOverhead);
  ByteWriter writer(record);
  writer.u8(static_cast<uint8_t>(type));
  writer.u16(kVersion12);
  writer.u64(uint64_t{kEpoch} << 48 | last_sent_.sequence_number);
  writer.u16(static_cast<uint16_t>(content.size() + kOverhead));
  writer.u64(last_sent_.nonce);
  const MutableBytes rest = MutableBytes(record).subspan(writer.size());
  const auto context = start(local_, nonce_of(local_, Bytes(record).subspan(kRecordHeaderSize)),
                             associated_data(record, content.size()), kSeal);
  transform(context.get(), content, rest);
  SIMPUL_CHECK(finish(context.get()));
  SIMPUL_CHECK(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, kTagSize,
                                   rest.last<kTagSize>().data()) == 1);
  return record;
}

}  // namespace simpul::dtls
