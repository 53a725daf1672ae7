// Calls over networks of every kind: IPv6 only, both families, several addresses, behind a NAT.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>

#include "tests/impairment/relay.h"
#include "tests/integration/live_node.h"
#include "tests/integration/network.h"

namespace simpul::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

Address ip(const std::string& text, uint16_t port = 0) { return *Address::parse(text, port); }

config::Config listening(std::vector<Address> addresses) {
  config::Config config = LiveNode::test_config();
  config.media.listen = std::move(addresses);
  return config;
}

// What an answer to somebody tells.
std::vector<Address> candidates_of(LiveNode& node) {
  const peer::Peer asking({.publishes = true}, node.identity());
  const auto joined = node.join({.role = node::Role::kPublisher,
                                 .room = "elsewhere",
                                 .participant = "asking",
                                 .offer = asking.offer()});
  if (!joined) throw std::runtime_error(joined.error().detail);
  static const std::regex kLine(R"(a=candidate:\S+ 1 udp \d+ (\S+) (\d+) typ host)");
  std::vector<Address> found;
  for (std::sregex_iterator it(joined->answer.begin(), joined->answer.end(), kLine), end; it != end;
       ++it) {
    found.push_back(ip((*it)[1], static_cast<uint16_t>(std::stoi((*it)[2]))));
  }
  return found;
}

std::vector<std::string> texts_of(const std::vector<Address>& addresses) {
  std::vector<std::string> texts;
  for (const Address& address : addresses) texts.push_back(address.ip_text());
  return texts;
}

// A picture and sound go from one guest to the other.
void expect_call(LiveNode& node, std::optional<Address> through = {}) {
  LiveGuest& alice = node.publish("stage", "alice", {}, through);
  LiveGuest& bob = node.watch("stage", "bob", through);
  ASSERT_TRUE(node.run_until([&] { return bob.video > 30 && bob.audio > 30; }));
  EXPECT_EQ(bob.missed(), 0u);
  const Address to = through.value_or(alice.socket->peer().remote());
  EXPECT_EQ(node.report_of(bob)->local, to);
}

TEST(Networks, CarryACallOverIpv6Alone) {
  const Network network;
  const Network::Inside inside(network);
  LiveNode node(listening({ip("::1")}));
  EXPECT_THAT(texts_of(candidates_of(node)), ElementsAre("::1"));
  node.set_guest_address(ip("::1"));
  expect_call(node);
}

TEST(Networks, CarryACallWithinAMachineThatHasIpv6Alone) {
  const Network network;
  network.ip("address del 127.0.0.1/8 dev lo");
  network.add_address("lo", "2001:db8::1/128");
  const Network::Inside inside(network);
  LiveNode node(listening({ip("0.0.0.0"), ip("::")}));
  EXPECT_THAT(texts_of(candidates_of(node)), UnorderedElementsAre("::1", "2001:db8::1"));
  node.set_guest_address(ip("::1"));
  expect_call(node);
}

TEST(Networks, CarryACallWithinAMachineThatHasNoIpv6) {
  const Network network;
  network.set("net/ipv6/conf/all/disable_ipv6", "1");
  const Network::Inside inside(network);
  LiveNode node(listening({ip("0.0.0.0"), ip("::")}));
  EXPECT_THAT(texts_of(candidates_of(node)), ElementsAre("127.0.0.1"));
  expect_call(node);
}

TEST(Networks, HaveOnePortOnBothFamilies) {
  const Network network;
  const Network::Inside inside(network);
  LiveNode node(listening({ip("0.0.0.0"), ip("::")}));
  const auto candidates = candidates_of(node);
  EXPECT_THAT(texts_of(candidates), ElementsAre("127.0.0.1", "::1"));
  EXPECT_EQ(candidates.at(0).port, candidates.at(1).port);
  EXPECT_THAT(node.node().media_text(),
              ::testing::StartsWith("udp:" + std::to_string(candidates.at(0).port) + ",tcp:"));
}

TEST(Networks, AreToldToClientsWithoutLinkLocalAddressesAndLoopbackOnlyInDevelopment) {
  const Network network;
  const Network other;
  network.link("near", other, "far");  // both get an address of fe80::/10 by themselves
  network.add_address("near", "192.0.2.1/24");
  network.add_address("near", "2001:db8::1/64");
  const Network::Inside inside(network);
  config::Config config = listening({ip("0.0.0.0"), ip("::")});
  {
    LiveNode node(config);
    EXPECT_THAT(texts_of(candidates_of(node)),
                UnorderedElementsAre("127.0.0.1", "192.0.2.1", "::1", "2001:db8::1"));
  }
  config.dev = false;
  LiveNode node(config);
  EXPECT_THAT(texts_of(candidates_of(node)), ElementsAre("192.0.2.1", "2001:db8::1"));
}

// Bound to all of a machine's addresses, an answer must leave from the one that was asked: a
// client takes no other for it, nor does a NAT on the way.
class SeveralAddresses : public ::testing::TestWithParam<const char*> {};

TEST_P(SeveralAddresses, AnswerFromTheOneThatWasAsked) {
  const Network network;
  network.add_address("lo", "192.0.2.7/32");
  network.add_address("lo", "2001:db8::7/128");
  network.add_address("lo", "2001:db8::8/128");
  const Network::Inside inside(network);
  LiveNode node(listening({ip("0.0.0.0"), ip("::")}));
  Address asked = ip(GetParam());
  asked.port = candidates_of(node).front().port;
  node.set_guest_address(asked.is_v4() ? ip("127.0.0.1") : ip("::1"));
  expect_call(node, asked);
  EXPECT_EQ(node.foreign(), 0u);  // from the first check to the last frame
}

INSTANTIATE_TEST_SUITE_P(Addresses, SeveralAddresses,
                         ::testing::Values("127.0.0.1", "127.0.0.9", "192.0.2.7", "::1",
                                           "2001:db8::7", "2001:db8::8"));

// The relay is a NAT: its outside is what the node announces, the node itself is not reachable.
TEST(AnnouncedAddress, IsToldInsteadOfTheBoundOneAndLeadsThroughTheNat) {
  const Network network;
  const Network::Inside inside(network);
  config::Config config = listening({ip("127.0.0.1"), ip("::1")});
  config.media.announce = {ip("127.0.0.80"), ip("2001:db8::80"), ip("203.0.113.80")};
  LiveNode node(config);
  const auto candidates = candidates_of(node);
  EXPECT_THAT(texts_of(candidates), ElementsAre("127.0.0.80", "2001:db8::80", "203.0.113.80"));
  const uint16_t port = candidates.front().port;
  EXPECT_EQ(candidates.back().port, port);
  auto nat = impairment::Relay::start(
      node.loop(), {.listen = ip("127.0.0.80", port), .to = ip("127.0.0.1", port)});
  ASSERT_TRUE(nat) << nat.error();
  LiveGuest& alice = node.publish("stage", "alice");
  LiveGuest& bob = node.watch("stage", "bob");
  ASSERT_TRUE(node.run_until([&] { return bob.video > 30 && bob.audio > 30; }));
  EXPECT_EQ(bob.missed(), 0u);
  EXPECT_EQ(alice.socket->remote(), ip("127.0.0.80", port));
  EXPECT_EQ(node.report_of(bob)->local, ip("127.0.0.1", port));
  EXPECT_EQ(node.report_of(bob)->remote->ip_text(), "127.0.0.80");
  EXPECT_EQ((*nat)->counts().clients, 2u);
}

}  // namespace
}  // namespace simpul::testing
