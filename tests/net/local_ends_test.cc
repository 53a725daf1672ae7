#include "net/local_ends.h"

#include <gtest/gtest.h>

namespace simpul::net {
namespace {

using namespace std::chrono_literals;

const Address kBound = Address::v4({0, 0, 0, 0}, 7700);

std::array<uint8_t, 16> ip(uint8_t host) { return Address::v4({192, 0, 2, host}, 0).ip; }

class LocalEndsTest : public ::testing::Test {
 protected:
  uint16_t number_of(uint8_t host) { return ends_.number_of(ip(host), now_); }
  // Each number has its address.
  void fill() {
    for (uint8_t host = 1; host <= LocalEnds::kEndsMax; ++host) EXPECT_EQ(number_of(host), host);
  }

  TimePoint now_{24h};
  LocalEnds ends_{kBound};
};

TEST_F(LocalEndsTest, GiveEachAddressOneNumberAndThePortOfTheSocket) {
  EXPECT_EQ(number_of(1), 1);
  EXPECT_EQ(number_of(2), 2);
  EXPECT_EQ(number_of(1), 1);
  EXPECT_EQ(ends_.at(2), Address::v4({192, 0, 2, 2}, 7700));
}

TEST_F(LocalEndsTest, HaveTheBoundAddressAtZeroAndForNumbersThatNobodyHas) {
  EXPECT_EQ(ends_.at(0), kBound);
  EXPECT_EQ(ends_.at(7), kBound);
}

TEST_F(LocalEndsTest, GiveNoMoreNumbersThanTheirLimit) {
  fill();
  EXPECT_EQ(number_of(200), 0);
  EXPECT_EQ(number_of(LocalEnds::kEndsMax), LocalEnds::kEndsMax);
}

TEST_F(LocalEndsTest, GiveTheNumberOfWhoWasSilentLongestToANewAddress) {
  fill();
  now_ += LocalEnds::kReusedAfter - 1s;
  for (uint8_t host = 1; host <= LocalEnds::kEndsMax; ++host) {
    if (host != 7 && host != 9) number_of(host);
  }
  EXPECT_EQ(number_of(200), 0) << "a connection may still have a path there";
  now_ += 1s;
  EXPECT_EQ(number_of(200), 7);
  EXPECT_EQ(ends_.at(7), Address::v4({192, 0, 2, 200}, 7700));
  EXPECT_EQ(number_of(201), 9);
  EXPECT_EQ(number_of(202), 0);
  EXPECT_EQ(number_of(7), 0) << "it has no number any more";
  EXPECT_EQ(number_of(200), 7);
}

TEST_F(LocalEndsTest, NeverGiveAwayTheNumberOfAnAddressThatIsKept) {
  ends_.keep(ip(1));
  ends_.keep(ip(2));
  fill();
  now_ += 24h;
  for (uint8_t host = 100; host < 200; ++host) number_of(host);
  EXPECT_EQ(ends_.at(1), Address::v4({192, 0, 2, 1}, 7700));
  EXPECT_EQ(ends_.at(2), Address::v4({192, 0, 2, 2}, 7700));
  EXPECT_EQ(number_of(1), 1);
}

TEST_F(LocalEndsTest, NeverGiveAwayTheBoundAddressThoughNothingElseIsLeft) {
  for (uint8_t host = 1; host <= LocalEnds::kEndsMax; ++host) ends_.keep(ip(host));
  ends_.keep(ip(200));
  EXPECT_EQ(number_of(201), 0);
  EXPECT_EQ(ends_.at(0), kBound);
}

}  // namespace
}  // namespace simpul::net
