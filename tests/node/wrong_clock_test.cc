// A publisher whose wall clock is wrong: its sender reports tell another time than the node has.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdlib>

#include "relay/clock_mapping.h"
#include "rtp/rtcp_reader.h"
#include "rtp/rtcp_writer.h"
#include "tests/node/virtual_node.h"

namespace simpul::node {
namespace {

using testing::Guest;
using testing::VirtualNode;
using namespace std::chrono_literals;

constexpr Duration kNodeClock = 3'000'000'000s;  // VirtualNode's

// What a viewer saw of such a publisher.
struct Seen {
  Duration first_picture{};  // from the join
  uint64_t reports = 0;
  uint64_t reports_beside_the_nodes_clock = 0;
  // When the last packets were made, by the reports, less when they were: in 1/2^32 s.
  int64_t sound_error = 0;
  int64_t picture_error = 0;
};

class WrongClock : public ::testing::Test {
 protected:
  // Both sources tell their time, as encoders do once a second.
  static void report(VirtualNode& node, Guest& publisher, Duration wrong) {
    const rtp::NtpClock theirs(kNodeClock + wrong);
    for (const peer::MediaSource& source : publisher.sources) {
      std::array<uint8_t, 200> room{};
      rtp::RtcpWriter writer(room);
      writer.sender_report({.ssrc = source.ssrc(),
                            .ntp_time = theirs.ntp_time(source.next_deadline()),
                            .rtp_timestamp = source.timestamp(),
                            .packets = static_cast<uint32_t>(source.packets()),
                            .octets = 0},
                           {});
      writer.cname(source.ssrc(), "wrong");
      node.deliver(publisher.address, publisher.peer.seal_rtcp(writer.written()));
    }
    node.settle();
  }

  static Seen watch(Duration wrong) {
    VirtualNode node;
    Guest& alice = node.publish("stage", "alice");
    EXPECT_TRUE(node.run_until([&] { return alice.peer.connected(); }));
    node.run(100ms);
    report(node, alice, wrong);
    const TimePoint joined = node.now();
    Guest& bob = node.watch("stage", "bob");
    const rtp::Ssrc picture = bob.peer.slots()[1];
    EXPECT_TRUE(node.run_until([&] { return bob.count(picture) > 0; }));
    Seen seen{.first_picture = node.now() - joined};
    for (int second = 0; second < 10; ++second) {
      node.run(1s);
      report(node, alice, wrong);
    }
    node.run(1s);
    read_reports(bob, joined, node.now(), seen);
    return seen;
  }

  static void read_reports(const Guest& bob, TimePoint from, TimePoint until, Seen& seen) {
    const rtp::NtpClock clock(kNodeClock);
    for (const auto& compound : bob.rtcp) {
      rtp::RtcpReader reader(compound);
      while (const auto part = reader.next()) {
        const auto* report = std::get_if<rtp::SenderReport>(&*part);
        if (report == nullptr) continue;
        ++seen.reports;
        const uint64_t told = report->sender.ntp_time;
        const bool is_ours = told >= clock.ntp_time(from) && told <= clock.ntp_time(until);
        seen.reports_beside_the_nodes_clock += !is_ours;
        const bool is_picture = report->sender.ssrc == bob.peer.slots()[1];
        (is_picture ? seen.picture_error : seen.sound_error) = error_of(report->sender, bob);
      }
    }
  }

  static int64_t error_of(const rtp::SenderInfo& report, const Guest& bob) {
    const bool is_picture = report.ssrc == bob.peer.slots()[1];
    const relay::ClockMapping mapping{.ntp_time = report.ntp_time,
                                      .rtp_timestamp = report.rtp_timestamp};
    int64_t error = INT64_MAX;
    for (const Guest::Packet& packet : bob.packets) {
      const auto made = peer::made_at(packet.payload);
      if (packet.ssrc != report.ssrc || !made) continue;
      const uint64_t was = rtp::NtpClock(kNodeClock).ntp_time(*made);
      error = static_cast<int64_t>(mapping.ntp_of(packet.timestamp, is_picture ? 90'000 : 48'000) -
                                   was);
    }
    return error;
  }
};

TEST_F(WrongClock, OfAnHourEitherWayChangesNothingForViewers) {
  const Seen right = watch(Duration::zero());
  for (const Duration wrong : {Duration(1h), Duration(-1h)}) {
    const Seen seen = watch(wrong);
    EXPECT_EQ(seen.first_picture, right.first_picture);
    EXPECT_GE(seen.reports, 10u);
    EXPECT_EQ(seen.reports_beside_the_nodes_clock, 0u);
    // Sound and picture belong together, and no player waits for a time that does not come.
    EXPECT_LT(std::abs(seen.sound_error - seen.picture_error), relay::ntp_span(5ms));
    EXPECT_LT(std::abs(seen.sound_error), relay::ntp_span(100ms));
    EXPECT_EQ(seen.sound_error, right.sound_error);
  }
}

TEST_F(WrongClock, ThatIsSetRightInMidCallIsFollowed) {
  VirtualNode node;
  Guest& alice = node.publish("stage", "alice");
  Guest& bob = node.watch("stage", "bob");
  const auto ten_seconds = [&](Duration wrong) {
    const TimePoint from = node.now();
    const size_t before = bob.packets.size();
    for (int second = 0; second < 10; ++second) {
      node.run(1s);
      report(node, alice, wrong);
    }
    node.run(1s);
    EXPECT_GT(bob.packets.size(), before + 1'000);
    Seen seen;
    read_reports(bob, from - 11s, node.now(), seen);
    EXPECT_EQ(seen.reports_beside_the_nodes_clock, 0u);
    EXPECT_LT(std::abs(seen.sound_error - seen.picture_error), relay::ntp_span(5ms));
    EXPECT_LT(std::abs(seen.sound_error), relay::ntp_span(100ms));
    bob.rtcp.clear();
  };
  ASSERT_TRUE(node.run_until([&] { return bob.packets.size() > 10; }));
  ten_seconds(1h);
  ten_seconds(Duration::zero());
}

}  // namespace
}  // namespace simpul::node
