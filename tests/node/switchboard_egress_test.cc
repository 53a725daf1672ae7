// What leaves a switchboard when there is much of it, or nobody takes it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "tests/node/virtual_node.h"

namespace simpul::node {
namespace {

using testing::Guest;
using testing::VirtualNode;
using namespace std::chrono_literals;

// Holes in the numbers of a guest's picture.
size_t holes(const Guest& guest) {
  size_t count = 0;
  std::optional<uint16_t> last;
  for (const auto& packet : guest.packets) {
    if (packet.ssrc != guest.peer.slots()[1]) continue;
    const uint16_t number = packet.sequence_number.value();
    if (last) count += static_cast<uint16_t>(number - *last - 1);
    last = number;
  }
  return count;
}

class SwitchboardEgress : public ::testing::Test {
 protected:
  // With a picture of so much.
  void publish(uint32_t bitrate_bps) {
    Guest& alice = node_.publish("stage", "alice");
    alice.sources.pop_back();
    alice.sources.push_back(peer::MediaSource::video("1", {.bitrate_bps = bitrate_bps}));
  }
  Guest& watch(const std::string& name) { return node_.watch("stage", name); }
  // A key frame and more has come to all of them.
  bool run_until_seen(const std::vector<Guest*>& viewers) {
    return node_.run_until([&] {
      return std::ranges::all_of(viewers, [](const Guest* viewer) {
        return viewer->count(viewer->peer.slots()[1]) > 400;
      });
    });
  }
  void block() { node_.sender().block(true); }
  void unblock() {
    node_.sender().block(false);
    node_.egress().on_writable();
  }
  uint64_t dropped() { return node_.egress().statistics().dropped_arena_full; }

  VirtualNode node_;
};

TEST_F(SwitchboardEgress, AFrameLargerThanTheSendMemoryReachesEverybodyWhole) {
  // A key frame of 200 packets to 40 viewers: 8 MB, twice the send memory.
  publish(13'000'000);
  std::vector<Guest*> viewers;
  for (int i = 0; i < 40; ++i) viewers.push_back(&watch("viewer-" + std::to_string(i)));
  ASSERT_TRUE(run_until_seen(viewers));
  EXPECT_EQ(dropped(), 0u);
  for (const Guest* viewer : viewers) EXPECT_EQ(holes(*viewer), 0u) << viewer->name;
}

TEST_F(SwitchboardEgress, WhatAFullSocketDoesNotTakeWaitsForIt) {
  publish(13'000'000);
  Guest& bob = watch("bob");
  ASSERT_TRUE(run_until_seen({&bob}));
  const size_t before = bob.packets.size();
  block();
  node_.run(100ms);
  EXPECT_EQ(bob.packets.size(), before);
  unblock();
  node_.run(100ms);
  EXPECT_GT(bob.packets.size(), before + 150);
  EXPECT_EQ(holes(bob), 0u);
  EXPECT_EQ(dropped(), 0u);
}

TEST_F(SwitchboardEgress, NobodysPacketsAreTakenWhileThereIsNoRoomForThem) {
  publish(50'000'000);
  Guest& bob = watch("bob");
  ASSERT_TRUE(run_until_seen({&bob}));
  block();
  node_.run(2s);  // 12 MB
  EXPECT_EQ(dropped(), 0u);
  EXPECT_EQ(node_.switchboard().send_due(node_.now(), 0ms, 32), 0u);
  unblock();
  const size_t before = bob.packets.size();
  node_.run(500ms);
  EXPECT_GT(bob.packets.size(), before + 1000);
}

// Bob's socket is full, Carol has another one.
TEST_F(SwitchboardEgress, OthersWaitForAFullSocketUntilItIsMoreThanABurst) {
  publish(13'000'000);
  Guest& bob = watch("bob");
  Guest& carol = watch("carol");
  carol.socket = 1;
  ASSERT_TRUE(run_until_seen({&bob, &carol}));
  ASSERT_TRUE(node_.run_until([&] { return carol.count(carol.peer.slots()[1]) > 1'500; }));

  block();
  node_.run(80ms);
  unblock();
  node_.run(100ms);
  EXPECT_EQ(holes(bob), 0u);
  EXPECT_EQ(holes(carol), 0u);
  EXPECT_EQ(dropped(), 0u);

  block();
  node_.run(200ms);
  const size_t before = carol.packets.size();
  node_.run(3s);
  EXPECT_GT(carol.packets.size(), before + 3'000);
  EXPECT_EQ(holes(carol), 0u);
  EXPECT_GT(dropped(), 0u) << "5 MB are more than there is";
}

}  // namespace
}  // namespace simpul::node
