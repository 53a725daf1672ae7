// Who comes behind a key frame begins with it, and catches up with the publisher.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "relay/feed.h"
#include "relay/replay.h"
#include "tests/relay/scene.h"

namespace simpul::relay {
namespace {

using namespace testing;
using ::testing::IsEmpty;
using ::testing::Le;
using ::testing::SizeIs;

constexpr uint32_t kTrack = 2;
constexpr auto kFrameTime = Duration(33'333);
constexpr uint32_t kFrameTicks = 3'000;
constexpr uint32_t kSsrc = 10;

class GopCacheTest : public ::testing::Test {
 protected:
  explicit GopCacheTest(const Limits& limits = {}) : scene_(limits) {}

  void publish(const std::vector<std::string>& layers = {""}) {
    scene_.publish("ana", {video_track(kTrack, layers)});
  }
  SubscriberId watch(LayerChoice choice = LayerChoice::kHighest) {
    return scene_.watch({.participant = "ana", .layer = choice}, {video_slot(kSsrc)});
  }
  // A key frame and `frames` more, a frame time each; then somebody comes in the middle of one.
  void send_gop(int frames, size_t packet_size = 200) {
    for (int i = 0; i <= frames; ++i) {
      pass(source_.frame({.key = i == 0, .packet_size = packet_size}));
      let_pass(i < frames ? kFrameTime : kFrameTime / 2);
    }
  }
  void pass(std::vector<rtp::MediaPacket> packets) {
    keep(scene_.pass(kTrack, std::move(packets)));
  }
  void let_pass(Duration time) {
    const TimePoint end = scene_.now + time;
    for (; scene_.now < end; scene_.now += std::min<Duration>(1ms, end - scene_.now)) {
      keep(scene_.collect());
      requests_ += scene_.requests();
    }
  }
  // What leaves for the one who came last, in rounds of a millisecond.
  void keep(const std::vector<Sent>& sent) {
    bursts_.push_back(0);
    for (const Sent& one : sent) {
      if (!joiner_ || one.subscriber != *joiner_) continue;
      ++bursts_.back();
      seen_.push_back(one);
      left_at_.push_back(scene_.now);
    }
  }
  void go_on(int frames) {
    for (int i = 0; i < frames; ++i) {
      pass(source_.frame({}));
      let_pass(kFrameTime);
    }
  }
  // The packets of the frames that were made since the first, each once and in order.
  void expect_all_since(uint32_t first_tag) const {
    for (size_t i = 0; i < seen_.size(); ++i) {
      ASSERT_EQ(seen_[i].tag(), first_tag + i);
      ASSERT_EQ(seen_[i].index, seen_.front().index + i);
      if (i == 0) continue;
      const auto step = static_cast<int32_t>(seen_[i].timestamp - seen_[i - 1].timestamp);
      ASSERT_EQ(step > 0, seen_[i - 1].marker);
      ASSERT_GE(step, 0);
    }
  }

  Scene scene_;
  Source source_{scene_.pool, {}};
  std::optional<SubscriberId> joiner_;
  std::vector<Sent> seen_;
  std::vector<TimePoint> left_at_;
  std::vector<size_t> bursts_;
  size_t requests_ = 0;
};

TEST_F(GopCacheTest, AJoinerSeesTheLastKeyFrameAtOnceAndNobodyIsAskedForAnother) {
  publish();
  watch();
  send_gop(20);
  requests_ = 0;
  joiner_ = watch();
  keep(scene_.collect());
  ASSERT_THAT(seen_, SizeIs(3)) << "before another packet came";
  EXPECT_EQ(seen_[0].tag(), 1u);
  EXPECT_TRUE(seen_[2].marker);
  go_on(60);
  EXPECT_EQ(requests_, 0u);
  EXPECT_EQ(scene_.relay.counters().starts_from_cache, 1u);
  EXPECT_EQ(scene_.relay.slots_of(*joiner_)[0].layer, "");
}

TEST_F(GopCacheTest, CatchesUpInAThirdOfTheTimeAndGoesOnWithoutAGap) {
  publish();
  watch();
  send_gop(30);
  joiner_ = watch();
  go_on(9);
  EXPECT_LT(seen_.size(), 120u);
  go_on(3);
  EXPECT_THAT(seen_, SizeIs((31 + 12) * 3)) << "a second of media, at four times its speed";
  go_on(120);
  EXPECT_THAT(seen_, SizeIs((31 + 132) * 3));
  expect_all_since(1);
}

TEST_F(GopCacheTest, CostsNothingMoreWhenItHasCaughtUp) {
  publish();
  watch();
  send_gop(30);
  joiner_ = watch();
  go_on(4);
  EXPECT_NE(scene_.relay.next_collect(0ms), kNever);
  go_on(11);
  EXPECT_THAT(seen_, SizeIs((31 + 15) * 3));
  EXPECT_EQ(scene_.relay.next_collect(0ms), kNever);
}

// Timestamps wrap after 13 hours, and look older than the replay after half of that.
TEST_F(GopCacheTest, TheTimestampsOfALongStreamAreNotTakenForThoseOfItsBeginning) {
  publish();
  watch();
  send_gop(30);
  joiner_ = watch();
  go_on(60);
  const uint32_t ahead = seen_.back().timestamp - source_.at().timestamp;
  for (const TimePoint end = scene_.now + 8h; scene_.now < end; scene_.advance(10s)) {
    const uint32_t told = source_.at().timestamp;
    seen_.clear();
    pass(source_.frame({.packets = 1}, 10 * 90'000));
    ASSERT_EQ(seen_.size(), 1u);
    ASSERT_EQ(seen_[0].timestamp, told + ahead + kFrameTicks);
  }
}

// The receiver takes the timestamps for when the frames were captured: one that leaves late must
// not look as if it had been on its way for long, nor ahead of those that come.
TEST_F(GopCacheTest, EachFrameLeavesWithTheTimestampOfALiveOneThatLeavesThen) {
  publish();
  watch();
  send_gop(45);
  joiner_ = watch();
  let_pass(kFrameTime / 2);
  go_on(60);
  const Sent& last = seen_.back();
  for (size_t i = 0; i < seen_.size(); ++i) {
    const int64_t earlier = ticks_of(left_at_.back() - left_at_[i], 90'000);
    const int64_t told = last.timestamp - seen_[i].timestamp;
    ASSERT_NEAR(static_cast<double>(told), static_cast<double>(earlier), 5 * 90) << i;
  }
}

TEST_F(GopCacheTest, LeavesInSmallBursts) {
  publish();
  watch();
  pass(source_.frame({.key = true, .packets = 60, .packet_size = 1'000}));
  let_pass(kFrameTime);
  go_on(10);
  joiner_ = watch();
  bursts_.clear();
  const TimePoint began = scene_.now;
  let_pass(30ms);
  EXPECT_THAT(bursts_, ::testing::Each(Le(Replay::kBurst)));
  ASSERT_GE(seen_.size(), 60u);
  EXPECT_EQ(left_at_[59] - began, 5 * Replay::kPause) << "the key frame";
}

TEST_F(GopCacheTest, AKeyFrameThatIsTooOldIsAskedForAgain) {
  publish();
  watch();
  send_gop(static_cast<int>(Limits{}.gop_age / kFrameTime));
  let_pass(kFrameTime);
  requests_ = 0;
  joiner_ = watch();
  go_on(1);
  EXPECT_THAT(seen_, IsEmpty());
  EXPECT_EQ(requests_, 1u);
  pass(source_.frame({.key = true}));
  EXPECT_THAT(seen_, SizeIs(3));
}

TEST_F(GopCacheTest, WhatIsTooLargeIsNotKeptAndTheMemoryIsGivenBack) {
  publish();
  watch();
  const auto largest = [](size_t size) { return Limits{}.gop_bytes / (3 * size); };
  for (const int more : {0, 1}) {
    const int frames = static_cast<int>(largest(1'000)) + more;
    for (int i = 0; i < frames; ++i) {
      pass(source_.frame({.key = i == 0, .packet_size = 1'000}));
      let_pass(kFrameTime / 2);
    }
    joiner_ = watch();
    seen_.clear();
    let_pass(1ms);
    EXPECT_EQ(seen_.empty(), more == 1);
    EXPECT_LE(scene_.pool.in_use(), Limits{}.history_packets_per_layer);
    scene_.relay.remove_subscriber(*joiner_);
    let_pass(10ms);
  }
  // As much as before, for retransmissions: what is a second old, and no more.
  go_on(1);
  EXPECT_LE(scene_.pool.in_use(), 3u * 61);
}

TEST_F(GopCacheTest, HoldsNoMorePacketsThanTheHistoryWhoeverBegins) {
  publish();
  watch();
  for (int i = 0; i < 200; ++i) {
    pass(source_.frame({.key = i == 0, .packets = 4, .packet_size = 60}));
    if (i % 20 == 10) joiner_ = watch();
    let_pass(5ms);
    ASSERT_LE(scene_.pool.in_use(), Limits{}.history_packets_per_layer + 4);
  }
}

TEST_F(GopCacheTest, WhatNobodyWatchesIsNotKept) {
  publish();
  send_gop(5);
  EXPECT_EQ(scene_.pool.in_use(), 0u);
  joiner_ = watch();
  let_pass(1ms);
  EXPECT_THAT(seen_, IsEmpty());
  EXPECT_EQ(requests_, 1u);
}

TEST_F(GopCacheTest, APacketThatIsMissingMayStillCome) {
  publish();
  watch();
  pass(source_.frame({.key = true}));
  auto frame = source_.frame({});
  auto missing = std::move(frame[1]);
  frame.erase(frame.begin() + 1);
  pass(std::move(frame));
  let_pass(kFrameTime);
  pass(source_.frame({}));
  joiner_ = watch();
  let_pass(100ms);
  EXPECT_THAT(seen_, SizeIs(8));
  std::vector<rtp::MediaPacket> late;
  late.push_back(std::move(missing));
  pass(std::move(late));
  ASSERT_THAT(seen_, SizeIs(9));
  EXPECT_EQ(seen_[8].index, seen_[3].index + 1);
  EXPECT_EQ(seen_[8].timestamp, seen_[3].timestamp);
}

TEST_F(GopCacheTest, WhatHasAHoleForGoodIsNotBegunWith) {
  publish();
  watch();
  pass(source_.frame({.key = true}));
  auto frame = source_.frame({});
  frame.erase(frame.begin() + 1);
  pass(std::move(frame));
  let_pass(Feed::kMissingMax + 1ms);
  pass(source_.frame({}));
  requests_ = 0;
  joiner_ = watch();
  let_pass(1s);
  EXPECT_THAT(seen_, IsEmpty());
  EXPECT_EQ(requests_, 1u);
}

TEST_F(GopCacheTest, WhatIsReplayedCanBeSentAgainAsItLeft) {
  publish();
  watch();
  send_gop(30);
  joiner_ = watch();
  go_on(5);
  const auto before = seen_;
  for (const size_t place : {size_t{0}, before.size() / 2, before.size() - 1}) {
    seen_.clear();
    scene_.relay.receive_nack(
        *joiner_, rtp::Ssrc(kSsrc),
        std::vector{rtp::SequenceNumber(static_cast<uint16_t>(before[place].index))}, scene_.now);
    keep(scene_.collect());
    const auto again = std::ranges::find(seen_, rtp::Ssrc(kSsrc + 1), &Sent::ssrc);
    ASSERT_NE(again, seen_.end());
    EXPECT_EQ(again->timestamp, before[place].timestamp);
    EXPECT_EQ(again->tag(), before[place].tag());
  }
}

TEST_F(GopCacheTest, WhoIsSwitchedToAnotherSourceSeesItAtOnce) {
  Source other(scene_.pool, {.ssrc = 9, .timestamp = 77, .first_tag = 1'000'000});
  const auto ana = scene_.publish("ana", {video_track(kTrack)});
  joiner_ = scene_.watch({}, {video_slot(kSsrc)});
  send_gop(3);
  scene_.publish("bo", {video_track(kTrack + 1)});
  scene_.watch({.participant = "bo"}, {video_slot(kSsrc)});
  for (int i = 0; i < 20; ++i) {
    scene_.receive(kTrack + 1, other.frame({.key = i == 0}));
    pass(source_.frame({}));
    let_pass(kFrameTime);
  }
  const size_t before = seen_.size();
  scene_.relay.remove_publisher(ana, scene_.now);
  keep(scene_.collect());
  ASSERT_GT(seen_.size(), before);
  EXPECT_EQ(seen_[before].tag(), 1'000'000u);
  EXPECT_EQ(seen_[before].index, seen_[before - 1].index + 1);
  const auto step = static_cast<int32_t>(seen_[before].timestamp - seen_[before - 1].timestamp);
  EXPECT_GT(step, 0);
  EXPECT_LE(step, static_cast<int32_t>(2 * kFrameTicks));
}

TEST_F(GopCacheTest, WhereTheWantedLayerHasNoneAnotherMakesDoUntilItHas) {
  publish({"q", "f"});
  Source large(scene_.pool, {.ssrc = 9, .width = 1280, .height = 720, .first_tag = 1'000'000});
  watch(LayerChoice::kLow);
  for (int i = 0; i < 10; ++i) {
    scene_.receive(kTrack, large.frame({.key = i == 0}), 1);
    pass(source_.frame({.key = i == 0}));
    let_pass(kFrameTime);
  }
  requests_ = 0;
  joiner_ = watch(LayerChoice::kHigh);
  let_pass(1ms);
  ASSERT_FALSE(seen_.empty());
  EXPECT_EQ(seen_[0].tag(), 1u);
  EXPECT_EQ(scene_.relay.slots_of(*joiner_)[0].layer, "q");
  EXPECT_EQ(requests_, 1u) << "of the wanted one";
  const uint64_t last = seen_.back().index;
  seen_.clear();
  keep(scene_.pass(kTrack, large.frame({.key = true}), 1));
  ASSERT_THAT(seen_, SizeIs(3));
  EXPECT_EQ(seen_[0].index, last + 1);
  EXPECT_EQ(scene_.relay.slots_of(*joiner_)[0].layer, "f");
}

TEST_F(GopCacheTest, WhatABatchBorrowsOfALayerThatNobodyWatchesAnyMoreStays) {
  publish({"q", "f"});
  Source large(scene_.pool, {.ssrc = 9, .width = 1280, .height = 720, .first_tag = 1'000'000});
  const auto first = watch(LayerChoice::kLow);
  for (int i = 0; i < 10; ++i) {
    scene_.receive(kTrack, large.frame({.key = i == 0}), 1);
    pass(source_.frame({.key = i == 0}));
    let_pass(kFrameTime);
  }
  joiner_ = watch(LayerChoice::kHigh);
  let_pass(200ms);
  scene_.relay.remove_subscriber(first);
  scene_.receive(kTrack, source_.frame({}));
  scene_.receive(kTrack, large.frame({.key = true}), 1);
  SubscriberBatch batch;
  ASSERT_TRUE(scene_.relay.collect(scene_.now, 0ms, batch));
  ASSERT_THAT(batch.packets, SizeIs(6)) << "the last of the one, the first of the other";
  for (const auto& packet : batch.packets) {
    ASSERT_NE(packet.packet, nullptr);
    EXPECT_TRUE(*packet.packet);
  }
}

TEST_F(GopCacheTest, ALargerLayerThanTheWantedOneDoesNotMakeDo) {
  publish({"q", "f"});
  Source large(scene_.pool, {.ssrc = 9, .width = 1280, .height = 720, .first_tag = 1'000'000});
  watch(LayerChoice::kHigh);
  for (int i = 0; i < 10; ++i) {
    scene_.receive(kTrack, large.frame({.key = i == 0}), 1);
    pass(source_.frame({.key = i == 0}));
    let_pass(kFrameTime);
  }
  requests_ = 0;
  joiner_ = watch(LayerChoice::kLow);
  let_pass(1s);
  EXPECT_THAT(seen_, IsEmpty());
  EXPECT_EQ(requests_, 1u);
}

TEST_F(GopCacheTest, AKeyFrameThatComesMeanwhileIsPartOfIt) {
  publish();
  watch();
  send_gop(30);
  joiner_ = watch();
  go_on(2);
  pass(source_.frame({.key = true}));
  go_on(60);
  EXPECT_THAT(seen_, SizeIs((31 + 63) * 3));
  expect_all_since(1);
}

TEST_F(GopCacheTest, NothingLeavesForWhoGoesWhileCatchingUp) {
  publish();
  watch();
  send_gop(30);
  joiner_ = watch();
  go_on(2);
  scene_.relay.remove_subscriber(*joiner_);
  seen_.clear();
  go_on(10);
  EXPECT_THAT(seen_, IsEmpty());
  EXPECT_EQ(scene_.relay.next_collect(0ms), kNever);
}

class WithoutGopCacheTest : public GopCacheTest {
 protected:
  WithoutGopCacheTest() : GopCacheTest({.gop_bytes = 0}) {}
};

TEST_F(WithoutGopCacheTest, AJoinerWaitsForAKeyFrame) {
  publish();
  watch();
  send_gop(5);
  requests_ = 0;
  joiner_ = watch();
  go_on(1);
  EXPECT_THAT(seen_, IsEmpty());
  EXPECT_EQ(requests_, 1u);
}

// Five hundred come within ten seconds; the publisher answers requests 60 ms later.
TEST_F(GopCacheTest, AJoinStormCostsThePublisherAKeyFrameInTwoSecondsAndNobodyWaitsLong) {
  constexpr int kViewers = 500;
  constexpr Duration kStorm = 10s;
  constexpr Duration kAnswer = 60ms;
  publish();
  std::map<uint32_t, TimePoint> came;
  std::map<uint32_t, Duration> waited;
  std::vector<TimePoint> asked;
  TimePoint key_due = kNever;
  TimePoint frame_due = scene_.now;
  const TimePoint began = scene_.now;
  for (; scene_.now < began + kStorm + 1s; scene_.now += 1ms) {
    const auto due = (scene_.now - began) * kViewers / kStorm;
    while (std::ssize(came) < std::min<int64_t>(due, kViewers)) {
      came[watch().value()] = scene_.now;
    }
    if (scene_.now >= frame_due) {
      frame_due += kFrameTime;
      const bool key = scene_.now >= key_due;
      if (key) key_due = kNever;
      // 1 Mbit/s, and a key frame eight times as large as the others.
      scene_.receive(
          kTrack, source_.frame(
                      {.key = key, .packets = key ? size_t{24} : size_t{3}, .packet_size = 1'000}));
    }
    for (const Sent& sent : scene_.collect()) {
      waited.emplace(sent.subscriber.value(), scene_.now - came.at(sent.subscriber.value()));
    }
    if (scene_.requests() == 0) continue;
    asked.push_back(scene_.now);
    key_due = std::min(key_due, scene_.now + kAnswer);
  }
  ASSERT_THAT(waited, SizeIs(kViewers));
  const auto is_late = [](const auto& one) { return one.second > 700ms; };
  EXPECT_LE(std::ranges::count_if(waited, is_late), kViewers / 20);
  for (size_t i = 1; i < asked.size(); ++i) EXPECT_GE(asked[i] - asked[i - 1], 2s);
  EXPECT_THAT(asked, SizeIs(Le(6u)));
}

}  // namespace
}  // namespace simpul::relay
