// ICE restarts at virtual time: a guest goes to another address and nothing else changes.
#include <gtest/gtest.h>

#include "sdp/ice_fragment.h"
#include "tests/node/virtual_node.h"

namespace simpul::node {
namespace {

using testing::Guest;
using testing::VirtualNode;
using namespace std::chrono_literals;

class IceRestartTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(node_.run_until([&] { return alice_.peer.connected() && bob_.peer.connected(); }));
    node_.run(1s);
  }

  // What the control thread does with the guest's PATCH, and the guest with its answer.
  ice::Credentials tell_node(Guest& guest) {
    const auto fragment = sdp::parse_ice_fragment(guest.peer.restart_ice());
    EXPECT_TRUE(fragment);
    ice::Credentials local = ice::make_credentials();
    node_.switchboard().restart_ice({.key = guest.key,
                                     .local = local,
                                     .remote_username_fragment = fragment->media.at(0).ice_ufrag});
    return local;
  }
  void tell_guest(Guest& guest, const ice::Credentials& local) {
    const std::string description =
        "a=group:BUNDLE 0\r\nm=audio 9 X 0\r\na=mid:0\r\n"
        "a=candidate:1 1 udp 1 192.0.2.1 7700 typ host\r\na=end-of-candidates\r\n";
    ASSERT_TRUE(guest.peer.accept_restart(
        sdp::write_ice_fragment(description, local.username_fragment, local.password)));
  }
  void restart(Guest& guest) {
    const auto local = tell_node(guest);
    tell_guest(guest, local);
    guest.address.port += 1'000;
  }
  // Holes in the numbers of the watcher's slots since the last call.
  size_t holes() {
    size_t count = 0;
    for (const rtp::Ssrc ssrc : bob_.peer.slots()) {
      std::optional<uint16_t> last;
      for (const auto& packet : bob_.packets) {
        if (packet.ssrc != ssrc) continue;
        const uint16_t number = packet.sequence_number.value();
        if (last && static_cast<uint16_t>(*last + 1) != number) ++count;
        last = number;
      }
    }
    bob_.packets.clear();
    return count;
  }
  uint64_t handshakes() const { return node_.snapshot().worker.handshakes.at("ok"); }

  VirtualNode node_;
  Guest& alice_ = node_.publish("stage", "alice");
  Guest& bob_ = node_.watch("stage", "bob");
};

TEST_F(IceRestartTest, OfAWatcherMovesMediaToTheNewAddress) {
  restart(bob_);
  ASSERT_TRUE(node_.run_until([&] { return bob_.peer.checked(); }));
  bob_.packets.clear();
  node_.run(1s);
  EXPECT_GT(bob_.packets.size(), 100u);
  EXPECT_EQ(holes(), 0u);
  EXPECT_EQ(handshakes(), 2u);
}

TEST_F(IceRestartTest, OfAPublisherLosesNothing) {
  node_.run(100ms);
  holes();
  const auto local = tell_node(alice_);
  node_.run(500ms);
  tell_guest(alice_, local);
  node_.run(500ms);
  EXPECT_TRUE(alice_.peer.checked());
  EXPECT_GT(bob_.packets.size(), 100u);
  EXPECT_EQ(holes(), 0u);
  EXPECT_EQ(handshakes(), 2u);
}

TEST_F(IceRestartTest, ChangesNothingUntilTheFirstNewCheck) {
  tell_node(bob_);
  tell_node(bob_);
  bob_.packets.clear();
  node_.run(5s);  // checks with the old credentials go on
  EXPECT_GT(bob_.packets.size(), 500u);
  EXPECT_EQ(holes(), 0u);
  EXPECT_EQ(node_.drops("stun"), 0u);
}

TEST_F(IceRestartTest, EndsTheOldCredentialsWithTheFirstNewCheck) {
  const auto old_check = bob_.peer.make_check(true);
  const Address elsewhere = Address::v4({203, 0, 113, 9}, 9);
  const auto local = tell_node(bob_);
  node_.deliver(bob_.address, old_check);
  EXPECT_EQ(node_.drops("unknown_sender"), 0u);
  tell_guest(bob_, local);
  ASSERT_TRUE(node_.run_until([&] { return bob_.peer.checked(); }));
  node_.strays.clear();
  for (int i = 0; i < 100; ++i) node_.deliver(elsewhere, old_check);
  EXPECT_EQ(node_.drops("unknown_sender"), 100u) << "nobody has that fragment any more";
  node_.settle();
  EXPECT_TRUE(node_.strays.empty());
}

TEST_F(IceRestartTest, ForgetsTheFragmentsOfBothSessionsWithTheConnection) {
  const auto old_check = bob_.peer.make_check(true);
  const auto local = tell_node(bob_);
  node_.switchboard().end(bob_.key, node_.now());
  tell_guest(bob_, local);
  node_.deliver(bob_.address, old_check);
  node_.deliver(bob_.address, bob_.peer.make_check(true));
  EXPECT_EQ(node_.drops("unknown_sender"), 2u);
}

TEST_F(IceRestartTest, BeforeTheHandshakeLetsTheGuestIn) {
  Guest& carol = node_.watch("stage", "carol");
  const auto local = tell_node(carol);
  tell_guest(carol, local);
  EXPECT_TRUE(node_.run_until([&] { return carol.peer.connected(); }));
}

}  // namespace
}  // namespace simpul::node
