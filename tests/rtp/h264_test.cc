#include "rtp/h264.h"

#include <gtest/gtest.h>

#include <vector>

#include "tests/support/bit_writer.h"
#include "tests/support/hex.h"

namespace simpul::rtp {
namespace {

using ::simpul::testing::BitWriter;
using ::simpul::testing::from_hex;

ParseError error_of(const char* text) {
  const auto payload = H264Payload::parse(from_hex(text));
  EXPECT_FALSE(payload) << text;
  return payload ? ParseError::kBadVersion : payload.error();
}

TEST(H264Payload, TellsParametersAndPicturesApart) {
  const auto set = H264Payload::parse(from_hex("67 42c01f da 01 40 16 ec"));
  ASSERT_TRUE(set);
  EXPECT_TRUE(set->has_parameters);
  EXPECT_TRUE(set->starts_unit);
  EXPECT_FALSE(set->key_frame()) << "no picture yet";
  for (const auto* other : {"68 ce3c80", "65 8884", "41 9a02", "06 05", "09 f0"}) {
    const auto payload = H264Payload::parse(from_hex(other));
    ASSERT_TRUE(payload) << other;
    EXPECT_FALSE(payload->has_parameters) << other;
    EXPECT_EQ(payload->has_idr, other[1] == '5') << other;
    EXPECT_EQ(payload->has_slice, other[0] == '4') << other;
  }
}

TEST(H264Payload, ParametersAndPictureInOnePacketBeginTogether) {
  const auto together = H264Payload::parse(from_hex("78 0003 67420a 0002 68ce 0003 658884"));
  ASSERT_TRUE(together);
  EXPECT_TRUE(together->key_frame());
  const auto parameters_only = H264Payload::parse(from_hex("78 0003 67420a 0002 68ce"));
  ASSERT_TRUE(parameters_only);
  EXPECT_TRUE(parameters_only->has_parameters);
  EXPECT_FALSE(parameters_only->key_frame());
  const auto repeated = H264Payload::parse(from_hex("78 0003 67420a 0002 68ce 0002 419a"));
  ASSERT_TRUE(repeated);
  EXPECT_FALSE(repeated->key_frame()) << "in front of an ordinary picture";
  EXPECT_TRUE(repeated->has_slice);
}

TEST(H264Payload, AFragmentStartsAUnitOnlyWithItsFirstPiece) {
  EXPECT_TRUE(H264Payload::parse(from_hex("7c 85 88"))->starts_unit);
  EXPECT_FALSE(H264Payload::parse(from_hex("7c 05 88"))->starts_unit);
  EXPECT_FALSE(H264Payload::parse(from_hex("7c 45 88"))->starts_unit);
  EXPECT_TRUE(H264Payload::parse(from_hex("7c 85 88"))->has_idr);
  EXPECT_TRUE(H264Payload::parse(from_hex("7c 05 88"))->has_idr) << "any piece tells";
  EXPECT_TRUE(H264Payload::parse(from_hex("7c 01 88"))->has_slice);
  EXPECT_TRUE(H264Payload::parse(from_hex("7c 87 42"))->has_parameters);
  EXPECT_FALSE(H264Payload::parse(from_hex("7c 07 42"))->has_parameters);
}

TEST(H264Payload, WhatModesZeroAndOneDoNotHaveIsRefused) {
  for (const auto* text : {"60 aa", "79 aa", "7a aa", "7b aa", "7d aa bb cc", "7e aa", "7f aa"}) {
    EXPECT_EQ(error_of(text), ParseError::kMalformed) << text;
  }
}

TEST(H264Payload, ContradictionsAreRefused) {
  EXPECT_EQ(error_of(""), ParseError::kTooShort);
  EXPECT_EQ(error_of("7c c5 88"), ParseError::kMalformed) << "first and last piece at once";
  EXPECT_EQ(error_of("7c 98 88"), ParseError::kMalformed) << "an aggregate in pieces";
  EXPECT_EQ(error_of("7c 85"), ParseError::kTooShort);
  EXPECT_EQ(error_of("78"), ParseError::kTooShort);
  EXPECT_EQ(error_of("78 0000"), ParseError::kMalformed) << "a unit of nothing";
  EXPECT_EQ(error_of("78 0003 6742"), ParseError::kTooShort);
  EXPECT_EQ(error_of("78 ffff 67"), ParseError::kTooShort);
  EXPECT_EQ(error_of("78 0002 6742 00"), ParseError::kTooShort);
  EXPECT_EQ(error_of("78 0004 78 0001 67"), ParseError::kMalformed) << "nested";
}

TEST(H264Payload, AnAggregateOfTooManyUnitsIsRefused) {
  std::vector<uint8_t> bytes = {0x78};
  for (size_t i = 0; i < H264Payload::kUnitsMax; ++i) {
    for (const int byte : {0, 1, 0x68}) bytes.push_back(static_cast<uint8_t>(byte));
  }
  EXPECT_TRUE(H264Payload::parse(bytes));
  for (const int byte : {0, 1, 0x68}) bytes.push_back(static_cast<uint8_t>(byte));
  EXPECT_EQ(H264Payload::parse(bytes).error(), ParseError::kMalformed);
}

// The fields in front of the size, of a baseline stream.
BitWriter baseline() {
  BitWriter set;
  set.bits(0x42c01f, 24).golomb(0).golomb(0).golomb(2).golomb(1).bits(0, 1);
  return set;
}

TEST(H264Parameters, TellTheCroppedSize) {
  auto set = baseline();
  set.golomb(39).golomb(22).bits(1, 1).bits(1, 1).bits(1, 1);
  set.golomb(0).golomb(0).golomb(0).golomb(4).bits(2, 2);
  const auto size = read_sequence_parameters(set.bytes());
  ASSERT_TRUE(size);
  EXPECT_EQ(size->width, 640);
  EXPECT_EQ(size->height, 360);
}

TEST(H264Parameters, TellTheSizeOfInterlacedHighProfileWithScalingLists) {
  BitWriter set;
  set.bits(0x640028, 24).golomb(0).golomb(1).golomb(0).golomb(0).bits(0, 1).bits(1, 1);
  set.bits(1, 1);  // the first list: 16 times the same
  for (int i = 0; i < 16; ++i) set.golomb(0);
  set.bits(1, 1).golomb(16);  // the second: its first step says stop
  set.bits(0, 6);
  set.golomb(0).golomb(0).golomb(0).golomb(4).bits(0, 1);
  set.golomb(119).golomb(33).bits(0, 1).bits(1, 1).bits(1, 1).bits(0, 1).bits(1, 8);
  const auto size = read_sequence_parameters(set.bytes());
  ASSERT_TRUE(size);
  EXPECT_EQ(size->width, 1920);
  EXPECT_EQ(size->height, 1088);
}

TEST(H264Parameters, HugeNumbersAreRefused) {
  auto wide = baseline();
  wide.golomb(0xfffffffe).golomb(0xfffffffe).bits(0xf, 4).golomb(0).bits(0, 32);
  EXPECT_FALSE(read_sequence_parameters(wide.bytes()));
  auto cropped = baseline();
  cropped.golomb(39).golomb(22).bits(7, 3);
  cropped.golomb(0x7ffffffe).golomb(0x7ffffffe).golomb(0).golomb(0).bits(1, 8);
  EXPECT_EQ(read_sequence_parameters(cropped.bytes()).error(), ParseError::kMalformed);
  const std::vector<uint8_t> zeros(64, 0);
  EXPECT_FALSE(read_sequence_parameters(zeros)) << "a code that never ends";
}

TEST(H264Parameters, AreRefusedWhereverTheyAreCutOff) {
  auto set = baseline();
  set.golomb(39).golomb(22).bits(0xc, 4).bits(1, 1);
  for (size_t size = 0; size + 1 < set.bytes().size(); ++size) {
    EXPECT_FALSE(read_sequence_parameters(Bytes(set.bytes()).first(size))) << size;
  }
  EXPECT_TRUE(read_sequence_parameters(set.bytes()));
}

TEST(H264Parameters, BytesThatKeepStartCodesFromArisingAreSkipped) {
  // 00 00 03 01 stands for 00 00 01 in the middle of the level and the id.
  BitWriter set;
  set.bits(0x420000, 24).golomb(0).golomb(0).golomb(2).golomb(1).bits(0, 1);
  set.golomb(39).golomb(22).bits(0xc, 4).bits(1, 1);
  std::vector<uint8_t> escaped = set.bytes();
  escaped.insert(escaped.begin() + 3, 3);
  const auto size = read_sequence_parameters(escaped);
  ASSERT_TRUE(size);
  EXPECT_EQ(size->width, 640);
}

}  // namespace
}  // namespace simpul::rtp
