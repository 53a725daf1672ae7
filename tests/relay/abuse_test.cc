#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "tests/relay/scene.h"

namespace simpul::relay {
namespace {

using namespace testing;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST(RelayAbuse, CutsATrackOf128Layers) {
  Scene scene;
  std::vector<std::string> rids;
  for (int i = 0; i < 128; ++i) rids.push_back("r" + std::to_string(i));
  const auto ana = scene.publish("ana", {video_track(2, rids)});
  EXPECT_THAT(scene.relay.tracks_of(ana)[0].layers, SizeIs(4));
  scene.watch({}, {video_slot(10)});
  Source source(scene.pool, {});
  for (int layer = 0; layer < 256; ++layer) {
    scene.receive(2, source.frame({.key = true}), static_cast<uint8_t>(layer));
  }
  EXPECT_EQ(scene.relay.counters().packets_in, 12u);
}

TEST(RelayAbuse, CutsTheTracksOfAPublisherAndTheSlotsOfASubscriber) {
  Scene scene;
  std::vector<TrackConfig> tracks;
  for (uint32_t id = 1; id <= 100; ++id) tracks.push_back(video_track(id));
  const auto ana = scene.publish("ana", tracks);
  EXPECT_THAT(scene.relay.tracks_of(ana), SizeIs(16));
  std::vector<SlotConfig> slots;
  for (uint32_t i = 0; i < 100; ++i) slots.push_back(video_slot(10 + 2 * i));
  EXPECT_THAT(scene.relay.slots_of(scene.watch({}, slots)), SizeIs(32));
}

TEST(RelayAbuse, IgnoresWhatItDoesNotKnow) {
  Scene scene;
  Source source(scene.pool, {});
  scene.receive(77, source.frame({.key = true}));
  scene.relay.add_track(PublisherId(9), video_track(2), scene.now);
  scene.relay.remove_publisher(PublisherId(9), scene.now);
  scene.relay.remove_subscriber(SubscriberId(9));
  scene.relay.start_subscriber(SubscriberId(9), scene.now);
  scene.relay.set_round_trip(SubscriberId(9), 1s);
  scene.relay.receive_nack(SubscriberId(9), rtp::Ssrc(1), {}, scene.now);
  scene.relay.receive_key_frame_request(SubscriberId(9), rtp::Ssrc(1), scene.now);
  scene.relay.receive_sender_report(TrackId(9), 9, 1, 1, scene.now);
  EXPECT_THAT(scene.relay.tracks_of(PublisherId(9)), IsEmpty());
  EXPECT_THAT(scene.relay.slots_of(SubscriberId(9)), IsEmpty());
  EXPECT_EQ(scene.relay.counters().packets_in, 0u);
  EXPECT_EQ(scene.relay.next_deadline(), kNever);
}

TEST(RelayAbuse, DoesNotTakeATrackTwiceNorOneWithoutLayers) {
  Scene scene;
  const auto ana = scene.publish("ana", {video_track(2), video_track(2), video_track(3, {})});
  EXPECT_THAT(scene.relay.tracks_of(ana), SizeIs(1));
}

TEST(RelayAbuse, DropsAPacketThatComesTwice) {
  Scene scene;
  scene.publish("ana", {video_track(2)});
  scene.watch({}, {video_slot(10)});
  Source source(scene.pool, {});
  auto frame = source.frame({.key = true, .packets = 1});
  const auto again = frame;
  EXPECT_THAT(scene.pass(2, std::move(frame)), SizeIs(1));
  EXPECT_THAT(scene.pass(2, again), IsEmpty());
  EXPECT_EQ(scene.relay.counters().packets_dropped_old, 1u);
}

TEST(RelayAbuse, SurvivesAPublisherWhoJumpsWithEveryPacket) {
  Scene scene;
  scene.publish("ana", {video_track(2)});
  scene.watch({}, {video_slot(10)});
  Source source(scene.pool, {});
  std::set<uint64_t> indices;
  for (int i = 0; i < 5'000; ++i) {
    source.at().sequence_number = static_cast<uint16_t>(source.at().sequence_number + i * 7'919);
    source.at().ssrc += i % 3 == 0;
    for (const auto& sent : scene.pass(2, source.frame({.key = i % 2 == 0, .packets = 2}))) {
      ASSERT_TRUE(indices.insert(sent.index).second);
    }
    scene.advance(1ms);
  }
  // The receiver can follow: no step is anywhere near half of the sequence numbers, not even when
  // a late packet begins the stream and the longest gap comes behind it.
  for (auto index = std::next(indices.begin()); index != indices.end(); ++index) {
    ASSERT_LE(*index - *std::prev(index), 2'024u);
  }
  EXPECT_LE(scene.relay.counters().key_frames_asked_of_publishers, 8u);
}

TEST(RelayAbuse, AskingForKeyFramesWithoutEndCostsThePublisherOneASecond) {
  Scene scene;
  scene.publish("ana", {video_track(2)});
  const auto watcher = scene.watch({}, {video_slot(10)});
  Source source(scene.pool, {});
  scene.pass(2, source.frame({.key = true}));
  size_t requests = 0;
  for (int i = 0; i < 10'000; ++i) {
    scene.relay.receive_key_frame_request(watcher, rtp::Ssrc(10), scene.now);
    const size_t asked = scene.requests(1ms);
    requests += asked;
    if (asked > 0) scene.pass(2, source.frame({.key = true}));
  }
  EXPECT_EQ(requests, 10u);
}

TEST(RelayAbuse, ForgetsARoomThatIsEmpty) {
  Scene scene;
  for (int i = 0; i < 1'000; ++i) {
    const auto room = "room" + std::to_string(i);
    const auto ana = scene.relay.add_publisher(room, "ana", scene.now);
    const auto watcher = scene.relay.add_subscriber(room, {}, {}, scene.now);
    scene.relay.remove_publisher(ana, scene.now);
    scene.relay.remove_subscriber(watcher);
    EXPECT_FALSE(scene.relay.has_publisher(room, ""));
  }
}

}  // namespace
}  // namespace simpul::relay
