#include "rtp/dependency_descriptor.h"

#include <gtest/gtest.h>

#include <vector>

#include "tests/support/bit_writer.h"
#include "tests/support/hex.h"

namespace simpul::rtp {
namespace {

using ::simpul::testing::BitWriter;
using ::simpul::testing::from_hex;

// The mandatory fields of frame 0x1234 by template 5, and the five flags.
BitWriter descriptor(bool starts_frame, uint32_t flags) {
  BitWriter writer;
  writer.bits(starts_frame ? 1 : 0, 1).bits(1, 1).bits(5, 6).bits(0x1234, 16).bits(flags, 5);
  return writer;
}

constexpr uint32_t kStructure = 0x10;
constexpr uint32_t kActiveTargets = 0x08;

// L2T1_KEY-like: two templates of one temporal layer, in two spatial ones, two decode targets, one
// chain each, 320x180 and 640x360.
void add_structure(BitWriter& writer) {
  writer.bits(7, 6).bits(1, 5);             // offset, two targets
  writer.bits(2, 2).bits(3, 2);             // next spatial layer, no more
  writer.bits(0b1010, 4).bits(0b0010, 4);   // indications
  writer.bits(1, 1).bits(1, 4).bits(0, 1);  // one difference
  writer.bits(1, 1).bits(0, 4).bits(1, 1).bits(1, 4).bits(0, 1);
  writer.bits(0b11, 2);          // ns(3): two chains
  writer.bits(0, 1).bits(1, 1);  // ns(2) for each target
  writer.bits(0x1234, 16);       // differences of the chains
  writer.bits(1, 1).bits(319, 16).bits(179, 16).bits(639, 16).bits(359, 16);
}

TEST(DependencyDescriptor, ReadsTheMandatoryFields) {
  const auto found = DependencyDescriptor::parse(from_hex("85 1234"));
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->starts_frame);
  EXPECT_FALSE(found->ends_frame);
  EXPECT_EQ(found->template_id, 5);
  EXPECT_EQ(found->frame_number, 0x1234);
  EXPECT_FALSE(found->key_frame());
}

TEST(DependencyDescriptor, AStructureMakesAKeyFrameAndTellsItsSize) {
  auto writer = descriptor(true, kStructure);
  add_structure(writer);
  const auto found = DependencyDescriptor::parse(writer.bytes());
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->key_frame());
  EXPECT_EQ(found->decode_targets, 2);
  EXPECT_EQ(found->templates, 2);
  EXPECT_EQ(found->width, 640);
  EXPECT_EQ(found->height, 360);
}

TEST(DependencyDescriptor, OtherFlagsAreNoKeyFrame) {
  for (uint32_t flags = 0; flags < kStructure; ++flags) {
    const auto found = DependencyDescriptor::parse(descriptor(true, flags).bytes());
    ASSERT_TRUE(found) << flags;
    EXPECT_FALSE(found->key_frame()) << flags;
  }
}

TEST(DependencyDescriptor, IsRefusedWhereverItIsCutOff) {
  auto writer = descriptor(true, kStructure | kActiveTargets);
  add_structure(writer);
  writer.bits(3, 2);
  const Bytes whole = writer.bytes();
  ASSERT_TRUE(DependencyDescriptor::parse(whole));
  for (size_t size = 0; size < whole.size(); ++size) {
    if (size == DependencyDescriptor::kSizeMin) continue;
    EXPECT_FALSE(DependencyDescriptor::parse(whole.first(size))) << size;
  }
}

TEST(DependencyDescriptor, AStructureInTheMiddleOfAFrameIsRefused) {
  auto writer = descriptor(false, kStructure);
  add_structure(writer);
  EXPECT_EQ(DependencyDescriptor::parse(writer.bytes()).error(), ParseError::kMalformed);
}

// `templates` of one layer, each for 32 decode targets and without chains.
std::vector<uint8_t> many_templates(size_t templates) {
  auto writer = descriptor(true, kStructure);
  writer.bits(0, 6).bits(31, 5);
  for (size_t i = 1; i < templates; ++i) writer.bits(0, 2);
  writer.bits(3, 2);
  for (size_t i = 0; i < templates; ++i) writer.bits(0, 64);
  for (size_t i = 0; i < templates; ++i) writer.bits(0, 1);
  return writer.bits(0, 5).bits(0, 1).bytes();
}

TEST(DependencyDescriptor, SixtyFourTemplatesAreTheLimit) {
  const auto most =
      DependencyDescriptor::parse(many_templates(DependencyDescriptor::kTemplatesMax));
  ASSERT_TRUE(most);
  EXPECT_EQ(most->templates, DependencyDescriptor::kTemplatesMax);
  EXPECT_EQ(most->decode_targets, 32);
  EXPECT_EQ(most->width, 0);
  EXPECT_EQ(
      DependencyDescriptor::parse(many_templates(DependencyDescriptor::kTemplatesMax + 1)).error(),
      ParseError::kMalformed);
}

