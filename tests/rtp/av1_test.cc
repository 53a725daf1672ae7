#include "rtp/av1.h"

#include <gtest/gtest.h>

#include <vector>

#include "tests/support/bit_writer.h"
#include "tests/support/hex.h"

namespace simpul::rtp {
namespace {

using ::simpul::testing::BitWriter;
using ::simpul::testing::from_hex;

ParseError error_of(const char* text) {
  const auto payload = Av1Payload::parse(from_hex(text));
  EXPECT_FALSE(payload) << text;
  return payload ? ParseError::kBadVersion : payload.error();
}

// The size's fields, of 640x360, and some of what follows them.
BitWriter& with_size(BitWriter& header) {
  return header.bits(9, 4).bits(8, 4).bits(639, 10).bits(359, 9).bits(0x155, 9);
}

// A packet that begins a sequence, with one element: an OBU header, then `header`.
Expected<Av1Payload, ParseError> parsed(const char* front, const BitWriter& header) {
  auto bytes = from_hex(front);
  bytes.insert(bytes.end(), header.bytes().begin(), header.bytes().end());
  return Av1Payload::parse(bytes);
}

TEST(Av1Payload, ReadsTheAggregationHeader) {
  const auto first = Av1Payload::parse(from_hex("58 aa"));
  ASSERT_TRUE(first);
  EXPECT_FALSE(first->continues);
  EXPECT_TRUE(first->is_continued);
  EXPECT_TRUE(first->starts_sequence);
  EXPECT_EQ(first->elements, 1u);
  const auto next = Av1Payload::parse(from_hex("90 aa"));
  ASSERT_TRUE(next);
  EXPECT_TRUE(next->continues);
  EXPECT_FALSE(next->is_continued);
  EXPECT_FALSE(next->starts_sequence);
}

TEST(Av1Payload, WalksElementsWithAndWithoutALengthOfTheLast) {
  EXPECT_EQ(Av1Payload::parse(from_hex("20 02 aaaa bb"))->elements, 2u);
  EXPECT_EQ(Av1Payload::parse(from_hex("30 01 aa 02 bbbb cccc"))->elements, 3u);
  EXPECT_EQ(Av1Payload::parse(from_hex("00 01 aa 02 bbbb 01 cc 00"))->elements, 4u);
}

TEST(Av1Payload, ElementsThatRunPastTheEndAreRefused) {
  EXPECT_EQ(error_of(""), ParseError::kTooShort);
  EXPECT_EQ(error_of("20 03 aaaa"), ParseError::kTooShort);
  EXPECT_EQ(error_of("00 01 aa 7f bb"), ParseError::kTooShort);
  EXPECT_EQ(error_of("30 01 aa"), ParseError::kTooShort) << "three were announced";
  EXPECT_EQ(error_of("00 ffffffffffffff7f aa"), ParseError::kTooShort);
}

TEST(Av1Payload, LengthsWithoutAnEndAreRefused) {
  EXPECT_EQ(error_of("00 8080808080808080 00 aa"), ParseError::kMalformed) << "nine bytes";
  EXPECT_EQ(error_of("00 8080"), ParseError::kTooShort);
}

TEST(Av1Payload, ContradictionsAreRefused) {
  EXPECT_EQ(error_of("98 aa"), ParseError::kMalformed) << "begins a sequence and goes on";
  EXPECT_EQ(error_of("00"), ParseError::kMalformed) << "nothing";
}

TEST(Av1Payload, TooManyElementsAreRefused) {
  std::vector<uint8_t> bytes(1 + Av1Payload::kElementsMax, 0);
  EXPECT_EQ(Av1Payload::parse(bytes)->elements, Av1Payload::kElementsMax);
  bytes.push_back(0);
  EXPECT_EQ(Av1Payload::parse(bytes).error(), ParseError::kMalformed);
}

TEST(Av1Payload, ASequenceHeaderTellsThePicture) {
  BitWriter plain;  // one operating point, of a level that has a tier
  with_size(plain.bits(0, 5).bits(0, 2).bits(0, 5).bits(0, 12).bits(8, 5).bits(0, 1));
  for (const auto* front : {"18 08", "28 02 1200 08", "18 0c 00", "18 0a 10"}) {
    const auto payload = parsed(front, plain);
    ASSERT_TRUE(payload) << front;
    EXPECT_TRUE(payload->starts_sequence);
    EXPECT_EQ(payload->width, 640) << front;
    EXPECT_EQ(payload->height, 360) << front;
  }
}

TEST(Av1Payload, TimingAndOperatingPointsStandInFrontOfThePicture) {
  BitWriter timed;
  timed.bits(0, 5).bits(1, 1).bits(1, 32).bits(30, 32).bits(1, 1).golomb(6).bits(1, 1);
  timed.bits(9, 5).bits(1, 32).bits(0, 10).bits(1, 1).bits(1, 5);
  timed.bits(0, 12).bits(4, 5).bits(1, 1).bits(0, 21).bits(1, 1).bits(3, 4);
  timed.bits(0, 12).bits(9, 5).bits(1, 1).bits(0, 1).bits(0, 1);
  EXPECT_EQ(parsed("18 08", with_size(timed))->width, 640);
  BitWriter still;
  EXPECT_EQ(parsed("18 08", with_size(still.bits(3, 5).bits(4, 5)))->height, 360);
}

TEST(Av1Payload, AnUnreadableSequenceHeaderTellsNoSize) {
  const auto cut = Av1Payload::parse(from_hex("18 08 00 00"));
  ASSERT_TRUE(cut);
  EXPECT_TRUE(cut->starts_sequence);
  EXPECT_EQ(cut->width, 0);
  const auto other = Av1Payload::parse(from_hex("18 30 ff ff ff ff ff ff ff ff"));
  ASSERT_TRUE(other);
  EXPECT_EQ(other->width, 0) << "a frame, not a sequence header";
}

}  // namespace
}  // namespace simpul::rtp
