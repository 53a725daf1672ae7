#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/relay/scene.h"

namespace simpul::relay {
namespace {

using namespace testing;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// A publisher of three layers and one who watches.
class SwitchingTest : public ::testing::Test {
 protected:
  SwitchingTest()
      : ana_(scene_.publish("ana", {audio_track(1), video_track(2, {"q", "h", "f"})})) {}

  SubscriberId watch(LayerChoice choice) {
    return scene_.watch({.participant = "ana", .layer = choice}, {video_slot(10)});
  }
  // One frame of each of these layers, 33 ms after the last.
  std::vector<Sent> frames(std::initializer_list<int> layers, bool key = false) {
    scene_.now += 33ms;
    for (int i = 0; i < 3; ++i) {
      auto packets = layer(i).frame({.key = key});
      if (std::ranges::find(layers, i) == layers.end()) continue;
      scene_.receive(2, std::move(packets), static_cast<uint8_t>(i));
    }
    scene_.advance();
    return scene_.collect();
  }
  Source& layer(int i) { return layers_[static_cast<size_t>(i)]; }
  std::string carried(SubscriberId watcher) {
    return scene_.relay.slots_of(watcher)[0].layer.value_or("none");
  }
  // Which layer a packet is of, by its tag.
  static int layer_of(const Sent& sent) { return static_cast<int>(sent.tag() / 1'000'000); }

