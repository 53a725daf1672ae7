// Who reports by the numbers of the streams (RFC 8888) is found out by those that were left out.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "base/byte_writer.h"
#include "tests/connection/watched_connection.h"

namespace simpul::connection {
namespace {

using namespace std::chrono_literals;

// Is sent 400 kbit/s, and what is to be repeated or to fill; reports each 100 ms.
class Viewer : public testing::WatchedConnection {
 public:
  Viewer(bool lies, uint64_t hole_seed)
      : WatchedConnection(
            {.transport_feedback = false, .congestion_feedback = true, .hole_seed = hole_seed}),
        lies_(lies) {}

  void run(Duration duration) {
    TimePoint& now = pair().now;
    for (const TimePoint end = now + duration; now < end;) {
      now += 1ms;
      const auto elapsed = now.time_since_epoch();
      if (elapsed % 10ms == 0ms) {
        pair().advance(0ms);
        send({.index = ++media_index_, .payload = 460});
      }
      if (connection().next_send() <= now) send_padding();
      if (elapsed % 100ms == 0ms) report();
    }
  }
  bool is_found_out() const { return estimate_bps() == bwe::EstimatorConfig{}.min_bps; }
  // Of the numbers from the first to the last of a stream, those that did not come.
  size_t left_out(rtp::Ssrc ssrc) const {
    const auto came = came_.find(ssrc.value());
    if (came == came_.end()) return 0;
    const auto& numbers = came->second;
    return static_cast<size_t>(*numbers.rbegin() - *numbers.begin()) + 1 - numbers.size();
  }
  size_t count(rtp::Ssrc ssrc) { return came_[ssrc.value()].size(); }

 private:
  void send(const Media& media) {
    WatchedConnection::send(media);
    for (const NumberedPacket& packet : numbered()) {
      came_[packet.ssrc.value()].insert(packet.sequence.value());
      arrivals_[packet.ssrc.value()][packet.sequence.value()] = pair().now;
    }
  }
  void send_padding() {
    const size_t due = connection().take_padding_due(pair().now);
    for (size_t bytes = 0; bytes < due; bytes += 300) {
      send({.ssrc = kRtx, .index = ++rtx_index_, .padding = 255});
    }
  }

  void report() {
    std::array<uint8_t, 512> room{};
    ByteWriter writer(room);
    writer.u8(0x80 | 11);
    writer.u8(205);
    writer.u16(0);
    writer.u32(kPeer.value());
    for (const auto& [ssrc, arrivals] : arrivals_) write_stream(writer, ssrc, arrivals);
    writer.u32(static_cast<uint32_t>(pair().now.time_since_epoch() * 65'536 / Duration(1s)));
    room[3] = static_cast<uint8_t>(writer.size() / 4 - 1);
    arrivals_.clear();
    say(Bytes(room).first(writer.size()));
  }
  void write_stream(ByteWriter& writer, uint32_t ssrc,
                    const std::map<uint16_t, TimePoint>& arrivals) {
    // From where the last report ended.
    const auto last = arrivals.rbegin()->first;
    const auto told = told_.find(ssrc);
    const auto first = told == told_.end() ? arrivals.begin()->first : told->second;
    const auto count = static_cast<uint16_t>(last + 1 - first);
    told_[ssrc] = static_cast<uint16_t>(last + 1);
    writer.u32(ssrc);
    writer.u16(first);
    writer.u16(count);
    for (uint16_t i = 0; i < count; ++i) {
      const auto arrival = arrivals.find(static_cast<uint16_t>(first + i));
      const bool came = arrival != arrivals.end();
      const TimePoint at = came ? arrival->second : pair().now;
      const auto ago = (pair().now - at) * 1'024 / Duration(1s);
      writer.u16(static_cast<uint16_t>(came || lies_ ? 0x8000 | ago : 0));
    }
    writer.zeros(count % 2 * 2u);
  }

  bool lies_;  // whatever did not come came just now
  uint64_t media_index_ = 0;
  uint64_t rtx_index_ = 0;
  std::map<uint32_t, std::set<uint16_t>> came_;
  std::map<uint32_t, std::map<uint16_t, TimePoint>> arrivals_;
  std::map<uint32_t, uint16_t> told_;
};

TEST(LeftOutNumbers, FindOutWhoSaysBySourceThatAllCame) {
  Viewer liar(true, 7);
  liar.run(30s);
  EXPECT_TRUE(liar.is_found_out());
  EXPECT_EQ(liar.pair().drops(Drop::kFalseReport), 3u);
}

TEST(LeftOutNumbers, FindOutALiarWhomNobodyProbes) {
  Viewer liar(true, 7);
  liar.connection().set_wanted(100'000);
  liar.run(30s);
  EXPECT_TRUE(liar.is_found_out());
}

TEST(LeftOutNumbers, AreOfRetransmissionsOnlyAndCostAnHonestPeerNothing) {
  Viewer honest(false, 7);
  honest.run(60s);
  EXPECT_GT(honest.estimate_bps().value(), 380'000);
  EXPECT_EQ(honest.pair().drops(Drop::kFalseReport), 0u);
  EXPECT_EQ(honest.left_out(Viewer::kSlot), 0u);
  EXPECT_GE(honest.left_out(Viewer::kRtx), 3u);
  EXPECT_LE(honest.left_out(Viewer::kRtx), 60u);
  EXPECT_LE(honest.count(Viewer::kRtx), 400u);
}

TEST(LeftOutNumbers, AreNoneWithoutASecret) {
  Viewer liar(true, 0);
  liar.run(30s);
  EXPECT_EQ(liar.left_out(Viewer::kRtx), 0u);
  EXPECT_FALSE(liar.is_found_out());
}

}  // namespace
}  // namespace simpul::connection
