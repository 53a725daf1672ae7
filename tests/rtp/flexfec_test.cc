#include "rtp/flexfec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

#include "bench/peer/flexfec_receiver.h"

namespace simpul::rtp {
namespace {

using peer::FlexfecReceiver;
using ::testing::ElementsAre;
using ::testing::SizeIs;
using Packet = FlexfecReceiver::Packet;

constexpr Ssrc kSource(0xB0B1B2B3);

struct Random {
  size_t below(size_t limit) { return engine() % limit; }
  std::mt19937_64 engine;
};

// A packet in pieces, and whole as its receiver gets it.
struct Made {
  Packet header = {};
  Packet head = {};
  Packet body = {};
  uint8_t padding = 0;
  uint16_t number = 0;

  ProtectedPacket pieces() const {
    return {.sequence_number = SequenceNumber(number),
            .header = header,
            .head = head,
            .body = body,
            .padding = padding};
  }
  Packet whole() const {
    Packet bytes = header;
    if (padding > 0) bytes[0] |= 0x20;
    bytes.insert(bytes.end(), head.begin(), head.end());
    bytes.insert(bytes.end(), body.begin(), body.end());
    if (padding > 0) bytes.resize(bytes.size() + padding - 1);
    if (padding > 0) bytes.push_back(padding);
    return bytes;
  }
};

Made make(uint16_t number, size_t size, Random& random) {
  Made made{.number = number};
  const auto bytes = [&](size_t count) {
    Packet made_bytes(count);
    for (uint8_t& byte : made_bytes) byte = static_cast<uint8_t>(random.engine());
    return made_bytes;
  };
  made.header = bytes(12 + 4 * random.below(4));
  made.header[0] = static_cast<uint8_t>((made.header[0] & 0x1f) | 0x80);
  store_be16(MutableBytes(made.header).subspan<2, 2>(), number);
  store_be32(MutableBytes(made.header).subspan<8, 4>(), kSource.value());
  made.head = bytes(random.below(8));
  made.body = bytes(size);
  if (random.below(3) == 0) made.padding = static_cast<uint8_t>(random.below(40));
  return made;
}

class FlexfecTest : public ::testing::Test {
 protected:
  Made add(uint16_t number, size_t size = 100) {
    Made made = make(number, size, random_);
    EXPECT_TRUE(encoder_.takes(SequenceNumber(number)));
    EXPECT_TRUE(encoder_.add(made.pieces()));
    return made;
  }
  std::vector<FlexfecParity> finish(size_t rows) {
    std::vector<FlexfecParity> out;
    const size_t made = encoder_.finish(rows, out);
    EXPECT_EQ(made, out.size());
    EXPECT_EQ(encoder_.packets(), 0u);
    return out;
  }
  static std::vector<uint16_t> protects(const FlexfecParity& parity) {
    const auto parsed = FlexfecReceiver::parse(parity.payload());
    return parsed ? parsed->protects : std::vector<uint16_t>{};
  }

