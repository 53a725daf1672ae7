#include "rtp/vp8.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "tests/support/rtp_packets.h"

namespace simpul::rtp {
namespace {

using ::simpul::testing::make_vp8_payload;
using ::testing::ElementsAre;

std::vector<uint8_t> bytes_of(const PayloadHead& head) {
  return {head.bytes.begin(), head.bytes.begin() + head.size};
}

TEST(Vp8Descriptor, ReadsTheOneByteForm) {
  const auto descriptor = Vp8Descriptor::parse(std::vector<uint8_t>{0x33, 0xff});
  ASSERT_TRUE(descriptor);
  EXPECT_TRUE(descriptor->non_reference);
  EXPECT_TRUE(descriptor->start_of_partition);
  EXPECT_EQ(descriptor->partition, 3);
  EXPECT_FALSE(descriptor->starts_frame());
  EXPECT_FALSE(descriptor->picture_id);
  EXPECT_EQ(descriptor->size, 1);
}

TEST(Vp8Descriptor, ReadsEveryField) {
  const auto descriptor =
      Vp8Descriptor::parse(std::vector<uint8_t>{0x90, 0xf0, 0xfe, 0xdc, 0x42, 0xa5 | 0x40});
  ASSERT_TRUE(descriptor);
  EXPECT_TRUE(descriptor->long_picture_id);
  EXPECT_EQ(descriptor->picture_id, 0x7edc);
  EXPECT_EQ(descriptor->tl0_pic_idx, 0x42);
  EXPECT_EQ(descriptor->temporal_id, 3);
  EXPECT_TRUE(descriptor->layer_sync);
  EXPECT_EQ(descriptor->key_idx, 5);
  EXPECT_EQ(descriptor->size, 6);
  EXPECT_TRUE(descriptor->starts_frame());
}

TEST(Vp8Descriptor, ReadsASevenBitPictureId) {
  const auto descriptor = Vp8Descriptor::parse(std::vector<uint8_t>{0x80, 0x80, 0x7f});
  ASSERT_TRUE(descriptor);
  EXPECT_FALSE(descriptor->long_picture_id);
  EXPECT_EQ(descriptor->picture_id, 127);
  EXPECT_EQ(descriptor->size, 3);
}

TEST(Vp8Descriptor, TellsTemporalIdAndKeyIndexApart) {
  const auto temporal = Vp8Descriptor::parse(std::vector<uint8_t>{0x80, 0x20, 0x9f});
  ASSERT_TRUE(temporal);
  EXPECT_EQ(temporal->temporal_id, 2);
  EXPECT_FALSE(temporal->key_idx);
  const auto key = Vp8Descriptor::parse(std::vector<uint8_t>{0x80, 0x10, 0xff});
  ASSERT_TRUE(key);
  EXPECT_FALSE(key->temporal_id);
  EXPECT_FALSE(key->layer_sync);
  EXPECT_EQ(key->key_idx, 31);
}

TEST(Vp8Descriptor, RejectsEveryTruncationOfEveryForm) {
  for (int fields = 0; fields < 16; ++fields) {
    for (const uint8_t picture_id : {uint8_t{0x05}, uint8_t{0x85}}) {
      const std::vector<uint8_t> bytes = {0x90, static_cast<uint8_t>(fields << 4), picture_id, 1, 2,
                                          3};
      const auto whole = Vp8Descriptor::parse(bytes);
      ASSERT_TRUE(whole);
      for (size_t size = 0; size < whole->size; ++size) {
        const auto cut = Vp8Descriptor::parse(Bytes(bytes).first(size));
        ASSERT_FALSE(cut) << fields << ' ' << size;
        EXPECT_EQ(cut.error(), ParseError::kTooShort);
      }
      EXPECT_TRUE(Vp8Descriptor::parse(Bytes(bytes).first(whole->size)));
    }
  }
}

TEST(Vp8Descriptor, SeesAKeyFrameAndItsSize) {
  const auto payload = make_vp8_payload({.key_frame = true, .width = 1280, .height = 720});
  const auto descriptor = Vp8Descriptor::parse(payload);
  ASSERT_TRUE(descriptor);
  EXPECT_TRUE(descriptor->key_frame);
  EXPECT_EQ(descriptor->width, 1280);
  EXPECT_EQ(descriptor->height, 720);
}

TEST(Vp8Descriptor, LeavesTheScaleOutOfTheSize) {
  auto payload = make_vp8_payload({.key_frame = true, .width = 0x3fff, .height = 1});
  payload[6 + 7] |= 0x40;
  payload[6 + 9] |= 0xc0;
  const auto descriptor = Vp8Descriptor::parse(payload);
  ASSERT_TRUE(descriptor);
  EXPECT_EQ(descriptor->width, 0x3fff);
  EXPECT_EQ(descriptor->height, 1);
}

TEST(Vp8Descriptor, SeesNoKeyFrameWhereNoneBegins) {
  const auto is_key_frame = [](const std::vector<uint8_t>& payload) {
    return Vp8Descriptor::parse(payload)->key_frame;
  };
  EXPECT_FALSE(is_key_frame(make_vp8_payload({.key_frame = false})));
  EXPECT_FALSE(is_key_frame(make_vp8_payload({.starts_frame = false})));
  auto second_partition = make_vp8_payload({.key_frame = true});
  second_partition[0] |= 1;
  EXPECT_FALSE(is_key_frame(second_partition));
}

TEST(Vp8Descriptor, SeesNoKeyFrameInAPayloadTooShortForOne) {
  const auto payload = make_vp8_payload({.key_frame = true});
  for (size_t size = 6; size < payload.size(); ++size) {
    const auto descriptor = Vp8Descriptor::parse(Bytes(payload).first(size));
    ASSERT_TRUE(descriptor) << size;
    EXPECT_FALSE(descriptor->key_frame) << size;
  }
}

TEST(Vp8Descriptor, SeesNoKeyFrameWithoutItsStartCode) {
  for (size_t i = 0; i < 3; ++i) {
    auto payload = make_vp8_payload({.key_frame = true});
    payload[6 + 3 + i] ^= 0x5a;  // as it is when the frame is encrypted end to end
    const auto descriptor = Vp8Descriptor::parse(payload);
    ASSERT_TRUE(descriptor);
    EXPECT_FALSE(descriptor->key_frame) << i;
    EXPECT_EQ(descriptor->width, 0);
  }
}

TEST(Vp8Descriptor, WritesOtherNumbersIntoTheFieldsItHas) {
  const auto full = Vp8Descriptor::parse(std::vector<uint8_t>{0x90, 0xf0, 0xfe, 0xdc, 0x42, 0xe5});
  const PayloadHead head =
      full->with_numbers({.picture_id = 0x0102, .tl0_pic_idx = 0x99, .key_idx = 0x1e});
  EXPECT_THAT(bytes_of(head), ElementsAre(0x90, 0xf0, 0x81, 0x02, 0x99, 0xfe));
  EXPECT_EQ(head.replaced, 6);
}

TEST(Vp8Descriptor, KeepsAShortPictureIdShort) {
  const auto descriptor = Vp8Descriptor::parse(std::vector<uint8_t>{0x80, 0x80, 0x7f});
  EXPECT_THAT(bytes_of(descriptor->with_numbers({.picture_id = 0x1234})),
              ElementsAre(0x80, 0x80, 0x34));
}

TEST(Vp8Descriptor, AddsNoFieldThatWasNotThere) {
  const auto plain = Vp8Descriptor::parse(std::vector<uint8_t>{0x10, 0x55});
  const PayloadHead head = plain->with_numbers({.picture_id = 9, .tl0_pic_idx = 9, .key_idx = 9});
  EXPECT_THAT(bytes_of(head), ElementsAre(0x10));
  EXPECT_EQ(head.replaced, 1);
  const auto temporal = Vp8Descriptor::parse(std::vector<uint8_t>{0x80, 0x20, 0x9f});
  EXPECT_THAT(bytes_of(temporal->with_numbers({.key_idx = 31})), ElementsAre(0x80, 0x20, 0x80));
}

TEST(Vp8Descriptor, ReadsBackWhatItWroteForEveryForm) {
  for (int form = 0; form < 256; ++form) {
    const std::vector<uint8_t> bytes = {static_cast<uint8_t>(0x80 | form),
                                        static_cast<uint8_t>((form << 4) & 0xf0),
                                        static_cast<uint8_t>(form),
                                        1,
                                        2,
                                        3};
    const auto before = Vp8Descriptor::parse(bytes);
    ASSERT_TRUE(before);
    const PictureNumbers numbers{.picture_id = 0x5678, .tl0_pic_idx = 0x9a, .key_idx = 0x0b};
    const auto after = Vp8Descriptor::parse(bytes_of(before->with_numbers(numbers)));
    ASSERT_TRUE(after);
    EXPECT_EQ(after->size, before->size);
    EXPECT_EQ(after->temporal_id, before->temporal_id);
    EXPECT_EQ(after->layer_sync, before->layer_sync);
    EXPECT_EQ(after->partition, before->partition);
    EXPECT_EQ(after->tl0_pic_idx.value_or(0x9a), 0x9a);
    EXPECT_EQ(after->key_idx.value_or(0x0b), 0x0b);
    EXPECT_EQ(after->picture_id.has_value(), before->picture_id.has_value());
    EXPECT_EQ(after->picture_id.value_or(0x5678) & 0x7f, 0x78);
  }
}

}  // namespace
}  // namespace simpul::rtp
