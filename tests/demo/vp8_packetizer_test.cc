#include "bench/demo/vp8_packetizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "rtp/vp8.h"

namespace simpul::demo {
namespace {

using ::testing::SizeIs;

using Payloads = std::vector<std::vector<uint8_t>>;

std::vector<uint8_t> frame_of(size_t size) {
  std::vector<uint8_t> frame(size);
  std::iota(frame.begin(), frame.end(), uint8_t{0});
  return frame;
}

Payloads cut(Vp8Packetizer& packetizer, const std::vector<uint8_t>& frame) {
  Payloads payloads;
  packetizer.cut(frame, payloads);
  return payloads;
}

std::vector<uint8_t> joined(const Payloads& payloads) {
  std::vector<uint8_t> frame;
  for (const auto& payload : payloads) {
    frame.insert(frame.end(), payload.begin() + Vp8Packetizer::kDescriptorSize, payload.end());
  }
  return frame;
}

TEST(Vp8Packetizer, ASmallFrameIsOnePayload) {
  Vp8Packetizer packetizer(7);
  const auto payloads = cut(packetizer, frame_of(100));
  ASSERT_THAT(payloads, SizeIs(1));
  EXPECT_EQ(joined(payloads), frame_of(100));
}

TEST(Vp8Packetizer, ALargeFrameIsCutIntoEqualPartsThatJoinToIt) {
  for (const size_t size : {1u, 1'096u, 1'097u, 2'192u, 2'193u, 10'000u, 65'537u}) {
    Vp8Packetizer packetizer(7);
    const auto payloads = cut(packetizer, frame_of(size));
    EXPECT_THAT(payloads, SizeIs((size + 1'095) / 1'096));
    EXPECT_EQ(joined(payloads), frame_of(size));
    for (const auto& payload : payloads) {
      EXPECT_LE(payload.size(), Vp8Packetizer::kPayloadMax);
      EXPECT_LE(payload.size() - payloads.front().size(), 1u);
    }
  }
}

TEST(Vp8Packetizer, OnlyTheFirstPayloadStartsThePartition) {
  Vp8Packetizer packetizer(300);
  const auto payloads = cut(packetizer, frame_of(3'000));
  ASSERT_THAT(payloads, SizeIs(3));
  for (size_t i = 0; i < payloads.size(); ++i) {
    const auto descriptor = rtp::Vp8Descriptor::parse(payloads[i]);
    ASSERT_TRUE(descriptor.has_value());
    EXPECT_EQ(descriptor->starts_frame(), i == 0);
    EXPECT_EQ(descriptor->picture_id, 300);
    EXPECT_TRUE(descriptor->long_picture_id);
    EXPECT_EQ(descriptor->size, Vp8Packetizer::kDescriptorSize);
  }
}

TEST(Vp8Packetizer, PictureIdsGoOnAcrossTheWrap) {
  Vp8Packetizer packetizer(0x7fff);
  for (const int expected : {0x7fff, 0, 1}) {
    const auto payloads = cut(packetizer, frame_of(50));
    EXPECT_EQ(rtp::Vp8Descriptor::parse(payloads.front())->picture_id, expected);
  }
}

}  // namespace
}  // namespace simpul::demo
