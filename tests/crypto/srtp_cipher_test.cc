#include "crypto/srtp_cipher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "crypto/tag_batch.h"
#include "tests/support/hex.h"

namespace simpul::crypto {
namespace {

using ::simpul::testing::from_hex;
using ::testing::ElementsAreArray;

constexpr std::array kSuites = {CipherSuite::kAes128Gcm, CipherSuite::kAes256Gcm,
                                CipherSuite::kAes128CounterHmacSha1};
constexpr std::array kImplementations = {CipherImplementation::kIpsecMb,
                                         CipherImplementation::kOpenSsl};

std::vector<uint8_t> counting_bytes(size_t size, int step = 1) {
  std::vector<uint8_t> bytes(size);
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<uint8_t>(i * static_cast<size_t>(step));
  return bytes;
}

std::unique_ptr<SrtpCipher> make_cipher(CipherEngine& engine, CipherSuite suite) {
  return engine.make_cipher(suite, counting_bytes(cipher_key_size(suite)),
                            counting_bytes(authentication_key_size(suite), 7));
}

// One message with memory of its own: header, text, room for the trailer and the tag.
struct Message {
  static constexpr size_t kSpare = 4;

  Message(size_t header_size, size_t head_size, size_t body_size, uint8_t padding_size,
          uint32_t number)
      : head(counting_bytes(head_size, 3)),
        body(counting_bytes(body_size, 5)),
        padding(padding_size),
        text_size(head_size + body_size + padding_size),
        packet(header_size + text_size + kTagSizeMax + kSpare, 0xEE) {
    for (size_t i = 0; i < header_size; ++i) packet[i] = static_cast<uint8_t>(i + number);
    seal = {.associated = Bytes(packet).first(header_size),
            .destination = MutableBytes(packet).subspan(header_size, text_size),
            .head = head,
            .body = body,
            .padding = padding,
            .trailer = number,
            .iv = {},
            .tag = packet.data() + header_size + text_size};
    store_be32(std::span<uint8_t, 16>(seal.iv).first<4>(), number * 0x01000193);
  }
  Message(const Message&) = delete;

  std::vector<uint8_t> plain_text() const {
    std::vector<uint8_t> text = head;
    text.insert(text.end(), body.begin(), body.end());
    text.resize(text_size, 0);
    if (padding != 0) text.back() = padding;
    return text;
  }
  OpenJob open_job() {
    return {.associated = seal.associated,
            .text = seal.destination,
            .trailer = seal.trailer,
            .iv = seal.iv,
            .tag = seal.tag};
  }

