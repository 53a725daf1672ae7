// Sound over a path that loses packets, to who offers RED, from who sends plain Opus.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "bench/peer/media_stamp.h"
#include "rtp/rtcp_writer.h"
#include "tests/integration/live_node.h"
#include "tests/relay/red_receiver.h"

namespace simpul::testing {
namespace {

// What one guest heard, by the numbers that the publisher put into the frames.
class Listener {
 public:
  static constexpr uint32_t kReportedPackets = 50;

  explicit Listener(LiveGuest& guest) : guest_(&guest) {
    guest.on_rtp = [this](const peer::Peer::Received& received, TimePoint) { take(received); };
  }

  // Says what it lost since it last did, if there is enough to say.
  void report() {
    if (received_ < kReportedPackets) return;
    const auto sent = static_cast<double>(*highest_ - reported_);
    const double lost = std::clamp(1 - received_ / sent, 0.0, 1.0);
    has_lost_ = has_lost_ || lost > 0;
    const rtp::ReportBlock block{.ssrc = guest_->socket->peer().slots()[0],
                                 .fraction_lost = static_cast<uint8_t>(lost * 255)};
    std::array<uint8_t, rtp::kRtcpSizeMax> room{};
    rtp::RtcpWriter writer(room);
    writer.receiver_report(rtp::Ssrc(99), std::span(&block, 1));
    guest_->socket->send(guest_->socket->peer().seal_rtcp(writer.written()));
    reported_ = *highest_;
    received_ = 0;
  }

  const std::set<uint32_t>& primaries() const { return primaries_; }
  const std::set<uint32_t>& repeated() const { return repeated_; }  // were in a later packet
  bool has_lost() const { return has_lost_; }
  bool got_red(uint32_t number) const { return red_.contains(number); }
  size_t red_packets() const { return red_.size(); }
  // What of RED was not as it should be.
  size_t wrong() const { return wrong_; }

 private:
  void take(const peer::Peer::Received& received) {
    const rtp::PacketView& view = received.view;
    ++received_;
    const int64_t index = unwrapper_.unwrap(view.sequence_number());
    if (!highest_) reported_ = index - 1;
    highest_ = std::max(highest_.value_or(index), index);
    relay::testing::Sent sent;
    sent.timestamp = view.timestamp();
    sent.payload_type = view.payload_type();
    sent.payload.assign(view.payload().begin(), view.payload().end());
    const auto frames = relay::testing::frames_of(sent);
    if (frames.empty()) {
      ++wrong_;
      return;
    }
    const uint32_t number = number_of(frames.back());
    primaries_.insert(number);
    if (view.payload_type() == relay::testing::kRedType) red_.insert(number);
    for (size_t i = 0; i + 1 < frames.size(); ++i) {
      const uint32_t earlier = number_of(frames[i]);
      repeated_.insert(earlier);
      const uint32_t age = sent.timestamp - frames[i].timestamp;
      // A source that could not keep up has left out some frames' time.
      wrong_ += earlier >= number || age < (number - earlier) * 960 || age % 960 != 0;
    }
  }
  uint32_t number_of(const relay::testing::HeardFrame& frame) {
    const auto stamp = peer::read_stamp(frame.bytes);
    wrong_ += !stamp;
    return stamp ? stamp->number : 0;
  }

  LiveGuest* guest_;
  rtp::SequenceUnwrapper unwrapper_;
  std::optional<int64_t> highest_;
  int64_t reported_ = 0;
  uint32_t received_ = 0;  // since the last report
  std::set<uint32_t> primaries_;
  std::set<uint32_t> repeated_;
  std::set<uint32_t> red_;
  size_t wrong_ = 0;
  bool has_lost_ = false;
};

TEST(Redundancy, WhoLosesSoundFindsItInThePacketsThatFollow) {
  LiveNode node;
  node.publish("stage", "alice", {.video = false});
  const peer::Options offer{.video = false, .red = true};
  LiveGuest& lossy = node.watch("stage", "bob", {}, relay::LayerChoice::kHighest, {}, offer);
  LiveGuest& good = node.watch("stage", "carol", {}, relay::LayerChoice::kHighest, {}, offer);
  Listener bob(lossy);
  Listener carol(good);
  ASSERT_TRUE(node.run_until([&] { return lossy.connected() && good.connected(); }));
  ASSERT_TRUE(
      node.run_until([&] { return !bob.primaries().empty() && !carol.primaries().empty(); }));
  lossy.socket->impair({}, {.loss = 0.15}, 5);
  ASSERT_TRUE(node.run_until([&] {
    bob.report();
    carol.report();
    return bob.red_packets() >= 300;
  }));

  size_t lost = 0;
  size_t mended = 0;
  for (const uint32_t number : carol.primaries()) {
    if (bob.primaries().contains(number) || !bob.got_red(number + 1)) continue;
    ++lost;
    mended += bob.repeated().contains(number);
  }
  EXPECT_GE(lost, 10u);
  EXPECT_GE(10 * mended, 9 * lost) << "all, but where the source stood still for long";
  EXPECT_EQ(bob.wrong(), 0u);
  EXPECT_TRUE(carol.red_packets() == 0 || carol.has_lost()) << "who loses nothing";
  EXPECT_EQ(carol.wrong(), 0u);
  node.refresh();
  const auto report = node.report_of(lossy);
  ASSERT_TRUE(report);
  EXPECT_GE(report->slots.at(0).state.repeated_frames, 1u);
}

}  // namespace
}  // namespace simpul::testing
