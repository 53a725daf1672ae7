#include "relay/frame_references.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <vector>

namespace simpul::relay {
namespace {

constexpr auto kAll = [](uint16_t) { return true; };

class FrameReferencesTest : public ::testing::Test {
 protected:
  struct Frame {
    uint16_t number = 0;
    std::vector<uint16_t> back = {};  // how many frames each reference is
    int parts = 1;
  };

  // The packets of a frame, which follow those of the one before.
  std::vector<FeedPacket> packets(const Frame& frame) {
    std::vector<FeedPacket> made;
    for (int part = 0; part < frame.parts; ++part) {
      FeedPacket& packet = made.emplace_back();
      packet.number = next_++;
      packet.payload.frame_number = frame.number;
      rtp::LayerInfo& layers = packet.payload.layers;
      layers.layering = rtp::Layering::kDependencies;
      layers.starts_frame = part == 0;
      layers.ends_frame = part + 1 == frame.parts;
      layers.reference_count = static_cast<uint8_t>(frame.back.size());
      std::ranges::copy(frame.back, layers.references.begin());
    }
    return made;
  }
  void note(const Frame& frame) {
    for (const FeedPacket& packet : packets(frame)) frames_.note(packet);
  }

  FrameReferences frames_;
  int64_t next_ = 100;
};

TEST_F(FrameReferencesTest, AreFollowedBackToTheKeyFrame) {
  note({.number = 10});
  note({11, {1}});
  note({12, {1, 2}});
  EXPECT_TRUE(frames_.can_decode(12, kAll));
  const std::set<uint16_t> sent = {11, 12};
  EXPECT_FALSE(frames_.can_decode(12, [&](uint16_t number) { return sent.contains(number); }));
}

TEST_F(FrameReferencesTest, ToAFrameThatNeverCameAreSeenFromAfar) {
  note({.number = 10});
  note({12, {1}});
  note({13, {1}});
  note({14, {4}});
  EXPECT_FALSE(frames_.can_decode(13, kAll));
  EXPECT_TRUE(frames_.can_decode(14, kAll));
  note({11, {1}});
  EXPECT_TRUE(frames_.can_decode(13, kAll)) << "it came late";
}

TEST_F(FrameReferencesTest, ToAFrameOfWhichAPartIsMissingAreBroken) {
  note({.number = 10});
  for (size_t missing = 0; missing < 3; ++missing) {
    SCOPED_TRACE(missing);
    const auto number = static_cast<uint16_t>(20 + 10 * missing);
    auto parts = packets({number, {static_cast<uint16_t>(number - 10)}, 3});
    for (size_t i = 0; i < parts.size(); ++i) {
      if (i != missing) frames_.note(parts[i]);
    }
    note({static_cast<uint16_t>(number + 1), {1}});
    EXPECT_FALSE(frames_.can_decode(static_cast<uint16_t>(number + 1), kAll));
    frames_.note(parts[missing]);
    EXPECT_TRUE(frames_.can_decode(static_cast<uint16_t>(number + 1), kAll));
  }
}

TEST_F(FrameReferencesTest, AreFollowedOverTheWrapOfFrameNumbers) {
  note({.number = 65'534});
  note({65'535, {1}});
  note({0, {1}});
  note({2, {1}});
  EXPECT_TRUE(frames_.can_decode(0, kAll));
  EXPECT_FALSE(frames_.can_decode(2, kAll));
}

TEST_F(FrameReferencesTest, ToWhatIsTooLongAgoAreTakenForGood) {
  uint16_t number = 10;
  note({number});
  number = static_cast<uint16_t>(number + 2);  // one is lost
  note({number, {1}});
  for (size_t i = 0; i < FrameReferences::kFramesKept - 2; ++i) note({++number, {1}});
  EXPECT_FALSE(frames_.can_decode(number, kAll));
  note({++number, {1}});
  note({++number, {1}});
  EXPECT_TRUE(frames_.can_decode(number, kAll));
  EXPECT_TRUE(frames_.can_decode(9, kAll)) << "before all that came";
}

TEST_F(FrameReferencesTest, OfWhatComesFarTooLateAreLeftAlone) {
  for (uint16_t number = 1'000; number < 1'300; ++number) note({number, {1}});
  note({1'000, {9}});
  EXPECT_TRUE(frames_.can_decode(1'299, kAll));
}

TEST_F(FrameReferencesTest, BeginAnewAfterAJumpOfAnyLength) {
  note({.number = 10});
  note({30'000});
  note({30'001, {1}});
  EXPECT_TRUE(frames_.can_decode(30'001, kAll));
  note({30'003, {1}});
  EXPECT_FALSE(frames_.can_decode(30'003, kAll));
  frames_.clear();
  note({5, {1}});
  EXPECT_TRUE(frames_.can_decode(5, kAll));
}

TEST_F(FrameReferencesTest, OfItselfEndTheWalk) {
  note({10, {0, 0}});
  EXPECT_TRUE(frames_.can_decode(10, kAll));
}

}  // namespace
}  // namespace simpul::relay
