// A connection finds out by probes what its path carries. The relay's part, media and padding, and
// the peer's, reports, are played here.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>

#include "rtp/rtcp_writer.h"
#include "rtp/transport_feedback_builder.h"
#include "tests/connection/watched_connection.h"

namespace simpul::connection {
namespace {

using namespace std::chrono_literals;
using testing::Agreed;

constexpr size_t kPayload = 460;  // each 10 ms: about 400 kbit/s

class Viewer : public testing::WatchedConnection {
 public:
  struct Sent {
    TimePoint at;
    size_t size = 0;
    bool is_padding = false;
  };

  explicit Viewer(const Agreed& agreed = {}) : WatchedConnection(agreed) {}

  double estimate_bps() const { return WatchedConnection::estimate_bps().value_or(0); }

  void run(Duration duration) {
    TimePoint& now = pair().now;
    for (const TimePoint end = now + duration; now < end;) {
      now += 1ms;
      const auto elapsed = now.time_since_epoch();
      if (elapsed % 10ms == 0ms) {
        pair().advance(0ms);
        if (sends_media) send({.index = ++media_index_, .payload = kPayload});
      }
      if (connection().next_send() <= now) send_padding();
      while (!coming_.empty() && coming_.front().second <= now) {
        reports_.on_packet(coming_.front().first, coming_.front().second);
        coming_.pop_front();
      }
      if (reports && elapsed % 100ms == 0ms) report();
    }
  }

  void say_estimate(uint64_t bps) {
    std::array<uint8_t, 64> room{};
    rtp::RtcpWriter writer(room);
    writer.receiver_report(kPeer, {});
    writer.remb(kPeer, bps, std::span(&kSlot, 1));
    say(writer.written());
  }

  size_t padding_bytes() const {
    size_t bytes = 0;
    for (const Sent& packet : sent) bytes += packet.is_padding ? packet.size : 0;
    return bytes;
  }
  // The rate in that time from the first padding on; 0 without any.
  double first_probe_bps(Duration duration) const {
    const auto first = std::ranges::find(sent, true, &Sent::is_padding);
    if (first == sent.end()) return 0;
    size_t bytes = 0;
    for (auto packet = first; packet != sent.end() && packet->at < first->at + duration; ++packet) {
      bytes += packet->size;
    }
    return static_cast<double>(bytes) * 8 / std::chrono::duration<double>(duration).count();
  }

  bool sends_media = true;
  bool has_padding = true;
  bool reports = true;
  double path_bps = 0;  // 0: whatever is sent
  std::vector<Sent> sent;
  size_t padding_due = 0;

 private:
  void send_padding() {
    const size_t due = connection().take_padding_due(pair().now);
    padding_due += due;
    if (!has_padding) return;
    const size_t before = sent.size();
    for (size_t bytes = 0; bytes < due;) {
      send({.ssrc = kRtx, .index = ++rtx_index_, .padding = 255});
      bytes += sent.back().size;
    }
    for (size_t i = before; i < sent.size(); ++i) sent[i].is_padding = true;
  }

  void send(const Media& media) {
    sent.push_back({.at = pair().now, .size = WatchedConnection::send(media)});
    for (const NumberedPacket& packet : numbered()) carry(packet);
  }

  void carry(const NumberedPacket& packet) {
    free_at_ = std::max(free_at_, pair().now);
    if (path_bps > 0) {
      free_at_ += std::chrono::duration_cast<Duration>(
          std::chrono::duration<double>(static_cast<double>(packet.size) * 8 / path_bps));
    }
    if (free_at_ - pair().now >= 300ms) return;
    coming_.emplace_back(packet.transport_sequence, free_at_ + 20ms);
  }

  void report() {
    std::array<uint8_t, rtp::kRtcpSizeMax> room;
    while (true) {
      rtp::RtcpWriter writer(room);
      if (!reports_.write_due(pair().now, kPeer, kSlot, writer)) return;
      say(writer.written());
    }
  }

