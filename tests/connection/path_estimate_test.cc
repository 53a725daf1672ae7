// What a connection knows of the path to its peer, from what the peer reports of each packet.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/byte_writer.h"
#include "rtp/rtcp_writer.h"
#include "rtp/transport_feedback.h"
#include "tests/connection/watched_connection.h"

namespace simpul::connection {
namespace {

using namespace std::chrono_literals;

constexpr testing::Agreed kBySource{
    .rtx = false, .transport_feedback = false, .congestion_feedback = true};

class Watcher : public testing::WatchedConnection {
 public:
  explicit Watcher(const testing::Agreed& agreed = {.rtx = false}, bool lies = false)
      : WatchedConnection(agreed), agreed_(agreed), lies_(lies) {}

  std::optional<Connection::PathRates> rates() { return connection().path_rates(pair().now); }
  // Each packet waits a little longer than the one before.
  void send_with_growing_queue(Duration duration) {
    for (Duration passed{}; passed < duration; passed += 10ms) {
      send(1'000);
      arrivals_.push_back(pair().now + passed / 5);
      if (arrivals_.size() == 10) report();
    }
  }

  // A second of media, a packet of 1,000 bytes each 10 ms, of which each takes `transit` and one
  // in `lost` is lost (0: none); the peer reports each 100 ms.
  void send_for_a_second(Duration transit = 20ms, int lost = 0) {
    for (int i = 0; i < 100; ++i) {
      send(1'000);
      const bool arrives = lost == 0 || i % lost != 0;
      arrivals_.push_back(arrives ? pair().now + transit : kNever);
      if (i % 10 == 9) report();
    }
  }

  // The same, and not a word of it from the peer.
  void send_unheard(Duration duration) {
    for (Duration passed{}; passed < duration; passed += 10ms) {
      send(1'000);
      pair().advance(0ms);
    }
    arrivals_.clear();
    next_ = rtp::SequenceNumber(
        static_cast<uint16_t>(numbered().back().transport_sequence.value() + 1));
  }

  void send_remb(uint64_t bps) {
    std::array<uint8_t, 64> room{};
    rtp::RtcpWriter writer(room);
    writer.receiver_report(kPeer, {});
    writer.remb(kPeer, bps, std::span(&kSlot, 1));
    say(writer.written());
  }

 private:
  // The next packet, 10 ms after the last one.
  void send(size_t size) {
    pair().now += 10ms;
    WatchedConnection::send({.index = ++sent_, .payload = size});
    if (numbered().empty() || agreed_.congestion_feedback || lies_) return;
    const uint16_t number = numbered().back().transport_sequence.value();
    while (static_cast<uint16_t>(next_.value() + arrivals_.size()) != number) {
      arrivals_.push_back(kNever);
    }
  }

  void report() {
    if (agreed_.congestion_feedback) return report_by_source();
    std::array<uint8_t, 512> room{};
    const auto written = rtp::write_transport_feedback(
        {.sender = kPeer, .media = kSlot, .base = next_, .feedback_count = count_++}, arrivals_,
        room);
    ASSERT_EQ(written.statuses, arrivals_.size());
    next_ = rtp::SequenceNumber(static_cast<uint16_t>(next_.value() + arrivals_.size()));
    arrivals_.clear();
    say(Bytes(room).first(written.size));
  }

  // The same by the slot's own numbers (RFC 8888), as of now.
  void report_by_source() {
    std::array<uint8_t, 512> room{};
    ByteWriter writer(room);
    const size_t words = 5 + (arrivals_.size() + 1) / 2;
    writer.u8(0x80 | 11);
    writer.u8(205);
    writer.u16(static_cast<uint16_t>(words - 1));
    writer.u32(kPeer.value());
    writer.u32(kSlot.value());
    writer.u16(static_cast<uint16_t>(sent_ - arrivals_.size() + 1));
    writer.u16(static_cast<uint16_t>(arrivals_.size()));
    // The peer's clock says as much as ours, and what arrives last has just arrived.
    const TimePoint made = pair().now + 1s;
    for (const TimePoint at : arrivals_) {
      const auto ago = at == kNever ? 0 : (made - at) * 1'024 / Duration(1s);
      writer.u16(static_cast<uint16_t>(at == kNever ? 0 : 0x8000 | ago));
    }
    writer.zeros(arrivals_.size() % 2 * 2);
    writer.u32(static_cast<uint32_t>(made.time_since_epoch() * 65'536 / Duration(1s)));
    arrivals_.clear();
    say(Bytes(room).first(writer.size()));
  }

  testing::Agreed agreed_;
  bool lies_ = false;  // whatever number was sent or not, a packet came
  uint64_t sent_ = 0;
  std::vector<TimePoint> arrivals_;
  rtp::SequenceNumber next_{0};
  uint8_t count_ = 0;
};

TEST(PathEstimate, IsUnknownUntilThePeerReports) {
  Watcher watcher;
  EXPECT_EQ(watcher.estimate_bps(), std::nullopt);
  watcher.send_for_a_second();
  EXPECT_TRUE(watcher.estimate_bps());
}

TEST(PathEstimate, GrowsWhileWhatIsSentArrivesInTime) {
  Watcher watcher;
  for (int second = 0; second < 3; ++second) watcher.send_for_a_second();
  const double early = watcher.estimate_bps().value();
  EXPECT_GT(early, 800'000) << "as much as is sent";
  for (int second = 0; second < 30; ++second) watcher.send_for_a_second();
  EXPECT_GT(watcher.estimate_bps().value(), 1.2 * early) << "which is what arrives already";
}

TEST(PathEstimate, RestsOnNothingBeforeThePathWasFoundTooNarrow) {
  Watcher watcher;
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
  Watcher watcher;
  watcher.send_for_a_second();
  EXPECT_FALSE(watcher.rates());
  watcher.send_with_growing_queue(3s);
  ASSERT_TRUE(watcher.rates());
  EXPECT_LT(watcher.rates()->carried_bps, 800'000);
  EXPECT_TRUE(watcher.rates()->is_full);
  watcher.send_for_a_second();
  EXPECT_FALSE(watcher.rates()->is_full);
}

TEST(PathEstimate, OfThePeersOwnIsKnownAtOnceAndForAWhile) {
  Watcher watcher({.rtx = false, .transport_feedback = false, .remb = true});
  for (int second = 0; second < 3; ++second) watcher.send_for_a_second();
  watcher.send_remb(500'000);
  ASSERT_TRUE(watcher.rates());
  EXPECT_EQ(watcher.rates()->carried_bps, 500'000);
  EXPECT_EQ(watcher.rates()->arriving_bps, 0);
  watcher.pair().now += 6s;
  EXPECT_TRUE(watcher.rates()) << "nothing was sent that it could speak of";
  watcher.send_for_a_second();
  EXPECT_FALSE(watcher.rates());
}

TEST(PathEstimate, OfThePeersOwnIsNoneWhileItIsNoLessThanWhatIsSent) {
  Watcher watcher({.rtx = false, .transport_feedback = false, .remb = true});
  for (int second = 0; second < 3; ++second) watcher.send_for_a_second();
  for (const uint64_t bps : std::initializer_list<uint64_t>{800'000, 1'000'000, 5'000'000}) {
    watcher.send_remb(bps);
    EXPECT_FALSE(watcher.rates());
  }
}

TEST(PathEstimate, IsTheLeastOfWhoEstimatedItselfAndFallsSilentUntilItsNextWord) {
  Watcher watcher({.rtx = false, .transport_feedback = false, .remb = true});
  for (int second = 0; second < 3; ++second) watcher.send_for_a_second();
  watcher.send_remb(500'000);
  for (int second = 0; second < 3; ++second) watcher.send_for_a_second();
  EXPECT_FALSE(watcher.rates()->is_silent) << "two that were lost are no silence";
  for (int second = 0; second < 2; ++second) watcher.send_for_a_second();
  ASSERT_TRUE(watcher.rates());
  EXPECT_TRUE(watcher.rates()->is_silent);
  EXPECT_EQ(watcher.rates()->carried_bps, bwe::EstimatorConfig{}.min_bps);
  watcher.send_remb(500'000);
  EXPECT_EQ(watcher.rates()->carried_bps, 500'000);
}

TEST(PathEstimate, FallsWhenHalfIsLost) {
  Watcher watcher;
  for (int second = 0; second < 20; ++second) watcher.send_for_a_second();
  const double before = watcher.estimate_bps().value();
  for (int second = 0; second < 10; ++second) watcher.send_for_a_second(20ms, 2);
  EXPECT_LT(watcher.estimate_bps().value(), 0.8 * before);
}

TEST(PathEstimate, ComesOfReportsBySourceJustAsWell) {
  Watcher watcher(kBySource);
  EXPECT_EQ(watcher.estimate_bps(), std::nullopt);
  for (int second = 0; second < 20; ++second) watcher.send_for_a_second();
  const double before = watcher.estimate_bps().value();
  EXPECT_GT(before, 800'000) << "as much as is sent";
  EXPECT_FALSE(watcher.rates());
  for (int second = 0; second < 10; ++second) watcher.send_for_a_second(20ms, 2);
  EXPECT_LT(watcher.estimate_bps().value(), 0.8 * before);
  EXPECT_NEAR(watcher.rates().value().arriving_bps, 420'000, 60'000);
}

TEST(PathEstimate, ComesOfAQueueThatGrowsByReportsBySourceToo) {
  Watcher watcher(kBySource);
  watcher.send_for_a_second();
  watcher.send_with_growing_queue(3s);
  ASSERT_TRUE(watcher.rates());
  EXPECT_LT(watcher.rates()->carried_bps, 800'000);
}

TEST(PathEstimate, KnowsNothingOfReportsThatWereNotAgreedOn) {
  Watcher watcher({.rtx = false, .transport_feedback = true});
  watcher.say(std::array<uint8_t, 28>{0x8b, 205, 0, 6, 0, 0, 0, 99, 0, 0, 0, 11, 0, 1,
                                      0,    2,   0, 0, 0, 0, 0, 0,  0, 0, 0, 0,  0, 1});
  EXPECT_EQ(watcher.estimate_bps(), std::nullopt);
}

TEST(PathEstimate, CountsReportsBySourceThatAreMalformed) {
  Watcher watcher(kBySource);
  watcher.say(std::array<uint8_t, 20>{0x8b, 205, 0, 4, 0,    0,    0, 99, 0, 0,
                                      0,    11,  0, 1, 0xff, 0xff, 0, 0,  0, 1});
  EXPECT_EQ(watcher.pair().drops(Drop::kMalformed), 1u);
  EXPECT_EQ(watcher.estimate_bps(), std::nullopt);
}

TEST(PathEstimate, IsTheLeastOfWhoSaysThatPacketsCameWhichNeverLeft) {
  Watcher liar({.rtx = false, .hole_seed = 7}, true);
  for (int second = 0; second < 20; ++second) liar.send_for_a_second();
  EXPECT_GE(liar.pair().drops(Drop::kFalseReport), 3u);
  ASSERT_TRUE(liar.rates());
  EXPECT_EQ(liar.rates()->carried_bps, bwe::EstimatorConfig{}.min_bps);
  EXPECT_EQ(liar.rates()->arriving_bps, 0);
  liar.pair().now += 60s;
  liar.send_for_a_second();
  EXPECT_EQ(liar.estimate_bps(), bwe::EstimatorConfig{}.min_bps) << "for good";
}

TEST(PathEstimate, IsTheLeastOfWhoReportedAndFallsSilentUntilTheNextReport) {
  for (const testing::Agreed& agreed : {testing::Agreed{.rtx = false}, kBySource}) {
    Watcher watcher(agreed);
    for (int second = 0; second < 5; ++second) watcher.send_for_a_second();
    EXPECT_FALSE(watcher.rates());
    const double estimate = watcher.estimate_bps().value();
    watcher.send_unheard(1s);
    EXPECT_FALSE(watcher.rates());
    watcher.send_unheard(1s);
    ASSERT_TRUE(watcher.rates());
    EXPECT_EQ(watcher.rates()->carried_bps, bwe::EstimatorConfig{}.min_bps);
    watcher.send_unheard(20s);
    ASSERT_TRUE(watcher.rates());
    EXPECT_EQ(watcher.estimate_bps(), estimate) << "it is kept";
    watcher.send_for_a_second();
    EXPECT_FALSE(watcher.rates());
    EXPECT_GE(watcher.estimate_bps().value(), estimate);
  }
}

TEST(PathEstimate, IsNotLessWhereNothingIsSentThatCouldBeReportedOn) {
  Watcher watcher;
  for (int second = 0; second < 5; ++second) watcher.send_for_a_second();
  for (int i = 0; i < 100; ++i) {
    watcher.pair().advance(100ms);
    EXPECT_FALSE(watcher.rates());
  }
}

TEST(PathEstimate, IsNotMadeOfTheSilenceOfWhoNeverReported) {
  Watcher watcher;
  watcher.send_unheard(20s);
  EXPECT_FALSE(watcher.rates());
}

TEST(PathEstimate, OfAnHonestPeerIsAsGoodWhereNumbersAreLeftOut) {
  Watcher watcher({.rtx = false, .hole_seed = 7});
  for (int second = 0; second < 20; ++second) watcher.send_for_a_second();
  EXPECT_GT(watcher.estimate_bps().value(), 800'000);
  EXPECT_EQ(watcher.pair().drops(Drop::kFalseReport), 0u);
}

TEST(PathEstimate, ReadsNoMoreReportsThanAnyReceiverSends) {
  Watcher watcher;
  watcher.send_for_a_second();
  const auto repeat = [&](int times) {
    const uint64_t before = watcher.pair().drops(Drop::kRate);
    std::array<uint8_t, 512> room{};
    const std::vector<TimePoint> arrivals(10, watcher.pair().now);
    for (int i = 0; i < times; ++i) {
      const auto written = rtp::write_transport_feedback({.sender = Watcher::kPeer,
                                                          .media = Watcher::kSlot,
                                                          .base = rtp::SequenceNumber(90),
                                                          .feedback_count = 9},
                                                         arrivals, room);
      watcher.say(Bytes(room).first(written.size));
    }
    return watcher.pair().drops(Drop::kRate) - before;
  };
  EXPECT_EQ(repeat(Connection::kFeedbackBurst), 0u);
  EXPECT_GE(repeat(100), 99u);
  watcher.pair().now += 50ms;
  EXPECT_EQ(repeat(5), 0u);
}

TEST(PathEstimate, IsNotMadeWhereNothingIsReported) {
  Watcher watcher({.rtx = false, .transport_feedback = false});
  watcher.send_for_a_second();
  EXPECT_EQ(watcher.estimate_bps(), std::nullopt);
  watcher.send_remb(500'000);
  EXPECT_EQ(watcher.estimate_bps(), std::nullopt) << "it was not agreed on";
}

TEST(PathEstimate, IsThePeersOwnWhereItHasNothingBetter) {
  Watcher watcher({.rtx = false, .transport_feedback = false, .remb = true});
  for (const uint64_t bps : std::initializer_list<uint64_t>{200'000, 3'000'000, 500'000}) {
    watcher.send_remb(bps);
    EXPECT_EQ(watcher.estimate_bps(), static_cast<double>(bps));
  }
}

TEST(PathEstimate, ReportsOnWhatWasNeverSentChangeNothing) {
  Watcher watcher;
  for (int second = 0; second < 5; ++second) watcher.send_for_a_second();
  const double before = watcher.estimate_bps().value();
  std::array<uint8_t, 512> room{};
  const std::vector<TimePoint> arrivals(100, watcher.pair().now);
  const auto written = rtp::write_transport_feedback({.sender = Watcher::kPeer,
                                                      .media = Watcher::kSlot,
                                                      .base = rtp::SequenceNumber(30'000),
                                                      .feedback_count = 77},
                                                     arrivals, room);
  watcher.say(Bytes(room).first(written.size));
  EXPECT_EQ(watcher.estimate_bps(), before);
  // A body that ends within its chunks.
  auto cut = std::vector(room.begin(), room.begin() + 20);
  cut[3] = 4;
  const uint64_t malformed = watcher.pair().drops(Drop::kMalformed);
  watcher.say(cut);
  EXPECT_EQ(watcher.pair().drops(Drop::kMalformed), malformed + 1);
  EXPECT_EQ(watcher.estimate_bps(), before);
}

}  // namespace
}  // namespace simpul::connection
