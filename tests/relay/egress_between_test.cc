// What comes for a few while a round for many goes on.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <map>
#include <numeric>
#include <random>
#include <set>

#include "relay/egress.h"
#include "tests/relay/scene.h"

namespace simpul::relay {
namespace {

using namespace testing;
using ::testing::ElementsAre;

class EgressBetweenTest : public ::testing::Test {
 protected:
  static constexpr size_t kBetween = Egress::kVisitsBetween;

  explicit EgressBetweenTest(const Limits& limits = {}) : scene_(limits) {}

  // A room of its own, with one picture.
  void open(const std::string& room, uint32_t track, size_t watchers) {
    const PublisherId publisher = relay_.add_publisher(room, "ana", scene_.now);
    relay_.add_track(publisher, video_track(track), scene_.now);
    for (size_t i = 0; i < watchers; ++i) add_watcher(room);
    sources_.emplace(track, Source(scene_.pool, {.ssrc = track}));
  }
  SubscriberId add_watcher(const std::string& room) {
    const auto id = relay_.add_subscriber(room, {}, std::array{video_slot(10)}, scene_.now);
    relay_.start_subscriber(id, scene_.now);
    room_of_[id.value()] = room;
    return id;
  }
  void send(uint32_t track, bool key = false) {
    scene_.receive(track, sources_.at(track).frame({.key = key, .packets = 2}));
  }
  // The room that the next batch goes to; nothing when nothing is due.
  std::string next() {
    SubscriberBatch batch;
    if (!relay_.collect(scene_.now, 0ms, batch)) return {};
    for (const auto& packet : batch.packets) {
      got_[batch.subscriber.value()].push_back(Scene::copy(batch.subscriber, packet));
    }
    last_ = batch.subscriber;
    return room_of_.at(batch.subscriber.value());
  }
  // How many batches go to other rooms before one goes to this one.
  size_t wait_of(const std::string& room) {
    size_t before = 0;
    for (std::string to = next(); to != room; to = next(), ++before) {
      if (to.empty()) return SIZE_MAX;
    }
    return before;
  }
  size_t collect_rest() {
    size_t batches = 0;
    while (!next().empty()) ++batches;
    return batches;
  }
  // Loses the first packet that a subscriber got.
  void lose_first(SubscriberId subscriber) {
    scene_.now += 10ms;
    const rtp::SequenceNumber missing(
        static_cast<uint16_t>(got_.at(subscriber.value()).front().index));
    relay_.receive_nack(subscriber, rtp::Ssrc(10), std::array{missing}, scene_.now);
  }
  std::vector<uint32_t> tags(uint32_t subscriber) {
    std::vector<uint32_t> tags;
    for (const Sent& sent : got_[subscriber]) tags.push_back(sent.tag());
    return tags;
  }