  uint64_t media_index_ = 0;
  uint64_t rtx_index_ = 0;
  TimePoint free_at_{};
  std::deque<std::pair<rtp::SequenceNumber, TimePoint>> coming_;
  rtp::TransportFeedbackBuilder reports_;
};

TEST(Probing, BeginsWhenThePeerHasReported) {
  Viewer viewer;
  viewer.reports = false;
  viewer.run(3s);
  EXPECT_EQ(viewer.padding_due, 0u);
  viewer.reports = true;
  viewer.run(300ms);
  EXPECT_GT(viewer.padding_bytes(), 2'000u);
}

TEST(Probing, TheFirstLeavesAtThreeTimesTheRateThatIsAssumed) {
  Viewer viewer;
  viewer.run(1s);
  EXPECT_THAT(viewer.first_probe_bps(25ms),
              ::testing::AllOf(::testing::Gt(720'000), ::testing::Lt(1'215'000)));
}

TEST(Probing, RaisesTheEstimateFarAboveWhatMediaAloneWouldShow) {
  Viewer viewer;
  viewer.run(500ms);
  viewer.connection().set_wanted(3'000'000);
  viewer.run(10s);
  EXPECT_GT(viewer.estimate_bps(), 2'400'000);
  Viewer without({.rtx = false});
  without.run(500ms);
  without.connection().set_wanted(3'000'000);
  without.run(10s);
  EXPECT_LT(without.estimate_bps(), 800'000) << "400 kbit/s are sent";
  EXPECT_GT(without.estimate_bps(), 400'000) << "what is wanted does not keep it from growing";
}

TEST(Probing, FindsNoMoreThanThePathCarries) {
  Viewer viewer;
  viewer.path_bps = 1'000'000;
  viewer.run(500ms);
  viewer.connection().set_wanted(3'000'000);
  for (int i = 0; i < 20; ++i) {
    viewer.run(1s);
    EXPECT_LT(viewer.estimate_bps(), 1'250'000) << i;
  }
  EXPECT_GT(viewer.estimate_bps(), 600'000);
}

TEST(Probing, NeverTriesForWhatNobodyWants) {
  Viewer viewer;
  viewer.connection().set_wanted(250'000);
  viewer.run(20s);
  EXPECT_EQ(viewer.padding_due, 0u);
}

TEST(Probing, NeedsRetransmissionsAndReports) {
  for (const Agreed& agreed : {Agreed{.rtx = false}, Agreed{.transport_feedback = false},
                               Agreed{.transport_feedback = false, .remb = true}}) {
    Viewer viewer(agreed);
    viewer.connection().set_wanted(3'000'000);
    viewer.run(10s);
    EXPECT_EQ(viewer.padding_due, 0u);
  }
}

// 400 kbit/s of media leave.
TEST(Probing, FillsUpWhatAPeerSaysThatOnlyEstimatesItself) {
  Viewer viewer({.transport_feedback = false, .remb = true});
  viewer.run(3s);
  viewer.say_estimate(250'000);
  viewer.connection().set_wanted(900'000);
  const auto sent_bps = [&](uint64_t told) {
    for (int i = 0; i < 12; ++i) {
      if (i == 10) viewer.sent.clear();
      viewer.say_estimate(told);
      viewer.run(500ms);
    }
    double bits = 0;
    for (const Viewer::Sent& packet : viewer.sent) bits += static_cast<double>(packet.size) * 8;
    return bits;
  };
  EXPECT_NEAR(sent_bps(600'000), 600'000, 40'000);
  EXPECT_NEAR(sent_bps(800'000), 800'000, 40'000);
  viewer.connection().set_wanted(0);
  EXPECT_NEAR(sent_bps(800'000), 400'000, 40'000) << "nothing more is wanted";
}

TEST(Probing, FillsNoMoreThanIsWantedWhateverThePeerSays) {
  Viewer viewer({.transport_feedback = false, .remb = true});
  viewer.run(3s);
  viewer.connection().set_wanted(700'000);
  viewer.sent.clear();
  for (const uint64_t told : std::initializer_list<uint64_t>{0, rtp::kRembBitrateMax, 0}) {
    for (int i = 0; i < 20; ++i) {
      viewer.say_estimate(told);
      EXPECT_GE(viewer.estimate_bps(), bwe::EstimatorConfig{}.min_bps);
      EXPECT_LE(viewer.estimate_bps(), bwe::EstimatorConfig{}.max_bps);
      viewer.run(500ms);
    }
  }
  double bits = 0;
  for (const Viewer::Sent& packet : viewer.sent) bits += static_cast<double>(packet.size) * 8;
  EXPECT_LT(bits / 30, 710'000);
}

TEST(Probing, GivesUpWhereThereIsNoPaddingToSend) {
  Viewer viewer;
  viewer.has_padding = false;
  viewer.run(400ms);
  EXPECT_GT(viewer.padding_due, 0u);
  EXPECT_EQ(viewer.connection().next_send(), kNever);
}

TEST(Probing, TakesLittleOfAPathThatCarriesAnything) {
  Viewer viewer;
  viewer.connection().set_wanted(50'000'000);
  viewer.run(60s);
  EXPECT_GT(viewer.estimate_bps(), 3'000'000);
  EXPECT_LT(static_cast<double>(viewer.padding_bytes()) * 8 / 60, 60'000) << "bit/s";
}

TEST(Probing, EndsWithTheConnection) {
  Viewer viewer;
  viewer.run(110ms);
  ASSERT_NE(viewer.connection().next_send(), kNever);
  Output out;
  viewer.connection().close(TimePoint(2h), out);
  EXPECT_EQ(viewer.connection().take_padding_due(TimePoint(2h)), 0u);
  EXPECT_EQ(viewer.connection().next_send(), kNever);
}

}  // namespace
}  // namespace simpul::connection
