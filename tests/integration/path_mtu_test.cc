// Paths that carry less than what we send: a router whose next link takes 1,280 bytes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

#include "tests/integration/live_node.h"
#include "tests/integration/network.h"

namespace simpul::testing {
namespace {

constexpr size_t kLargePayload = 1'380;
constexpr int kSmallMtu = 1'280;  // what a link of IPv6 carries at least (RFC 8200 §5)

struct Family {
  const char* name;
  const char* node;
  const char* router_near;
  const char* router_far;
  const char* guest;
  int prefix;
};

constexpr Family kIpv4 = {"Ipv4", "10.1.0.1", "10.1.0.2", "10.2.0.2", "10.2.0.1", 24};
constexpr Family kIpv6 = {"Ipv6", "fd00:1::1", "fd00:1::2", "fd00:2::2", "fd00:2::1", 64};

class SmallPath : public ::testing::TestWithParam<Family> {
 protected:
  void SetUp() override {
    node_side_.link("node0", router_, "near0");
    router_.link("far0", guest_side_, "guest0");
    router_.set("net/ipv4/ip_forward", "1");
    router_.set("net/ipv6/conf/all/forwarding", "1");
    const auto& family = GetParam();
    const auto with_prefix = [&](const char* address) {
      return std::string(address) + "/" + std::to_string(family.prefix);
    };
    node_side_.add_address("node0", with_prefix(family.node));
    router_.add_address("near0", with_prefix(family.router_near));
    router_.add_address("far0", with_prefix(family.router_far));
    guest_side_.add_address("guest0", with_prefix(family.guest));
    node_side_.add_route("default", family.router_near);
    guest_side_.add_route("default", family.router_far);
  }
  void make_far_link_small() {
    router_.set_mtu("far0", kSmallMtu);
    guest_side_.set_mtu("guest0", kSmallMtu);
  }
  void make_near_link_small() {
    node_side_.set_mtu("node0", kSmallMtu);
    router_.set_mtu("near0", kSmallMtu);
  }
  static Address ip(const char* text, uint16_t port = 0) { return *Address::parse(text, port); }

  // A viewer behind the router, of a publisher beside the node, where everything fits.
  LiveGuest& call(size_t payload_max) {
    uint16_t port = 0;
    {
      const Network::Inside inside(node_side_);
      config::Config config = LiveNode::test_config();
      config.media.listen = {ip("0.0.0.0"), ip("::")};
      node_ = std::make_unique<LiveNode>(config);
      LiveGuest& alice = node_->publish("stage", "alice");
      port = alice.socket->remote().port;
      alice.socket->sources().pop_back();
      // Frames of six packets as large as may be.
      const auto bitrate = static_cast<uint32_t>(6 * payload_max * 8 * 30);
      alice.socket->add_source(
          peer::MediaSource::video("1", {.bitrate_bps = bitrate, .payload_max = payload_max}));
      if (!node_->run_until([&] { return alice.connected(); })) throw std::runtime_error("alone");
    }
    const Network::Inside inside(guest_side_);
    node_->set_guest_address(ip(GetParam().guest));
    return node_->watch("stage", "bob", ip(GetParam().node, port));
  }
  bool goes_on(const LiveGuest& bob) {
    return node_->run_until([&, video = bob.video, audio = bob.audio] {
      return bob.video > video + 200 && bob.audio > audio + 30;
    });
  }

  const Network node_side_;
  const Network router_;
  const Network guest_side_;
  std::unique_ptr<LiveNode> node_;
};

TEST_P(SmallPath, BehindARouterCarriesWhatIsLarger) {
  make_far_link_small();
  LiveGuest& bob = call(kLargePayload);
  ASSERT_TRUE(goes_on(bob));
  EXPECT_GT(bob.largest, size_t{kSmallMtu});
  // A router of IPv4 cuts. One of IPv6 has told by now what its link takes, and nobody told it us
  // before the first was lost.
  const uint64_t lost = bob.missed();
  if (ip(GetParam().node).is_v4()) {
    EXPECT_EQ(lost, 0u);
  }
  ASSERT_TRUE(goes_on(bob));
  EXPECT_EQ(bob.missed(), lost);
  EXPECT_EQ(node_->dropped("unreachable"), 0u);
}

TEST_P(SmallPath, OfTheMachineItselfCarriesWhatIsLarger) {
  make_near_link_small();
  LiveGuest& bob = call(kLargePayload);
  ASSERT_TRUE(goes_on(bob));
  EXPECT_GT(bob.largest, size_t{kSmallMtu});
  EXPECT_EQ(bob.missed(), 0u);
  EXPECT_EQ(node_->dropped("unreachable"), 0u);
}

// 1,200 bytes with the RTP header, and none of what we take away: what browsers send at most.
TEST_P(SmallPath, CarriesTheVideoOfBrowsersUncut) {
  make_far_link_small();
  LiveGuest& bob = call(1'200 - 12);
  ASSERT_TRUE(goes_on(bob));
  EXPECT_EQ(bob.missed(), 0u);
  EXPECT_GT(bob.largest, 1'200u);
  EXPECT_LE(bob.largest, kSmallMtu - 48u);  // the headers of IPv6 and UDP
}

INSTANTIATE_TEST_SUITE_P(Families, SmallPath, ::testing::Values(kIpv4, kIpv6),
                         [](const auto& family) { return std::string(family.param.name); });

}  // namespace
}  // namespace simpul::testing