  FlexfecEncoder encoder_{kSource};
  Random random_;
};

TEST_F(FlexfecTest, WritesTheHeaderOfTheDraft) {
  const Packet header = {0x91, 0xE0, 0xFF, 0xFF,  // the number is told by base and mask
                         0x00, 0x00, 0x0B, 0xB8, 0xB0, 0xB1, 0xB2, 0xB3};
  const Packet head = {0x01};
  const Packet body = {0x02, 0x03};
  ASSERT_TRUE(encoder_.add({.sequence_number = SequenceNumber(0xFFFF),
                            .header = header,
                            .head = head,
                            .body = body,
                            .padding = 2}));
  const auto parities = finish(1);
  ASSERT_THAT(parities, SizeIs(1));
  EXPECT_THAT(parities[0].payload(), ElementsAre(0x31, 0xE0, 0x00, 0x05,  // P, X, CC; length
                                                 0x00, 0x00, 0x0B, 0xB8,  // timestamp
                                                 0x01, 0x00, 0x00, 0x00,  // one source
                                                 0xB0, 0xB1, 0xB2, 0xB3,  //
                                                 0xFF, 0xFF, 0xC0, 0x00,  // base, k, mask
                                                 0x01, 0x02, 0x03, 0x00, 0x02));
}

TEST_F(FlexfecTest, ALongBlockHasALongMask) {
  for (uint16_t i = 0; i < 15; ++i) add(i);
  EXPECT_THAT(finish(1)[0].payload().subspan(16, 4), ElementsAre(0, 0, 0xFF, 0xFF));
  add(0);
  add(14);
  add(15);
  add(45);
  EXPECT_THAT(finish(1)[0].payload().subspan(16, 8),
              ElementsAre(0, 0, 0x40, 0x01, 0xC0, 0, 0, 0x01));
}

TEST_F(FlexfecTest, NeighboursAreInDifferentRows) {
  for (uint16_t i = 65534; i != 6; ++i) add(i);
  const auto parities = finish(3);
  ASSERT_THAT(parities, SizeIs(3));
  EXPECT_THAT(protects(parities[0]), ElementsAre(65534, 1, 4));
  EXPECT_THAT(protects(parities[1]), ElementsAre(65535, 2, 5));
  EXPECT_THAT(protects(parities[2]), ElementsAre(0, 3));
}

TEST_F(FlexfecTest, TakesNoMoreRowsThanAskedForAndNoneThatIsEmpty) {
  const std::vector<std::pair<size_t, size_t>> wanted_and_made = {
      {0, 1}, {1, 1}, {2, 2}, {5, 4}, {7, 6}, {11, 6}, {12, 12}, {1'000, 12}};
  for (const auto& [wanted, made] : wanted_and_made) {
    for (uint16_t i = 0; i < 20; ++i) add(i);
    EXPECT_THAT(finish(wanted), SizeIs(made)) << wanted;
  }
  add(7);
  add(9);
  EXPECT_THAT(finish(12), SizeIs(2));
  EXPECT_THAT(finish(12), SizeIs(0));
}

TEST_F(FlexfecTest, ABlockSpansWhatAMaskCanSay) {
  add(65'530);
  EXPECT_TRUE(encoder_.takes(SequenceNumber(39)));
  EXPECT_FALSE(encoder_.takes(SequenceNumber(40)));
  EXPECT_FALSE(encoder_.takes(SequenceNumber(65'529)));
  finish(1);
  EXPECT_TRUE(encoder_.takes(SequenceNumber(65'529)));
}

TEST_F(FlexfecTest, WhatWouldMakeTheParityTooLargeIsLeftOut) {
  const Packet header(12, 0x80);
  const Packet body(FlexfecParity::kProtectedMax + 1);
  add(3);
  ProtectedPacket packet{
      .sequence_number = SequenceNumber(4), .header = header, .head = {}, .body = body};
  EXPECT_FALSE(encoder_.add(packet));
  packet.body = packet.body.first(FlexfecParity::kProtectedMax);
  packet.sequence_number = SequenceNumber(5);
  EXPECT_TRUE(encoder_.add(packet));
  const auto parities = finish(1);
  EXPECT_THAT(protects(parities[0]), ElementsAre(3, 5));
  EXPECT_EQ(parities[0].size, 20 + FlexfecParity::kProtectedMax);
}

// One block of a random stream, some of it lost on the way; what a receiver then has.
void lose_some(Random& random) {
  FlexfecEncoder encoder(kSource);
  FlexfecReceiver receiver;
  std::vector<FlexfecParity> parities;
  for (int block = 0; block < 2; ++block) {
    const auto base = static_cast<uint16_t>(random.engine());
    const size_t count = 1 + random.below(FlexfecEncoder::kSpanMax);
    const size_t rows = 1 + random.below(FlexfecEncoder::kRowsMax);
    const size_t lost_of_16 = random.below(8);
    std::vector<Made> sent;
    std::set<uint16_t> lost;
    for (size_t i = 0; i < count; ++i) {
      const auto number = static_cast<uint16_t>(base + i);
      sent.push_back(make(number, random.below(random.below(8) == 0 ? 1'050 : 60), random));
      ASSERT_TRUE(encoder.takes(SequenceNumber(number)));
      ASSERT_TRUE(encoder.add(sent.back().pieces()));
      if (random.below(16) < lost_of_16) {
        lost.insert(number);
      } else {
        receiver.receive(sent.back().whole());
      }
    }
    parities.clear();
    encoder.finish(rows, parities);
    std::set<uint16_t> protected_numbers;
    for (const FlexfecParity& parity : parities) {
      ASSERT_TRUE(receiver.receive_parity(parity.payload()));
      const auto numbers = FlexfecReceiver::parse(parity.payload())->protects;
      const auto is_lost = [&](uint16_t number) { return lost.contains(number); };
      const auto missing = std::ranges::count_if(numbers, is_lost);
      for (const uint16_t number : numbers) {
        protected_numbers.insert(number);
        const bool there = receiver.find(number) != nullptr;
        ASSERT_EQ(there, !lost.contains(number) || missing == 1);
      }
    }
    ASSERT_EQ(protected_numbers.size(), count);  // each is in a row
    for (const Made& made : sent) {
      const Packet* had = receiver.find(made.number);
      ASSERT_TRUE(had == nullptr || *had == made.whole());
    }
  }
}

TEST(FlexfecProperty, OneLostPacketOfEachRowComesBackBitForBit) {
  for (uint64_t seed = 0; seed < 2'000; ++seed) {
    Random random{std::mt19937_64(seed)};
    ASSERT_NO_FATAL_FAILURE(lose_some(random)) << "seed " << seed;
  }
}

TEST_F(FlexfecTest, ARunOfLossesAsLongAsThereAreRowsComesBack) {
  for (const size_t rows : {1u, 2u, 3u, 4u, 6u, 12u}) {
    std::vector<Made> sent;
    for (uint16_t i = 0; i < 30; ++i) sent.push_back(add(i, 200 + i));
    const auto parities = finish(rows);
    for (size_t first = 0; first + rows <= sent.size(); ++first) {
      FlexfecReceiver receiver;
      for (size_t i = 0; i < sent.size(); ++i) {
        if (i < first || i >= first + rows) receiver.receive(sent[i].whole());
      }
      for (const FlexfecParity& parity : parities) receiver.receive_parity(parity.payload());
      EXPECT_EQ(receiver.recovered(), rows);
    }
  }
}

}  // namespace
}  // namespace simpul::rtp
