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

TEST(SwitchboardEgress, AFrameLargerThanTheSendMemoryReachesEverybodyWhole) {
  VirtualNode node;
  Guest& alice = node.publish("stage", "alice");
  alice.sources.pop_back();
  // A key frame of 200 packets to 40 viewers: 8 MB, twice the send memory.
  alice.sources.push_back(peer::MediaSource::video("1", {.bitrate_bps = 13'000'000}));
  std::vector<Guest*> viewers;
  for (int i = 0; i < 40; ++i) {
    viewers.push_back(&node.watch("stage", "viewer-" + std::to_string(i)));
  }
  ASSERT_TRUE(node.run_until([&] {
    return std::ranges::all_of(
        viewers, [](const Guest* viewer) { return viewer->count(viewer->peer.slots()[1]) > 400; });
  }));
  EXPECT_EQ(node.egress().statistics().dropped_arena_full, 0u);
  for (const Guest* viewer : viewers) EXPECT_EQ(holes(*viewer), 0u) << viewer->name;
}

TEST(SwitchboardEgress, WhatAFullSocketDoesNotTakeWaitsForIt) {
  VirtualNode node;
  Guest& alice = node.publish("stage", "alice");
  alice.sources.pop_back();
  alice.sources.push_back(peer::MediaSource::video("1", {.bitrate_bps = 13'000'000}));
  Guest& bob = node.watch("stage", "bob");
  ASSERT_TRUE(node.run_until([&] { return bob.count(bob.peer.slots()[1]) > 400; }));
  const size_t before = bob.packets.size();
  node.sender().block(true);
  node.run(100ms);
  EXPECT_EQ(bob.packets.size(), before);
  node.sender().block(false);
  node.egress().on_writable();
  node.run(100ms);
  EXPECT_GT(bob.packets.size(), before + 150);
  EXPECT_EQ(holes(bob), 0u);
  EXPECT_EQ(node.egress().statistics().dropped_arena_full, 0u);
}

TEST(SwitchboardEgress, NobodysPacketsAreTakenWhileThereIsNoRoomForThem) {
  VirtualNode node;
  Guest& alice = node.publish("stage", "alice");
  alice.sources.pop_back();
  alice.sources.push_back(peer::MediaSource::video("1", {.bitrate_bps = 50'000'000}));
  Guest& bob = node.watch("stage", "bob");
  ASSERT_TRUE(node.run_until([&] { return bob.count(bob.peer.slots()[1]) > 400; }));
  node.sender().block(true);
  node.run(2s);  // 12 MB
  EXPECT_EQ(node.egress().statistics().dropped_arena_full, 0u);
  EXPECT_EQ(node.switchboard().send_due(node.now(), 0ms, 32), 0u);
  node.sender().block(false);
  node.egress().on_writable();
  const size_t before = bob.packets.size();
  node.run(500ms);
  EXPECT_GT(bob.packets.size(), before + 1000);
}

// Bob's socket is full, Carol has another one.
TEST(SwitchboardEgress, OthersWaitForAFullSocketUntilItIsMoreThanABurst) {
  VirtualNode node;
  Guest& alice = node.publish("stage", "alice");
  alice.sources.pop_back();
  alice.sources.push_back(peer::MediaSource::video("1", {.bitrate_bps = 13'000'000}));
  Guest& bob = node.watch("stage", "bob");
  Guest& carol = node.watch("stage", "carol");
  carol.socket = 1;
  ASSERT_TRUE(node.run_until([&] {
    return bob.count(bob.peer.slots()[1]) > 400 && carol.count(carol.peer.slots()[1]) > 1'500;
  }));

  node.sender().block(true);
  node.run(80ms);
  node.sender().block(false);
  node.egress().on_writable();
  node.run(100ms);
  EXPECT_EQ(holes(bob), 0u);
  EXPECT_EQ(holes(carol), 0u);
  EXPECT_EQ(node.egress().statistics().dropped_arena_full, 0u);

  node.sender().block(true);
  node.run(200ms);
  const size_t before = carol.packets.size();
  node.run(3s);
  EXPECT_GT(carol.packets.size(), before + 3'000);
  EXPECT_EQ(holes(carol), 0u);
  EXPECT_GT(node.egress().statistics().dropped_arena_full, 0u) << "5 MB are more than there is";
}

}  // namespace
}  // namespace simpul::node
