// Checks whose source address is forged (row S19 of docs/attacks.md), while a call goes on. Only at
// a virtual node: the kernel of a machine does not let such a datagram out, or in.
#include <gtest/gtest.h>

#include "tests/node/virtual_node.h"

namespace simpul::testing {
namespace {

TEST(AttackOnSwitchboard, S19_ChecksFromAddressesThatNameNoHostOrUsAreNeverAnswered) {
  VirtualNode node;
  const Guest& alice = node.publish("stage", "alice");
  const Guest& bob = node.watch("stage", "bob");
  ASSERT_TRUE(node.run_until([&] { return alice.peer.connected() && bob.packets.size() > 30; }));
  const uint64_t dropped = node.drops("stun");
  uint64_t sent = 0;
  for (const Address& source :
       {Address::v4({192, 0, 2, 1}, 7700),  // ours
        Address::v4({0, 0, 0, 0}, 5000), Address::v4({0, 0, 0, 1}, 5000),
        Address::v4({224, 0, 0, 1}, 5000), Address::v4({239, 255, 255, 255}, 5000),
        Address::v4({255, 255, 255, 255}, 5000), Address::v4({198, 51, 100, 1}, 0),
        *Address::parse("::", 5000), *Address::parse("ff02::1", 5000),
        *Address::parse("ff0e::1", 5000), *Address::parse("2001:db8::1", 0)}) {
    for (int i = 0; i < 20; ++i, ++sent) node.deliver(source, bob.peer.make_check(true));
    node.run(10ms);
  }
  EXPECT_TRUE(node.strays.empty());
  EXPECT_EQ(node.drops("stun"), dropped + sent);
  // And the call goes on where it was.
  const size_t before = bob.packets.size();
  node.run(1s);
  EXPECT_GT(bob.packets.size(), before + 100);
}

}  // namespace
}  // namespace simpul::testing
