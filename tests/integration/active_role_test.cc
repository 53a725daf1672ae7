// Peers that offer setup:passive: the node says the first hello.
#include <gtest/gtest.h>

#include "tests/integration/live_node.h"

namespace simpul::testing {
namespace {

constexpr auto kAnyLayer = relay::LayerChoice::kHighest;

// Whoever waits for the hello is content before the node is, which says and hears nothing until
// then.
bool node_is_connected(LiveNode& live, const LiveGuest& guest) {
  return live.run_until([&] {
    const auto report = live.report_of(guest);
    return report && report->phase == node::ConnectionPhase::kConnected;
  });
}

TEST(ActiveRole, CarriesACallOfTwoPeersThatWaitForTheHello) {
  LiveNode live;
  const LiveGuest& alice = live.publish("stage", "alice", {.waits_for_hello = true});
  const LiveGuest& bob = live.watch("stage", "bob", {}, kAnyLayer, {}, {.waits_for_hello = true});
  ASSERT_TRUE(live.run_until([&] { return bob.audio > 50 && bob.video > 50; }));
  EXPECT_TRUE(alice.connected());
  EXPECT_GT(bob.key_frames, 0u);
  EXPECT_EQ(bob.missed(), 0u);
}

TEST(ActiveRole, CarriesACallBetweenPeersOfEitherKind) {
  LiveNode live;
  live.publish("one", "alice", {.waits_for_hello = true});
  const LiveGuest& bob = live.watch("one", "bob");
  live.publish("two", "carol");
  const LiveGuest& dave = live.watch("two", "dave", {}, kAnyLayer, {}, {.waits_for_hello = true});
  EXPECT_TRUE(live.run_until(
      [&] { return bob.audio > 20 && bob.video > 20 && dave.audio > 20 && dave.video > 20; }));
}

TEST(ActiveRole, TellsAPeerThatWaitedForTheHelloGoodbye) {
  LiveNode live;
  const LiveGuest& alice = live.publish("stage", "alice", {.waits_for_hello = true});
  ASSERT_TRUE(node_is_connected(live, alice));
  live.node().leave("stage", alice.session);
  EXPECT_TRUE(live.run_until([&] { return alice.socket->peer().closed(); }));
}

TEST(ActiveRole, HearsThePeersGoodbye) {
  LiveNode live;
  const LiveGuest& alice = live.publish("stage", "alice", {.waits_for_hello = true});
  ASSERT_TRUE(node_is_connected(live, alice));
  alice.socket->close();
  EXPECT_TRUE(live.run_until([&] { return !live.node().room("stage").has_value(); }));
}

}  // namespace
}  // namespace simpul::testing
