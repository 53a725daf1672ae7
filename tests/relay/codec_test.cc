// What a slot makes of the codecs that its receiver has.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/relay/scene.h"

namespace simpul::relay {
namespace {

using namespace testing;

constexpr uint32_t kTrack = 5;

std::vector<rtp::PayloadType> types_of(const std::vector<Sent>& sent) {
  std::vector<rtp::PayloadType> types;
  for (const auto& packet : sent) types.push_back(packet.payload_type);
  return types;
}

class CodecTest : public ::testing::Test {
 protected:
  // A watcher with one video slot of these formats, under the payload types 50, 51, ...
  void watch_with(const std::vector<rtp::CodecFormat>& formats) {
    SlotConfig slot = video_slot(10);
    slot.codecs.clear();
    for (const auto& format : formats) {
      slot.codecs.push_back(
          {format, rtp::PayloadType(static_cast<uint8_t>(50 + slot.codecs.size())), std::nullopt});
    }
    watcher_ = scene_.watch({}, {slot});
  }
  std::vector<Sent> pass_frame(const rtp::CodecFormat& format, bool key, size_t packets = 2) {
    source_.at().codec = format.codec;
    auto made = source_.frame({.key = key, .packets = packets});
    for (auto& packet : made) packet.format = format;
    scene_.now += 33ms;
    return scene_.pass(kTrack, std::move(made));
  }
  SlotState slot() const { return scene_.relay.slots_of(watcher_).front(); }

