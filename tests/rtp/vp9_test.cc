#include "rtp/vp9.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "tests/support/hex.h"

namespace simpul::rtp {
namespace {

using ::simpul::testing::from_hex;
using ::testing::ElementsAre;

std::vector<uint8_t> bytes_of(const PayloadHead& head) {
  return {head.bytes.begin(), head.bytes.begin() + head.size};
}

TEST(Vp9Descriptor, ReadsTheNonFlexibleFormOfAKeyPictureWithItsStructure) {
  // I L B E V; picture id 0x1234; T0 S0; TL0PICIDX 9; one layer of 640x360, one picture in its
  // group.
  const auto descriptor = Vp9Descriptor::parse(from_hex("ae 9234 00 09 18 0280 0168 01 04 01 aa"));
  ASSERT_TRUE(descriptor);
  EXPECT_TRUE(descriptor->key_frame());
  EXPECT_TRUE(descriptor->starts_frame);
  EXPECT_TRUE(descriptor->ends_frame);
  EXPECT_FALSE(descriptor->flexible);
  EXPECT_TRUE(descriptor->long_picture_id);
  EXPECT_EQ(descriptor->picture_id, 0x1234);
  EXPECT_EQ(descriptor->tl0_pic_idx, 9);
  EXPECT_EQ(descriptor->width, 640);
  EXPECT_EQ(descriptor->height, 360);
  EXPECT_EQ(descriptor->size, 13);
}

TEST(Vp9Descriptor, ReadsTheFlexibleFormWithItsReferences) {
  // I P L F B; seven-bit picture id; T2 U S1 D; P_DIFF 1 and 3.
  const auto descriptor = Vp9Descriptor::parse(from_hex("f8 2a 53 03 06 aa"));
  ASSERT_TRUE(descriptor);
  EXPECT_TRUE(descriptor->flexible);
  EXPECT_FALSE(descriptor->key_frame());
  EXPECT_FALSE(descriptor->long_picture_id);
  EXPECT_EQ(descriptor->picture_id, 0x2a);
  EXPECT_EQ(descriptor->temporal_id, 2);
  EXPECT_TRUE(descriptor->switching_up);
  EXPECT_EQ(descriptor->spatial_id, 1);
  EXPECT_TRUE(descriptor->inter_layer);
  EXPECT_FALSE(descriptor->tl0_pic_idx);
  EXPECT_EQ(descriptor->size, 5);
}

TEST(Vp9Descriptor, TellsTheLargestOfSeveralLayers) {
  const auto descriptor =
      Vp9Descriptor::parse(from_hex("aa 8001 00 00 50 0140 00b4 0280 0168 0500 02d0"));
  ASSERT_TRUE(descriptor);
  EXPECT_EQ(descriptor->width, 1280);
  EXPECT_EQ(descriptor->height, 720);
}

TEST(Vp9Descriptor, AKeyPictureBeginsWithItsLowestLayer) {
  EXPECT_TRUE(Vp9Descriptor::parse(from_hex("a8 8001 00 00"))->key_frame());
  EXPECT_FALSE(Vp9Descriptor::parse(from_hex("a8 8001 03 00"))->key_frame()) << "spatial layer 1";
  EXPECT_TRUE(Vp9Descriptor::parse(from_hex("a8 8001 04 00"))->key_frame()) << "2, by itself";
  EXPECT_FALSE(Vp9Descriptor::parse(from_hex("a0 8001 00 00"))->key_frame()) << "its second packet";
  EXPECT_FALSE(Vp9Descriptor::parse(from_hex("e8 8001 00 00"))->key_frame()) << "predicted";
}

TEST(Vp9Descriptor, IsRefusedWhereverItIsCutOff) {
  for (const auto* text : {"ae 9234 00 09 18 0280 0168 01 04 01", "f8 2a 53 03 06",
                           "aa 8001 00 00 50 0140 00b4 0280 0168 0500 02d0"}) {
    const auto whole = from_hex(text);
    ASSERT_TRUE(Vp9Descriptor::parse(whole));
    for (size_t size = 0; size < whole.size(); ++size) {
      EXPECT_EQ(Vp9Descriptor::parse(Bytes(whole).first(size)).error(), ParseError::kTooShort);
    }
  }
}

TEST(Vp9Descriptor, MoreThanThreeReferencesAreRefused) {
  EXPECT_TRUE(Vp9Descriptor::parse(from_hex("d0 01 03 03 02")));
  EXPECT_EQ(Vp9Descriptor::parse(from_hex("d0 01 03 03 03 02")).error(), ParseError::kMalformed);
}

TEST(Vp9Descriptor, TheLargestStructureIsReadToItsEnd) {
  // Eight layers with sizes, 255 pictures of three references each.
  std::vector<uint8_t> bytes = from_hex("02 f8");
  for (int layer = 1; layer <= 8; ++layer) {
    for (const int byte : {layer, 0, layer, 0}) bytes.push_back(static_cast<uint8_t>(byte));
  }
  bytes.push_back(255);
  for (int picture = 0; picture < 255; ++picture) {
    for (const int byte : {0x0c, 1, 2, 3}) bytes.push_back(static_cast<uint8_t>(byte));
  }
  const auto descriptor = Vp9Descriptor::parse(bytes);
  ASSERT_TRUE(descriptor);
  EXPECT_EQ(descriptor->size, bytes.size());
  EXPECT_EQ(descriptor->width, 0x800);
  const SpatialSizes sizes = Vp9Descriptor::read_sizes(bytes);
  EXPECT_EQ(sizes[0], (PictureSize{.width = 0x100, .height = 0x100}));
  EXPECT_EQ(sizes[7], (PictureSize{.width = 0x800, .height = 0x800}));
  bytes.pop_back();
  EXPECT_EQ(Vp9Descriptor::parse(bytes).error(), ParseError::kTooShort);
}

TEST(Vp9Descriptor, TakesOtherNumbersAndKeepsTheRest) {
  const auto plain = Vp9Descriptor::parse(from_hex("ae 9234 72 09 00"));
  ASSERT_TRUE(plain);
  const auto head = plain->with_numbers({.picture_id = 0x7654, .tl0_pic_idx = 0xab});
  EXPECT_THAT(bytes_of(head), ElementsAre(0xae, 0xf6, 0x54, 0x72, 0xab));
  EXPECT_EQ(head.replaced, 5);
}

TEST(Vp9Descriptor, AShortPictureIdStaysShortAndAFlexibleFrameHasNoTl0PicIdx) {
  const auto plain = Vp9Descriptor::parse(from_hex("f8 2a 53 03 06"));
  ASSERT_TRUE(plain);
  const auto head = plain->with_numbers({.picture_id = 0x7654, .tl0_pic_idx = 0xab});
  EXPECT_THAT(bytes_of(head), ElementsAre(0xf8, 0x54, 0x53));
  EXPECT_EQ(head.replaced, 3);
}

TEST(Vp9Descriptor, WithoutNumbersNothingIsRewritten) {
  const auto plain = Vp9Descriptor::parse(from_hex("0c aa"));
  ASSERT_TRUE(plain);
  EXPECT_THAT(bytes_of(plain->with_numbers({.picture_id = 7})), ElementsAre(0x0c));
  EXPECT_EQ(plain->numbers(), PictureNumbers{});
}

}  // namespace
}  // namespace simpul::rtp
