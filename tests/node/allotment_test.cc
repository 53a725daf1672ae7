// A viewer behind a path of its own at virtual time: what it is sent follows what it reports.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bench/impairment/path.h"
#include "bench/peer/formats.h"
#include "bwe/estimator.h"
#include "rtp/header_extensions.h"
#include "rtp/rtcp_writer.h"
#include "rtp/transport_feedback_builder.h"
#include "tests/node/virtual_node.h"

namespace simpul::node {
namespace {

using testing::Guest;
using testing::VirtualNode;
using namespace std::chrono_literals;

constexpr double kSecond = 1e6;

class AllotmentOfAViewer : public ::testing::Test {
 protected:
  // Three encodings of 320, 640 and 1,280 kbit/s; each 40 ms away.
  AllotmentOfAViewer() {
    node_.publish("stage", "alice", {.rids = {"q", "h", "f"}});
    node_.run(500ms);
    bob_ = &node_.watch("stage", "bob");
    set_capacity(3'000'000);
    node_.lose_downwards = [this](const Guest& guest, Bytes datagram) {
      if (&guest != bob_) return false;
      path_->receive(datagram, node_.now(), leaving_);
      return true;
    };
    node_.on_rtp = [this](Guest& guest, const peer::Peer::Received& received) {
      if (&guest == bob_) note(received.view);
    };
  }

  // What is on its way is lost with the old one.
  void set_capacity(uint64_t bps) {
    path_ = std::make_unique<impairment::Path>(
        impairment::PathOptions{.delay = 20ms, .rate_bps = bps, .queue = 300ms}, 1);
  }
  void note(const rtp::PacketView& view) {
    rtp::ExtensionReader reader(view.extension_profile(), view.extension());
    while (const auto element = reader.next()) {
      if (element->id != peer::kTransportSequenceExtension) continue;
      const auto number = rtp::read_transport_sequence(element->data);
      if (number) feedback_.on_packet(rtp::SequenceNumber(*number), node_.now());
    }
  }
  void report() {
    for (;;) {
      std::array<uint8_t, rtp::kRtcpSizeMax> buffer{};
      rtp::RtcpWriter writer(buffer);
      if (!feedback_.write_due(node_.now(), rtp::Ssrc(99), bob_->peer.slots()[1], writer)) return;
      node_.deliver(bob_->address, bob_->peer.seal_rtcp(writer.written()));
    }
  }
  void run(Duration duration) {
    for (const TimePoint end = node_.now() + duration; node_.now() < end;) {
      node_.run(1ms);
      path_->advance(node_.now(), leaving_);
      for (auto& datagram : std::exchange(leaving_, {})) {
        node_.deliver_to(*bob_, std::move(datagram));
      }
      if (reports_ && bob_->peer.connected()) report();
    }
  }
  std::string layer() { return why().layer.value_or(""); }
  SlotWhy why(const std::string& mid = "1") {
    return ask({.key = bob_->key, .mid = mid}).value_or(SlotWhy());
  }
  std::optional<SlotWhy> ask(const SlotQuestion& question) {
    return node_.switchboard().answer(question, node_.now()).why;
  }
  // Seconds until it carries one of these; 30 when it never does.
  double until(const std::vector<std::string>& layers) {
    const TimePoint from = node_.now();
    while (node_.now() < from + 30s) {
      if (std::ranges::find(layers, layer()) != layers.end()) break;
      run(50ms);
    }
    return static_cast<double>((node_.now() - from).count()) / kSecond;
  }

