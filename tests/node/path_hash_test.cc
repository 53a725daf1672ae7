#include "node/path_hash.h"

#include <gtest/gtest.h>

#include <set>

namespace simpul::node {
namespace {

// A flat table of 1,024 places takes seven bits for its tags and the ones above them for places.
TEST(PathHashTest, SpreadsThePortsOfOneAddressOverPlacesAndTags) {
  std::set<size_t> tags;
  std::set<size_t> places;
  for (uint16_t port = 40'000; port < 41'000; ++port) {
    const size_t hash = PathHash{}({.socket = 0, .remote = Address::v4({127, 0, 0, 1}, port)});
    tags.insert(hash & 127);
    places.insert(hash >> 7 & 1'023);
  }
  EXPECT_GT(tags.size(), 120u);
  EXPECT_GT(places.size(), 550u);  // of 1,000 thrown at random into 1,024 places: 638
}

TEST(PathHashTest, TellsSocketsAndLocalAddressesApart) {
  const Address remote = Address::v4({192, 0, 2, 1}, 5000);
  const size_t hash = PathHash{}({.socket = 0, .remote = remote, .local = 0});
  EXPECT_EQ(hash, PathHash{}({.socket = 0, .remote = remote, .local = 0}));
  EXPECT_NE(hash, PathHash{}({.socket = 1, .remote = remote, .local = 0}));
  EXPECT_NE(hash, PathHash{}({.socket = 0, .remote = remote, .local = 1}));
}

}  // namespace
}  // namespace simpul::node
