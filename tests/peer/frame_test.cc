#include "bench/peer/frame.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>

#include "bench/peer/frame_maker.h"
#include "bench/peer/media_stamp.h"
#include "rtp/av1.h"
#include "rtp/dependency_descriptor.h"
#include "rtp/h264.h"
#include "rtp/payload_info.h"
#include "rtp/vp8.h"
#include "rtp/vp9.h"

namespace simpul::peer {
namespace {

using enum rtp::Codec;
constexpr TimePoint kMade{std::chrono::hours(2)};
constexpr std::array kCodecs = {kVp8, kVp9, kH264, kAv1};

class FramesOf : public ::testing::TestWithParam<rtp::Codec> {
 protected:
  using Payload = std::vector<uint8_t>;

  FrameFormat format() const {
    return {.codec = GetParam(), .source = 77, .width = 640, .height = 360};
  }
  Frame frame_of(uint32_t bytes, bool key_frame) const {
    Frame frame{.first_number = 1'000,
                .bytes = bytes,
                .number = 9,
                .picture_id = 0x1234,
                .depends_on = static_cast<uint8_t>(key_frame ? 0 : 1),
                .key_frame = key_frame};
    frame.packets = packets_of(format(), frame);
    return frame;
  }
  std::vector<Payload> payloads_of(const Frame& frame) const {
    return payloads_of(format(), frame);
  }
  static std::vector<Payload> payloads_of(const FrameFormat& format, const Frame& frame) {
    std::vector<Payload> payloads;
    for (size_t i = 0; i < frame.packets; ++i) {
      std::array<uint8_t, kPayloadSizeMax> room{};
      const size_t size = write_payload(format, frame, i, kMade, room);
      payloads.emplace_back(room.begin(), room.begin() + static_cast<ptrdiff_t>(size));
    }
    return payloads;
  }
  // What the relay reads of a packet.
  rtp::PayloadInfo info_of(const Frame& frame, size_t packet) const {
    std::array<uint8_t, kDependencyDescriptorMax> room{};
    const size_t size =
        GetParam() == kAv1 ? write_dependency_descriptor(format(), frame, packet, room) : 0;
    const auto info =
        rtp::read_payload(GetParam(), payloads_of(frame)[packet], Bytes(room).first(size));
    EXPECT_TRUE(info);
    return info.value_or(rtp::PayloadInfo{});
  }
};

TEST_P(FramesOf, EveryPacketCarriesTheStamp) {
  const Frame frame = frame_of(9'500, true);
  uint32_t number = 1'000;
  for (const Payload& payload : payloads_of(frame)) {
    const auto stamp = read_stamp(payload);
    ASSERT_TRUE(stamp);
    EXPECT_EQ(stamp->source, 77u);
    EXPECT_EQ(stamp->number, number++);
    EXPECT_EQ(stamp->made_at, kMade);
    EXPECT_EQ(stamp->frame, 9);
    EXPECT_EQ(stamp->frame_packets, frame.packets);
    EXPECT_TRUE(stamp->key_frame);
  }
  EXPECT_GE(frame.packets, 9);
}

TEST_P(FramesOf, TheRelayReadsAKeyFrameAndItsSizeInTheFirstPacketOnly) {
  const Frame frame = frame_of(9'500, true);
  const auto first = info_of(frame, 0);
  EXPECT_EQ(first.width, 640);
  EXPECT_EQ(first.height, 360);
  size_t idr_packets = 0;
  for (size_t i = 1; i < frame.packets; ++i) {
    const auto info = info_of(frame, i);
    EXPECT_FALSE(info.key_frame) << i;
    idr_packets += info.key_part == rtp::KeyPart::kIdr ? 1 : 0;
  }
  // H.264 begins with parameter sets, in a packet of their own; the picture behind them tells.
  if (first.key_part == rtp::KeyPart::kParameters) {
    EXPECT_EQ(GetParam(), kH264);
    EXPECT_GE(idr_packets, 1u);
  } else {
    EXPECT_TRUE(first.key_frame);
  }
}

TEST_P(FramesOf, TheRelayReadsNoKeyFrameInAnyPacketOfAnother) {
  const Frame frame = frame_of(5'000, false);
  for (size_t i = 0; i < frame.packets; ++i) EXPECT_FALSE(info_of(frame, i).key_frame) << i;
}

TEST_P(FramesOf, AreCutAsLibwebrtcCutsThem) {
  for (const uint32_t bytes : {1'159u, 1'160u, 1'161u, 5'003u, 20'001u}) {
    const auto payloads = payloads_of(frame_of(bytes, false));
    size_t sum = 0;
    for (size_t i = 0; i < payloads.size(); ++i) {
      const size_t size = payloads[i].size();
      sum += size;
      EXPECT_LE(size, 1'160u);
      if (i == 0) continue;
      if (GetParam() == kAv1) {
        EXPECT_EQ(payloads[i - 1].size(), 1'160u);
      } else {
        EXPECT_THAT(size - payloads[i - 1].size(), ::testing::AnyOf(0u, 1u)) << "larger ones last";
        EXPECT_LE(size - payloads[0].size(), 1u);
      }
    }
    EXPECT_GE(sum, bytes);
    EXPECT_LE(sum, bytes + 2 * kStampSize) << "but for what a stamp takes at least";
  }
}

// RTP packets with their headers are as large as one another, whatever these have in them.
TEST_P(FramesOf, AreCutShorterWhereTheirHeadersAreLonger) {
  for (const uint32_t bytes : {1'145u, 1'160u, 2'000u, 2'305u, 5'003u, 20'001u}) {
    Frame frame = frame_of(bytes, false);
    frame.first_reduction = 12;
    frame.last_reduction = 8;
    frame.only_reduction = 16;
    frame.packets = packets_of(format(), frame);
    ASSERT_GE(frame.packets, 2) << bytes;
    auto payloads = payloads_of(frame);
    size_t sum = 0;
    for (const Payload& payload : payloads) sum += payload.size();
    EXPECT_GE(sum, bytes);
    EXPECT_LE(sum, bytes + 2 * kStampSize) << "but for what a stamp takes at least";
    payloads.front().resize(payloads.front().size() + frame.first_reduction);
    payloads.back().resize(payloads.back().size() + frame.last_reduction);
    for (size_t i = 0; i < payloads.size(); ++i) {
      EXPECT_LE(payloads[i].size(), 1'160u);
      if (GetParam() != kAv1) {
        EXPECT_LE(payloads[i].size() - payloads[0].size(), 1u) << "larger ones last";
      } else if (i + 1 < payloads.size()) {
        EXPECT_EQ(payloads[i].size(), 1'160u);
      }
    }
  }
  Frame one = frame_of(1'144, false);
  one.only_reduction = 16;
  EXPECT_EQ(packets_of(format(), one), 1);
  one.only_reduction = 17;
  EXPECT_EQ(packets_of(format(), one), 2);
}

TEST_P(FramesOf, OfAFewBytesStillCarryTheStamp) {
  for (const bool key_frame : {false, true}) {
    for (const Payload& payload : payloads_of(frame_of(1, key_frame))) {
      EXPECT_TRUE(read_stamp(payload));
    }
  }
}

TEST_P(FramesOf, ComeOutAlikeWhenTheyAreMadeAgain) {
  const Frame frame = frame_of(7'000, true);
  EXPECT_EQ(payloads_of(frame), payloads_of(frame));
}

INSTANTIATE_TEST_SUITE_P(EachCodec, FramesOf, ::testing::ValuesIn(kCodecs),
                         [](const auto& codec) { return std::string(to_string(codec.param)); });

using FramesOfVp8 = FramesOf;
using FramesOfVp9 = FramesOf;
using FramesOfH264 = FramesOf;
using FramesOfAv1 = FramesOf;

TEST_P(FramesOfVp8, HaveADescriptorWithEveryLayerNumber) {
  FrameFormat layered = format();
  layered.temporal_layers = 3;
  Frame frame = frame_of(3'000, false);
  frame.tl0_pic_idx = 201;
  frame.temporal_id = 2;
  frame.layer_sync = true;
  const auto payloads = payloads_of(layered, frame);
  for (size_t i = 0; i < payloads.size(); ++i) {
    const auto descriptor = rtp::Vp8Descriptor::parse(payloads[i]);
    ASSERT_TRUE(descriptor);
    EXPECT_EQ(descriptor->starts_frame(), i == 0);
    EXPECT_EQ(descriptor->picture_id, 0x1234);
    EXPECT_TRUE(descriptor->long_picture_id);
    EXPECT_EQ(descriptor->tl0_pic_idx, 201);
    EXPECT_EQ(descriptor->temporal_id, 2);
    EXPECT_TRUE(descriptor->layer_sync);
    EXPECT_TRUE(descriptor->non_reference);
    EXPECT_EQ(read_stamp(payloads[i])->head_size, descriptor->size);
  }
}
INSTANTIATE_TEST_SUITE_P(One, FramesOfVp8, ::testing::Values(kVp8));

TEST_P(FramesOfVp9, BeginAndEndWhereTheirDescriptorsSay) {
  for (const uint8_t layers : {uint8_t{1}, uint8_t{3}}) {
    FrameFormat layered = format();
    layered.temporal_layers = layers;
    for (const bool key_frame : {true, false}) {
      const auto payloads = payloads_of(layered, frame_of(4'000, key_frame));
      for (size_t i = 0; i < payloads.size(); ++i) {
        const auto descriptor = rtp::Vp9Descriptor::parse(payloads[i]);
        ASSERT_TRUE(descriptor);
        EXPECT_EQ(descriptor->starts_frame, i == 0);
        EXPECT_EQ(descriptor->ends_frame, i + 1 == payloads.size());
        EXPECT_EQ(descriptor->inter_predicted, !key_frame);
        EXPECT_EQ(descriptor->has_layers, layers > 1);
        EXPECT_EQ(descriptor->picture_id, 0x1234);
        EXPECT_EQ(descriptor->width, key_frame && i == 0 ? 640 : 0);
        EXPECT_EQ(read_stamp(payloads[i])->head_size, descriptor->size);
      }
    }
  }
}
INSTANTIATE_TEST_SUITE_P(One, FramesOfVp9, ::testing::Values(kVp9));

TEST_P(FramesOfH264, HaveTheirParametersInAPacketOfTheirOwnBeforeTheIdrPicture) {
  constexpr uint8_t kStapA = 24;
  constexpr uint8_t kFuA = 28;
  constexpr uint8_t kIdr = 5;
  const auto payloads = payloads_of(frame_of(4'000, true));
  ASSERT_EQ(payloads.size(), 5u);
  EXPECT_EQ(payloads[0][0] & 0x1f, kStapA);
  for (size_t i = 1; i < payloads.size(); ++i) {
    EXPECT_EQ(payloads[i][0] & 0x1f, kFuA);
    EXPECT_EQ(payloads[i][1] & 0x1f, kIdr);
    EXPECT_EQ((payloads[i][1] & 0x80) != 0, i == 1) << "start";
    EXPECT_EQ((payloads[i][1] & 0x40) != 0, i + 1 == payloads.size()) << "end";
    EXPECT_TRUE(rtp::H264Payload::parse(payloads[i]));
  }
  const auto small = payloads_of(frame_of(800, true));
  ASSERT_EQ(small.size(), 2u);
  EXPECT_EQ(small[1][0] & 0x1f, kIdr) << "one unit";
}

TEST_P(FramesOfH264, TellSizesThatAreNoMultiplesOfABlock) {
  for (const auto& [width, height] :
       {std::pair(1920, 1080), std::pair(1280, 720), std::pair(320, 180), std::pair(16, 16)}) {
    FrameFormat sized = format();
    sized.width = static_cast<uint16_t>(width);
    sized.height = static_cast<uint16_t>(height);
    const auto payload = rtp::H264Payload::parse(payloads_of(sized, frame_of(900, true))[0]);
    ASSERT_TRUE(payload);
    EXPECT_EQ(payload->width, width);
    EXPECT_EQ(payload->height, height);
  }
}
INSTANTIATE_TEST_SUITE_P(One, FramesOfH264, ::testing::Values(kH264));

TEST_P(FramesOfAv1, SayInPayloadAndDescriptorWhatTheyAre) {
  for (const bool key_frame : {true, false}) {
    const Frame frame = frame_of(4'000, key_frame);
    const auto payloads = payloads_of(frame);
    for (size_t i = 0; i < payloads.size(); ++i) {
      const auto payload = rtp::Av1Payload::parse(payloads[i]);
      ASSERT_TRUE(payload);
      EXPECT_EQ(payload->continues, i > 0);
      EXPECT_EQ(payload->is_continued, i + 1 < payloads.size());
      EXPECT_EQ(payload->starts_sequence, key_frame && i == 0);
      EXPECT_EQ(payload->width, key_frame && i == 0 ? 640 : 0);
      EXPECT_EQ(payload->height, key_frame && i == 0 ? 360 : 0);
      std::array<uint8_t, kDependencyDescriptorMax> room{};
      const size_t size = write_dependency_descriptor(format(), frame, i, room);
      const auto descriptor = rtp::DependencyDescriptor::parse(Bytes(room).first(size));
      ASSERT_TRUE(descriptor);
      EXPECT_EQ(descriptor->starts_frame, i == 0);
      EXPECT_EQ(descriptor->ends_frame, i + 1 == payloads.size());
      EXPECT_EQ(descriptor->frame_number, 9);
      EXPECT_EQ(descriptor->template_id, key_frame ? 0 : 1);
      EXPECT_EQ(descriptor->has_structure, key_frame && i == 0);
    }
  }
}

std::string bits_of(Bytes bytes) {
  std::string bits;
  for (const uint8_t byte : bytes) {
    for (int bit = 7; bit >= 0; --bit) bits += (byte >> bit & 1) != 0 ? '1' : '0';
  }
  return bits;
}

// RTP Payload Format for AV1, appendix A.8; what libwebrtc's encoders say of L1T3.
TEST_P(FramesOfAv1, TellTheirTemporalLayersInTheDescriptor) {
  FrameFormat layered = format();
  layered.temporal_layers = 3;
  std::array<uint8_t, kDependencyDescriptorMax> room{};
  const size_t size = write_dependency_descriptor(layered, frame_of(4'000, true), 0, room);
  std::string expected =
      "1 0 000000 0000000000001001"                // begins frame 9, by template 0
      "1 0 0 0 0  000000 00010"                    // a structure: templates from 0, three targets
      "00 01 01 00 11"                             // T0, T0, T1, T2, T2
      "101010 101010 000110 000001 000001"         // SSS SSS -DS --D --D
      "0  1 0011 0  1 0001 0  1 0000 0  1 0000 0"  // on none, and so many back: 4, 2, 1, 1
      "01"                                         // one chain, for all targets
      "0000 0100 0010 0001 0011"                   // the frame of it so many back: 0, 4, 2, 1, 3
      "1 0000001001111111 0000000101100111";       // 640 to 360
  std::erase(expected, ' ');
  expected.resize((expected.size() + 7) / 8 * 8, '0');
  EXPECT_EQ(bits_of(Bytes(room).first(size)), expected);
  const auto descriptor = rtp::DependencyDescriptor::parse(Bytes(room).first(size));
  ASSERT_TRUE(descriptor);
  EXPECT_EQ(descriptor->decode_targets, 3);
  EXPECT_EQ(descriptor->templates, 5);
  EXPECT_EQ(descriptor->width, 640);
}

TEST_P(FramesOfAv1, FollowTheTemplatesOfTheirLayersAndNameTheseInTheirHeads) {
  FrameFormat layered = format();
  layered.temporal_layers = 3;
  FrameMaker maker({.codec = kAv1, .temporal_layers = 3}, 0, 1);
  // What each template says: its layer, and the frame that it builds on.
  constexpr std::array<std::pair<int, int>, 5> kTemplates = {
      {{0, 0}, {0, 4}, {1, 2}, {2, 1}, {2, 1}}};
  std::vector<int> seen;
  for (int i = 0; i < 8; ++i) {
    Frame frame = maker.next(i == 0);
    frame.packets = packets_of(layered, frame);
    std::array<uint8_t, kDependencyDescriptorMax> room{};
    const size_t size = write_dependency_descriptor(layered, frame, 0, room);
    const auto descriptor = rtp::DependencyDescriptor::parse(Bytes(room).first(size));
    ASSERT_TRUE(descriptor);
    seen.push_back(descriptor->template_id);
    const auto [layer, depends_on] = kTemplates[descriptor->template_id];
    EXPECT_EQ(frame.temporal_id, layer) << i;
    EXPECT_EQ(frame.depends_on, depends_on) << i;
    const Payload first = payloads_of(layered, frame)[0];
    EXPECT_TRUE(rtp::Av1Payload::parse(first));
    if (i == 0) continue;
    EXPECT_EQ(first[1], 6 << 3 | 0x04) << "a frame with an extension";
    EXPECT_EQ(first[2] >> 5, layer);
  }
  EXPECT_THAT(seen, ::testing::ElementsAre(0, 3, 2, 4, 1, 3, 2, 4));
}
INSTANTIATE_TEST_SUITE_P(One, FramesOfAv1, ::testing::Values(kAv1));

TEST(FrameMaker, KeepsItsRateThoughKeyFramesAreLarger) {
  FrameMaker maker({.layers = {{.bitrate_bps = 2'400'000}}}, 0, 5);
  constexpr uint32_t kMean = 10'000;
  double sum = 0;
  uint32_t least = UINT32_MAX;
  uint32_t most = 0;
  for (int i = 0; i < 900; ++i) {
    const Frame frame = maker.next(i % 300 == 0);
    sum += frame.bytes;
    if (frame.key_frame) {
      EXPECT_GE(frame.bytes, 4 * kMean);
      EXPECT_LE(frame.bytes, 6 * kMean);
    } else {
      least = std::min(least, frame.bytes);
      most = std::max(most, frame.bytes);
    }
  }
  EXPECT_NEAR(sum / 900, kMean, kMean * 0.03);
  EXPECT_LT(least, kMean * 0.8);
  EXPECT_GT(most, kMean * 1.2);
}

TEST(FrameMaker, DecidesAlikeForTheSameSeed) {
  const auto sizes = [](uint64_t seed) {
    FrameMaker maker({}, 0, seed);
    std::vector<uint32_t> all;
    for (int i = 0; i < 50; ++i) all.push_back(maker.next(i == 0).bytes);
    return all;
  };
  EXPECT_EQ(sizes(3), sizes(3));
  EXPECT_NE(sizes(3), sizes(4));
}

TEST(FrameMaker, BuildsFramesOnThoseOfLowerLayers) {
  FrameMaker maker({.temporal_layers = 3}, 0, 1);
  std::vector<uint8_t> layer_of;
  std::optional<uint8_t> tl0;
  for (int i = 0; i < 41; ++i) {
    const bool key_frame = i == 0 || i == 22;  // in the middle of a pattern
    const Frame frame = maker.next(key_frame);
    ASSERT_EQ(frame.number, i);
    layer_of.push_back(frame.temporal_id);
    if (key_frame) {
      EXPECT_EQ(frame.temporal_id, 0);
      EXPECT_EQ(frame.depends_on, 0);
    } else {
      ASSERT_LE(frame.depends_on, i);
      const uint8_t below = layer_of[static_cast<size_t>(i - frame.depends_on)];
      EXPECT_TRUE(below < frame.temporal_id || (below == 0 && frame.temporal_id == 0)) << i;
      EXPECT_EQ(frame.layer_sync, frame.temporal_id > 0 && below == 0) << i;
    }
    if (frame.temporal_id == 0) {
      if (tl0) {
        EXPECT_EQ(frame.tl0_pic_idx, static_cast<uint8_t>(*tl0 + 1));
      }
      tl0 = frame.tl0_pic_idx;
    }
    EXPECT_EQ(frame.tl0_pic_idx, tl0);
  }
  EXPECT_EQ(std::ranges::count(layer_of, 2), 20);
}

}  // namespace
}  // namespace simpul::peer