  Scene scene_;
  PublisherId ana_;
  std::vector<Source> layers_ = {
      Source(scene_.pool, {.ssrc = 1, .width = 320, .height = 180, .first_tag = 0}),
      Source(scene_.pool,
             {.ssrc = 2, .width = 640, .height = 360, .timestamp = 777, .first_tag = 1'000'000}),
      Source(scene_.pool, {.ssrc = 3,
                           .width = 1'280,
                           .height = 720,
                           .timestamp = 4'294'960'000,
                           .first_tag = 2'000'000})};
};

TEST_F(SwitchingTest, EachChoiceCarriesItsLayer) {
  const auto low = watch(LayerChoice::kLow);
  const auto mid = watch(LayerChoice::kMid);
  const auto high = watch(LayerChoice::kHigh);
  frames({0, 1, 2}, true);
  EXPECT_EQ(carried(low), "q");
  EXPECT_EQ(carried(mid), "h");
  EXPECT_EQ(carried(high), "f");
}

TEST_F(SwitchingTest, GoesUpOnlyAtAKeyFrameAndCarriesTheOldLayerUntilThen) {
  const auto watcher = watch(LayerChoice::kHighest);
  frames({0}, true);
  EXPECT_EQ(carried(watcher), "q");
  auto sent = frames({0, 1});
  ASSERT_THAT(sent, SizeIs(3));
  EXPECT_EQ(layer_of(sent[0]), 0);
  frames({0, 1}, true);
  EXPECT_EQ(carried(watcher), "h");
  sent = frames({0, 1});
  ASSERT_THAT(sent, SizeIs(3));
  EXPECT_EQ(layer_of(sent[0]), 1);
}

TEST_F(SwitchingTest, AskedForALayerItRepeatsWhatWasLostAsSoonAsAnAnswerIsOverdue) {
  scene_.relay.set_round_trip(ana_, 200ms);
  watch(LayerChoice::kHighest);
  frames({0}, true);
  scene_.advance(2s);
  frames({0});
  scene_.receive(2, layer(1).frame({}), 1);
  EXPECT_EQ(scene_.requests(), 1u);
  for (int i = 0; i < 12; ++i) {
    scene_.receive(2, layer(0).frame({}), 0);
    scene_.receive(2, layer(1).frame({}), 1);
    EXPECT_EQ(scene_.requests(33ms), 0u);
    scene_.collect();
  }
  EXPECT_EQ(scene_.requests(33ms), 1u);
}

// However many in a row: those may not be told from an answer whose key frame is hidden.
TEST_F(SwitchingTest, GoesUpThoughRequestsAreLost) {
  scene_.relay.set_round_trip(ana_, 50ms);
  for (size_t lost = 0; lost < 12; ++lost) {
    const auto watcher = watch(LayerChoice::kHighest);
    for (int i = 0; i < 40; ++i) frames({0}, i == 0);
    ASSERT_EQ(carried(watcher), "q");
    size_t requests = 0;
    bool answered = false;
    int passed = 0;
    for (; carried(watcher) == "q" && passed < 2'000; ++passed) {
      scene_.pass(2, layer(0).frame({}), 0);
      scene_.pass(2, layer(1).frame({.key = std::exchange(answered, false)}), 1);
      for (const auto& request : scene_.advance(33ms).key_frame_requests) {
        answered = request.layer == 1 && ++requests > lost;
      }
    }
    EXPECT_EQ(carried(watcher), "h") << lost;
    EXPECT_EQ(requests, lost + 1);
    scene_.relay.remove_subscriber(watcher);
    scene_.advance(3s);
  }
}

TEST_F(SwitchingTest, AsksForTheKeyFrameOfALayerThatComesToLifeWithoutOne) {
  watch(LayerChoice::kHighest);
  frames({0}, true);
  EXPECT_EQ(scene_.requests(), 0u);
  scene_.receive(2, layer(1).frame({}), 1);
  const auto out = scene_.advance();
  ASSERT_THAT(out.key_frame_requests, SizeIs(1));
  EXPECT_EQ(out.key_frame_requests[0].layer, 1);
  EXPECT_EQ(out.key_frame_requests[0].track, TrackId(2));
}

TEST_F(SwitchingTest, RepeatsTheRequestEachSecondAsLongAsItIsWanted) {
  const auto watcher = watch(LayerChoice::kHighest);
  size_t requests = 0;
  scene_.receive(2, layer(0).frame({}), 0);
  for (int i = 0; i < 300; ++i) requests += scene_.requests(33ms);
  EXPECT_EQ(requests, 10u);
  scene_.relay.remove_subscriber(watcher);
  EXPECT_EQ(scene_.requests(5s), 0u);
}

TEST_F(SwitchingTest, FallsToTheNextLayerWhenItsOwnFallsSilent) {
  const auto watcher = watch(LayerChoice::kHighest);
  frames({0, 1, 2}, true);
  EXPECT_EQ(carried(watcher), "f");
  for (int i = 0; i < 40; ++i) frames({0, 1});
  EXPECT_EQ(carried(watcher), "f") << "until the key frame of the other";
  frames({0, 1}, true);
  EXPECT_EQ(carried(watcher), "h");
  frames({0, 1, 2}, true);
  EXPECT_EQ(carried(watcher), "f");
}

TEST_F(SwitchingTest, StaysWhereItIsWhileNothingIsSent) {
  const auto watcher = watch(LayerChoice::kLow);
  frames({0, 1, 2}, true);
  for (int i = 0; i < 100; ++i) frames({});
  EXPECT_EQ(carried(watcher), "q");
  EXPECT_THAT(frames({0}), SizeIs(3)) << "no key frame is needed to go on";
}

TEST_F(SwitchingTest, ALateWatcherOfAStillPictureAsksForAKeyFrame) {
  frames({0, 1, 2}, true);
  scene_.advance(30s);
  watch(LayerChoice::kHigh);
  const auto out = scene_.advance();
  ASSERT_THAT(out.key_frame_requests, SizeIs(1));
  EXPECT_EQ(out.key_frame_requests[0].layer, 2);
}

TEST_F(SwitchingTest, AlignsTheLayersBySenderReports) {
  const auto watcher = watch(LayerChoice::kHighest);
  const uint64_t ntp = uint64_t{1'000} << 32;
  for (uint8_t i = 0; i < 3; ++i) {
    scene_.relay.receive_sender_report(TrackId(2), i, ntp, layer(i).at().timestamp, scene_.now);
  }
  frames({0}, true);
  // A generation begins with a layer's first packet, and its reports with it.
  const auto before = frames({0, 1, 2});
  for (uint8_t i = 0; i < 3; ++i) {
    scene_.relay.receive_sender_report(TrackId(2), i, ntp, layer(i).at().timestamp, scene_.now);
  }
  scene_.now += 170ms;  // the network is slow for once
  const auto after = frames({2}, true);
  EXPECT_EQ(carried(watcher), "f");
  EXPECT_EQ(after.at(0).timestamp - before.at(0).timestamp, 3'000u);
}

TEST_F(SwitchingTest, AlignsTheLayersByArrivalWithoutSenderReports) {
  watch(LayerChoice::kHighest);
  const auto before = frames({0}, true);
  scene_.now += 67ms;
  const auto after = frames({0, 1}, true);
  ASSERT_THAT(after, SizeIs(6));
  EXPECT_EQ(layer_of(after[5]), 1);
  EXPECT_EQ(after[0].timestamp - before[0].timestamp, 3'000u);
  EXPECT_EQ(after[5].timestamp - after[0].timestamp, 90u) << "the same moment, a little later";
}

TEST_F(SwitchingTest, DistrustsSenderReportsThatContradictTheArrival) {
  watch(LayerChoice::kHighest);
  const auto before = frames({0, 1}, true);
  for (uint8_t i = 0; i < 3; ++i) {
    const uint64_t ntp = uint64_t{1'000 + 60u * i} << 32;
    scene_.relay.receive_sender_report(TrackId(2), i, ntp, layer(i).at().timestamp, scene_.now);
  }
  const auto after = frames({2}, true);
  EXPECT_EQ(after.at(0).timestamp - before.back().timestamp, 33u * 90);
}

TEST_F(SwitchingTest, BeginsWithAKeyFrameWhoseFirstPacketCameLast) {
  watch(LayerChoice::kLow);
  auto key = layer(0).frame({.key = true, .packets = 3});
  auto first = std::move(key.front());
  scene_.receive(
      2,
      [&] {
        std::vector<rtp::MediaPacket> rest;
        rest.push_back(std::move(key[1]));
        rest.push_back(std::move(key[2]));
        return rest;
      }(),
      0);
  EXPECT_THAT(scene_.collect(), IsEmpty());
  EXPECT_THAT(scene_.pass(2, layer(0).frame({.packets = 2})), IsEmpty());
  std::vector<rtp::MediaPacket> late;
  late.push_back(std::move(first));
  const auto sent = scene_.pass(2, std::move(late));
  ASSERT_THAT(sent, SizeIs(5));
  for (size_t i = 1; i < 5; ++i) EXPECT_EQ(sent[i].index, sent[0].index + i);
}

TEST_F(SwitchingTest, DoesNotBeginWithALateKeyFrameOfWhichItKeptNothing) {
  auto key = layer(0).frame({.key = true, .packets = 2});
  std::vector<rtp::MediaPacket> rest;
  rest.push_back(std::move(key[1]));
  scene_.pass(2, std::move(rest));
  watch(LayerChoice::kLow);
  std::vector<rtp::MediaPacket> late;
  late.push_back(std::move(key[0]));
  EXPECT_THAT(scene_.pass(2, std::move(late)), IsEmpty());
  EXPECT_EQ(scene_.requests(), 1u) << "and goes on asking";
  EXPECT_THAT(frames({0}, true), SizeIs(3));
}

TEST_F(SwitchingTest, AKeyFrameLargerThanTheHistoryLeavesWhole) {
  watch(LayerChoice::kLow);
  EXPECT_THAT(scene_.pass(2, layer(0).frame({.key = true, .packets = 700})), SizeIs(700));
}

TEST_F(SwitchingTest, BeginsAnewWhenTheEncoderComesBackWithAnotherSsrc) {
  const auto watcher = watch(LayerChoice::kLow);
  const auto before = frames({0}, true);
  layer(0).at().ssrc = 77;
  layer(0).at().sequence_number = 9;
  EXPECT_THAT(frames({0}), IsEmpty());
  EXPECT_EQ(carried(watcher), "none");
  EXPECT_EQ(scene_.relay.counters().key_frames_asked_of_publishers, 1u);
  const auto after = frames({0}, true);
  ASSERT_THAT(after, SizeIs(3));
  EXPECT_EQ(after[0].index, before.back().index + 1);
}

TEST_F(SwitchingTest, LeavesNoHoleForPaddingBetweenFrames) {
  watch(LayerChoice::kLow);
  const auto before = frames({0}, true);
  std::vector<rtp::MediaPacket> padding;
  for (int i = 0; i < 20; ++i) padding.push_back(layer(0).padding());
  EXPECT_THAT(scene_.pass(2, std::move(padding)), IsEmpty());
  EXPECT_EQ(frames({0}).at(0).index, before.back().index + 1);
}

TEST_F(SwitchingTest, APictureIdOfSevenBitsStaysOne) {
  watch(LayerChoice::kLow);
  frames({0}, true);
  auto packets = layer(0).frame({.key = true, .packets = 1});
  // The descriptor becomes shorter by what follows the picture id's low seven bits.
  packets[0].payload_offset = static_cast<uint16_t>(packets[0].payload_offset + 3);
  packets[0].payload_size = static_cast<uint16_t>(packets[0].payload_size - 3);
  uint8_t* payload = packets[0].packet->bytes.data() + packets[0].payload_offset;
  payload[0] = 0x90;
  payload[1] = 0x80;
  payload[2] = 0x05;
  const auto sent = scene_.pass(2, std::move(packets));
  ASSERT_THAT(sent, SizeIs(1));
  EXPECT_FALSE(sent[0].vp8().long_picture_id);
  EXPECT_TRUE(sent[0].vp8().key_frame);
}

TEST_F(SwitchingTest, TakesAPayloadWithoutADescriptorForPadding) {
  watch(LayerChoice::kLow);
  const auto before = frames({0}, true);
  auto broken = layer(0).frame({.packets = 1});
  broken[0].payload_size = 1;
  EXPECT_THAT(scene_.pass(2, std::move(broken)), IsEmpty());
  EXPECT_EQ(frames({0}).at(0).index, before.back().index + 1);
}

TEST_F(SwitchingTest, ComplaintsBecomeOneRequest) {
  std::vector<SubscriberId> watchers;
  for (int i = 0; i < 50; ++i) watchers.push_back(watch(LayerChoice::kLow));
  frames({0}, true);
  for (const auto watcher : watchers) {
    scene_.relay.receive_key_frame_request(watcher, rtp::Ssrc(10), scene_.now);
  }
  EXPECT_EQ(scene_.requests(), 1u);
  EXPECT_EQ(scene_.relay.counters().key_frames_asked_by_subscribers, 50u);
}

TEST_F(SwitchingTest, NewAssignmentsAreAskedForBeforeRepairs) {
  scene_.publish("bo", {video_track(5)});
  const auto first = watch(LayerChoice::kLow);
  frames({0}, true);
  scene_.relay.receive_key_frame_request(first, rtp::Ssrc(10), scene_.now);
  Source bo(scene_.pool, {});
  scene_.receive(5, bo.frame({}));
  scene_.watch({.participant = "bo"}, {video_slot(20)});
  const auto out = scene_.advance();
  ASSERT_THAT(out.key_frame_requests, SizeIs(2));
  EXPECT_EQ(out.key_frame_requests[0].track, TrackId(5));
  EXPECT_EQ(out.key_frame_requests[1].track, TrackId(2));
}

TEST_F(SwitchingTest, TellsWhatEachLayerIs) {
  const auto ana = scene_.publish("cai", {video_track(9, {"q"})});
  scene_.watch({.participant = "cai"}, {video_slot(30)});
  for (int i = 0; i < 60; ++i) {
    scene_.now += 33ms;
    scene_.receive(9, layer(1).frame({.key = i == 0}));
    scene_.collect();
  }
  const auto states = scene_.relay.tracks_of(ana);
  ASSERT_THAT(states, SizeIs(1));
  const LayerState& state = states[0].layers.at(0);
  EXPECT_EQ(state.rid, "q");
  EXPECT_EQ(state.width, 640);
  EXPECT_EQ(state.height, 360);
  EXPECT_EQ(state.packets, 180u);
  EXPECT_TRUE(state.active);
  EXPECT_NEAR(state.frames_per_second, 30, 3);
  EXPECT_NEAR(static_cast<double>(state.bitrate_bps), 30.0 * 3 * 200 * 8, 20'000);
  scene_.advance(2s);
  EXPECT_FALSE(scene_.relay.tracks_of(ana)[0].layers[0].active);
}

}  // namespace
}  // namespace simpul::relay
