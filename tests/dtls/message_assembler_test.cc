#include "dtls/message_assembler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "dtls/record.h"

namespace simpul::dtls {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

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
  // The messages that this fragment made go.
  std::vector<Given> add(uint16_t message_seq, uint32_t length, uint32_t offset, Bytes bytes) {
    std::vector<uint8_t> datagram;
    assembler_.add({.type = 11,
                    .length = length,
                    .message_seq = message_seq,
                    .offset = offset,
                    .bytes = bytes},
                   datagram);
    std::vector<Given> given;
    RecordReader reader(datagram);
    while (const auto record = reader.next()) {
      EXPECT_EQ(record->type, ContentType::kHandshake);
      EXPECT_EQ(record->epoch, 0);
      Bytes content = record->content;
      const auto message = take_fragment(content);
      if (!message || !message->is_whole() || !content.empty()) {
        ADD_FAILURE() << "not one whole message";
        continue;
      }
      given.push_back({message->message_seq, {message->bytes.begin(), message->bytes.end()}});
    }
    return given;
  }
  std::vector<Given> add(uint16_t message_seq, Bytes whole) {
    return add(message_seq, static_cast<uint32_t>(whole.size()), 0, whole);
  }

  MessageAssembler assembler_;
  const std::vector<uint8_t> message_ = counting(1000);
};

TEST_F(Assembler, LetsAWholeMessageGoAtOnce) {
  EXPECT_THAT(add(0, message_), ElementsAre(Given{0, message_}));
}

TEST_F(Assembler, LetsAMessageWithoutBytesGo) {
  EXPECT_THAT(add(0, {}), ElementsAre(Given{0, {}}));
}

TEST_F(Assembler, JoinsFragmentsOfAnyOrderAndOverlap) {
  std::mt19937 random(5);
  for (int round = 0; round < 50; ++round) {
    assembler_.reset();
    std::vector<bool> came(message_.size());
    std::vector<Given> given;
    while (given.empty()) {
      const auto offset = static_cast<uint32_t>(random() % 1000);
      const auto size = static_cast<uint32_t>(1 + random() % std::min(300u, 1000 - offset));
      given = add(0, 1000, offset, Bytes(message_).subspan(offset, size));
      std::fill_n(came.begin() + offset, size, true);
      ASSERT_EQ(given.empty(), std::ranges::find(came, false) != came.end());
    }
    EXPECT_THAT(given, ElementsAre(Given{0, message_}));
  }
}

TEST_F(Assembler, LetsEachMessageGoWhenItsTurnHasCome) {
  EXPECT_THAT(add(2, message_), IsEmpty());
  EXPECT_THAT(add(1, message_), IsEmpty());
  EXPECT_THAT(add(0, counting(5)),
              ElementsAre(Given{0, counting(5)}, Given{1, message_}, Given{2, message_}));
  EXPECT_THAT(add(3, message_), ElementsAre(Given{3, message_}));
}

TEST_F(Assembler, RepeatsAMessageThatIsInOnePieceAndNoOther) {
  add(0, message_);
  EXPECT_THAT(add(0, message_), ElementsAre(Given{0, message_}));
  EXPECT_THAT(add(0, 1000, 0, Bytes(message_).first(500)), IsEmpty());
  EXPECT_THAT(add(0, 1000, 500, Bytes(message_).subspan(500)), IsEmpty());
}

TEST_F(Assembler, LetsTheGenuineMessageHealAForgedPiece) {
  const std::vector<uint8_t> forged(200, 0xFF);
  EXPECT_THAT(add(0, 1000, 300, forged), IsEmpty());
  EXPECT_THAT(add(0, message_), ElementsAre(Given{0, message_}));
}

TEST_F(Assembler, BeginsAnewAfterAReset) {
  add(0, message_);
  add(1, 1000, 0, Bytes(message_).first(10));
  assembler_.reset();
  EXPECT_THAT(add(1, 20, 0, Bytes(message_).first(20)), IsEmpty());
  EXPECT_THAT(add(0, counting(3)), ElementsAre(Given{0, counting(3)}, Given{1, counting(20)}));
}

}  // namespace
}  // namespace simpul::dtls
