// Who is heard at virtual time: several microphones on one worker and on two.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "base/bytes.h"
#include "relay/clock_mapping.h"
#include "rtp/rtcp_reader.h"
#include "rtp/rtcp_writer.h"
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
    std::array<uint8_t, 40> payload{0xfc};
    store_be32(std::span(payload).last<4>(), static_cast<uint32_t>(index_));
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
  // A sender report: what is sent now was said a while ago.
  void tell_clock() {
    std::array<uint8_t, 200> room{};
    rtp::RtcpWriter writer(room);
    writer.sender_report(
        {.ssrc = rtp::Ssrc(7),
         .ntp_time = rtp::NtpClock(3'000'000'000s).ntp_time(node_->now()),
         .rtp_timestamp = timestamp_ + static_cast<uint32_t>(kSaidBefore.count() * 48 / 1'000),
         .packets = static_cast<uint32_t>(index_),
         .octets = 0},
        {});
    writer.cname(rtp::Ssrc(7), "speaker");
    node_->deliver(guest_->address, guest_->peer.seal_rtcp(writer.written()));
  }
  static constexpr Duration kSaidBefore = 100ms;
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

  // Which packets of a speaker a viewer has heard since the last time, in their order.
  std::vector<uint32_t> words(const Guest& viewer, size_t speaker) const {
    std::vector<uint32_t> numbers;
    for (const auto& packet : viewer.packets) {
      if (packet.csrc != tracks_[speaker]) continue;
      numbers.push_back(load_be32(Bytes(packet.payload).last<4>()));
    }
    return numbers;
  }
  // One step each: who speaks in it.
  void speak_in_turn(const std::vector<std::set<size_t>>& steps) {
    for (const auto& who : steps) speak(who, 20ms);
  }
  void pin(size_t speaker, bool pinned) {
    const ConnectionKey key = speakers_[speaker]->guest().key;
    for (const uint32_t worker : {0u, 1u}) {
      node(worker).switchboard().pin(key, pinned, node(worker).now());
    }
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

TEST_F(SpeakersOnTwoWorkers, AreNotHeardTwiceWhoMadeRoomInTheMiddleOfTheirOnset) {
  join(8);
  Guest& ben = second_.watch("hall", "ben", {}, relay::LayerChoice::kHighest,
                             {.audio_slots = 3, .video_slots = 0});
  speak({0}, 1s);
  speak({2, 4}, 1s);
  speak({}, 2s);  // these three are heard, the first has been silent for longest
  heard(ben);
  // It begins to speak while another one is noticed, who takes its place for a moment.
  speak_in_turn({{6}, {6}, {6, 0}, {6, 0}, {6, 0}, {6, 0}, {6, 0}, {6, 0}, {6, 0}, {6, 0}});
  const auto numbers = words(ben, 0);
  EXPECT_GE(numbers.size(), 8u);
  EXPECT_TRUE(std::ranges::is_sorted(numbers));
  EXPECT_EQ(std::ranges::adjacent_find(numbers), numbers.end());
  // All that was said, but for a packet that was on its way while it made room.
  EXPECT_LE(numbers.back() - numbers[numbers.size() - 8], 8u);
}

TEST_F(SpeakersOnTwoWorkers, KeepTheirClockOverAnInterruption) {
  join(8);
  Guest& ben = second_.watch("hall", "ben", {}, relay::LayerChoice::kHighest,
                             {.audio_slots = 3, .video_slots = 0});
  speak({0}, 1s);
  speakers_[0]->tell_clock();
  speak({0}, 1s);
  speak({2, 4, 6}, 3s);  // nothing of the first is lent
  const auto reported = [&] {
    ben.rtcp.clear();
    ben.packets.clear();
    speak({0}, 2s);
    // A pause makes up for the onset, by which the first is behind.
    speak({}, 200ms);
    speak({0}, 200ms);
    std::vector<std::pair<rtp::Ssrc, relay::ClockMapping>> all;
    for (const auto& compound : ben.rtcp) {
      rtp::RtcpReader reader(compound);
      while (const auto part = reader.next()) {
        const auto* report = std::get_if<rtp::SenderReport>(&*part);
        if (report == nullptr) continue;
        all.push_back(
            {report->sender.ssrc,
             {.ntp_time = report->sender.ntp_time, .rtp_timestamp = report->sender.rtp_timestamp}});
      }
    }
    return all;
  }();
  // What left last for ben, by the report of its slot, against when it was said.
  const auto last =
      std::ranges::find(ben.packets.rbegin(), ben.packets.rend(), tracks_[0], &Guest::Packet::csrc);
  ASSERT_NE(last, ben.packets.rend());
  const auto of_slot = std::ranges::find(reported.rbegin(), reported.rend(), last->ssrc,
                                         [](const auto& one) { return one.first; });
  ASSERT_NE(of_slot, reported.rend());
  const uint64_t said = of_slot->second.ntp_of(last->timestamp, 48'000);
  const uint64_t expected =
      rtp::NtpClock(3'000'000'000s).ntp_time(second_.now() - 20ms - Speaker::kSaidBefore);
  EXPECT_LT(std::abs(static_cast<int64_t>(said - expected)), relay::ntp_span(2ms));
}

TEST_F(SpeakersOnTwoWorkers, AreHeardOnBothWhenTheyArePinnedThoughOthersSpeak) {
  join(8);
  Guest& anna = first_.watch("hall", "anna", {}, relay::LayerChoice::kHighest,
                             {.audio_slots = 3, .video_slots = 0});
  Guest& ben = second_.watch("hall", "ben", {}, relay::LayerChoice::kHighest,
                             {.audio_slots = 3, .video_slots = 0});
  speak({0, 1, 2, 3}, 2s);
  pin(6, true);
  pin(7, true);
  const auto expect_pinned = [&](bool pinned) {
    speak({0, 1, 2, 3}, 1s);
    heard(anna);
    heard(ben);
    run(1s);
    for (Guest* viewer : {&anna, &ben}) {
      const auto who = heard(*viewer);
      EXPECT_EQ(who.size(), 3u);
      for (const size_t speaker : {6u, 7u}) EXPECT_EQ(who.contains(speaker), pinned);
    }
  };
  expect_pinned(true);
  pin(6, false);
  pin(7, false);
  expect_pinned(false);
}

TEST_F(SpeakersOnTwoWorkers, ArePinnedBeforeTheyComeToo) {
  join(6);
  Guest& ben = second_.watch("hall", "ben", {}, relay::LayerChoice::kHighest,
                             {.audio_slots = 3, .video_slots = 0});
  speak({0, 1, 2}, 2s);
  const size_t late = speakers_.size();
  auto speaker = std::make_unique<Speaker>(first_, "late");
  for (const uint32_t worker : {0u, 1u}) {
    node(worker).switchboard().pin(speaker->guest().key, true, node(worker).now());
  }
  ASSERT_TRUE(first_.run_until([&] { return speaker->connected(); }));
  speakers_.push_back(std::move(speaker));
  speak({0, 1, 2}, 2s);
  tracks_.push_back(speakers_[late]->track());
  heard(ben);
  run(1s);
  EXPECT_THAT(heard(ben), Contains(late));
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
