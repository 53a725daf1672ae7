#include <gtest/gtest.h>

#include "tests/node/virtual_node.h"

namespace simpul::node {
namespace {

using testing::Guest;
using testing::VirtualNode;
using namespace std::chrono_literals;

class ChurnTest : public ::testing::Test {
 protected:
  bool all_connected() {
    return std::ranges::all_of(guests_, [](Guest* guest) { return guest->peer.connected(); });
  }
  // Three publishers with nine watchers each.
  void fill() {
    for (const char* room : {"one", "two", "three"}) {
      guests_.push_back(&node_.publish(room, "alice", {.rids = {"q", "h", "f"}}));
      for (int i = 0; i < 9; ++i) {
        guests_.push_back(&node_.watch(room, "watcher" + std::to_string(i)));
      }
    }
  }
  void expect_nothing_left() {
    EXPECT_EQ(node_.switchboard().connections(), 0u);
    EXPECT_EQ(node_.packets_in_use(), 0u);
    EXPECT_EQ(node_.switchboard().next_deadline(), kNever);
    EXPECT_EQ(node_.switchboard().next_send(0ms), kNever);
  }

  VirtualNode node_;
  std::vector<Guest*> guests_;
};

TEST_F(ChurnTest, LeavesNothingBehindWhenEverybodyIsSentAway) {
  fill();
  ASSERT_TRUE(node_.run_until([&] { return all_connected(); }));
  node_.run(500ms);
  EXPECT_GT(node_.packets_in_use(), 0u);
  for (Guest* guest : guests_) node_.switchboard().end(guest->key, node_.now());
  expect_nothing_left();
}

TEST_F(ChurnTest, LeavesNothingBehindWhenTheyLeaveBeforeTheyAreConnected) {
  fill();
  for (size_t i = 0; i < guests_.size(); ++i) {
    node_.run(2ms);
    node_.switchboard().end(guests_[i]->key, node_.now());
  }
  expect_nothing_left();
}

TEST_F(ChurnTest, LeavesNothingBehindWhenTheyVanish) {
  fill();
  ASSERT_TRUE(node_.run_until([&] { return all_connected(); }));
  for (Guest* guest : guests_) node_.vanish(*guest);
  node_.run(31s);
  expect_nothing_left();
}

TEST_F(ChurnTest, LeavesNothingBehindWhenPeersSayGoodBye) {
  fill();
  ASSERT_TRUE(node_.run_until([&] { return all_connected(); }));
  for (Guest* guest : guests_) {
    peer::Peer::Output out;
    guest->peer.close(out);
    for (const auto& datagram : out.datagrams) node_.deliver(guest->address, datagram);
  }
  expect_nothing_left();
  EXPECT_EQ(node_.last_state(*guests_.back()), connection::State::kClosed);
}

TEST_F(ChurnTest, EndsEverybodyAtOnce) {
  fill();
  ASSERT_TRUE(node_.run_until([&] { return all_connected(); }));
  node_.switchboard().end_all(node_.now());
  node_.run(10ms);
  expect_nothing_left();
  for (Guest* guest : guests_) EXPECT_TRUE(guest->peer.closed());
}

TEST_F(ChurnTest, EndsAConnectionOnce) {
  Guest& alice = node_.publish("one", "alice");
  ASSERT_TRUE(node_.run_until([&] { return alice.peer.connected(); }));
  node_.switchboard().end(alice.key, node_.now());
  const size_t changes = node_.changes().size();
  node_.switchboard().end(alice.key, node_.now());
  node_.switchboard().resume(alice.key, nullptr, node_.now());
  EXPECT_EQ(node_.changes().size(), changes);
}

}  // namespace
}  // namespace simpul::node
