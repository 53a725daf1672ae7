#include "crypto/hash.h"

// SHA-1's old interface is deprecated, and the only one that lets us keep a chaining value.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/evp.h>
#include <openssl/sha.h>

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace simpul::crypto {
namespace {

constexpr size_t kBlockSize = SHA_CBLOCK;

SHA_CTX resume(const std::array<uint32_t, 5>& value) {
  SHA_CTX context{};
  context.h0 = value[0];
  context.h1 = value[1];
  context.h2 = value[2];
  context.h3 = value[3];
  context.h4 = value[4];
  context.Nl = kBlockSize * 8;
  return context;
}

std::array<uint32_t, 5> hash_pad(std::array<uint8_t, kBlockSize> block, uint8_t pad) {
  for (uint8_t& byte : block) byte ^= pad;
  SHA_CTX context;
  SHA1_Init(&context);
  SHA1_Update(&context, block.data(), block.size());
  wipe(block);
  return {context.h0, context.h1, context.h2, context.h3, context.h4};
}

struct DigestName {
  DigestAlgorithm algorithm;
  std::string_view name;
};

constexpr std::array<DigestName, 4> kDigestNames{{{DigestAlgorithm::kSha1, "sha-1"},
                                                  {DigestAlgorithm::kSha256, "sha-256"},
                                                  {DigestAlgorithm::kSha384, "sha-384"},
                                                  {DigestAlgorithm::kSha512, "sha-512"}}};

const EVP_MD* message_digest(DigestAlgorithm algorithm) {
  switch (algorithm) {
    case DigestAlgorithm::kSha1:
      return EVP_sha1();
    case DigestAlgorithm::kSha256:
      return EVP_sha256();
    case DigestAlgorithm::kSha384:
      return EVP_sha384();
    case DigestAlgorithm::kSha512:
      return EVP_sha512();
  }
  return nullptr;
}

// Eight tables: kCrcTables[k][b] is what byte b does to the register k bytes later, so that eight
// bytes are taken in one step.
using CrcTables = std::array<std::array<uint32_t, 256>, 8>;

constexpr CrcTables make_crc_tables() {
  constexpr uint32_t kPolynomial = 0xEDB88320;  // 0x04C11DB7, lowest bit first
  CrcTables tables{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? kPolynomial : 0);
    tables[0][byte] = crc;
  }
  for (size_t k = 1; k < tables.size(); ++k) {
    for (size_t byte = 0; byte < 256; ++byte) {
      const uint32_t before = tables[k - 1][byte];
      tables[k][byte] = (before >> 8) ^ tables[0][before & 0xFF];
    }
  }
  return tables;
}

constexpr CrcTables kCrcTables = make_crc_tables();

}  // namespace

HmacSha1::HmacSha1(Bytes key) {
  std::array<uint8_t, kBlockSize> block{};
  if (key.size() > block.size()) {
    SHA1(key.data(), key.size(), block.data());
  } else {
    std::ranges::copy(key, block.begin());
  }
  inner_ = hash_pad(block, 0x36);
  outer_ = hash_pad(block, 0x5C);
  wipe(block);
}

HmacSha1::~HmacSha1() {
  wipe({reinterpret_cast<uint8_t*>(inner_.data()), sizeof(inner_)});
  wipe({reinterpret_cast<uint8_t*>(outer_.data()), sizeof(outer_)});
}

Sha1Digest HmacSha1::digest(Bytes message, Bytes rest) const {
  Sha1Digest result;
  SHA_CTX context = resume(inner_);
  SHA1_Update(&context, message.data(), message.size());
  if (!rest.empty()) SHA1_Update(&context, rest.data(), rest.size());
  SHA1_Final(result.data(), &context);
  context = resume(outer_);
  SHA1_Update(&context, result.data(), result.size());
  SHA1_Final(result.data(), &context);
  return result;
}

std::optional<DigestAlgorithm> parse_digest_algorithm(std::string_view name) {
  const auto same_letter = [](char a, char b) {
    return a == b || (b >= 'A' && b <= 'Z' && a == static_cast<char>(b - 'A' + 'a'));
  };
  for (const auto& known : kDigestNames) {
    if (std::ranges::equal(known.name, name, same_letter)) return known.algorithm;
  }
  return std::nullopt;
}

std::string_view to_string(DigestAlgorithm algorithm) {
  return kDigestNames[static_cast<size_t>(algorithm)].name;
}

std::vector<uint8_t> digest(DigestAlgorithm algorithm, Bytes message) {
  std::vector<uint8_t> result(EVP_MAX_MD_SIZE);
  unsigned int size = 0;
  SIMPUL_CHECK(EVP_Digest(message.data(), message.size(), result.data(), &size,
                          message_digest(algorithm), nullptr) == 1);
  result.resize(size);
  return result;
}

uint32_t crc32(Bytes message) {
  const auto& table = kCrcTables;
  uint32_t crc = 0xFFFFFFFF;
  for (; message.size() >= 8; message = message.subspan(8)) {
    const auto at = message.first<8>();
    crc = table[7][(crc ^ at[0]) & 0xFF] ^ table[6][(crc >> 8 ^ at[1]) & 0xFF] ^
          table[5][(crc >> 16 ^ at[2]) & 0xFF] ^ table[4][crc >> 24 ^ at[3]] ^ table[3][at[4]] ^
          table[2][at[5]] ^ table[1][at[6]] ^ table[0][at[7]];
  }
  for (const uint8_t byte : message) crc = (crc >> 8) ^ table[0][(crc ^ byte) & 0xFF];
  return ~crc;
}

}  // namespace simpul::crypto
