// What a connection knows of the path to its peer, from what the peer reports of each packet.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rtp/header_extensions.h"
#include "rtp/packet_view.h"
#include "rtp/rtcp_writer.h"
#include "rtp/transport_feedback.h"
#include "tests/support/connection_pair.h"
#include "tests/support/srtp_packets.h"

namespace simpul::connection {
namespace {

using namespace testing;
using namespace std::chrono_literals;

constexpr rtp::Ssrc kSlot(11);
constexpr rtp::Ssrc kPeer(99);

MediaConfig watched(bool transport_feedback, bool remb = false) {
  MediaConfig config{.receiving = {},
                     .sending = {{.mid = "0",
                                  .ssrc = kSlot,
                                  .rtx_ssrc = {},
                                  .transport_feedback = transport_feedback}},
                     .extensions = {},
                     .cname = "us",
                     .remb = remb};
  config.extensions.set(rtp::ExtensionKind::kTransportSequence, 3);
  return config;
}

class Watcher {
 public:
  explicit Watcher(const MediaConfig& config) : pair_(config) {
    if (!pair_.connect()) throw std::runtime_error("not connected");
  }

  ConnectionPair& pair() { return pair_; }
  std::optional<Connection::PathRates> rates() const {
    return pair_.connection.path_rates(pair_.now);
  }
  // Each packet waits a little longer than the one before.
  void send_with_growing_queue(Duration duration) {
    for (Duration passed{}; passed < duration; passed += 10ms) {
      pair_.now += 10ms;
      send(1'000);
      arrivals_.push_back(pair_.now + passed / 5);
      if (arrivals_.size() == 10) report();
    }
  }
  std::optional<double> estimate_bps() const { return pair_.connection.estimate_bps(); }

  // A second of media, a packet of 1,000 bytes each 10 ms, of which each takes `transit` and one
  // in `lost` is lost (0: none); the peer reports each 100 ms.
  void send_for_a_second(Duration transit = 20ms, int lost = 0) {
    for (int i = 0; i < 100; ++i) {
      pair_.now += 10ms;
      send(1'000);
      const bool arrives = lost == 0 || i % lost != 0;
      arrivals_.push_back(arrives ? pair_.now + transit : kNever);
      if (i % 10 == 9) report();
    }
  }

  void send_remb(uint64_t bps) {
    std::array<uint8_t, 64> room{};
    rtp::RtcpWriter writer(room);
    writer.receiver_report(kPeer, {});
    writer.remb(kPeer, bps, std::span(&kSlot, 1));
    pair_.receive(pair_.seal_rtcp(writer.written()));
  }

 private:
  void send(size_t size) {
    const std::vector<uint8_t> body(size);
    const rtp::OutgoingPacket packet{.index = ++sent_,
                                     .ssrc = kSlot,
                                     .payload_type = rtp::PayloadType(96),
                                     .body = body,
                                     .source = body};
    std::vector<uint8_t> place;
    pair_.connection.seal(
        std::span(&packet, 1),
        [&](size_t bytes) -> MutableBytes {
          place.resize(bytes);
          return place;
        },
        scratch_, pair_.now);
  }

  void report() {
    std::array<uint8_t, 512> room{};
    const auto written = rtp::write_transport_feedback(
        {.sender = kPeer, .media = kSlot, .base = next_, .feedback_count = count_++}, arrivals_,
        room);
    ASSERT_EQ(written.statuses, arrivals_.size());
    next_ = rtp::SequenceNumber(static_cast<uint16_t>(next_.value() + arrivals_.size()));
    arrivals_.clear();
    pair_.receive(pair_.seal_rtcp(Bytes(room).first(written.size)));
  }

  ConnectionPair pair_;
  MediaSender::Scratch scratch_;
  uint64_t sent_ = 0;
  std::vector<TimePoint> arrivals_;
  rtp::SequenceNumber next_{0};
  uint8_t count_ = 0;
};

TEST(PathEstimate, IsUnknownUntilThePeerReports) {
  Watcher watcher(watched(true));
  EXPECT_EQ(watcher.estimate_bps(), std::nullopt);
  watcher.send_for_a_second();
  EXPECT_TRUE(watcher.estimate_bps());
}

TEST(PathEstimate, GrowsWhileWhatIsSentArrivesInTime) {
  Watcher watcher(watched(true));
  for (int second = 0; second < 3; ++second) watcher.send_for_a_second();
  const double early = watcher.estimate_bps().value();
  EXPECT_GT(early, 800'000) << "as much as is sent";
  for (int second = 0; second < 30; ++second) watcher.send_for_a_second();
  EXPECT_GT(watcher.estimate_bps().value(), 1.2 * early) << "which is what arrives already";
}

TEST(PathEstimate, RestsOnNothingBeforeThePathWasFoundTooNarrow) {
  Watcher watcher(watched(true));
  for (int second = 0; second < 20; ++second) watcher.send_for_a_second();
  EXPECT_FALSE(watcher.rates());
  for (int second = 0; second < 5; ++second) watcher.send_for_a_second(20ms, 2);
  ASSERT_TRUE(watcher.rates());
  EXPECT_EQ(watcher.rates()->carried_bps, watcher.estimate_bps());
  EXPECT_NEAR(watcher.rates()->arriving_bps, 420'000, 60'000);
  // It may be wider again, and nobody can tell but by trying: a little more at first.
  const double narrow = watcher.rates()->carried_bps;
  for (int second = 0; second < 25; ++second) watcher.send_for_a_second();
  ASSERT_TRUE(watcher.rates());
  EXPECT_GT(watcher.rates()->carried_bps, 1.5 * narrow);
  for (int second = 0; second < 60; ++second) watcher.send_for_a_second();
  EXPECT_FALSE(watcher.rates());
}

TEST(PathEstimate, ComesOfAQueueThatGrowsUnderAFloodOfMedia) {
  Watcher watcher(watched(true));
  watcher.send_for_a_second();
  EXPECT_FALSE(watcher.rates());
  watcher.send_with_growing_queue(3s);
  ASSERT_TRUE(watcher.rates());
  EXPECT_LT(watcher.rates()->carried_bps, 800'000);
}

TEST(PathEstimate, OfThePeersOwnIsKnownAtOnceAndForAWhile) {
  Watcher watcher(watched(false, true));
  watcher.send_remb(500'000);
  ASSERT_TRUE(watcher.rates());
  EXPECT_EQ(watcher.rates()->carried_bps, 500'000);
  EXPECT_EQ(watcher.rates()->arriving_bps, 0);
  watcher.pair().now += 6s;
  EXPECT_FALSE(watcher.rates());
}

TEST(PathEstimate, FallsWhenHalfIsLost) {
  Watcher watcher(watched(true));
  for (int second = 0; second < 20; ++second) watcher.send_for_a_second();
  const double before = watcher.estimate_bps().value();
  for (int second = 0; second < 10; ++second) watcher.send_for_a_second(20ms, 2);
  EXPECT_LT(watcher.estimate_bps().value(), 0.8 * before);
}

TEST(PathEstimate, ReadsNoMoreReportsThanAnyReceiverSends) {
  Watcher watcher(watched(true));
  watcher.send_for_a_second();
  const auto repeat = [&](int times) {
    const uint64_t before = watcher.pair().drops(Drop::kRate);
    std::array<uint8_t, 512> room{};
    const std::vector<TimePoint> arrivals(10, watcher.pair().now);
    for (int i = 0; i < times; ++i) {
      const auto written = rtp::write_transport_feedback(
          {.sender = kPeer, .media = kSlot, .base = rtp::SequenceNumber(90), .feedback_count = 9},
          arrivals, room);
      watcher.pair().receive(watcher.pair().seal_rtcp(Bytes(room).first(written.size)));
    }
    return watcher.pair().drops(Drop::kRate) - before;
  };
  EXPECT_EQ(repeat(Connection::kFeedbackBurst), 0u);
  EXPECT_GE(repeat(100), 99u);
  watcher.pair().now += 50ms;
  EXPECT_EQ(repeat(5), 0u);
}

TEST(PathEstimate, IsNotMadeWhereNothingIsReported) {
  Watcher watcher(watched(false));
  watcher.send_for_a_second();
  EXPECT_EQ(watcher.estimate_bps(), std::nullopt);
  watcher.send_remb(500'000);
  EXPECT_EQ(watcher.estimate_bps(), std::nullopt) << "it was not agreed on";
}

TEST(PathEstimate, IsThePeersOwnWhereItHasNothingBetter) {
  Watcher watcher(watched(false, true));
  for (const uint64_t bps : std::initializer_list<uint64_t>{200'000, 3'000'000, 500'000}) {
    watcher.send_remb(bps);
    EXPECT_EQ(watcher.estimate_bps(), static_cast<double>(bps));
  }
}

TEST(PathEstimate, ReportsOnWhatWasNeverSentChangeNothing) {
  Watcher watcher(watched(true));
  for (int second = 0; second < 5; ++second) watcher.send_for_a_second();
  const double before = watcher.estimate_bps().value();
  std::array<uint8_t, 512> room{};
  const std::vector<TimePoint> arrivals(100, watcher.pair().now);
  const auto written = rtp::write_transport_feedback(
      {.sender = kPeer, .media = kSlot, .base = rtp::SequenceNumber(30'000), .feedback_count = 77},
      arrivals, room);
  watcher.pair().receive(watcher.pair().seal_rtcp(Bytes(room).first(written.size)));
  EXPECT_EQ(watcher.estimate_bps(), before);
  // A body that ends within its chunks.
  auto cut = std::vector(room.begin(), room.begin() + 20);
  cut[3] = 4;
  const uint64_t malformed = watcher.pair().drops(Drop::kMalformed);
  watcher.pair().receive(watcher.pair().seal_rtcp(cut));
  EXPECT_EQ(watcher.pair().drops(Drop::kMalformed), malformed + 1);
  EXPECT_EQ(watcher.estimate_bps(), before);
}

}  // namespace
}  // namespace simpul::connection
