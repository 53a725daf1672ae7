// Who is heard at virtual time: several microphones on one worker and on two.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "tests/node/virtual_node.h"

namespace simpul::node {
namespace {

using testing::Guest;
using testing::VirtualNode;
using namespace std::chrono_literals;
using ::testing::Contains;
using ::testing::UnorderedElementsAre;

// A guest with a microphone of which the test decides what is said.
class Speaker {
 public:
  Speaker(VirtualNode& node, const std::string& name)
      : node_(&node), guest_(&node.publish("hall", name, {.video = false})) {
    guest_->sources.clear();
  }

  bool connected() const { return guest_->peer.connected(); }
  uint32_t track() const {
    for (const auto& connection : node_->snapshot().connections) {
      if (connection.key == guest_->key) return connection.report.tracks.at(0).state.id.value();
    }
    return 0;
  }
  void say(uint8_t level) {
    const std::array<uint8_t, 40> payload{0xfc};
    const auto packet = guest_->peer.seal({.ssrc = rtp::Ssrc(7),
                                           .payload_type = peer::kOpusPayloadType,
                                           .index = index_++,
                                           .timestamp = timestamp_,
                                           .mid = "0",
                                           .audio_level = level,
                                           .payload = payload});
    timestamp_ += 960;
    node_->deliver(guest_->address, packet);
  }
  bool speaks = false;
  Guest& guest() { return *guest_; }

 private:
  VirtualNode* node_;
  Guest* guest_;
  uint64_t index_ = 1;
  uint32_t timestamp_ = 1;
};

class SpeakersOnTwoWorkers : public ::testing::Test {
 protected:
  SpeakersOnTwoWorkers() {
    for (const uint32_t home : {0u, 1u}) {
      node(home).switchboard().change_feeds(
          {.room = "hall", .home = home, .borrower = 1 - home, .lend = true}, node(home).now());
    }
  }
  VirtualNode& node(uint32_t worker) { return worker == 0 ? first_ : second_; }

  void run(Duration duration) {
    for (Duration passed{}; passed < duration; passed += 20ms) {
      for (auto& speaker : speakers_) speaker->say(speaker->speaks ? 30 : 127);
      for (int i = 0; i < 20; ++i) {
        first_.run(1ms);
        second_.run(1ms);
      }
    }
  }
  void join(size_t count) {
    for (size_t i = 0; i < count; ++i) {
      speakers_.push_back(std::make_unique<Speaker>(node(i % 2), "speaker" + std::to_string(i)));
    }
    for (int i = 0;
         i < 1'000 &&
         !std::ranges::all_of(speakers_, [](const auto& speaker) { return speaker->connected(); });
         ++i) {
      first_.run(1ms);
      second_.run(1ms);
    }
    for (const auto& speaker : speakers_) tracks_.push_back(speaker->track());
  }
  void speak(const std::set<size_t>& who, Duration duration) {
    for (size_t i = 0; i < speakers_.size(); ++i) speakers_[i]->speaks = who.contains(i);
    run(duration);
  }
  // Whom a viewer has heard since the last time.
  std::set<size_t> heard(Guest& viewer) {
    std::set<size_t> who;
    for (const auto& packet : viewer.packets) {
      const auto at = std::ranges::find(tracks_, packet.csrc);
      if (at != tracks_.end()) who.insert(static_cast<size_t>(at - tracks_.begin()));
    }
    viewer.packets.clear();
    return who;
  }

  FeedLanes lanes_{2};
  VirtualNode first_{&lanes_, 0};
  VirtualNode second_{&lanes_, 1};
  std::vector<std::unique_ptr<Speaker>> speakers_;
  std::vector<uint32_t> tracks_;
};

TEST_F(SpeakersOnTwoWorkers, AreHeardOnBothAndOnlyTheyAreLent) {
  join(8);
  Guest& anna = first_.watch("hall", "anna", {}, relay::LayerChoice::kHighest,
                             {.audio_slots = 3, .video_slots = 0});
  Guest& ben = second_.watch("hall", "ben", {}, relay::LayerChoice::kHighest,
                             {.audio_slots = 3, .video_slots = 0});
  speak({}, 2s);
  ASSERT_TRUE(anna.peer.connected() && ben.peer.connected());
  speak({4, 7}, 1s);
  heard(anna);
  heard(ben);
  const uint64_t lent = first_.feeds().packets_lent() + second_.feeds().packets_lent();
  run(2s);
  for (Guest* viewer : {&anna, &ben}) {
    const auto who = heard(*viewer);
    EXPECT_THAT(who, Contains(4));
    EXPECT_THAT(who, Contains(7));
    EXPECT_LE(who.size(), 3u);
  }
  // Of eight microphones three are heard on each worker, two of them by all.
  EXPECT_LE(first_.feeds().packets_lent() + second_.feeds().packets_lent() - lent, 4 * 100u);
  speak({0, 1, 2}, 2s);
  heard(anna);
  heard(ben);
  run(1s);
  EXPECT_THAT(heard(anna), UnorderedElementsAre(0, 1, 2));
  EXPECT_THAT(heard(ben), UnorderedElementsAre(0, 1, 2));
}

TEST_F(SpeakersOnTwoWorkers, AreHeardFromTheirOnsetOnOnTheOtherOneToo) {
  join(8);
  Guest& ben = second_.watch("hall", "ben", {}, relay::LayerChoice::kHighest,
                             {.audio_slots = 3, .video_slots = 0});
  speak({1, 3, 5}, 2s);
  speak({}, 2s);
  heard(ben);
  ASSERT_EQ(tracks_.size(), 8u);
  speak({0}, 200ms);  // ten packets, of which it takes three to notice
  const auto of_first = std::ranges::count(ben.packets, tracks_[0], &Guest::Packet::csrc);
  EXPECT_GE(of_first, 10);
}

TEST_F(SpeakersOnTwoWorkers, AreShownAsThoseWhoSpeak) {
  join(2);
  speak({1}, 1s);
  const auto speaking = [&](uint32_t worker) {
    return node(worker).snapshot().connections.at(0).report.tracks.at(0).state.is_speaking;
  };
  EXPECT_EQ(speaking(0), false);
  EXPECT_EQ(speaking(1), true);
}

}  // namespace
}  // namespace simpul::node
