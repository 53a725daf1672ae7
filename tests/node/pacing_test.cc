// A frame that is larger than a burst leaves in slices, as fast as the viewer's path allows; so do
// many repairs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "connection/paced_packets.h"
#include "connection/pacer.h"
#include "rtp/rtcp_writer.h"
#include "tests/node/virtual_node.h"
#include "tests/support/rtp_packets.h"

namespace simpul::node {
namespace {

using testing::Guest;
using testing::VirtualNode;
using namespace std::chrono_literals;

class PacingTest : public ::testing::Test {
 protected:
  // Bob watches 400 kbit/s, and reports unless told otherwise.
  void meet(bool reports) {
    alice_.sources.pop_back();
    bob_.reports_arrivals = reports;
    ASSERT_TRUE(node_.run_until([&] { return alice_.peer.connected() && bob_.peer.connected(); }));
    for (int i = 0; i < 90; ++i) {
      send_frame(2);
      node_.run(33ms);
    }
    bob_.packets.clear();
  }
  rtp::Ssrc picture() const { return bob_.peer.slots()[1]; }

  // All of its packets come in the same turn.
  void send_frame(size_t packets) {
    for (size_t i = 0; i < packets; ++i) {
      const auto payload = testing::make_vp8_payload({.starts_frame = i == 0,
                                                      .key_frame = picture_id_ == 0,
                                                      .picture_id = picture_id_,
                                                      .frame_size = 1'000});
      node_.deliver(alice_.address, alice_.peer.seal({.ssrc = rtp::Ssrc(1000),
                                                      .payload_type = peer::kVp8PayloadType,
                                                      .index = index_++,
                                                      .timestamp = picture_id_ * 3000u,
                                                      .marker = i + 1 == packets,
                                                      .mid = "1",
                                                      .payload = payload}));
    }
    ++picture_id_;
    node_.settle();
  }
  // Bob asks again for the last so many packets of the picture that came.
  void ask_again(size_t count) {
    std::vector<rtp::SequenceNumber> missing;
    for (const auto& packet : bob_.packets) {
      if (packet.ssrc == picture()) missing.push_back(packet.sequence_number);
    }
    ASSERT_GE(missing.size(), count);
    missing.erase(missing.begin(), missing.end() - static_cast<ptrdiff_t>(count));
    bob_.packets.clear();
    std::array<uint8_t, 1'024> buffer{};
    rtp::RtcpWriter writer(buffer);
    ASSERT_EQ(writer.nack(rtp::Ssrc(1), picture(), missing), missing.size());
    node_.deliver(bob_.address, bob_.peer.seal_rtcp(writer.written()));
    node_.settle();
  }
  size_t repairs() const {
    return static_cast<size_t>(
        std::ranges::count(bob_.packets, peer::kRtxPayloadType, &Guest::Packet::payload_type));
  }
  // How many packets of the picture came in each millisecond, from now on.
  std::map<Duration, size_t> arrivals(Duration duration) {
    const TimePoint begin = node_.now();
    node_.run(duration);
    std::map<Duration, size_t> count;
    std::optional<uint16_t> last;
    for (const auto& packet : bob_.packets) {
      if (packet.ssrc != picture()) continue;
      if (last) {
        EXPECT_EQ(packet.sequence_number.value(), uint16_t(*last + 1));
      }
      last = packet.sequence_number.value();
      ++count[packet.arrival - begin];
    }
    return count;
  }

  VirtualNode node_;
  Guest& alice_ = node_.publish("room", "alice");
  Guest& bob_ = node_.watch("room", "bob");
  uint64_t index_ = 1;
  uint16_t picture_id_ = 0;
};

TEST_F(PacingTest, AFrameOfTenPacketsLeavesAtOnce) {
  meet(true);
  send_frame(10);
  EXPECT_EQ(arrivals(1s), (std::map<Duration, size_t>{{0ms, 10}}));
}

TEST_F(PacingTest, ALargerFrameLeavesInSlices) {
  meet(true);
  send_frame(60);
  const auto slices = arrivals(1s);
  size_t packets = 0;
  std::optional<Duration> last;
  for (const auto& [at, count] : slices) {
    packets += count;
    EXPECT_LE(count, 20u);
    if (last) {
      EXPECT_GE(at - *last, 9ms);
    }
    last = at;
  }
  EXPECT_EQ(packets, 60u);
  EXPECT_GE(slices.size(), 4u);
  EXPECT_GE(slices.begin()->second, 10u);
  EXPECT_LE(slices.rbegin()->first, connection::Pacer::kWaitMax + 10ms);
}

TEST_F(PacingTest, EverythingLeavesAtOnceWhileNothingIsKnownOfThePath) {
  meet(false);
  send_frame(60);
  EXPECT_EQ(arrivals(1s), (std::map<Duration, size_t>{{0ms, 60}}));
}

TEST_F(PacingTest, AFewRepairsLeaveAtOnce) {
  meet(true);
  send_frame(5);
  node_.run(30ms);
  ask_again(4);
  EXPECT_EQ(repairs(), 4u);
}

TEST_F(PacingTest, ManyRepairsLeaveAtThePaceOfThePath) {
  meet(true);
  send_frame(30);
  node_.run(400ms);
  ask_again(30);
  EXPECT_GE(repairs(), 8u);
  EXPECT_LE(repairs(), 20u) << "a burst";
  node_.run(connection::Pacer::kWaitMax + 50ms);
  EXPECT_EQ(repairs() + node_.drops("late_repair"), 30u);
  EXPECT_GE(repairs(), 20u);
}

TEST_F(PacingTest, RepairsLeaveBeforeThePictureThatComesAfterThem) {
  meet(true);
  send_frame(30);
  node_.run(400ms);
  ask_again(20);
  send_frame(15);
  node_.run(1s);
  EXPECT_EQ(bob_.count(picture()), 15u);
  EXPECT_GE(repairs(), 15u);
  bool picture_began = false;
  for (const auto& packet : bob_.packets) {
    picture_began |= packet.ssrc == picture();
    if (picture_began) {
      EXPECT_NE(packet.payload_type, peer::kRtxPayloadType);
    }
  }
}

TEST_F(PacingTest, SoundDoesNotWaitForThePicture) {
  meet(true);
  send_frame(200);
  node_.run(60ms);
  size_t sound = 0;
  for (size_t i = 1; i < bob_.packets.size(); ++i) {
    sound += bob_.packets[i].ssrc == bob_.peer.slots()[0];
  }
  EXPECT_GE(sound, 2u) << "a packet each 20 ms";
  EXPECT_LT(bob_.count(picture()), 150u) << "the rest of the picture still waits";
}

TEST_F(PacingTest, FramesBehindALargeOneKeepTheirOrder) {
  meet(true);
  send_frame(60);
  for (int i = 0; i < 5; ++i) {
    node_.run(20ms);
    send_frame(3);
  }
  size_t packets = 0;
  for (const auto& [at, count] : arrivals(1s)) packets += count;
  EXPECT_EQ(packets, 75u);
}

TEST_F(PacingTest, NoMoreWaitThanTheirLimit) {
  meet(true);
  send_frame(600);
  node_.run(1ms);
  EXPECT_LT(bob_.count(picture()), 200u);
  send_frame(600);
  static_assert(1'200 > connection::PacedPackets::kMax);
  EXPECT_GE(bob_.count(picture()), 1'200u - connection::PacedPackets::kMax);
  EXPECT_GT(bob_.count(picture()), 400u) << "many at once";
  node_.run(1s);
  EXPECT_EQ(bob_.count(picture()), 1'200u);
}

TEST_F(PacingTest, WhatWaitsForSomebodyWhoLeavesIsForgotten) {
  meet(true);
  alice_.sources.clear();
  send_frame(60);
  EXPECT_NE(node_.switchboard().next_send(0ms), kNever);
  node_.switchboard().end(bob_.key, node_.now());
  EXPECT_EQ(node_.switchboard().next_send(0ms), kNever);
  node_.run(2s);
  EXPECT_EQ(node_.packets_in_use(), 0u);
}

}  // namespace
}  // namespace simpul::node