  Scene scene_;
  Source source_{scene_.pool, {}};
  SubscriberId watcher_;
  PublisherId publisher_ = scene_.publish("ana", {video_track(kTrack)});
};

constexpr rtp::CodecFormat kVp8{rtp::Codec::kVp8};
constexpr rtp::CodecFormat kVp9{rtp::Codec::kVp9};
constexpr rtp::CodecFormat kBaseline0{rtp::Codec::kH264, rtp::kH264Baseline, 0};
constexpr rtp::CodecFormat kBaseline1{rtp::Codec::kH264, rtp::kH264Baseline, 1};
constexpr rtp::CodecFormat kMain1{rtp::Codec::kH264, rtp::kH264Main, 1};
constexpr rtp::CodecFormat kHigh1{rtp::Codec::kH264, rtp::kH264High, 1};

TEST_F(CodecTest, TheNearestFormatOfTheReceiverIsTaken) {
  watch_with({kVp8, kBaseline0, kHigh1, kBaseline1});
  const auto sent = pass_frame(kBaseline1, true);
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_EQ(sent[0].payload_type, rtp::PayloadType(53));
}

TEST_F(CodecTest, ALargerProfileDoesWhereTheOwnOneIsMissing) {
  watch_with({kVp8, kBaseline0, kHigh1});
  const auto sent = pass_frame(kMain1, true);
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_EQ(sent[0].payload_type, rtp::PayloadType(52));
}

TEST_F(CodecTest, WithoutAFormatThatFitsTheSlotStaysEmptyAndAsksForNothing) {
  watch_with({kVp8, kBaseline0, kBaseline1});
  EXPECT_TRUE(pass_frame(kMain1, true).empty());
  EXPECT_FALSE(slot().track);
  size_t requests = 0;
  for (int i = 0; i < 30; ++i) {
    requests += scene_.requests(100ms);
    EXPECT_TRUE(pass_frame(kMain1, i % 10 == 0).empty());
  }
  EXPECT_EQ(requests, 0u);
}

TEST_F(CodecTest, OtherProfilesOfVp9AndAv1LeaveTheSlotEmptyToo) {
  watch_with({kVp8, kVp9, {rtp::Codec::kAv1, 1}});
  EXPECT_TRUE(pass_frame({rtp::Codec::kVp9, 2}, true).empty());
  EXPECT_FALSE(slot().track);
  EXPECT_EQ(scene_.requests(3s), 0u);
  EXPECT_TRUE(pass_frame({rtp::Codec::kAv1, 2}, true).empty());
  EXPECT_FALSE(slot().track);
  const auto lower = pass_frame({rtp::Codec::kAv1, 0}, true);
  ASSERT_EQ(lower.size(), 2u) << "a higher profile takes the lower ones";
  EXPECT_EQ(lower[0].payload_type, rtp::PayloadType(52));
  EXPECT_TRUE(slot().track);
}

TEST_F(CodecTest, APublisherMayGoOverToAnotherCodecAtAKeyFrame) {
  watch_with({kVp8, kVp9});
  const auto before = pass_frame(kVp8, true);
  ASSERT_EQ(before.size(), 2u);
  const auto after = pass_frame(kVp9, true);
  ASSERT_EQ(after.size(), 2u);
  EXPECT_EQ(after[0].payload_type, rtp::PayloadType(51));
  EXPECT_EQ(after[0].index, before[1].index + 1) << "no hole";
  const auto last = rtp::Vp8Descriptor::parse(before[1].payload);
  const auto first = rtp::Vp9Descriptor::parse(after[0].payload);
  EXPECT_EQ(*first->picture_id, *last->picture_id + 1);
  EXPECT_EQ(scene_.relay.tracks_of(publisher_).front().codec, rtp::Codec::kVp9);
  EXPECT_EQ(pass_frame(kVp9, false).size(), 2u);
}

TEST_F(CodecTest, ANewCodecWithoutItsKeyFrameWaitsForOne) {
  watch_with({kVp8, kVp9});
  scene_.advance(2s);
  const auto before = pass_frame(kVp8, true);
  EXPECT_EQ(scene_.requests(2s), 0u);
  EXPECT_TRUE(pass_frame(kVp9, false).empty());
  EXPECT_EQ(scene_.requests(2s), 1u);
  const auto after = pass_frame(kVp9, true);
  ASSERT_EQ(after.size(), 2u);
  EXPECT_EQ(after[0].index, before[1].index + 1);
}

TEST_F(CodecTest, WhatIsLateOfTheCodecBeforeIsNotSent) {
  watch_with({kVp8, kVp9});
  pass_frame(kVp8, true);
  auto late = source_.frame({.key = false, .packets = 1});
  ASSERT_EQ(pass_frame(kVp9, true).size(), 2u);
  EXPECT_TRUE(scene_.pass(kTrack, std::move(late)).empty());
  EXPECT_EQ(pass_frame(kVp9, false).size(), 2u);
}

TEST_F(CodecTest, AReceiverWithoutTheNewCodecWaitsForTheOldOne) {
  watch_with({kVp8});
  EXPECT_EQ(pass_frame(kVp8, true).size(), 2u);
  EXPECT_TRUE(pass_frame(kVp9, true).empty());
  EXPECT_FALSE(slot().track);
  EXPECT_EQ(scene_.requests(3s), 0u);
  EXPECT_EQ(pass_frame(kVp8, true).size(), 2u);
  EXPECT_TRUE(slot().track);
}

TEST_F(CodecTest, PayloadsThatNobodyCouldDecodeLeaveNoHole) {
  watch_with({kVp8, kBaseline1});
  const auto before = pass_frame(kBaseline1, true);
  auto broken = source_.frame({.key = false, .packets = 1});
  broken[0].packet->bytes[broken[0].payload_offset] = 0x7f;  // a reserved unit
  EXPECT_TRUE(scene_.pass(kTrack, std::move(broken)).empty());
  const auto after = pass_frame(kBaseline1, false);
  ASSERT_EQ(after.size(), 2u);
  EXPECT_EQ(after[0].index, before[1].index + 1);
}

TEST_F(CodecTest, EncryptedFramesBeginWithWhatTheDependencyDescriptorSays) {
  watch_with({{rtp::Codec::kAv1}});
  const auto scramble = [this](bool key) {
    source_.at().codec = rtp::Codec::kAv1;
    auto made = source_.frame({.key = key, .packets = 2});
    for (auto& packet : made) {
      packet.format = {rtp::Codec::kAv1};
      packet.packet->bytes[packet.payload_offset] = 0xFF;
    }
    scene_.now += 33ms;
    return scene_.pass(kTrack, std::move(made));
  };
  EXPECT_TRUE(scramble(false).empty());
  const auto sent = scramble(true);
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_EQ(sent[0].frame_number, sent[1].frame_number);
  EXPECT_EQ(scramble(false)[0].frame_number, *sent[0].frame_number + 1);
}

TEST_F(CodecTest, NumbersGoOnFromAPictureThatLeftBehindThePaddingThatFollowsIt) {
  watch_with({{rtp::Codec::kAv1}});
  const auto av1 = rtp::CodecFormat{rtp::Codec::kAv1};
  pass_frame(av1, true);
  auto late = source_.frame({.key = false, .packets = 1});
  auto late_padding = source_.padding();
  scene_.pass(kTrack, {source_.padding()});
  const auto filler = scene_.pass(kTrack, {late_padding});
  const auto last = scene_.pass(kTrack, std::move(late));
  ASSERT_EQ(filler.size(), 1u);
  ASSERT_EQ(last.size(), 1u);
  EXPECT_EQ(filler[0].index, last[0].index + 1);

  source_.at().ssrc += 1;
  const auto next = pass_frame(av1, true);
  ASSERT_EQ(next.size(), 2u);
  EXPECT_EQ(next[0].index, filler[0].index + 1);
  EXPECT_EQ(next[0].frame_number, *last[0].frame_number + 1);
}

// Opus and RED are one stream: a sender goes from one to the other as it likes.
class RedTest : public ::testing::Test {
 protected:
  void watch_with(std::vector<SlotCodec> codecs) {
    SlotConfig slot = audio_slot(1);
    slot.codecs = std::move(codecs);
    scene_.watch({}, {slot});
  }
  // RED with one redundant block of three bytes, each of type 111; the primary one ends in its tag.
  std::vector<Sent> pass_red() {
    auto packet = source_.audio();
    const std::vector<uint8_t> head = {0xEF, 0x0F, 0, 3, 0x6F, 1, 2, 3};
    std::ranges::copy(head, packet.packet->bytes.begin() + packet.payload_offset);
    packet.format = format_of(rtp::Codec::kRed);
    return pass(std::move(packet));
  }
  std::vector<Sent> pass_opus() { return pass(source_.audio()); }
  std::vector<Sent> pass(rtp::MediaPacket packet) {
    std::vector<rtp::MediaPacket> packets;
    packets.push_back(std::move(packet));
    scene_.now += 20ms;
    return scene_.pass(7, std::move(packets));
  }

