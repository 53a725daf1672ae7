// What workers that share a room tell each other about the layers of its tracks.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/relay/scene.h"

namespace simpul::relay {
namespace {

using namespace testing;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class NewsTest : public ::testing::Test {
 protected:
  NewsTest() { scene_.publish("ana", {video_track(2, {"l", "h"})}); }

  std::vector<LayerNews> news() {
    std::vector<LayerNews> news;
    scene_.relay.take_news(news);
    return news;
  }
  SubscriberId watch(LayerChoice choice) {
    return scene_.watch({.participant = {}, .layer = choice}, {video_slot(10)});
  }
  // The other worker's news of a layer that is sent.
  static LayerNews sent(uint8_t layer, uint16_t width, uint16_t height) {
    return {.publisher = {},
            .track = TrackId(2),
            .layer = layer,
            .seen = true,
            .active = true,
            .width = width,
            .height = height,
            .format = format_of(rtp::Codec::kVp8)};
  }
  void both_send() {
    scene_.receive(2, low_.frame({.key = true}), 0);
    scene_.receive(2, high_.frame({.key = true}), 1);
    scene_.collect();
  }

  Scene scene_;
  Source low_{scene_.pool, {.ssrc = 1, .width = 320, .height = 180}};
  Source high_{scene_.pool, {.ssrc = 2, .width = 640, .height = 360}};
};

TEST_F(NewsTest, AreOfAllLayersOfATrackOnceAfterAChange) {
  EXPECT_THAT(news(), IsEmpty());
  both_send();
  const auto told = news();
  ASSERT_THAT(told, SizeIs(2));
  EXPECT_EQ(told[0].track, TrackId(2));
  EXPECT_TRUE(told[0].seen && told[0].active);
  EXPECT_FALSE(told[0].watched);
  EXPECT_EQ(told[1].layer, 1);
  EXPECT_EQ(told[1].width, 640);
  EXPECT_EQ(told[1].height, 360);
  EXPECT_EQ(told[1].format, format_of(rtp::Codec::kVp8));
  EXPECT_THAT(news(), IsEmpty());
  scene_.receive(2, low_.frame({}), 0);
  EXPECT_THAT(news(), IsEmpty());
  scene_.relay.repeat_news(TrackId(2));
  EXPECT_THAT(news(), SizeIs(2));
}

TEST_F(NewsTest, SayWhichLayerIsWatched) {
  both_send();
  news();
  const SubscriberId bob = watch(LayerChoice::kHigh);
  auto told = news();
  ASSERT_THAT(told, SizeIs(2));
  EXPECT_FALSE(told[0].watched);
  EXPECT_TRUE(told[1].watched);
  scene_.relay.remove_subscriber(bob);
  told = news();
  ASSERT_THAT(told, SizeIs(2));
  EXPECT_FALSE(told[1].watched);
}

TEST_F(NewsTest, SayWhetherSomebodyNeedsAKeyFrameOfALayerThatIsElsewhere) {
  scene_.receive(2, low_.frame({.key = true}), 0);
  const SubscriberId bob = watch(LayerChoice::kHigh);
  scene_.pass(2, low_.frame({.key = true}), 0);
  scene_.relay.set_lent(TrackId(2), 1, false, scene_.now);
  news();
  scene_.relay.receive_news(sent(1, 640, 360), scene_.now);
  auto told = news();
  ASSERT_THAT(told, SizeIs(2));
  EXPECT_TRUE(told[1].watched && told[1].by_key_frame) << "he goes on with the other layer";
  EXPECT_FALSE(told[0].by_key_frame);
  scene_.relay.remove_subscriber(bob);
  watch(LayerChoice::kHigh);
  told = news();
  ASSERT_THAT(told, SizeIs(2));
  EXPECT_TRUE(told[1].watched);
  EXPECT_FALSE(told[1].by_key_frame) << "who has nothing begins with what is kept";
}

TEST_F(NewsTest, SayWhenALayerFallsSilent) {
  both_send();
  news();
  scene_.advance(2s);
  const auto told = news();
  ASSERT_THAT(told, SizeIs(2));
  EXPECT_TRUE(told[0].seen);
  EXPECT_FALSE(told[0].active);
}

TEST_F(NewsTest, AreNotOfAPublisherWhoHasLeft) {
  both_send();
  scene_.relay.remove_publisher(PublisherId(1), scene_.now);
  EXPECT_THAT(news(), IsEmpty());
}

TEST_F(NewsTest, KeepALayerAliveWhosePacketsDoNotComeHere) {
  both_send();
  watch(LayerChoice::kHigh);
  scene_.pass(2, high_.frame({.key = true}), 1);
  scene_.relay.set_lent(TrackId(2), 0, false, scene_.now);
  for (int i = 0; i < 30; ++i) {
    scene_.advance(100ms);
    scene_.pass(2, high_.frame({}), 1);
  }
  news();
  // The one that came ends; the other one is still known to be there.
  scene_.advance(1s);
  scene_.advance(1s);
  const auto told = news();
  ASSERT_THAT(told, SizeIs(2));
  EXPECT_TRUE(told[0].watched);
  EXPECT_FALSE(told[1].active);
  // It is lent again, and has a while to come.
  scene_.relay.set_lent(TrackId(2), 0, true, scene_.now);
  scene_.advance(1s);
  EXPECT_THAT(scene_.pass(2, low_.frame({.key = true}), 0), SizeIs(3));
  scene_.advance(2s);
  EXPECT_FALSE(news()[0].active);
}

TEST_F(NewsTest, ChangeWhatIsWatchedHere) {
  scene_.receive(2, low_.frame({.key = true}), 0);
  scene_.relay.set_lent(TrackId(2), 1, false, scene_.now);
  watch(LayerChoice::kHighest);
  EXPECT_TRUE(news()[0].watched);
  scene_.relay.receive_news(sent(1, 640, 360), scene_.now);
  auto told = news();
  EXPECT_TRUE(told[1].watched);
  // It ends there.
  LayerNews ended = sent(1, 640, 360);
  ended.active = false;
  scene_.relay.receive_news(ended, scene_.now);
  told = news();
  EXPECT_FALSE(told[1].watched);
}

TEST_F(NewsTest, DoNotContradictPacketsThatCome) {
  both_send();
  news();
  LayerNews ended = sent(1, 9, 9);
  ended.active = false;
  scene_.relay.receive_news(ended, scene_.now);
  EXPECT_THAT(news(), IsEmpty());
}

TEST_F(NewsTest, OfUnknownTracksAndLayersAreNothing) {
  LayerNews unknown = sent(7, 1, 1);
  scene_.relay.receive_news(unknown, scene_.now);
  unknown.track = TrackId(99);
  scene_.relay.receive_news(unknown, scene_.now);
  scene_.relay.set_lent(TrackId(2), 7, false, scene_.now);
  scene_.relay.set_lent(TrackId(99), 0, false, scene_.now);
  scene_.relay.repeat_news(TrackId(99));
  EXPECT_THAT(news(), IsEmpty());
}

}  // namespace
}  // namespace simpul::relay
