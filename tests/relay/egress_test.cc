#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "tests/relay/scene.h"

namespace simpul::relay {
namespace {

using namespace testing;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class EgressTest : public ::testing::Test {
 protected:
  EgressTest() { ana_ = scene_.publish("ana", {audio_track(1), video_track(2)}); }

  SubscriberId add_watcher() { return scene_.watch({}, {video_slot(10), audio_slot(1)}); }
  std::vector<rtp::MediaPacket> voice() {
    std::vector<rtp::MediaPacket> packets;
    packets.push_back(voice_.audio());
    return packets;
  }
  // Whom the batches of one collection are for.
  std::vector<uint32_t> visited() {
    std::vector<uint32_t> ids;
    SubscriberBatch batch;
    while (scene_.relay.collect(scene_.now, 0ms, batch)) ids.push_back(batch.subscriber.value());
    return ids;
  }

  Scene scene_;
  Source source_{scene_.pool, {}};
  Source voice_{scene_.pool, {.ssrc = 7, .codec = rtp::Codec::kOpus}};
  PublisherId ana_;
};

TEST_F(EgressTest, GivesEachSubscriberAllItsPacketsInOneBatchAudioFirst) {
  add_watcher();
  add_watcher();
  scene_.receive(2, source_.frame({.key = true, .packets = 4}));
  scene_.receive(1, voice());
  SubscriberBatch batch;
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(scene_.relay.collect(scene_.now, 0ms, batch));
    ASSERT_THAT(batch.packets, SizeIs(5));
    EXPECT_EQ(batch.packets[0].ssrc, rtp::Ssrc(1));
    EXPECT_EQ(batch.packets[0].payload_type, kOpusType);
    for (size_t k = 1; k < 5; ++k) {
      EXPECT_EQ(batch.packets[k].ssrc, rtp::Ssrc(10));
      EXPECT_EQ(batch.packets[k].payload_type, kVp8Type);
      EXPECT_EQ(batch.packets[k].marker, k == 4);
      EXPECT_EQ(batch.packets[k].csrc, 2u);
    }
  }
  EXPECT_FALSE(scene_.relay.collect(scene_.now, 0ms, batch));
  EXPECT_EQ(scene_.relay.counters().packets_in, 5u);
  EXPECT_EQ(scene_.relay.counters().packets_out, 10u);
}

TEST_F(EgressTest, BeginsEachRoundWithAnother) {
  for (int i = 0; i < 3; ++i) add_watcher();
  std::set<uint32_t> first;
  for (int i = 0; i < 3; ++i) {
    scene_.receive(1, voice());
    const auto ids = visited();
    ASSERT_THAT(ids, SizeIs(3));
    first.insert(ids.front());
  }
  EXPECT_THAT(first, SizeIs(3));
}

TEST_F(EgressTest, TellsAheadWhoseTurnComes) {
  for (int i = 0; i < 8; ++i) add_watcher();
  scene_.receive(2, source_.frame({.key = true}));
  std::vector<SubscriberId> served;
  std::vector<std::optional<SubscriberId>> told;
  SubscriberBatch batch;
  while (scene_.relay.collect(scene_.now, 0ms, batch)) {
    served.push_back(batch.subscriber);
    told.push_back(batch.later);
  }
  ASSERT_THAT(served, SizeIs(8));
  for (size_t i = 0; i < served.size(); ++i) {
    const bool is_told = i + kLaterBy < served.size();
    EXPECT_EQ(told[i], is_told ? std::optional(served[i + kLaterBy]) : std::nullopt) << i;
  }
}

TEST_F(EgressTest, HoldsAFrameUntilItsLastPacket) {
  add_watcher();
  auto frame = source_.frame({.key = true, .packets = 2});
  scene_.relay.receive(TrackId(2), 0, std::move(frame[0]), scene_.now);
  EXPECT_THAT(scene_.collect(3ms), IsEmpty());
  EXPECT_EQ(scene_.relay.next_collect(3ms), scene_.now + 3ms);
  scene_.relay.receive(TrackId(2), 0, std::move(frame[1]), scene_.now);
  EXPECT_LE(scene_.relay.next_collect(3ms), scene_.now);
  EXPECT_THAT(scene_.collect(3ms), SizeIs(2));
  EXPECT_EQ(scene_.relay.next_collect(3ms), kNever);
}

TEST_F(EgressTest, HoldsAFrameNoLongerThanAsked) {
  add_watcher();
  auto frame = source_.frame({.key = true, .packets = 3});
  scene_.relay.receive(TrackId(2), 0, std::move(frame[0]), scene_.now);
  scene_.now += 2ms;
  scene_.relay.receive(TrackId(2), 0, std::move(frame[1]), scene_.now);
  EXPECT_THAT(scene_.collect(3ms), IsEmpty());
  scene_.now += 1ms;
  EXPECT_THAT(scene_.collect(3ms), SizeIs(2));
  scene_.relay.receive(TrackId(2), 0, std::move(frame[2]), scene_.now);
  EXPECT_THAT(scene_.collect(3ms), SizeIs(1));
}

TEST_F(EgressTest, HoldsNoAudioAndNoLatePacket) {
  add_watcher();
  scene_.pass(2, source_.frame({.key = true}));
  auto frame = source_.frame({.packets = 3});
  auto late = std::move(frame[1]);
  scene_.relay.receive(TrackId(2), 0, std::move(frame[0]), scene_.now);
  scene_.relay.receive(TrackId(2), 0, std::move(frame[2]), scene_.now);
  EXPECT_THAT(scene_.collect(3ms), SizeIs(2));
  scene_.relay.receive(TrackId(2), 0, std::move(late), scene_.now);
  scene_.receive(1, voice());
  EXPECT_THAT(scene_.collect(3ms), SizeIs(2));
}

TEST_F(EgressTest, PacketsMayComeAndPeopleMayGoInTheMiddleOfARound) {
  std::vector<SubscriberId> watchers;
  for (int i = 0; i < 4; ++i) watchers.push_back(add_watcher());
  scene_.receive(2, source_.frame({.key = true}));
  SubscriberBatch batch;
  ASSERT_TRUE(scene_.relay.collect(scene_.now, 0ms, batch));
  const auto served = batch.subscriber;
  EXPECT_LE(scene_.relay.next_collect(0ms), scene_.now) << "the round is not over";
  scene_.receive(2, source_.frame({}));
  const auto gone = watchers[served == watchers[0] ? 1 : 0];
  scene_.relay.remove_subscriber(gone);
  std::map<uint32_t, size_t> packets;
  while (scene_.relay.collect(scene_.now, 0ms, batch)) {
    packets[batch.subscriber.value()] += batch.packets.size();
  }
  EXPECT_FALSE(packets.contains(gone.value()));
  EXPECT_EQ(packets[served.value()], 3u);
  EXPECT_THAT(packets, SizeIs(3));
}

TEST_F(EgressTest, APublisherMayGoInTheMiddleOfARound) {
  for (int i = 0; i < 4; ++i) add_watcher();
  scene_.receive(2, source_.frame({.key = true}));
  SubscriberBatch batch;
  ASSERT_TRUE(scene_.relay.collect(scene_.now, 0ms, batch));
  scene_.relay.remove_publisher(ana_, scene_.now);
  EXPECT_FALSE(scene_.relay.collect(scene_.now, 0ms, batch));
  EXPECT_EQ(scene_.pool.in_use(), 0u);
}

TEST_F(EgressTest, KeepsWhatABatchBorrowsWhenTheOldLayerLosesItsLastWatcher) {
  const auto bo = scene_.publish("bo", {video_track(5, {"q", "h"})});
  add_watcher();
  Source low(scene_.pool, {.ssrc = 50});
  Source high(scene_.pool, {.ssrc = 51, .width = 1'280, .height = 720});
  scene_.pass(5, low.frame({.key = true}));
  scene_.pass(5, high.frame({}), 1);  // another layer, which the watcher waits for
  const size_t held = scene_.pool.in_use();
  scene_.receive(5, low.frame({}));
  scene_.receive(5, high.frame({.key = true}), 1);
  SubscriberBatch batch;
  ASSERT_TRUE(scene_.relay.collect(scene_.now, 0ms, batch));
  ASSERT_THAT(batch.packets, SizeIs(6)) << "the last of the old layer, the first of the new";
  EXPECT_GE(scene_.pool.in_use(), 6u);
  EXPECT_GT(held, 0u);
  std::vector<PacketRef> others;  // what was let go would be written over
  for (int i = 0; i < 100; ++i) {
    others.push_back(scene_.pool.allocate());
    std::ranges::fill(others.back()->bytes, uint8_t{0xEE});
  }
  for (const auto& packet : batch.packets) EXPECT_NE(packet.body.back(), 0xEE);
  EXPECT_FALSE(scene_.relay.collect(scene_.now, 0ms, batch));
  others.clear();
  scene_.relay.remove_publisher(bo, scene_.now);
  EXPECT_EQ(scene_.pool.in_use(), 0u);
}

TEST_F(EgressTest, KeepsNoPacketsOfWhatNobodyWatches) {
  scene_.pass(2, source_.frame({.key = true, .packets = 50}));
  EXPECT_EQ(scene_.pool.in_use(), 0u);
  const auto watcher = add_watcher();
  scene_.pass(2, source_.frame({.key = true, .packets = 50}));
  EXPECT_EQ(scene_.pool.in_use(), 50u);
  scene_.relay.remove_subscriber(watcher);
  scene_.advance(200ms);
  EXPECT_EQ(scene_.pool.in_use(), 0u) << "no batch can borrow from them any more";
}

TEST_F(EgressTest, LetsGoOfTheHistoryWhenTheSourceFallsSilent) {
  add_watcher();
  scene_.pass(2, source_.frame({.key = true, .packets = 50}));
  scene_.advance(2'100ms);
  EXPECT_EQ(scene_.pool.in_use(), 0u);
}

TEST_F(EgressTest, NobodyBeginsWithAudioThatComesLate) {
  add_watcher();
  scene_.pass(1, voice());
  auto late = voice();
  scene_.pass(1, voice());
  add_watcher();
  EXPECT_THAT(scene_.pass(1, std::move(late)), SizeIs(1)) << "for the first one alone";
  EXPECT_THAT(scene_.pass(1, voice()), SizeIs(2));
}

TEST_F(EgressTest, DropsWhatNobodyCollects) {
  add_watcher();
  for (int i = 0; i < 300; ++i) scene_.receive(2, source_.frame({.key = i == 0, .packets = 5}));
  EXPECT_EQ(scene_.relay.counters().packets_dropped_full, 300u * 5 - 1'024);
  EXPECT_THAT(scene_.collect(), SizeIs(1'024));
}

}  // namespace
}  // namespace simpul::relay
