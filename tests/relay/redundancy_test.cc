// Sound for receivers that lose packets: what a slot repeats, and what such a receiver finds.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "relay/redundancy.h"
#include "relay/redundancy_choice.h"
#include "tests/relay/red_receiver.h"

namespace simpul::relay {
namespace {

using namespace testing;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr uint32_t kTrack = 7;
constexpr uint32_t kSlot = 1;

SlotConfig red_slot(uint32_t ssrc) {
  SlotConfig slot = audio_slot(ssrc);
  slot.codecs.push_back({format_of(rtp::Codec::kRed), kRedType, {}});
  return slot;
}

class RedundancyTest : public ::testing::Test {
 protected:
  void watch_with(const std::vector<SlotConfig>& slots) { watcher_ = scene_.watch({}, slots); }
  rtp::MediaPacket opus(size_t size = 80) {
    auto packet = source_.audio();
    const std::vector<uint8_t> bytes(size, static_cast<uint8_t>(source_.at().first_tag));
    std::ranges::copy(bytes, packet.packet->bytes.begin() + packet.payload_offset);
    packet.packet->size = static_cast<uint32_t>(packet.payload_offset + size);
    packet.payload_size = static_cast<uint16_t>(size);
    return packet;
  }
  Sent pass(rtp::MediaPacket packet) {
    std::vector<rtp::MediaPacket> packets;
    packets.push_back(std::move(packet));
    scene_.now += 20ms;
    auto sent = scene_.pass(kTrack, std::move(packets));
    EXPECT_EQ(sent.size(), 1u);
    return sent.empty() ? Sent{} : std::move(sent.front());
  }
  // A second of sound, of which the receiver says to have lost so much.
  void lose(double loss, uint32_t of = kSlot) {
    for (int i = 0; i < 50; ++i) pass(opus());
    scene_.relay.receive_loss(watcher_, rtp::Ssrc(of), loss, scene_.now);
  }
  size_t repeated() const { return scene_.relay.slots_of(watcher_).front().repeated_frames; }

