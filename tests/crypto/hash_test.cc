#include "crypto/hash.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/hex.h"

namespace simpul::crypto {
namespace {

using ::simpul::testing::from_hex;
using ::testing::ElementsAreArray;

struct HmacVector {
  std::vector<uint8_t> key;
  std::vector<uint8_t> message;
  std::string digest;
};

// RFC 2202 §3.
std::vector<HmacVector> hmac_vectors() {
  const auto text = [](std::string_view of) {
    return std::vector<uint8_t>(as_bytes(of).begin(), as_bytes(of).end());
  };
  return {
      {std::vector<uint8_t>(20, 0x0b), text("Hi There"),
       "b617318655057264e28bc0b6fb378c8ef146be00"},
      {text("Jefe"), text("what do ya want for nothing?"),
       "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"},
      {std::vector<uint8_t>(20, 0xaa), std::vector<uint8_t>(50, 0xdd),
       "125d7342b9ac11cd91a39af48aa17b4f63f175d3"},
      {from_hex("0102030405060708090a0b0c0d0e0f10111213141516171819"),
       std::vector<uint8_t>(50, 0xcd), "4c9007f4026250c6bc8414f9bf50c86c2d7235da"},
      {std::vector<uint8_t>(20, 0x0c), text("Test With Truncation"),
       "4c1a03424b55e07fe7f27be1d58bb9324a9a5a04"},
      {std::vector<uint8_t>(80, 0xaa),
       text("Test Using Larger Than Block-Size Key - Hash Key First"),
       "aa4ae5e15272d00e95705637ce8a3b55ed402112"},
      {std::vector<uint8_t>(80, 0xaa),
       text("Test Using Larger Than Block-Size Key and Larger Than One Block-Size Data"),
       "e8e99d0f45237d786d6bbaa7965c7808bbff1a91"},
  };
}

TEST(HmacSha1, GivesTheVectorsOfRfc2202) {
  for (const auto& vector : hmac_vectors()) {
    EXPECT_THAT(hmac_sha1(vector.key, vector.message), ElementsAreArray(from_hex(vector.digest)));
  }
}

TEST(HmacSha1, TakesAMessageInTwoPieces) {
  for (const auto& vector : hmac_vectors()) {
    const HmacSha1 hmac(vector.key);
    const Bytes message(vector.message);
    for (size_t cut = 0; cut <= message.size(); ++cut) {
      EXPECT_THAT(hmac.digest(message.first(cut), message.subspan(cut)),
                  ElementsAreArray(from_hex(vector.digest)));
    }
  }
}

TEST(HmacSha1, TakesAnEmptyKeyAndAnEmptyMessage) {
  EXPECT_THAT(hmac_sha1({}, {}),
              ElementsAreArray(from_hex("fbdb1d1b18aa6c08324b7d64b71fb76370690e1d")));
}

// The digests of "abc", FIPS 180-4.
TEST(Digest, GivesTheStandardsExamples) {
  EXPECT_EQ(digest(DigestAlgorithm::kSha1, as_bytes("abc")),
            from_hex("a9993e364706816aba3e25717850c26c9cd0d89d"));
  EXPECT_EQ(digest(DigestAlgorithm::kSha256, as_bytes("abc")),
            from_hex("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"));
  EXPECT_EQ(digest(DigestAlgorithm::kSha384, as_bytes("abc")),
            from_hex("cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
                     "8086072ba1e7cc2358baeca134c825a7"));
  EXPECT_EQ(digest(DigestAlgorithm::kSha512, as_bytes("abc")),
            from_hex("ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
                     "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"));
}

TEST(Digest, KnowsItsNamesInAnyCase) {
  using enum DigestAlgorithm;
  for (const auto algorithm : {kSha1, kSha256, kSha384, kSha512}) {
    EXPECT_EQ(parse_digest_algorithm(to_string(algorithm)), algorithm);
  }
  EXPECT_EQ(parse_digest_algorithm("SHA-256"), kSha256);
  EXPECT_EQ(parse_digest_algorithm("Sha-512"), kSha512);
  for (const char* name : {"", "sha", "sha-224", "md5", "sha-256 ", "sha_256"}) {
    EXPECT_EQ(parse_digest_algorithm(name), std::nullopt) << name;
  }
}

TEST(Crc32, GivesTheCheckValue) {
  EXPECT_EQ(crc32(as_bytes("123456789")), 0xCBF43926u);
  EXPECT_EQ(crc32({}), 0u);
}

// The definition, one bit at a time.
uint32_t crc32_bit_by_bit(Bytes message) {
  uint32_t crc = 0xFFFFFFFF;
  for (const uint8_t byte : message) {
    crc ^= byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0xEDB88320u : 0);
  }
  return ~crc;
}

TEST(Crc32, IsTheDefinitionAtEverySizeAndAlignment) {
  std::vector<uint8_t> bytes(64);
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<uint8_t>(i * 37 + 11);
  for (size_t from = 0; from < 9; ++from) {
    for (size_t size = 0; from + size <= bytes.size(); ++size) {
      const Bytes part = Bytes(bytes).subspan(from, size);
      EXPECT_EQ(crc32(part), crc32_bit_by_bit(part)) << from << " " << size;
    }
  }
}

TEST(ConstantTimeEqual, ComparesSizesAndEveryByte) {
  const std::vector<uint8_t> bytes = {1, 2, 3, 4};
  EXPECT_TRUE(constant_time_equal(bytes, bytes));
  EXPECT_TRUE(constant_time_equal({}, {}));
  EXPECT_FALSE(constant_time_equal(bytes, Bytes(bytes).first(3)));
  for (size_t i = 0; i < bytes.size(); ++i) {
    auto other = bytes;
    other[i] ^= 0x80;
    EXPECT_FALSE(constant_time_equal(bytes, other)) << i;
  }
}

TEST(Wipe, LeavesZeros) {
  std::vector<uint8_t> secret = {1, 2, 3};
  wipe(secret);
  EXPECT_THAT(secret, ElementsAreArray({0, 0, 0}));
}

}  // namespace
}  // namespace simpul::crypto
