// When a connection sends parity packets: what its peer reports of the path decides.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rtp/rtcp_writer.h"
#include "rtp/transport_feedback.h"
#include "tests/connection/watched_connection.h"

namespace simpul::connection {
namespace {

using namespace std::chrono_literals;

constexpr double kCarried = 3e6;

class ParityOnPath : public ::testing::Test {
 protected:
  explicit ParityOnPath(bool flexfec = true)
      : watched_({.rtx = false, .transport_feedback = true, .remb = true, .flexfec = flexfec}) {}

  // A second of a hundred packets and 25 frames, of which the peer loses each packet whose number
  // is a multiple of `lost` (0: none). Returns how many parity packets there were.
  size_t send_for_a_second(Duration round_trip, size_t lost) {
    tell_path(round_trip);
    size_t parities = 0;
    for (int i = 0; i < 100; ++i) {
      watched_.pair().now += 10ms;
      timestamp_ += i % 4 == 0 ? 3'600 : 0;
      watched_.send({.index = ++sent_, .timestamp = timestamp_, .payload = payload_});
      const size_t numbers = watched_.numbered().size();
      parities += numbers - 1;
      for (size_t k = 0; k < numbers; ++k) {
        const bool is_lost = lost != 0 && ++numbered_ % lost == 0;
        arrivals_.push_back(is_lost ? kNever : watched_.pair().now + round_trip / 2);
      }
      if (i % 10 == 9) report();
    }
    return parities;
  }
  size_t parities_within(int seconds, Duration round_trip, size_t lost) {
    size_t parities = 0;
    for (int i = 0; i < seconds; ++i) parities += send_for_a_second(round_trip, lost);
    return parities;
  }

  double layers_get() { return watched_.connection().path_rates(watched_.pair().now)->carried_bps; }
  double estimate() { return *watched_.estimate_bps(); }

  testing::WatchedConnection watched_;
  size_t payload_ = 1'000;

 private:
  // The peer's own estimate, so that the path is known, and a report that takes so long back.
  void tell_path(Duration round_trip) {
    std::array<uint8_t, 128> room{};
    rtp::RtcpWriter writer(room);
    const uint32_t now = rtp::compact_ntp(
        rtp::NtpClock(std::chrono::seconds(3'000'000'000)).ntp_time(watched_.pair().now));
    const auto units = static_cast<uint32_t>(round_trip.count() * 65'536 / 1'000'000);
    const rtp::ReportBlock block{.ssrc = testing::WatchedConnection::kSlot,
                                 .last_sender_report = now - units};
    writer.receiver_report(testing::WatchedConnection::kPeer, std::span(&block, 1));
    const rtp::Ssrc slot = testing::WatchedConnection::kSlot;
    writer.remb(testing::WatchedConnection::kPeer, static_cast<uint64_t>(kCarried),
                std::span(&slot, 1));
    watched_.say(writer.written());
  }
  void report() {
    std::array<uint8_t, 512> room{};
    const auto written = rtp::write_transport_feedback({.sender = testing::WatchedConnection::kPeer,
                                                        .media = testing::WatchedConnection::kSlot,
                                                        .base = next_,
                                                        .feedback_count = count_++},
                                                       arrivals_, room);
    ASSERT_EQ(written.statuses, arrivals_.size());
    next_ = rtp::SequenceNumber(static_cast<uint16_t>(next_.value() + arrivals_.size()));
    arrivals_.clear();
    watched_.say(Bytes(room).first(written.size));
  }

  uint64_t sent_ = 0;
  uint32_t timestamp_ = 0;
  size_t numbered_ = 0;
  std::vector<TimePoint> arrivals_;
  rtp::SequenceNumber next_{0};
  uint8_t count_ = 0;
};

TEST_F(ParityOnPath, IsSpentWhereRetransmissionsComeTooLateAndTakenOffWhatLayersMayUse) {
  EXPECT_EQ(parities_within(5, 300ms, 0), 0u) << "nothing is lost";
  EXPECT_DOUBLE_EQ(layers_get(), estimate());
  payload_ = 400;  // as when layers make room
  parities_within(10, 300ms, 20);
  const size_t parities = parities_within(5, 300ms, 20);
  EXPECT_GE(parities, 500u / 5);
  EXPECT_LE(parities, 500u / 3 + 1);
  EXPECT_LT(layers_get(), estimate() / 1.1);
  EXPECT_GE(layers_get(), estimate() / (1 + ProtectionRule::kShareMax));
}

TEST_F(ParityOnPath, EndsWhenNothingIsLostAnyMore) {
  parities_within(5, 300ms, 0);
  payload_ = 400;
  parities_within(10, 300ms, 20);
  EXPECT_GT(parities_within(1, 300ms, 20), 0u);
  parities_within(20, 300ms, 0);
  EXPECT_EQ(parities_within(5, 300ms, 0), 0u);
  EXPECT_DOUBLE_EQ(layers_get(), estimate());
}

TEST_F(ParityOnPath, IsNotSpentWhereRetransmissionsComeInTime) {
  EXPECT_EQ(parities_within(15, 40ms, 20), 0u);
}

class NoParityOnPath : public ParityOnPath {
 protected:
  NoParityOnPath() : ParityOnPath(false) {}
};

TEST_F(NoParityOnPath, GoesToWhoDidNotAgreeOnIt) {
  EXPECT_EQ(parities_within(15, 300ms, 20), 0u);
  EXPECT_DOUBLE_EQ(layers_get(), estimate());
}

}  // namespace
}  // namespace simpul::connection
