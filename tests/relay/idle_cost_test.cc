// What those cost who do nothing, counted: how often the relay looks at a track, a room or a slot.
#include <gtest/gtest.h>

#include "tests/relay/scene.h"

namespace simpul::relay {
namespace {

using namespace testing;

class IdleCostTest : public ::testing::Test {
 protected:
  struct Person {
    uint32_t audio;
    uint32_t video;
    Source voice;
    Source camera;
  };

  // Both publish, and each sees the other.
  void add_pair() {
    const std::string room = "room" + std::to_string(people_.size());
    std::vector<PublisherId> publishers;
    for (const std::string name : {"ana", "ben"}) {
      const uint32_t id = static_cast<uint32_t>(people_.size()) * 2 + 1;
      people_.push_back({.audio = id,
                         .video = id + 1,
                         .voice = Source(scene_.pool, {.ssrc = id, .codec = rtp::Codec::kOpus}),
                         .camera = Source(scene_.pool, {.ssrc = id + 1})});
      const PublisherId publisher = relay().add_publisher(room, name, scene_.now);
      relay().add_track(publisher, audio_track(id), scene_.now);
      relay().add_track(publisher, video_track(id + 1), scene_.now);
    }
    for (const std::string other : {"ben", "ana"}) {
      const std::vector<SlotConfig> slots = {audio_slot(1), video_slot(10)};
      relay().start_subscriber(
          relay().add_subscriber(room, {.participant = other}, slots, scene_.now), scene_.now);
    }
  }
  void send(Person& person, bool key) {
    scene_.receive(person.video, person.camera.frame({.key = key}));
    relay().receive(TrackId(person.audio), 0, person.voice.audio(), scene_.now);
  }
  // Time passes as in a worker, while the first two people send a frame each 40 ms, or nobody.
  size_t run(Duration duration, bool first_two_send) {
    size_t sent = 0;
    for (Duration passed{}; passed < duration; passed += 10ms) {
      if (first_two_send && passed % 40ms == 0ms) {
        for (size_t i = 0; i < 2; ++i) send(people_[i], false);
      }
      sent += scene_.collect().size();
      scene_.advance(10ms);
    }
    return sent;
  }
  // Everybody has sent something, then all but the first two stop.
  void settle() {
    for (Person& person : people_) send(person, true);
    run(5s, true);
  }
  uint64_t looks_while(Duration duration, bool first_two_send) {
    const uint64_t before = relay().looks();
    run(duration, first_two_send);
    return relay().looks() - before;
  }
  Relay& relay() { return scene_.relay; }

  Scene scene_;
  std::vector<Person> people_;
};

TEST_F(IdleCostTest, ARoomInFullSwingCostsTheSameHoweverManyOthersAreIdle) {
  add_pair();
  settle();
  const uint64_t alone = looks_while(10s, true);
  for (int i = 0; i < 100; ++i) add_pair();
  settle();
  const uint64_t among_idle = looks_while(10s, true);
  EXPECT_GT(alone, 0u);
  EXPECT_LE(among_idle, alone + 4);
}

TEST_F(IdleCostTest, WhatIsSentIsLookedAtAFewTimesASecondWhateverComes) {
  add_pair();
  settle();
  // Four tracks and four slots, of which hundreds of packets come and leave.
  const uint64_t before = relay().looks();
  EXPECT_GE(run(10s, true), 500u);
  EXPECT_LE(relay().looks() - before, 10u * 8 * 2);
}

TEST_F(IdleCostTest, NothingIsDueWhenNobodySends) {
  for (int i = 0; i < 20; ++i) add_pair();
  settle();
  run(5s, false);
  EXPECT_EQ(looks_while(60s, false), 0u);
  EXPECT_EQ(relay().next_deadline(), kNever);
}

TEST_F(IdleCostTest, ViewersWhoWaitForAKeyFrameCostNoMoreThanOne) {
  add_pair();
  send(people_[0], false);
  scene_.collect();
  const auto add_viewer = [&] {
    const std::vector<SlotConfig> slots = {video_slot(10)};
    const auto id = relay().add_subscriber("room0", {.participant = "ana"}, slots, scene_.now);
    relay().start_subscriber(id, scene_.now);
  };
  run(5s, false);
  const uint64_t one = looks_while(10s, false);
  for (int i = 0; i < 100; ++i) add_viewer();
  run(5s, false);
  EXPECT_GT(one, 0u);  // the request is repeated
  EXPECT_LE(looks_while(10s, false), one + 2);
}

TEST_F(IdleCostTest, APublisherWhoPausesGivesItsPacketsBackInTime) {
  add_pair();
  settle();
  EXPECT_GT(scene_.pool.in_use(), 0u);
  run(1'200ms, false);
  EXPECT_EQ(scene_.pool.in_use(), 0u);
}

}  // namespace
}  // namespace simpul::relay