  std::vector<uint8_t> head;
  std::vector<uint8_t> body;
  uint8_t padding;
  size_t text_size;
  std::vector<uint8_t> packet;
  SealJob seal;
};

std::vector<std::unique_ptr<Message>> random_messages(size_t count, uint32_t seed) {
  std::mt19937 random(seed);
  const auto up_to = [&random](uint32_t max) { return random() % (max + 1); };
  std::vector<std::unique_ptr<Message>> messages;
  for (size_t i = 0; i < count; ++i) {
    const auto padding = static_cast<uint8_t>(up_to(3) == 0 ? up_to(255) : 0);
    messages.push_back(std::make_unique<Message>(12 + 4 * up_to(20), up_to(1) * up_to(8),
                                                 up_to(4) == 0 ? up_to(20) : up_to(1300), padding,
                                                 random()));
  }
  return messages;
}

void seal_all(SrtpCipher& cipher, std::vector<std::unique_ptr<Message>>& messages) {
  std::vector<SealJob> jobs;
  for (const auto& message : messages) jobs.push_back(message->seal);
  cipher.seal(jobs);
}

class EachCipher : public ::testing::TestWithParam<std::tuple<CipherSuite, CipherImplementation>> {
 protected:
  CipherSuite suite() const { return std::get<0>(GetParam()); }
  CipherEngine engine_{std::get<1>(GetParam())};
  std::unique_ptr<SrtpCipher> cipher_ = make_cipher(engine_, suite());
};

INSTANTIATE_TEST_SUITE_P(SrtpCipher, EachCipher,
                         ::testing::Combine(::testing::ValuesIn(kSuites),
                                            ::testing::ValuesIn(kImplementations)));

TEST_P(EachCipher, OpensWhatItSealed) {
  for (const size_t count : {1u, 2u, 5u, 6u, 7u, 31u, 32u, 33u, 100u}) {
    auto messages = random_messages(count, static_cast<uint32_t>(count));
    seal_all(*cipher_, messages);
    std::vector<OpenJob> jobs;
    for (const auto& message : messages) jobs.push_back(message->open_job());
    cipher_->open(jobs);
    for (size_t i = 0; i < count; ++i) {
      EXPECT_TRUE(jobs[i].authentic) << i << " of " << count;
      EXPECT_THAT(jobs[i].text, ElementsAreArray(messages[i]->plain_text()));
    }
  }
}

std::vector<std::vector<uint8_t>> packets_of(
    const std::vector<std::unique_ptr<Message>>& messages) {
  std::vector<std::vector<uint8_t>> packets;
  for (const auto& message : messages) packets.push_back(message->packet);
  return packets;
}

TEST_P(EachCipher, SealsTheSameWhenTheTagsAreMadeLater) {
  for (const size_t count : {1u, 5u, 6u, 31u, 32u, 33u, 100u}) {
    auto expected = random_messages(count, static_cast<uint32_t>(count));
    seal_all(*cipher_, expected);
    auto messages = random_messages(count, static_cast<uint32_t>(count));
    TagBatch tags;
    for (const auto& message : messages) cipher_->begin_seal({&message->seal, 1}, tags);
    EXPECT_LT(tags.waiting(), TagBatch::kJobsMax);
    tags.finish();
    EXPECT_EQ(tags.waiting(), 0u);
    EXPECT_EQ(packets_of(messages), packets_of(expected)) << count;
  }
}

TEST_P(EachCipher, MakesTheTagsOfABatchThatEnds) {
  auto expected = random_messages(10, 3);
  seal_all(*cipher_, expected);
  auto messages = random_messages(10, 3);
  {
    TagBatch tags;
    for (const auto& message : messages) cipher_->begin_seal({&message->seal, 1}, tags);
  }
  EXPECT_EQ(packets_of(messages), packets_of(expected));
}

TEST_P(EachCipher, TakesTagsOfAnotherEngineIntoTheSameBatch) {
  CipherEngine other_engine(std::get<1>(GetParam()));
  const auto other = make_cipher(other_engine, suite());
  auto expected = random_messages(40, 4);
  seal_all(*cipher_, expected);
  auto messages = random_messages(40, 4);
  TagBatch tags;
  for (size_t i = 0; i < messages.size(); ++i) {
    (i / 10 % 2 == 0 ? *cipher_ : *other).begin_seal({&messages[i]->seal, 1}, tags);
  }
  tags.finish();
  EXPECT_EQ(packets_of(messages), packets_of(expected));
}

TEST_P(EachCipher, TakesNothingForAMessage) {
  Message message(12, 0, 0, 0, 1);
  cipher_->seal({&message.seal, 1});
  OpenJob job = message.open_job();
  cipher_->open({&job, 1});
  EXPECT_TRUE(job.authentic);
  cipher_->seal({});
  cipher_->open({});
}

TEST_P(EachCipher, WritesNothingBehindTheTag) {
  Message message(12, 2, 100, 3, 9);
  cipher_->seal({&message.seal, 1});
  const Bytes behind = Bytes(message.packet).subspan(12 + 105 + tag_size(suite()));
  EXPECT_THAT(behind, ::testing::Each(0xEE));
  EXPECT_GE(behind.size(), Message::kSpare);
}

TEST_P(EachCipher, RefusesEveryChangedBit) {
  Message message(12, 0, 20, 0, 7);
  cipher_->seal({&message.seal, 1});
  const auto sealed = message.packet;
  const size_t size = 12 + 20 + tag_size(suite());
  for (size_t bit = 0; bit < 8 * size; ++bit) {
    message.packet = sealed;  // the same memory: vectors of one size
    message.packet[bit / 8] ^= static_cast<uint8_t>(1u << bit % 8);
    OpenJob job = message.open_job();
    cipher_->open({&job, 1});
    EXPECT_FALSE(job.authentic) << bit;
  }
}

TEST_P(EachCipher, RefusesOneForgeryAmongAuthenticMessages) {
  for (const size_t count : {3u, 16u}) {
    auto messages = random_messages(count, 5);
    seal_all(*cipher_, messages);
    *messages[1]->seal.tag ^= 1;
    std::vector<OpenJob> jobs;
    for (const auto& message : messages) jobs.push_back(message->open_job());
    cipher_->open(jobs);
    for (size_t i = 0; i < count; ++i) EXPECT_EQ(jobs[i].authentic, i != 1) << i;
  }
}

TEST(CipherEngine, SealsTheSameBytesWithEitherLibrary) {
  CipherEngine multi_buffer(CipherImplementation::kIpsecMb);
  CipherEngine openssl(CipherImplementation::kOpenSsl);
  for (const CipherSuite suite : kSuites) {
    const auto one = make_cipher(multi_buffer, suite);
    const auto other = make_cipher(openssl, suite);
    for (const uint32_t count : {1u, 4u, 8u, 64u}) {
      auto messages = random_messages(count, count);
      auto same_messages = random_messages(count, count);
      seal_all(*one, messages);
      seal_all(*other, same_messages);
      for (size_t i = 0; i < count; ++i) EXPECT_EQ(messages[i]->packet, same_messages[i]->packet);
    }
  }
}

TEST(CipherEngine, ChoosesForThisCpu) {
  EXPECT_EQ(CipherEngine().implementation(), best_cipher_implementation());
}

// RFC 3711 appendix B.2: 65,282 blocks of key stream, here as the encryption of zeros.
TEST(CipherEngine, GivesTheKeyStreamOfRfc3711) {
  constexpr size_t kSize = 1'044'512;
  const auto key = from_hex("2B7E151628AED2A6ABF7158809CF4F3C");
  CipherIv iv;
  std::ranges::copy(from_hex("F0F1F2F3F4F5F6F7F8F9FAFBFCFD0000"), iv.begin());
  const auto first = from_hex(
      "E03EAD0935C95E80E166B16DD92B4EB4 D23513162B02D0F72A43A2FE4A5F97AB"
      "41E95B3BB0A2E8DD477901E4FCA894C0");
  const auto last = from_hex(
      "EC8CDF7398607CB0F2D21675EA9EA1E4 362B7C3C6773516318A077D7FC5073AE"
      "6A2CC3787889374FBEB4C81B17BA6C44");
  const std::vector<uint8_t> zeros(kSize);
  for (const CipherImplementation implementation : kImplementations) {
    CipherEngine engine(implementation);
    const auto cipher =
        engine.make_cipher(CipherSuite::kAes128CounterHmacSha1, key, std::vector<uint8_t>(20));
    std::vector<uint8_t> out(kSize + kTagSizeMax);
    const SealJob job{.associated = Bytes(out).first(0),
                      .destination = MutableBytes(out).first(kSize),
                      .head = {},
                      .body = zeros,
                      .iv = iv,
                      .tag = out.data() + kSize};
    cipher->seal({&job, 1});
    EXPECT_THAT(Bytes(out).first(48), ElementsAreArray(first));
    EXPECT_THAT(Bytes(out).subspan(kSize - 48, 48), ElementsAreArray(last));
  }
  std::vector<uint8_t> stream(48);
  counter_key_stream(key, iv, stream);
  EXPECT_EQ(stream, first);
}

}  // namespace
}  // namespace simpul::crypto
