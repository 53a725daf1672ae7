#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/relay/scene.h"

namespace simpul::relay {
namespace {

using namespace testing;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// A video track that comes from another worker, and one who watches.
class InterruptionTest : public ::testing::Test {
 protected:
  InterruptionTest() {
    scene_.publish("ana", {audio_track(1), video_track(2)});
    watcher_ = scene_.watch({.participant = "ana"}, {audio_slot(20), video_slot(10)});
    scene_.advance();
    before_ = scene_.pass(2, video_.frame({.key = true}));
  }

  Scene scene_;
  Source video_{scene_.pool, {.ssrc = 1}};
  Source audio_{scene_.pool, {.ssrc = 2, .codec = rtp::Codec::kOpus}};
  SubscriberId watcher_;
  std::vector<Sent> before_;
};

TEST_F(InterruptionTest, AsksForAKeyFrameAndGoesOnWithItWithoutAHole) {
  ASSERT_THAT(before_, SizeIs(3));
  scene_.now += 1s;
  scene_.advance();
  for (int lost = 0; lost < 5; ++lost) video_.frame({});
  scene_.relay.interrupt(TrackId(2), 0);
  EXPECT_THAT(scene_.pass(2, video_.frame({})), IsEmpty());
  EXPECT_EQ(scene_.requests(100ms), 1u);
  const auto after = scene_.pass(2, video_.frame({.key = true}));
  ASSERT_THAT(after, SizeIs(3));
  EXPECT_EQ(after[0].index, before_.back().index + 1);
}

TEST_F(InterruptionTest, IsNotTakenForPacketsOutOfOrder) {
  // So many were lost that the sequence number seems to have gone back.
  scene_.relay.interrupt(TrackId(2), 0);
  video_.at().sequence_number = static_cast<uint16_t>(video_.at().sequence_number + 40'000);
  EXPECT_THAT(scene_.pass(2, video_.frame({.key = true})), SizeIs(3));
}

TEST_F(InterruptionTest, LetsAudioGoOnAtOnce) {
  const auto first = scene_.pass(1, {audio_.audio()});
  ASSERT_THAT(first, SizeIs(1));
  for (int lost = 0; lost < 50; ++lost) audio_.audio();
  scene_.relay.interrupt(TrackId(1), 0);
  const auto next = scene_.pass(1, {audio_.audio()});
  ASSERT_THAT(next, SizeIs(1));
  EXPECT_EQ(next[0].index, first[0].index + 1);
}

TEST_F(InterruptionTest, OfUnknownTracksAndLayersIsNothing) {
  scene_.relay.interrupt(TrackId(99), 0);
  scene_.relay.interrupt(TrackId(2), 9);
  EXPECT_THAT(scene_.pass(2, video_.frame({})), SizeIs(3));
}

// Nobody watches here, but elsewhere.
class WishFromElsewhere : public ::testing::Test {
 protected:
  using Cause = KeyFrameRequests::Cause;

  WishFromElsewhere() { scene_.publish("ana", {video_track(2)}); }
  void ask(Cause cause = Cause::kAssignment, uint32_t track = 2, uint8_t layer = 0) {
    scene_.relay.request_key_frame(TrackId(track), layer, cause, scene_.now);
  }

  Scene scene_;
  Source video_{scene_.pool, {.ssrc = 1}};
};

TEST_F(WishFromElsewhere, IsPassedOnOnceEachTime) {
  ask();
  EXPECT_EQ(scene_.requests(), 1u);
  for (int i = 0; i < 50; ++i) EXPECT_EQ(scene_.requests(100ms), 0u);
  ask();
  EXPECT_EQ(scene_.requests(), 1u);
}

TEST_F(WishFromElsewhere, IsMetByAKeyFrameThatBeginsToArrive) {
  ask();
  EXPECT_THAT(scene_.pass(2, video_.frame({.key = true})), IsEmpty());
  EXPECT_EQ(scene_.requests(100ms), 0u);
}

TEST_F(WishFromElsewhere, OfWhoLostSomethingLeavesATokenForWhoComesHere) {
  for (int i = 0; i < 5; ++i) {
    ask(Cause::kRepair);
    EXPECT_EQ(scene_.requests(100ms), i == 0 ? 1u : 0u);
    scene_.pass(2, video_.frame({.key = true}));
  }
  scene_.watch({}, {video_slot(10)});
  const auto out = scene_.advance();
  ASSERT_THAT(out.key_frame_requests, SizeIs(1));
  EXPECT_EQ(out.key_frame_requests[0].cause, Cause::kAssignment);
}

TEST_F(WishFromElsewhere, OfUnknownTracksAndLayersIsNothing) {
  ask(Cause::kAssignment, 99);
  ask(Cause::kAssignment, 2, 9);
  EXPECT_EQ(scene_.requests(100ms), 0u);
}

}  // namespace
}  // namespace simpul::relay