  Scene scene_;
  Relay& relay_ = scene_.relay;
  std::map<uint32_t, Source> sources_;
  std::map<uint32_t, std::string> room_of_;
  std::map<uint32_t, std::vector<Sent>> got_;  // by subscriber
  SubscriberId last_;
};

TEST_F(EgressBetweenTest, ATableDoesNotWaitForAStage) {
  open("stage", 1, 500);
  open("table", 2, 3);
  send(1, true);
  ASSERT_EQ(next(), "stage");
  send(2, true);
  EXPECT_LE(wait_of("table"), kBetween);
  EXPECT_EQ(next(), "table");
  EXPECT_EQ(next(), "table");
  EXPECT_EQ(next(), "stage");
  send(2);
  EXPECT_LE(wait_of("table"), kBetween);
  EXPECT_EQ(collect_rest(), 2 + 500 - 2 - 2 * kBetween + 2);
}

TEST_F(EgressBetweenTest, ATableThatHasSomethingAtTheSameTimeComesFirst) {
  open("stage", 1, 500);
  open("table", 2, 2);
  for (const bool key : {true, false}) {
    send(1, key);
    send(2, key);
    EXPECT_EQ(next(), "table");
    EXPECT_EQ(next(), "table");
    EXPECT_EQ(collect_rest(), 500u);
  }
}

TEST_F(EgressBetweenTest, AStageGoesOnBesideTablesThatAlwaysHaveSomething) {
  open("stage", 1, 500);
  open("table", 2, Egress::kFewSlots);
  send(1, true);
  ASSERT_EQ(next(), "stage");
  size_t to_stage = 1;
  size_t to_table = 0;
  for (bool is_first = true; to_stage < 500; is_first = false) {
    const std::string to = next();
    ASSERT_NE(to, "");
    ++(to == "stage" ? to_stage : to_table);
    if (to_table % Egress::kFewSlots == 0) send(2, is_first);
  }
  EXPECT_LE(to_table, 500 / kBetween * Egress::kFewSlots);
}

TEST_F(EgressBetweenTest, ManyWaitForTheRound) {
  open("stage", 1, 200);
  open("hall", 2, Egress::kFewSlots + 1);
  send(1, true);
  ASSERT_EQ(next(), "stage");
  send(2, true);
  EXPECT_EQ(wait_of("hall"), 199u);
}

TEST_F(EgressBetweenTest, WhatWasLostIsSentAgainBetween) {
  open("stage", 1, 500);
  open("table", 2, 1);
  send(2, true);
  ASSERT_EQ(next(), "table");
  const SubscriberId guest = last_;
  send(1, true);
  ASSERT_EQ(next(), "stage");
  lose_first(guest);
  EXPECT_LE(wait_of("table"), kBetween);
  EXPECT_THAT(tags(guest.value()), ElementsAre(1, 2, 1));
}

TEST_F(EgressBetweenTest, WhoHasAPartInTheRoundIsGivenNothingTwice) {
  open("stage", 1, 200);
  send(1, true);
  ASSERT_EQ(next(), "stage");
  const SubscriberId served = last_;
  lose_first(served);
  collect_rest();
  for (const auto& [subscriber, room] : room_of_) {
    if (subscriber == served.value()) {
      EXPECT_THAT(tags(subscriber), ElementsAre(1, 2, 1));
    } else {
      EXPECT_THAT(tags(subscriber), ElementsAre(1, 2));
    }
  }
}

class EgressBetweenWithoutCacheTest : public EgressBetweenTest {
 protected:
  EgressBetweenWithoutCacheTest() : EgressBetweenTest({.gop_bytes = 0}) {}
};

// Somebody with two pictures comes while there is a round for one of them, and short ones for the
// other.
TEST_F(EgressBetweenWithoutCacheTest, WhoComesIntoTheRoundIsGivenNothingTwice) {
  open("stage", 1, 200);
  relay_.add_track(relay_.add_publisher("stage", "bo", scene_.now), video_track(2), scene_.now);
  sources_.emplace(2, Source(scene_.pool, {.ssrc = 2, .first_tag = 1'000}));
  send(1, true);
  ASSERT_EQ(next(), "stage");
  const auto guest =
      relay_.add_subscriber("stage", {}, std::array{video_slot(10), video_slot(20)}, scene_.now);
  relay_.start_subscriber(guest, scene_.now);
  room_of_[guest.value()] = "guest";
  for (const bool key : {true, false, false}) {
    send(2, key);
    for (size_t i = 0; i <= kBetween; ++i) next();
  }
  collect_rest();
  send(1);
  collect_rest();
  std::set<std::pair<uint32_t, uint64_t>> numbers;
  for (const Sent& sent : got_[guest.value()]) {
    EXPECT_TRUE(numbers.emplace(sent.ssrc.value(), sent.index).second) << sent.tag();
  }
  EXPECT_FALSE(numbers.empty());
}

// When all have been visited, and nobody has said yet that the round is over.
TEST_F(EgressBetweenTest, WhoWasVisitedLastOfAllIsGivenNothingTwice) {
  open("stage", 1, 2 * kBetween - 1);
  relay_.add_track(relay_.add_publisher("stage", "bo", scene_.now), video_track(2), scene_.now);
  sources_.emplace(2, Source(scene_.pool, {.ssrc = 2, .first_tag = 1'000}));
  const auto guest =
      relay_.add_subscriber("stage", {}, std::array{video_slot(10), video_slot(20)}, scene_.now);
  relay_.start_subscriber(guest, scene_.now);
  room_of_[guest.value()] = "guest";
  send(1, true);
  for (size_t i = 0; i < 2 * kBetween; ++i) ASSERT_NE(next(), "");
  ASSERT_EQ(tags(guest.value()), (std::vector<uint32_t>{1, 2}));
  send(2, true);
  collect_rest();
  EXPECT_EQ(tags(guest.value()), (std::vector<uint32_t>{1, 2, 1'000, 1'001}));
}

// Rooms of all sizes send at random while batches are taken and people come and go.
class EgressBetweenSeeds : public EgressBetweenTest, public ::testing::WithParamInterface<int> {};

TEST_P(EgressBetweenSeeds, EverybodyGetsEverythingOnceAndInOrder) {
  std::mt19937 random(static_cast<uint32_t>(GetParam()));
  const auto below = [&](uint32_t count) { return static_cast<uint32_t>(random() % count); };
  const std::vector<std::pair<std::string, size_t>> rooms = {
      {"stage", 150}, {"hall", 40}, {"table", 8}, {"pair", 1}};
  for (uint32_t i = 0; i < rooms.size(); ++i) open(rooms[i].first, i, rooms[i].second);
  for (uint32_t i = 0; i < rooms.size(); ++i) send(i, true);
  collect_rest();
  const std::map<uint32_t, std::string> faithful = room_of_;  // there from the first to the last
  std::map<std::string, size_t> sent;
  std::vector<SubscriberId> guests;
  for (int step = 0; step < 2'000; ++step) {
    const uint32_t track = below(static_cast<uint32_t>(rooms.size()));
    switch (below(40)) {
      case 0:
        guests.push_back(add_watcher(rooms[track].first));
        break;
      case 1:
        if (guests.empty()) break;
        relay_.remove_subscriber(guests.back());
        guests.pop_back();
        break;
      case 2:
        send(track);
        ++sent[rooms[track].first];
        break;
      default:
        next();
    }
  }
  collect_rest();
  for (const auto& [subscriber, room] : faithful) {
    std::vector<uint32_t> expected(2 + 2 * sent[room]);
    std::iota(expected.begin(), expected.end(), 1);
    ASSERT_EQ(tags(subscriber), expected) << room;
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, EgressBetweenSeeds, ::testing::Range(1, 31));

}  // namespace
}  // namespace simpul::relay