  Scene scene_;
  Source source_{scene_.pool, {.codec = rtp::Codec::kOpus}};
  PublisherId publisher_ = scene_.publish("ana", {audio_track(7)});
};

TEST_F(RedTest, GoesAsItIsToReceiversThatHaveIt) {
  watch_with(
      {{format_of(rtp::Codec::kOpus), kOpusType, {}}, {format_of(rtp::Codec::kRed), kRedType, {}}});
  const auto sent = pass_red();
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].payload_type, kRedType);
  EXPECT_EQ(sent[0].payload.size(), 80u);
  EXPECT_EQ(sent[0].payload[0], 0xEF);
}

TEST_F(RedTest, ItsPrimaryBlockGoesToTheOthers) {
  watch_with({{format_of(rtp::Codec::kOpus), rtp::PayloadType(109), {}}});
  const auto sent = pass_red();
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].payload_type, rtp::PayloadType(109));
  EXPECT_EQ(sent[0].payload.size(), 72u);
}

TEST_F(RedTest, ItsPrimaryBlockGoesToWhoNumbersOpusOtherwise) {
  watch_with({{format_of(rtp::Codec::kOpus), rtp::PayloadType(109), {}},
              {{rtp::Codec::kRed, 109}, kRedType, {}}});
  EXPECT_THAT(types_of(pass_red()), ::testing::ElementsAre(rtp::PayloadType(109)));
}

TEST_F(RedTest, SilenceThatIsNotSentIsAGapInTimeAndNotInTheNumbers) {
  watch_with({{format_of(rtp::Codec::kOpus), kOpusType, {}}});
  auto last = pass_opus();
  for (const Duration pause : {Duration(400ms), Duration(400ms), Duration(30s)}) {
    scene_.now += pause - 20ms;
    scene_.advance();
    const auto ticks = static_cast<uint32_t>(pause.count() * 48 / 1'000);
    source_.at().timestamp += ticks - 960;
    const auto next = pass_opus();
    ASSERT_EQ(next.size(), 1u);
    EXPECT_EQ(next[0].index, last[0].index + 1);
    EXPECT_EQ(next[0].timestamp, last[0].timestamp + ticks);
    last = next;
  }
}

TEST_F(RedTest, OpusMayComeBetweenWithoutAHole) {
  watch_with(
      {{format_of(rtp::Codec::kOpus), kOpusType, {}}, {format_of(rtp::Codec::kRed), kRedType, {}}});
  const auto first = pass_red();
  const auto second = pass_opus();
  const auto third = pass_red();
  ASSERT_EQ(second.size(), 1u);
  EXPECT_EQ(second[0].payload_type, kOpusType);
  EXPECT_EQ(second[0].index, first[0].index + 1);
  EXPECT_EQ(third[0].index, first[0].index + 2);
  EXPECT_EQ(third[0].timestamp, first[0].timestamp + 1920);
}

}  // namespace
}  // namespace simpul::relay
