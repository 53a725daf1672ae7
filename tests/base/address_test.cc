#include "base/address.h"

#include <gtest/gtest.h>

#include <unordered_set>

namespace simpul {
namespace {

TEST(Address, WritesWhatItRead) {
  EXPECT_EQ(Address::parse("192.0.2.1", 5000)->to_string(), "192.0.2.1:5000");
  EXPECT_EQ(Address::parse("2001:db8::1", 443)->to_string(), "[2001:db8::1]:443");
  EXPECT_EQ(Address::parse("192.0.2.1", 5000)->ip_text(), "192.0.2.1");
}

TEST(Address, TakesNoNamesPortsOrBrackets) {
  for (const char* text : {"", "localhost", "192.0.2", "192.0.2.256", "192.0.2.1:80", "[::1]",
                           "::1%lo", " 192.0.2.1", "1.2.3.4.5", "2001:db8:::1"}) {
    EXPECT_FALSE(Address::parse(text, 1)) << text;
  }
}

TEST(Address, KeepsIpv4InOneShapeHoweverItWasWritten) {
  const auto plain = Address::parse("192.0.2.1", 7);
  const auto mapped = Address::parse("::ffff:192.0.2.1", 7);
  EXPECT_EQ(plain, mapped);
  EXPECT_EQ(*plain, Address::v4({192, 0, 2, 1}, 7));
  EXPECT_TRUE(mapped->is_v4());
  EXPECT_FALSE(Address::parse("2001:db8::1", 7)->is_v4());
}

TEST(Address, KnowsLoopbackOfBothFamilies) {
  EXPECT_TRUE(Address::parse("127.0.0.1", 0)->is_loopback());
  EXPECT_TRUE(Address::parse("127.255.0.9", 0)->is_loopback());
  EXPECT_TRUE(Address::parse("::1", 0)->is_loopback());
  EXPECT_TRUE(Address::parse("::ffff:127.0.0.1", 0)->is_loopback());
  EXPECT_FALSE(Address::parse("128.0.0.1", 0)->is_loopback());
  EXPECT_FALSE(Address::parse("::", 0)->is_loopback());
  EXPECT_FALSE(Address::parse("2001:db8::1", 0)->is_loopback());
}

TEST(Address, KnowsTheUnspecifiedOfBothFamilies) {
  EXPECT_TRUE(Address::parse("0.0.0.0", 0)->is_unspecified());
  EXPECT_TRUE(Address::parse("::", 9)->is_unspecified());
  EXPECT_FALSE(Address::parse("0.0.0.1", 0)->is_unspecified());
  EXPECT_FALSE(Address::parse("::1", 0)->is_unspecified());
}

TEST(Address, KnowsTheLinkLocalOnesOfIpv6) {
  EXPECT_TRUE(Address::parse("fe80::1", 0)->is_link_local());
  EXPECT_TRUE(Address::parse("febf::1", 0)->is_link_local());
  EXPECT_FALSE(Address::parse("fec0::1", 0)->is_link_local());
  EXPECT_FALSE(Address::parse("fd00::1", 0)->is_link_local());
  EXPECT_FALSE(Address::parse("169.254.0.1", 0)->is_link_local());
}

TEST(Address, DiffersByPortAndOrdersByAddressFirst) {
  const auto low = *Address::parse("192.0.2.1", 9);
  const auto high = *Address::parse("192.0.2.2", 1);
  EXPECT_NE(low, *Address::parse("192.0.2.1", 8));
  EXPECT_LT(low, high);
}

TEST(Address, HashesNeighboursApart) {
  std::unordered_set<size_t> hashes;
  for (uint16_t port = 1; port <= 1000; ++port) {
    hashes.insert(std::hash<Address>{}(Address::v4({192, 0, 2, 1}, port)));
    hashes.insert(
        std::hash<Address>{}(Address::v4({192, 0, uint8_t(port >> 8), uint8_t(port)}, 1)));
  }
  EXPECT_GE(hashes.size(), 1990u);
}

}  // namespace
}  // namespace simpul