TEST(DependencyDescriptor, LayersOutOfRangeAreRefused) {
  for (const uint32_t step : {1u, 2u}) {  // temporal, spatial
    auto writer = descriptor(true, kStructure);
    writer.bits(0, 6).bits(0, 5);
    for (int i = 0; i < 8; ++i) writer.bits(step, 2);
    writer.bits(3, 2).bits(0, 64);
    EXPECT_EQ(DependencyDescriptor::parse(writer.bytes()).error(), ParseError::kMalformed) << step;
  }
}

TEST(DependencyDescriptor, EndlessReferencesAreRefused) {
  auto writer = descriptor(true, kStructure);
  writer.bits(0, 6).bits(0, 5).bits(3, 2).bits(2, 2);
  for (int i = 0; i < 9; ++i) writer.bits(0x1f, 5);
  EXPECT_EQ(DependencyDescriptor::parse(writer.bits(0, 32).bytes()).error(),
            ParseError::kMalformed);
}

// Frame 0x1235 by `template_id`, and nothing else.
std::vector<uint8_t> short_descriptor(uint8_t template_id) {
  return {static_cast<uint8_t>(0x80 | template_id), 0x12, 0x35};
}

TEST(DependencyReader, KnowsWhatAFrameIsByTheStructureThatCame) {
  auto writer = descriptor(true, kStructure);
  add_structure(writer);
  DependencyReader reader;
  LayerInfo info;
  ASSERT_TRUE(reader.read(short_descriptor(8), info));
  EXPECT_EQ(info.layering, Layering::kUnknown) << "before any structure";
  auto key = writer.bytes();
  key[0] = 0x80 | 7;  // the first template
  ASSERT_TRUE(reader.read(key, info));
  EXPECT_EQ(info.layering, Layering::kDependencies);
  EXPECT_EQ(info.spatial, 0);
  EXPECT_EQ(info.indication(0), Indication::kSwitch);
  EXPECT_EQ(info.indication(1), Indication::kSwitch);
  EXPECT_TRUE(info.used_above);
  ASSERT_TRUE(reader.read(short_descriptor(8), info));
  EXPECT_EQ(info.spatial, 1);
  EXPECT_EQ(info.indication(0), Indication::kNotPresent);
  EXPECT_EQ(info.reference_count, 2);
  EXPECT_EQ(info.references[0], 1);
  EXPECT_EQ(info.references[1], 2);
  EXPECT_EQ(reader.active_targets(), 3u);
  EXPECT_EQ(reader.structure()->targets[0].contained, 1u);
  EXPECT_EQ(reader.structure()->targets[1].contained, 3u);
}

TEST(DependencyReader, AnotherTemplateTellsNothing) {
  auto writer = descriptor(true, kStructure);
  add_structure(writer);
  DependencyReader reader;
  LayerInfo info;
  ASSERT_TRUE(reader.read(writer.bytes(), info));
  info = {};
  ASSERT_TRUE(reader.read(short_descriptor(9), info));
  EXPECT_EQ(info.layering, Layering::kUnknown);
}

TEST(DependencyDescriptor, TakesActiveDecodeTargetsWhereItHadNone) {
  std::vector<uint8_t> room(10);
  // Three bytes become four: no flag but the active targets', then 0b01 of two.
  const ActiveTargets active{.mask = 1, .count = 2, .mask_at = 29};
  ASSERT_EQ(rewrite_descriptor(short_descriptor(8), 0xfffe, active, room), 4u);
  room.resize(4);
  EXPECT_EQ(room, from_hex("88 fffe 42"));
}

TEST(DependencyDescriptor, TakesOtherActiveDecodeTargetsBehindItsStructure) {
  auto writer = descriptor(true, kStructure | kActiveTargets);
  add_structure(writer);
  writer.bits(3, 2);
  auto bytes = writer.bytes();
  bytes[0] = 0x80 | 7;
  DependencyReader before;
  LayerInfo info;
  ASSERT_TRUE(before.read(bytes, info));
  std::vector<uint8_t> room(100);
  const size_t size =
      rewrite_descriptor(bytes, 7, {.mask = 1, .count = 2, .mask_at = info.mask_at}, room);
  DependencyReader after;
  ASSERT_TRUE(after.read(Bytes(room).first(size), info));
  EXPECT_EQ(after.active_targets(), 1u);
  EXPECT_EQ(after.structure()->width, 640);
}

TEST(DependencyDescriptor, ActiveDecodeTargetsThatFindNoRoomStayAsTheyWere) {
  std::vector<uint8_t> room(3);
  EXPECT_EQ(
      rewrite_descriptor(short_descriptor(8), 7, {.mask = 1, .count = 2, .mask_at = 29}, room), 3u);
  EXPECT_EQ(room, from_hex("88 0007"));
}

TEST(DependencyDescriptor, TakesAnotherFrameNumber) {
  std::vector<uint8_t> bytes(4);
  EXPECT_EQ(rewrite_descriptor(from_hex("85 1234 10"), 0xfffe, {}, bytes), 4u);
  EXPECT_EQ(bytes, from_hex("85 fffe 10"));
}

}  // namespace
}  // namespace simpul::rtp
