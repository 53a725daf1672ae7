// A viewer who lies about what reached it, so that it is sent more than its path carries (row C5 of
// docs/attacks.md), beside an honest one and a call.
#include <gmock/gmock.h>

#include <algorithm>

#include "bench/load/viewer_media.h"
#include "bwe/estimator.h"
#include "node/slot_why.h"
#include "rtp/header_extensions.h"
#include "rtp/transport_feedback.h"
#include "tests/integration/attack_test.h"

namespace simpul::testing {
namespace {

// Says of all that was sent, lost or not, that it came, evenly and without delay.
class OptimisticReceiver {
 public:
  explicit OptimisticReceiver(LiveGuest& guest) : guest_(guest) {
    guest.on_rtp = [this](const peer::Peer::Received& received, TimePoint) { note(received.view); };
  }

  void say_due(TimePoint now) {
    if (!newest_ || now < said_at_ + kInterval) return;
    const int count = static_cast<uint16_t>(newest_->value() - said_);
    std::vector<TimePoint> arrivals;
    for (int i = 1; i <= count; ++i) arrivals.push_back(now - kInterval + kInterval * i / count);
    said_at_ = now;
    if (count == 0) return;
    std::array<uint8_t, rtp::kRtcpSizeMax> room{};
    const auto written = rtp::write_transport_feedback(
        {.sender = rtp::Ssrc(99),
         .media = guest_.socket->peer().slots()[1],
         .base = rtp::SequenceNumber(static_cast<uint16_t>(said_ + 1)),
         .feedback_count = static_cast<uint8_t>(lies_)},
        arrivals, room);
    guest_.socket->send(guest_.socket->peer().seal_rtcp(Bytes(room).first(written.size)));
    said_ = static_cast<uint16_t>(said_ + written.statuses);
    ++lies_;
  }
  uint64_t lies() const { return lies_; }

 private:
  static constexpr Duration kInterval = 100ms;

  void note(const rtp::PacketView& view) {
    rtp::ExtensionReader reader(view.extension_profile(), view.extension());
    while (const auto element = reader.next()) {
      if (element->id != peer::kTransportSequenceExtension) continue;
      const auto number = rtp::read_transport_sequence(element->data);
      if (!number) continue;
      const rtp::SequenceNumber seen(*number);
      const bool is_newer = !newest_ || static_cast<int16_t>(seen.value() - newest_->value()) > 0;
      if (!newest_) said_ = static_cast<uint16_t>(seen.value() - 1);
      if (is_newer) newest_ = seen;
    }
  }

  LiveGuest& guest_;
  std::optional<rtp::SequenceNumber> newest_;
  uint16_t said_ = 0;  // the last number that was told
  TimePoint said_at_{};
  uint64_t lies_ = 0;
};

class AttackOnEstimates : public AttackTest {
 protected:
  static constexpr const char* kRoom = "wide";

  void SetUp() override {
    AttackTest::SetUp();
    const peer::VideoProfile profile{.layers = peer::simulcast_layers()};
    peer::Options options{.codecs = {profile.codec}, .all_extensions = true};
    for (const auto& layer : profile.layers) options.rids.push_back(layer.rid);
    erin_ = &node_.publish(kRoom, "erin", options);
    erin_->socket->sources().clear();
    for (size_t i = 0; i < profile.layers.size(); ++i) {
      erin_->socket->add_source(peer::MediaSource::video("1", profile, i, {.seed = 5}));
    }
    dave_ = &watch("dave");
    dave_->on_rtp = [this](const peer::Peer::Received& received, TimePoint now) {
      media_.receive(received, now);
    };
    dave_->on_rtcp = [this](Bytes compound) { media_.receive_rtcp(compound, node_.loop().now()); };
    carol_ = &watch("carol");
    connections_before_ += 3;
    // A sixth of what the largest layer takes.
    carol_->socket->impair({}, {.rate_bps = 300'000, .queue = 300ms}, 1);
  }
  LiveGuest& watch(const std::string& name) {
    return node_.watch(kRoom, name, {}, relay::LayerChoice::kHighest, {}, {.all_extensions = true});
  }

  // The honest viewer reports what came, and the liar what did not.
  bool run_until(OptimisticReceiver& liar, const std::function<bool()>& done) {
    return node_.run_until([&] {
      const TimePoint now = net::EventLoop::clock_now();
      std::vector<std::vector<uint8_t>> compounds;
      media_.write_due(now, compounds);
      for (const auto& compound : compounds) {
        if (dave_->connected()) dave_->socket->send(dave_->socket->peer().seal_rtcp(compound));
      }
      if (carol_->connected()) liar.say_due(now);
      ask("carol", carols_);
      ask("dave", daves_);
      return done();
    });
  }

  // What leaves in a slot; one question after the other.
  struct Seen {
    node::SlotWhy why = {};
    bool is_asked = false;
  };
  void ask(const std::string& name, Seen& seen) {
    if (std::exchange(seen.is_asked, true)) return;
    node_.node().ask_slot({.room = kRoom, .participant = name, .mid = "1"}, std::nullopt,
                          [&seen](auto why) {
                            seen.is_asked = false;
                            if (why) seen.why = *std::move(why);
                          });
  }
  uint64_t sent_by_erin() const {
    uint64_t packets = 0;
    for (const auto& source : erin_->socket->sources()) packets += source.packets();
    return packets;
  }

  LiveGuest* erin_ = nullptr;
  LiveGuest* dave_ = nullptr;
  LiveGuest* carol_ = nullptr;
  load::ViewerMedia media_{rtp::Ssrc(77)};
  Seen carols_;
  Seen daves_;
};

TEST_F(AttackOnEstimates, C5_WhoAcknowledgesWhatNeverLeftIsSentTheLeastAndHurtsNobodyElse) {
  const std::string high = peer::simulcast_layers().back().rid;
  OptimisticReceiver liar(*carol_);
  // What it says is believed until it says that it got what was never sent.
  const auto least = static_cast<uint64_t>(bwe::EstimatorConfig{}.min_bps);
  ASSERT_TRUE(run_until(liar, [&] { return carols_.why.estimate_bps == least; }));
  EXPECT_GE(node_.dropped("false_report"), 3u);
  ASSERT_TRUE(run_until(liar, [&] { return carols_.why.layer != high; }));
  ASSERT_TRUE(run_until(liar, [&] { return daves_.why.layer == high; }));
  const uint64_t lies = liar.lies();
  const uint64_t sent = sent_by_erin();
  const uint64_t carried = carol_->socket->network_counts().received;
  const uint64_t video = dave_->video;
  const uint64_t lost = dave_->missed();
  ASSERT_TRUE(run_until(liar, [&] { return dave_->video > video + 1'000; }));
  const auto counts = carol_->socket->network_counts();
  EXPECT_LE(counts.received - carried, (sent_by_erin() - sent) / 2 + liar.lies() - lies);
  EXPECT_EQ(carols_.why.estimate_bps, least) << "for good";
  EXPECT_LE(dave_->missed() - lost, 1 + (dave_->video - video) / 1'000);
  expect_unharmed();
}

}  // namespace
}  // namespace simpul::testing
