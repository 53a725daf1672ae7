#include "net/local_ends.h"

#include <gtest/gtest.h>

namespace simpul::net {
namespace {

const Address kBound = Address::v4({0, 0, 0, 0}, 7700);

std::array<uint8_t, 16> ip(uint8_t host) { return Address::v4({192, 0, 2, host}, 0).ip; }

TEST(LocalEnds, GiveEachAddressOneNumberAndThePortOfTheSocket) {
  LocalEnds ends(kBound);
  EXPECT_EQ(ends.number_of(ip(1)), 1);
  EXPECT_EQ(ends.number_of(ip(2)), 2);
  EXPECT_EQ(ends.number_of(ip(1)), 1);
  EXPECT_EQ(ends.at(2), Address::v4({192, 0, 2, 2}, 7700));
}

TEST(LocalEnds, HaveTheBoundAddressAtZeroAndForNumbersThatNobodyHas) {
  LocalEnds ends(kBound);
  EXPECT_EQ(ends.at(0), kBound);
  EXPECT_EQ(ends.at(7), kBound);
}

TEST(LocalEnds, GiveNoMoreNumbersThanTheirLimit) {
  LocalEnds ends(kBound);
  for (uint8_t host = 1; host <= LocalEnds::kEndsMax; ++host) {
    EXPECT_EQ(ends.number_of(ip(host)), host);
  }
  EXPECT_EQ(ends.number_of(ip(200)), 0);
  EXPECT_EQ(ends.number_of(ip(LocalEnds::kEndsMax)), LocalEnds::kEndsMax);
}

}  // namespace
}  // namespace simpul::net
