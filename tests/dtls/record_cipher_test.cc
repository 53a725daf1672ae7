#include "dtls/record_cipher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/dtls_server.h"
#include "tests/support/hex.h"

namespace simpul::dtls {
namespace {

using ::simpul::testing::DtlsRawClient;
using ::simpul::testing::DtlsServer;
using ::simpul::testing::from_hex;
using ::testing::ElementsAreArray;

RecordKey make_key(size_t key_size, uint8_t first) {
  RecordKey key;
  key.key_size = key_size;
  for (size_t i = 0; i < key_size; ++i) key.key[i] = static_cast<uint8_t>(first + i);
  key.salt = {first, 2, 3, 4};
  return key;
}

class RecordCipherTest : public ::testing::TestWithParam<size_t> {
 protected:
  std::optional<std::vector<uint8_t>> open(Bytes record) {
    const auto read = RecordReader(record).next();
    return read ? theirs_.open(*read) : std::nullopt;
  }
  std::vector<uint8_t> seal(std::string_view text) {
    return ours_.seal(ContentType::kApplicationData, as_bytes(text));
  }

  const RecordKey a_ = make_key(GetParam(), 1);
  const RecordKey b_ = make_key(GetParam(), 99);
  RecordCipher ours_{a_, b_, {.sequence_number = 0, .nonce = 77}};
  RecordCipher theirs_{b_, a_, {.sequence_number = 0, .nonce = 5}};
};

INSTANTIATE_TEST_SUITE_P(Keys, RecordCipherTest, ::testing::Values(16, 32));

TEST_P(RecordCipherTest, OpensWhatTheOtherSideSealed) {
  for (const std::string text : {"", "a", "some more text than one block of the cipher takes"}) {
    const auto opened = open(seal(text));
    ASSERT_TRUE(opened.has_value());
    EXPECT_EQ(as_text(*opened), text);
  }
}

TEST_P(RecordCipherTest, NumbersItsRecordsBehindThoseOfTheHandshake) {
  for (uint64_t i = 1; i <= 3; ++i) {
    const auto record = seal("x");
    const auto numbers = record_numbers(*RecordReader(record).next());
    ASSERT_TRUE(numbers.has_value());
    EXPECT_EQ(numbers->sequence_number, i);
    EXPECT_EQ(numbers->nonce, 77 + i);
  }
}

TEST_P(RecordCipherTest, StopsWhenTheNumbersAreUsedUp) {
  RecordCipher old(a_, b_, {.sequence_number = (uint64_t{1} << 48) - 2, .nonce = 0});
  EXPECT_FALSE(old.seal(ContentType::kAlert, as_bytes("ab")).empty());
  EXPECT_TRUE(old.seal(ContentType::kAlert, as_bytes("ab")).empty());
}

TEST_P(RecordCipherTest, TakesEachRecordOnceInAnyOrder) {
  std::vector<std::vector<uint8_t>> records;
  for (int i = 0; i < 100; ++i) records.push_back(seal("text"));
  for (const size_t i : {50u, 3u, 99u, 4u}) {
    EXPECT_TRUE(open(records[i]).has_value()) << i;
    EXPECT_FALSE(open(records[i]).has_value()) << i;
  }
}

TEST_P(RecordCipherTest, RefusesEveryChangedBitAndIsNotMovedByIt) {
  const auto record = seal("text");
  for (size_t bit = 0; bit < 8 * record.size(); ++bit) {
    auto forged = record;
    forged[bit / 8] ^= static_cast<uint8_t>(1u << bit % 8);
    EXPECT_FALSE(open(forged).has_value()) << bit;
  }
  for (size_t size = 0; size < record.size(); ++size) {
    EXPECT_FALSE(open(Bytes(record).first(size)).has_value()) << size;
  }
  EXPECT_TRUE(open(record).has_value());
}

TEST_P(RecordCipherTest, RefusesItsOwnRecords) {
  const auto record = seal("text");
  EXPECT_FALSE(ours_.open(*RecordReader(record).next()).has_value());
}

// The vector that is commonly given for TLS 1.2's function with SHA-256.
TEST(TlsPrf, GivesTheKnownBytes) {
  auto seed = from_hex("74657374206c6162656c");  // "test label"
  const auto random = from_hex("a0ba9f936cda311827a6f796ffd5198c");
  seed.insert(seed.end(), random.begin(), random.end());
  std::vector<uint8_t> out(100);
  tls_prf(crypto::DigestAlgorithm::kSha256, from_hex("9bbe436ba940f017b17652849a71db35"), seed,
          out);
  EXPECT_THAT(out, ElementsAreArray(
                       from_hex("e3f229ba727be17b8d122620557cd453c2aab21d07c3d495329b52d4e61edb5a"
                                "6b301791e90d35c9c9a46b4e14baf9af0fa022f7077def17abfd3797c0564bab"
                                "4fbc91666e9def9b97fce34f796789baa48082d122ee42c5a72e5a5110fff701"
                                "87347b66")));
}

// With OpenSSL on the other side, which kept its own keys.
class DtlsRecords : public DtlsServer, public ::testing::WithParamInterface<const char*> {
 protected:
  void SetUp() override {
    give_certificate(client_);
    SSL_CTX_set_cipher_list(client_.context(), GetParam());
    ASSERT_TRUE(connect(client_));
    client_.take_written();
  }
  DtlsRawClient client_;
};

INSTANTIATE_TEST_SUITE_P(Suites, DtlsRecords,
                         ::testing::Values("ECDHE-ECDSA-AES128-GCM-SHA256",
                                           "ECDHE-ECDSA-AES256-GCM-SHA384"));

TEST_P(DtlsRecords, OfThePeerAreUnderstood) {
  for (int i = 0; i < 3; ++i) client_.write(as_bytes("hello"));
  receive_all(client_.take_written());
  EXPECT_EQ(server_.counters().data_records_dropped, 3u);
  client_.say_goodbye();
  receive_all(client_.take_written());
  ASSERT_EQ(events_.size(), 2u);
  EXPECT_TRUE(std::holds_alternative<Closed>(events_[1]));
}

TEST_P(DtlsRecords, OfOursAreUnderstoodByThePeer) { EXPECT_TRUE(client_.hears_goodbye(close())); }

}  // namespace
}  // namespace simpul::dtls
