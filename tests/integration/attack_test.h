#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>

#include "tests/integration/live_node.h"

namespace simpul::testing {

// A call of a publisher and a watcher that goes on while others attack. Every attack ends with
// expect_unharmed(): the picture and the sound went on with at most a thousandth of the packets
// lost, nobody's address or state changed, the attacker got nothing.
class AttackTest : public ::testing::Test {
 protected:
  explicit AttackTest(Duration idle_timeout = 30s)
      : AttackTest(LiveNode::test_config(1, idle_timeout)) {}
  explicit AttackTest(const config::Config& config) : node_(config) {}

  void SetUp() override {
    ASSERT_TRUE(node_.run_until([&] { return alice_.connected() && bob_.connected(); }));
    ASSERT_TRUE(node_.run_until([&] { return bob_.video > 30 && bob_.audio > 30; }));
    alice_before_ = node_.report_of(alice_);
    bob_before_ = node_.report_of(bob_);
    connections_before_ = count_connections();
    lost_before_ = bob_.missed();
  }

  size_t count_connections() {
    size_t count = 0;
    for (const auto& [state, number] : node_.node().report().connections_by_state) count += number;
    return count;
  }

  void expect_unharmed() {
    const uint64_t video = bob_.video;
    const uint64_t audio = bob_.audio;
    ASSERT_TRUE(node_.run_until([&] { return bob_.video > video + 30 && bob_.audio > audio + 30; }))
        << "the picture or the sound stopped";
    EXPECT_LE(bob_.missed() - lost_before_,
              std::max<uint64_t>(1, (bob_.video + bob_.audio) / 1000));
    const auto alice = node_.report_of(alice_);
    const auto bob = node_.report_of(bob_);
    ASSERT_TRUE(alice && bob) << "somebody of the call is gone";
    EXPECT_EQ(alice->phase, node::ConnectionPhase::kConnected);
    EXPECT_EQ(bob->phase, node::ConnectionPhase::kConnected);
    EXPECT_EQ(alice->remote, alice_before_->remote);
    EXPECT_EQ(bob->remote, bob_before_->remote);
    EXPECT_EQ(count_connections(), connections_before_);
    EXPECT_EQ(mallory_.received(), 0u) << "the attacker was answered";
  }

  // Lets the node take what was sent: a packet of the call that was sent later has passed.
  void let_pass() {
    const uint64_t audio = bob_.audio;
    ASSERT_TRUE(node_.run_until([&] { return bob_.audio > audio + 3; }));
  }

  // Sends a datagram `times`, in small bursts, so that no socket buffer overflows on the way.
  template <class Send>
  void repeat(int times, Send send) {
    for (int i = 0; i < times; ++i) {
      send(i);
      if (i % 100 == 99) let_pass();
    }
    let_pass();
  }

  // Somebody who has joined and does nothing yet.
  std::unique_ptr<peer::PeerSocket> joined(const std::string& room, const std::string& name,
                                           std::string& answer, peer::Options options = {}) {
    auto guest = std::make_unique<peer::PeerSocket>(node_.loop(), std::move(options),
                                                    node_.identity(), peer::PeerSocket::Handlers{});
    const auto join = node_.join({.role = node::Role::kWatcher,
                                  .room = room,
                                  .participant = name,
                                  .offer = guest->peer().offer()});
    EXPECT_TRUE(join);
    if (join) answer = join->answer;
    ++connections_before_;
    return guest;
  }

  // Sends a check until it is answered: a worker may not know yet who has just joined. What came
  // back is forgotten.
  void prove_path(peer::Peer& guest, bool use_candidate) {
    ASSERT_TRUE(node_.run_until([&] {
      mallory_.send(guest.make_check(use_candidate), target());
      return mallory_.received() > 0;
    }));
    EXPECT_LE(mallory_.bytes_received(), mallory_.bytes_sent());
    let_pass();
    mallory_.forget_received();
  }

  uint64_t handshakes(const std::string& result) {
    node_.refresh();
    auto counts = node_.node().report().workers[0].handshakes;
    return counts[result];
  }

  const Address& target() { return alice_.socket->remote(); }

  LiveNode node_;
  LiveGuest& alice_ = node_.publish("stage", "alice");
  LiveGuest& bob_ = node_.watch("stage", "bob");
  RawSocket mallory_{node_.loop()};
  std::optional<node::ConnectionReport> alice_before_;
  std::optional<node::ConnectionReport> bob_before_;
  size_t connections_before_ = 0;
  uint64_t lost_before_ = 0;
};

}  // namespace simpul::testing
