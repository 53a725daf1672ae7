// A frame that is larger than a burst leaves in slices, as fast as the viewer's path allows.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "connection/paced_packets.h"
#include "connection/pacer.h"
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