  VirtualNode node_;
  Guest* bob_ = nullptr;
  std::unique_ptr<impairment::Path> path_;
  impairment::Path::Output leaving_;
  rtp::TransportFeedbackBuilder feedback_;
  bool reports_ = true;
};

TEST_F(AllotmentOfAViewer, FollowsThePathDownAndUp) {
  ASSERT_LE(until({"f"}), 2.0);
  run(10s);
  EXPECT_EQ(layer(), "f");
  set_capacity(500'000);
  const double down = until({"q"});
  run(5s);
  EXPECT_EQ(layer(), "q");
  set_capacity(3'000'000);
  const double up = until({"f"});
  std::printf("# result: 3 to 0.5 Mbit/s in %.1f s, back in %.1f s\n", down, up);
  EXPECT_LE(down, 2.0);
  EXPECT_LE(up, 15.0);
}

TEST_F(AllotmentOfAViewer, IsNotDisturbedByAPathThatCarriesAll) {
  ASSERT_LE(until({"f"}), 2.0);
  const auto video = bob_->peer.slots()[1];
  const size_t before = bob_->count(video);
  run(30s);
  EXPECT_EQ(layer(), "f");
  // 1.28 Mbit/s in packets of 1,100 bytes.
  EXPECT_NEAR(static_cast<double>(bob_->count(video) - before), 30 * 150, 150);
}

// Row C6: bob takes all that comes, and says nothing of it any more.
TEST_F(AllotmentOfAViewer, C6_IsTheLeastWithinTwoSecondsOfSilenceAndTheSameAgainAfterAReport) {
  ASSERT_LE(until({"f"}), 2.0);
  run(10s);
  reports_ = false;
  run(2s);
  EXPECT_EQ(why().estimate_bps, static_cast<uint64_t>(bwe::EstimatorConfig{}.min_bps));
  run(5s);
  const auto& slots = bob_->peer.slots();
  const size_t video = bob_->count(slots[1]);
  const size_t sound = bob_->count(slots[0]);
  run(20s);
  EXPECT_EQ(bob_->count(slots[1]), video);
  EXPECT_NEAR(static_cast<double>(bob_->count(slots[0]) - sound), 20 * 50, 50);
  reports_ = true;
  const double up = until({"f"});
  std::printf("# result: after silence back in %.1f s\n", up);
  EXPECT_LE(up, 5.0);
}

TEST_F(AllotmentOfAViewer, C6_ComesBackSoonWhenThePathDoes) {
  ASSERT_LE(until({"f"}), 2.0);
  run(10s);
  bool is_open = false;
  node_.lose_upwards = [&](const Guest& guest, Bytes) { return &guest == bob_ && !is_open; };
  set_capacity(1);
  run(8s);
  set_capacity(3'000'000);
  is_open = true;
  const double up = until({"f"});
  std::printf("# result: after an outage back in %.1f s\n", up);
  EXPECT_LE(up, 8.0);
}

TEST_F(AllotmentOfAViewer, IsExplained) {
  ASSERT_LE(until({"f"}), 2.0);
  run(3s);
  EXPECT_EQ(why().participant, "alice");
  EXPECT_EQ(why().grant.cause, relay::GrantCause::kLargest);
  set_capacity(500'000);
  until({"q"});
  run(1s);
  const SlotWhy told = why();
  EXPECT_EQ(told.grant.cause, relay::GrantCause::kEstimate);
  EXPECT_EQ(told.granted_layer, "q");
  EXPECT_EQ(told.next_layer, "h");
  ASSERT_TRUE(told.estimate_bps);
  EXPECT_LE(*told.estimate_bps, 700'000u);
  EXPECT_GT(told.audio_bps, 0u);
  const SlotWhy audio = why("0");
  EXPECT_EQ(audio.participant, "alice");
  EXPECT_EQ(audio.grant.cause, relay::GrantCause::kLargest);
  EXPECT_EQ(audio.competing.size(), 1u);
}

TEST_F(AllotmentOfAViewer, IsWhatItWishesFor) {
  ASSERT_LE(until({"f"}), 2.0);
  const auto change = [&](const ViewingChange& wish) {
    return ask({.key = bob_->key, .mid = "1", .change = wish});
  };
  change({.wanted_pixels = std::optional<uint32_t>(320 * 180)});
  EXPECT_LE(until({"q"}), 1.0);
  EXPECT_EQ(why().grant.cause, relay::GrantCause::kLargestWanted);
  EXPECT_EQ(why().grant.wanted_pixels, 320u * 180u);
  change({.priority = 7});
  EXPECT_EQ(why().grant.wanted_pixels, 320u * 180u);
  EXPECT_EQ(why().grant.priority, 7);
  change({.paused = true});
  run(500ms);
  EXPECT_EQ(why().grant.cause, relay::GrantCause::kPausedByRequest);
  const size_t before = bob_->count(bob_->peer.slots()[1]);
  run(1s);
  EXPECT_EQ(bob_->count(bob_->peer.slots()[1]), before);
  change({.wanted_pixels = std::optional<uint32_t>(), .paused = false});
  EXPECT_LE(until({"f"}), 1.0);
}

TEST_F(AllotmentOfAViewer, WishesOfBeforeItIsConnectedCount) {
  Guest& carol = node_.watch("stage", "carol");
  ASSERT_TRUE(ask({.key = carol.key,
                   .mid = "1",
                   .change = ViewingChange{.wanted_pixels = std::optional<uint32_t>(320 * 180)}}));
  ASSERT_TRUE(node_.run_until([&] { return carol.peer.connected(); }));
  run(1s);
  EXPECT_EQ(ask({.key = carol.key, .mid = "1"})->layer, "q");
}

TEST_F(AllotmentOfAViewer, SlotsThatAreNotThereHaveNoAnswer) {
  EXPECT_FALSE(ask({.key = bob_->key, .mid = "7"}));
  EXPECT_FALSE(ask({.key = ConnectionKey(12'345), .mid = "1"}));
  node_.switchboard().end(bob_->key, node_.now());
  EXPECT_FALSE(ask({.key = bob_->key, .mid = "1"}));
}

TEST(SlotQuestions, AreAnsweredOnceAndSoManyAtMost) {
  SlotQuestions questions;
  size_t answered = 0;
  std::optional<uint64_t> first;
  for (size_t i = 0; i < SlotQuestions::kMax; ++i) {
    const auto number = questions.add([&](auto why) { answered += why ? 1u : 100u; });
    ASSERT_TRUE(number);
    if (!first) first = number;
  }
  EXPECT_FALSE(questions.add([](auto) {}));
  questions.answer({.number = *first, .why = SlotWhy()});
  questions.answer({.number = *first, .why = SlotWhy()});
  EXPECT_EQ(answered, 1u);
  questions.answer({.number = *first + 1, .why = {}});
  EXPECT_EQ(answered, 101u);
  questions.forget(*first + 2);
  EXPECT_EQ(questions.size(), SlotQuestions::kMax - 3);
}

}  // namespace
}  // namespace simpul::node