  Scene scene_;
  Source source_{scene_.pool, {.codec = rtp::Codec::kOpus}};
  PublisherId publisher_ = scene_.publish("ana", {audio_track(kTrack)});
  SubscriberId watcher_;
};

TEST_F(RedundancyTest, OpusLeavesAsItIsWhileNothingIsLost) {
  watch_with({red_slot(kSlot)});
  lose(0);
  EXPECT_EQ(repeated(), 0u);
  EXPECT_EQ(pass(opus()).payload_type, kOpusType);
}

TEST_F(RedundancyTest, EachPacketRepeatsTheFrameBeforeItForWhoLosesSome) {
  watch_with({red_slot(kSlot)});
  lose(0.05);
  EXPECT_EQ(repeated(), 1u);
  const auto first = pass(opus());
  EXPECT_EQ(first.payload_type, kOpusType) << "there is nothing to repeat yet";
  const auto second = pass(opus());
  EXPECT_EQ(second.payload_type, kRedType);
  EXPECT_EQ(second.index, first.index + 1);
  EXPECT_EQ(second.timestamp, first.timestamp + 960);
  const auto frames = frames_of(second);
  ASSERT_THAT(frames, SizeIs(2));
  EXPECT_EQ(frames[0], frames_of(first)[0]);
}

TEST_F(RedundancyTest, TwoFramesAreRepeatedForWhoLosesMany) {
  watch_with({red_slot(kSlot)});
  lose(0.2);
  std::vector<HeardFrame> sent;
  for (int i = 0; i < 2; ++i) sent.push_back(frames_of(pass(opus())).back());
  const auto frames = frames_of(pass(opus()));
  ASSERT_THAT(frames, SizeIs(3));
  EXPECT_THAT(std::vector(frames.begin(), frames.end() - 1), ElementsAre(sent[0], sent[1]));
}

TEST_F(RedundancyTest, ItEndsWhenNothingIsLostAnyMore) {
  watch_with({red_slot(kSlot)});
  lose(0.1);
  for (int i = 0; i < 30; ++i) lose(0);
  EXPECT_EQ(repeated(), 0u);
  EXPECT_EQ(pass(opus()).payload_type, kOpusType);
}

TEST_F(RedundancyTest, WhoHasNoRedGetsOpus) {
  watch_with({audio_slot(kSlot)});
  lose(0.3);
  EXPECT_EQ(repeated(), 0u);
  EXPECT_EQ(pass(opus()).payload_type, kOpusType);
}

TEST_F(RedundancyTest, WhoseRedIsOfAnotherTypeGetsOpus) {
  SlotConfig slot = audio_slot(kSlot);
  slot.codecs.push_back({{rtp::Codec::kRed, 109}, kRedType, {}});
  watch_with({slot});
  lose(0.3);
  EXPECT_EQ(repeated(), 0u);
  EXPECT_EQ(pass(opus()).payload_type, kOpusType);
}

TEST_F(RedundancyTest, LossOfThePictureCountsToo) {
  scene_.publish("bo", {audio_track(8), video_track(9)});
  watcher_ = scene_.watch({.participant = "bo"}, {red_slot(kSlot), video_slot(10)});
  Source camera(scene_.pool, {});
  for (int i = 0; i < 100; ++i) {
    scene_.now += 33ms;
    scene_.pass(9, camera.frame({.key = i == 0}));
  }
  scene_.relay.receive_loss(watcher_, rtp::Ssrc(10), 0.05, scene_.now);
  EXPECT_EQ(repeated(), 1u);
}

TEST_F(RedundancyTest, OthersWhoLoseNothingGetWhatTheyGot) {
  watch_with({red_slot(kSlot)});
  const auto lossy = watcher_;
  const auto good = scene_.watch({}, {red_slot(kSlot)});
  for (int i = 0; i < 50; ++i) scene_.pass(kTrack, {});
  std::vector<Sent> sent;
  for (int i = 0; i < 60; ++i) {
    if (i == 55) scene_.relay.receive_loss(lossy, rtp::Ssrc(kSlot), 0.1, scene_.now);
    scene_.now += 20ms;
    std::vector<rtp::MediaPacket> packets;
    packets.push_back(opus());
    sent = scene_.pass(kTrack, std::move(packets));
    ASSERT_THAT(sent, SizeIs(2));
  }
  for (const Sent& one : sent) {
    EXPECT_EQ(one.payload_type, one.subscriber == good ? kOpusType : kRedType);
  }
}

TEST_F(RedundancyTest, SilenceThatWasNotSentIsNotRepeated) {
  watch_with({red_slot(kSlot)});
  lose(0.2);
  pass(opus());
  source_.at().timestamp += 19'200;  // 400 ms
  scene_.now += 400ms;
  const auto after = pass(opus());
  EXPECT_EQ(after.payload_type, kOpusType);
  EXPECT_THAT(frames_of(pass(opus())), SizeIs(2));
}

TEST_F(RedundancyTest, WhatThePublishersPathLostIsLeftOut) {
  watch_with({red_slot(kSlot)});
  lose(0.2);
  pass(opus());
  const auto earlier = pass(opus());
  (void)opus();  // lost on its way here
  const auto next = pass(opus());
  EXPECT_EQ(next.index, earlier.index + 2);
  const auto frames = frames_of(next);
  ASSERT_THAT(frames, SizeIs(3));
  EXPECT_EQ(frames[1], frames_of(earlier).back());
  EXPECT_EQ(frames[1].timestamp, next.timestamp - 1'920);
}

TEST_F(RedundancyTest, WhatComesLateIsRepeatedByWhatFollows) {
  watch_with({red_slot(kSlot)});
  lose(0.2);
  pass(opus());
  auto late = opus();
  auto early = opus();
  pass(std::move(early));
  const auto frame = frames_of(pass(std::move(late))).back();
  const auto frames = frames_of(pass(opus()));
  ASSERT_THAT(frames, SizeIs(3));
  EXPECT_EQ(frames[0], frame);
}

TEST_F(RedundancyTest, APublishersOwnRedStaysAndIsRepeatedByOpusThatFollows) {
  watch_with({red_slot(kSlot)});
  lose(0.2);
  pass(opus());
  auto packet = opus();
  const std::vector<uint8_t> head = {0xEF, 0x0F, 0, 3, 0x6F, 1, 2, 3};
  std::ranges::copy(head, packet.packet->bytes.begin() + packet.payload_offset);
  packet.format = format_of(rtp::Codec::kRed);
  const auto theirs = pass(std::move(packet));
  EXPECT_EQ(theirs.payload.size(), 80u);
  const auto frames = frames_of(pass(opus()));
  ASSERT_THAT(frames, SizeIs(3));
  EXPECT_EQ(frames[1], frames_of(theirs).back());
  EXPECT_THAT(frames[1].bytes, SizeIs(72));
}

TEST_F(RedundancyTest, LargeFramesAreNotRepeated) {
  watch_with({red_slot(kSlot)});
  lose(0.05);
  pass(opus(Redundancy::kFrameSizeMax));
  EXPECT_THAT(frames_of(pass(opus(Redundancy::kFrameSizeMax + 1))), SizeIs(2));
  const auto after = pass(opus());
  const auto frames = frames_of(after);
  ASSERT_THAT(frames, SizeIs(2));
  EXPECT_EQ(frames[0].timestamp, after.timestamp - 1'920) << "the one before it is";
}

TEST_F(RedundancyTest, NoPacketGrowsBeyondItsLimit) {
  watch_with({red_slot(kSlot)});
  lose(0.2);
  pass(opus(Redundancy::kFrameSizeMax));
  pass(opus(Redundancy::kFrameSizeMax));
  // One header of four bytes, one of one.
  const auto fitting = pass(opus(Redundancy::kPayloadMax - Redundancy::kFrameSizeMax - 5));
  EXPECT_THAT(frames_of(fitting), SizeIs(2));
  EXPECT_EQ(fitting.payload.size(), Redundancy::kPayloadMax);
  EXPECT_THAT(frames_of(pass(opus(Redundancy::kPayloadMax - 4))), SizeIs(1));
}

TEST_F(RedundancyTest, OfManyPacketsAtOnceTheFirstRepeatFrames) {
  watch_with({red_slot(kSlot)});
  lose(0.2);
  pass(opus());
  std::vector<rtp::MediaPacket> packets;
  for (size_t i = 0; i < Redundancy::kAtOnceMax + 2; ++i) packets.push_back(opus());
  scene_.now += 200ms;
  const auto sent = scene_.pass(kTrack, std::move(packets));
  ASSERT_THAT(sent, SizeIs(Redundancy::kAtOnceMax + 2));
  for (size_t i = 0; i < sent.size(); ++i) {
    EXPECT_EQ(sent[i].payload_type, i < Redundancy::kAtOnceMax ? kRedType : kOpusType) << i;
    EXPECT_THAT(frames_of(sent[i]), ::testing::Not(IsEmpty())) << i;
  }
}

TEST_F(RedundancyTest, WhoWasHeardBeforeIsNotRepeatedToWhoHearsSomebodyElse) {
  watch_with({red_slot(kSlot)});
  lose(0.2);
  pass(opus());
  const auto before = pass(opus());
  scene_.relay.remove_publisher(publisher_, scene_.now);
  scene_.publish("bo", {audio_track(kTrack + 1)});
  Source other(scene_.pool, {.ssrc = 2, .codec = rtp::Codec::kOpus, .sequence_number = 9});
  scene_.now += 20ms;
  std::vector<rtp::MediaPacket> packets;
  packets.push_back(other.audio());
  const auto after = scene_.pass(kTrack + 1, std::move(packets));
  ASSERT_THAT(after, SizeIs(1));
  EXPECT_EQ(after[0].index, before.index + 1);
  EXPECT_EQ(after[0].payload_type, kOpusType);
}

TEST_F(RedundancyTest, RatesAndReportsCountWhatIsRepeated) {
  watch_with({red_slot(kSlot)});
  lose(0);
  scene_.advance();
  lose(0);
  scene_.advance();
  const auto plain = scene_.relay.slots_of(watcher_).front().bitrate_bps;
  EXPECT_NEAR(static_cast<double>(plain), 32'000, 1'000);
  lose(0.5);
  scene_.advance();
  lose(0.5);
  const auto reports = scene_.advance().reports;
  const auto twice = scene_.relay.slots_of(watcher_).front().bitrate_bps;
  EXPECT_EQ(repeated(), 2u);
  EXPECT_NEAR(static_cast<double>(twice), 3 * 32'000 + 9 * 8 * 50, 3'000);
  ASSERT_THAT(reports, SizeIs(1));
  // Three seconds plain, one with two frames more in each packet.
  EXPECT_NEAR(reports[0].octets, 50 * (3 * 80 + 249), 300);
}

TEST_F(RedundancyTest, APathThatBarelyCarriesSoundIsNotGivenMore) {
  watch_with({red_slot(kSlot), video_slot(10)});
  for (int i = 0; i < 2; ++i) {
    lose(0);
    scene_.advance();
  }
  scene_.relay.set_estimate(watcher_, PathEstimate{.bps = 100'000, .arriving_bps = 50'000},
                            scene_.now);
  lose(0.2);
  EXPECT_EQ(repeated(), 0u);
  scene_.relay.set_estimate(watcher_, PathEstimate{.bps = 500'000, .arriving_bps = 50'000},
                            scene_.now);
  lose(0.2);
  EXPECT_EQ(repeated(), 2u);
}

// The rate is measured each second: whatever was repeated meanwhile is no part of the sound.
TEST_F(RedundancyTest, WhatFitsThePathIsTheSameRightAfterAChange) {
  watch_with({red_slot(kSlot), video_slot(10)});
  for (int i = 0; i < 2; ++i) {
    lose(0);
    scene_.advance();
  }
  scene_.relay.set_estimate(watcher_, PathEstimate{.bps = 200'000, .arriving_bps = 50'000},
                            scene_.now);
  for (int i = 0; i < 5; ++i) {
    lose(0.2);
    EXPECT_EQ(repeated(), 1u) << "a second one would not fit";
    pass(opus());
    scene_.relay.receive_loss(watcher_, rtp::Ssrc(kSlot), 0.2, scene_.now);
    EXPECT_EQ(repeated(), 1u);
    scene_.advance();
  }
}

TEST_F(RedundancyTest, ReportsAboutNothingAreIgnored) {
  watch_with({red_slot(kSlot)});
  scene_.relay.receive_loss(watcher_, rtp::Ssrc(kSlot), 1, scene_.now);
  EXPECT_EQ(repeated(), 0u);
  lose(0.5, 99);
  scene_.relay.receive_loss(SubscriberId(77), rtp::Ssrc(kSlot), 1, scene_.now);
  EXPECT_EQ(repeated(), 0u);
}

// A receiver at the end of a path that loses and reorders, of a publisher whose path does too and
// who falls silent: whatever it finds is what was sent, and it finds again what it lost alone.
class RedundancyPropertyTest : public ::testing::TestWithParam<uint64_t> {};

TEST_P(RedundancyPropertyTest, AReceiverFindsWhatWasSentAndSingleLossesAreMended) {
  std::mt19937_64 random(GetParam());
  const auto chance = [&random](double probability) {
    return std::bernoulli_distribution(probability)(random);
  };
  Scene scene({}, GetParam());
  Source source(scene.pool, {.codec = rtp::Codec::kOpus,
                             .sequence_number = static_cast<uint16_t>(random()),
                             .timestamp = static_cast<uint32_t>(random())});
  scene.publish("ana", {audio_track(kTrack)});
  const auto watcher = scene.watch({}, {red_slot(kSlot)});
  const double loss = std::uniform_real_distribution(0.03, 0.3)(random);

  std::vector<Sent> sent;
  std::vector<rtp::MediaPacket> held;  // reordered before they get here
  for (int i = 0; i < 1'500; ++i) {
    if (chance(0.01)) source.at().timestamp += 960 * static_cast<uint32_t>(random() % 30);
    auto made = source.audio();
    made.payload_size = static_cast<uint16_t>(4 + random() % 600);
    made.packet->size = made.payload_offset + made.payload_size;
    for (size_t k = 0; k < 4; ++k) {
      made.packet->bytes[made.payload_offset + k] = static_cast<uint8_t>(random());
    }
    scene.now += 20ms;
    if (chance(0.02)) continue;
    held.push_back(std::move(made));
    if (held.size() < 4 && chance(0.1)) continue;
    if (chance(0.3)) std::ranges::reverse(held);
    for (Sent& one : scene.pass(kTrack, std::exchange(held, {}))) sent.push_back(std::move(one));
    if (i % 50 == 49) scene.relay.receive_loss(watcher, rtp::Ssrc(kSlot), loss, scene.now);
  }

  std::map<uint32_t, std::vector<uint8_t>> primaries;  // by timestamp
  std::map<uint64_t, const Sent*> by_index;
  for (const Sent& one : sent) {
    ASSERT_TRUE(by_index.emplace(one.index, &one).second) << "an index left twice";
    const auto frames = frames_of(one);
    ASSERT_FALSE(frames.empty()) << "no receiver can take it apart";
    ASSERT_LE(one.payload.size(), std::max(Redundancy::kPayloadMax, size_t{604}));
    primaries[one.timestamp] = frames.back().bytes;
  }
  size_t repeated = 0;
  for (const Sent& one : sent) {
    for (const HeardFrame& frame : frames_of(one)) {
      ASSERT_TRUE(primaries.contains(frame.timestamp)) << "made up";
      ASSERT_EQ(primaries[frame.timestamp], frame.bytes);
      repeated += frame.timestamp != one.timestamp ? 1 : 0;
    }
  }
  EXPECT_GT(repeated, sent.size() / 2);

  // What is lost while its neighbour arrives is in that, where it could be.
  size_t lost = 0;
  size_t mended = 0;
  for (const auto& [index, one] : by_index) {
    const auto next = by_index.find(index + 1);
    if (index < by_index.begin()->first + 200 || next == by_index.end() || !chance(loss)) continue;
    const bool fits = frames_of(*one).back().bytes.size() <= Redundancy::kFrameSizeMax;
    const uint32_t age = next->second->timestamp - one->timestamp;
    if (!fits || age > rtp::RedBlock::kAgeMax || next->second->payload_type != kRedType) continue;
    const auto frames = frames_of(*next->second);
    const uint32_t wanted = one->timestamp;
    ++lost;
    mended += std::ranges::any_of(
        frames, [wanted](const HeardFrame& frame) { return frame.timestamp == wanted; });
  }
  EXPECT_GT(lost, 10u);
  EXPECT_GE(mended, lost * 7 / 10) << "but those that came late here, or did not fit";
}

INSTANTIATE_TEST_SUITE_P(Seeds, RedundancyPropertyTest, ::testing::Range<uint64_t>(1, 101));

}  // namespace
}  // namespace simpul::relay
