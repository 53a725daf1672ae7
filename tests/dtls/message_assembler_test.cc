#include "dtls/message_assembler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <random>

namespace simpul::dtls {
namespace {

std::vector<uint8_t> counting(size_t size) {
  std::vector<uint8_t> bytes(size);
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<uint8_t>(i * 7);
  return bytes;
}

class Assembler : public ::testing::Test {
 protected:
  struct Given {
    uint16_t message_seq;
    std::vector<uint8_t> bytes;
    bool operator==(const Given&) const = default;
  };
  // Whether the message is whole now.
  bool add(uint16_t message_seq, uint32_t length, uint32_t offset, Bytes bytes,
           uint8_t type = kType) {
    const bool is_whole = assembler_.add({.type = type,
                                          .length = length,
                                          .message_seq = message_seq,
                                          .offset = offset,
                                          .bytes = bytes});
    EXPECT_EQ(is_whole, whole(type).has_value());
    return is_whole;
  }
  bool add(uint16_t message_seq, Bytes whole, uint8_t type = kType) {
    return add(message_seq, static_cast<uint32_t>(whole.size()), 0, whole, type);
  }
  std::optional<Given> whole(uint8_t type = kType) const {
    const auto message = assembler_.whole(type);
    if (!message) return std::nullopt;
    EXPECT_EQ(message->type, type);
    EXPECT_TRUE(message->is_whole());
    return Given{message->message_seq, {message->bytes.begin(), message->bytes.end()}};
  }

  static constexpr uint8_t kType = 11;
  MessageAssembler assembler_;
  const std::vector<uint8_t> message_ = counting(1000);
};

TEST_F(Assembler, TakesAMessageInOnePiece) {
  EXPECT_TRUE(add(0, message_));
  EXPECT_EQ(whole(), (Given{0, message_}));
}

TEST_F(Assembler, TakesAMessageWithoutBytes) {
  EXPECT_TRUE(add(0, {}));
  EXPECT_EQ(whole(), (Given{0, {}}));
}

TEST_F(Assembler, JoinsFragmentsOfAnyOrderAndOverlap) {
  std::mt19937 random(5);
  for (int round = 0; round < 50; ++round) {
    assembler_.reset();
    std::vector<bool> came(message_.size());
    bool is_whole = false;
    while (!is_whole) {
      const auto offset = static_cast<uint32_t>(random() % 1000);
      const auto size = static_cast<uint32_t>(1 + random() % std::min(300u, 1000 - offset));
      is_whole = add(0, 1000, offset, Bytes(message_).subspan(offset, size));
      std::fill_n(came.begin() + offset, size, true);
      ASSERT_EQ(is_whole, std::ranges::find(came, false) == came.end());
    }
    EXPECT_EQ(whole(), (Given{0, message_}));
  }
}

TEST_F(Assembler, KeepsMessagesOfSeveralTypesApart) {
  EXPECT_FALSE(add(1, 1000, 0, Bytes(message_).first(500)));
  EXPECT_FALSE(add(2, 20, 0, Bytes(message_).first(10), 16));
  EXPECT_TRUE(add(1, 1000, 500, Bytes(message_).subspan(500)));
  EXPECT_TRUE(add(2, 20, 10, Bytes(message_).subspan(10, 10), 16));
  EXPECT_EQ(whole(), (Given{1, message_}));
  EXPECT_EQ(whole(16), (Given{2, counting(20)}));
  EXPECT_EQ(whole(15), std::nullopt);
}

TEST_F(Assembler, BelievesTheLastWordAboutNumberAndLength) {
  const Bytes head = Bytes(message_).first(500);
  const Bytes tail = Bytes(message_).subspan(500);
  for (const auto& [message_seq, length] : {std::pair{0, 999}, {0, 1001}, {1, 1000}}) {
    add(static_cast<uint16_t>(message_seq), static_cast<uint32_t>(length), 0, head);
    EXPECT_FALSE(add(0, 1000, 500, tail));
    EXPECT_TRUE(add(0, 1000, 0, head));
    EXPECT_EQ(whole(), (Given{0, message_}));
  }
}

TEST_F(Assembler, LetsTheGenuineMessageHealAForgedPiece) {
  const std::vector<uint8_t> forged(200, 0xFF);
  EXPECT_FALSE(add(0, 1000, 300, forged));
  EXPECT_TRUE(add(0, message_));
  EXPECT_EQ(whole(), (Given{0, message_}));
  EXPECT_TRUE(add(0, 1000, 300, forged));
  EXPECT_NE(whole(), (Given{0, message_}));
  EXPECT_TRUE(add(0, 1000, 0, Bytes(message_).first(400)));
  EXPECT_TRUE(add(0, 1000, 400, Bytes(message_).subspan(400)));
  EXPECT_EQ(whole(), (Given{0, message_}));
}

TEST_F(Assembler, ForgetsWhatItIsTold) {
  add(0, message_);
  add(1, counting(5), 16);
  assembler_.forget(kType);
  EXPECT_EQ(whole(), std::nullopt);
  EXPECT_TRUE(whole(16));
  assembler_.reset();
  EXPECT_EQ(whole(16), std::nullopt);
}

}  // namespace
}  // namespace simpul::dtls
