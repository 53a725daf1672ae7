// A guest's address changes in mid-call: the device moves to another network, or a NAT on the way
// loses its table.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/impairment/relay.h"
#include "tests/integration/live_node.h"
#include "tests/integration/network.h"

namespace simpul::testing {
namespace {

const std::vector<uint8_t> kEmptyReport = {0x80, 0xC9, 0, 1, 0, 0, 0, 1};

class Roaming : public ::testing::Test {
 protected:
  static config::Config both_families() {
    config::Config config = LiveNode::test_config();
    config.media.listen = {*Address::parse("127.0.0.1", 0), *Address::parse("::1", 0)};
    return config;
  }
  void SetUp() override {
    ASSERT_TRUE(node_.run_until([&] { return bob_.video > 30 && bob_.audio > 30; }));
  }
  // Bob's picture and sound go on; what he missed is returned.
  uint64_t lost_while_it_goes_on() {
    const uint64_t before = bob_.missed();
    const uint64_t video = bob_.video;
    const uint64_t audio = bob_.audio;
    EXPECT_TRUE(
        node_.run_until([&] { return bob_.video > video + 60 && bob_.audio > audio + 60; }));
    return bob_.missed() - before;
  }
  // Until the node uses the guest's address of now. A viewer proves by reports that it is there.
  void expect_found(LiveGuest& guest) {
    EXPECT_TRUE(node_.run_until([&] {
      guest.socket->send(guest.socket->peer().seal_rtcp(kEmptyReport));
      return node_.report_of(guest)->remote == guest.socket->local();
    }));
  }
  Address on_ipv6() const {
    Address address = bob_.socket->remote();
    address.ip = Address::parse("::1", 0)->ip;
    return address;
  }

  const Network network_;
  const Network::Inside inside_{network_};
  LiveNode node_{both_families()};
  LiveGuest& alice_ = node_.publish("stage", "alice");
  LiveGuest& bob_ = node_.watch("stage", "bob");
};

TEST_F(Roaming, APublisherWhoMovesLosesNothing) {
  for (const char* place : {"127.0.0.2", "127.0.0.3"}) {
    alice_.socket->move(*Address::parse(place, 0));
    EXPECT_EQ(lost_while_it_goes_on(), 0u);
    expect_found(alice_);
  }
}

TEST_F(Roaming, AViewerWhoMovesLosesNothingThatItStillHears) {
  for (const char* place : {"127.0.0.2", "127.0.0.3"}) {
    bob_.socket->move(*Address::parse(place, 0));
    expect_found(bob_);
    EXPECT_EQ(lost_while_it_goes_on(), 0u);
  }
}

TEST_F(Roaming, GoesFromOneFamilyToTheOther) {
  for (LiveGuest* guest : {&alice_, &bob_}) {
    guest->socket->move(*Address::parse("::1", 0), on_ipv6());
    expect_found(*guest);
    EXPECT_EQ(node_.report_of(*guest)->local, on_ipv6());
    EXPECT_EQ(lost_while_it_goes_on(), 0u);
  }
}

// Guests who sit behind a NAT.
class BehindANat : public Roaming {
 protected:
  void SetUp() override {
    Roaming::SetUp();
    auto nat = impairment::Relay::start(
        node_.loop(), {.listen = *Address::parse("127.0.0.80", 0), .to = alice_.socket->remote()});
    ASSERT_TRUE(nat) << nat.error();
    nat_ = std::move(*nat);
  }
  void TearDown() override { nat_.reset(); }
  const Address& outside() { return nat_->local_address(); }

  std::unique_ptr<impairment::Relay> nat_;
};

TEST_F(BehindANat, AViewerIsFoundAgainWithoutANewNomination) {
  LiveGuest& carol = node_.watch("stage", "carol", outside());
  ASSERT_TRUE(node_.run_until([&] { return carol.video > 30; }));
  const auto before = node_.report_of(carol)->remote;
  carol.socket->peer().stop_nominating();  // what follows are checks for consent
  nat_->rebind();
  carol.video = 0;
  EXPECT_TRUE(node_.run_until([&] {
    carol.socket->send(carol.socket->peer().seal_rtcp(kEmptyReport));
    return carol.video > 30;
  }));
  EXPECT_NE(node_.report_of(carol)->remote, before);
}

TEST_F(BehindANat, APublisherIsHeardAgainWithTheFirstCheckFromTheNewAddress) {
  LiveGuest& zoe = node_.publish("other", "zoe", {}, outside());
  LiveGuest& yan = node_.watch("other", "yan");
  ASSERT_TRUE(node_.run_until([&] { return yan.video > 30; }));
  nat_->rebind();
  yan.video = yan.audio = 0;
  EXPECT_TRUE(node_.run_until([&] { return yan.video > 30 && yan.audio > 30; }));
  EXPECT_EQ(node_.report_of(zoe)->phase, node::ConnectionPhase::kConnected);
}

}  // namespace
}  // namespace simpul::testing
