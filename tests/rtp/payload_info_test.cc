#include "rtp/payload_info.h"

#include <gtest/gtest.h>

#include "tests/support/bit_writer.h"
#include "tests/support/hex.h"
#include "tests/support/rtp_packets.h"

namespace simpul::rtp {
namespace {

using ::simpul::testing::BitWriter;
using ::simpul::testing::from_hex;
using ::simpul::testing::make_vp8_payload;

// Of a key frame: one template, one decode target, no chain, no size or one of 800x600.
std::vector<uint8_t> key_descriptor(bool with_size) {
  BitWriter writer;
  writer.bits(0xc01234, 24).bits(0x10, 5).bits(0, 11).bits(3, 2).bits(0, 2).bits(0, 1).bits(0, 1);
  writer.bits(with_size ? 1 : 0, 1);
  if (with_size) writer.bits(799, 16).bits(599, 16);
  return writer.bytes();
}

TEST(PayloadInfo, EveryCodecTellsItsKeyFrames) {
  const auto is_key = [](Codec codec, const std::vector<uint8_t>& payload) {
    const auto info = read_payload(codec, payload, {});
    EXPECT_TRUE(info);
    return info && info->key_frame;
  };
  EXPECT_TRUE(is_key(Codec::kVp8, make_vp8_payload({.key_frame = true})));
  EXPECT_FALSE(is_key(Codec::kVp8, make_vp8_payload({})));
  EXPECT_TRUE(is_key(Codec::kVp9, from_hex("a8 8001 00 00 aa")));
  EXPECT_FALSE(is_key(Codec::kVp9, from_hex("e8 8001 00 00 aa")));
  EXPECT_TRUE(is_key(Codec::kH264, from_hex("78 0003 67420a 0003 658884")));
  EXPECT_FALSE(is_key(Codec::kH264, from_hex("67 42c01f"))) << "parameters alone";
  EXPECT_FALSE(is_key(Codec::kH264, from_hex("41 9a")));
  EXPECT_TRUE(is_key(Codec::kAv1, from_hex("18 0a")));
  EXPECT_FALSE(is_key(Codec::kAv1, from_hex("10 32")));
  EXPECT_TRUE(is_key(Codec::kOpus, from_hex("fc")));
  EXPECT_TRUE(is_key(Codec::kRed, from_hex("6f fc")));
}

TEST(PayloadInfo, WithADependencyDescriptorTheFrameIsNotRead) {
  const auto noise = from_hex("ff ee dd cc");
  for (const Codec codec : {Codec::kH264, Codec::kAv1}) {
    EXPECT_FALSE(read_payload(codec, noise, {})) << to_string(codec);
    const auto key = read_payload(codec, noise, key_descriptor(true));
    ASSERT_TRUE(key) << to_string(codec);
    EXPECT_TRUE(key->key_frame);
    EXPECT_EQ(key->width, 800);
    EXPECT_EQ(key->frame_number, 0x1234);
  }
  // The P bit of an encrypted VP8 frame is anything; its payload descriptor is in the clear.
  const auto info =
      read_payload(Codec::kVp8, make_vp8_payload({.key_frame = true}), from_hex("80 0001"));
  ASSERT_TRUE(info);
  EXPECT_FALSE(info->key_frame);
  EXPECT_EQ(info->numbers()->picture_id, 0x1234);
}

TEST(PayloadInfo, ADescriptorWithoutASizeLeavesThatToTheCodec) {
  const auto info =
      read_payload(Codec::kVp8, make_vp8_payload({.key_frame = true}), key_descriptor(false));
  ASSERT_TRUE(info);
  EXPECT_TRUE(info->key_frame);
  EXPECT_EQ(info->width, 640);
}

TEST(PayloadInfo, ADescriptorWithoutASizeLeavesThatToTheParametersOfH264) {
  const auto set = from_hex("67 42c01f da 01 40 16 ec");
  const auto told = read_payload(Codec::kH264, set, {});
  ASSERT_TRUE(told);
  ASSERT_GT(told->width, 0);
  const auto info = read_payload(Codec::kH264, set, key_descriptor(false));
  ASSERT_TRUE(info);
  EXPECT_TRUE(info->key_frame);
  EXPECT_EQ(info->key_part, KeyPart::kNone) << "the descriptor tells";
  EXPECT_EQ(info->width, told->width);
  EXPECT_EQ(info->height, told->height);
}

TEST(PayloadInfo, ABrokenDescriptorCountsAsNone) {
  auto cut = key_descriptor(true);
  cut.resize(6);
  const auto info = read_payload(Codec::kVp9, from_hex("a8 8001 00 00 aa"), cut);
  ASSERT_TRUE(info);
  EXPECT_TRUE(info->key_frame);
  EXPECT_FALSE(info->frame_number);
}

TEST(PayloadInfo, WhatNobodyCouldDecodeIsRefused) {
  EXPECT_FALSE(read_payload(Codec::kVp8, from_hex("90 80"), {}));
  EXPECT_FALSE(read_payload(Codec::kVp9, from_hex("80"), {}));
  EXPECT_FALSE(read_payload(Codec::kH264, from_hex("60"), {}));
  EXPECT_FALSE(read_payload(Codec::kAv1, from_hex("98 aa"), {}));
  EXPECT_FALSE(read_payload(Codec::kRed, from_hex("ef 00"), {}));
  EXPECT_FALSE(read_payload(Codec::kVp9, from_hex("80"), key_descriptor(true)));
}

TEST(PayloadInfo, OnlyVp8AndVp9HaveNumbersToRewrite) {
  EXPECT_TRUE(read_payload(Codec::kVp9, from_hex("88 01 aa"), {})->numbers());
  const auto h264 = read_payload(Codec::kH264, from_hex("41 9a"), {});
  EXPECT_FALSE(h264->numbers());
  EXPECT_EQ(h264->with_numbers({.picture_id = 1}).size, 0);
}

}  // namespace
}  // namespace simpul::rtp
