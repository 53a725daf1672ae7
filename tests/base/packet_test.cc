#include "base/packet.h"

#include <gtest/gtest.h>

#include <set>
#include <vector>

namespace simpul {
namespace {

TEST(PacketPool, GivesNothingBeyondItsLimit) {
  PacketPool pool(100);
  std::vector<PacketRef> taken;
  for (int i = 0; i < 100; ++i) {
    taken.push_back(pool.allocate());
    ASSERT_TRUE(taken.back());
  }
  EXPECT_FALSE(pool.allocate());
  EXPECT_EQ(pool.in_use(), 100u);
  taken.pop_back();
  EXPECT_TRUE(pool.allocate());
}

TEST(PacketPool, NeverGivesOnePacketTwice) {
  PacketPool pool(200);
  std::vector<PacketRef> taken;
  std::set<const Packet*> distinct;
  for (int i = 0; i < 200; ++i) {
    taken.push_back(pool.allocate());
    distinct.insert(&*taken.back());
  }
  EXPECT_EQ(distinct.size(), 200u);
}

TEST(PacketPool, GivesBackAPacketWithItsLastReference) {
  PacketPool pool(10);
  PacketRef first = pool.allocate();
  PacketRef second = first;
  first.reset();
  EXPECT_EQ(pool.in_use(), 1u);
  second.reset();
  EXPECT_EQ(pool.in_use(), 0u);
}

TEST(PacketPool, GivesEachPacketEmpty) {
  PacketPool pool(1);
  pool.allocate()->size = 12;
  EXPECT_EQ(pool.allocate()->size, 0u);
}

TEST(PacketPoolDeath, RefusesToGoBeforeItsPackets) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(
      {
        auto pool = std::make_unique<PacketPool>(1);
        const PacketRef kept = pool->allocate();
        pool.reset();
      },
      "check failed");
}

TEST(PacketRef, IsNullWhenMovedFrom) {
  PacketPool pool(2);
  PacketRef first = pool.allocate();
  const PacketRef second = std::move(first);
  EXPECT_FALSE(first);  // NOLINT(bugprone-use-after-move): what this test is about
  EXPECT_TRUE(second);
  EXPECT_EQ(pool.in_use(), 1u);
}

TEST(PacketRef, SurvivesBeingAssignedToItself) {
  PacketPool pool(2);
  PacketRef packet = pool.allocate();
  const PacketRef& same = packet;
  packet = same;
  EXPECT_TRUE(packet);
  EXPECT_EQ(pool.in_use(), 1u);
}

TEST(PacketRef, LetsGoOfTheOldPacketWhenAssigned) {
  PacketPool pool(2);
  PacketRef packet = pool.allocate();
  packet = pool.allocate();
  EXPECT_EQ(pool.in_use(), 1u);
  packet = {};
  EXPECT_EQ(pool.in_use(), 0u);
}

TEST(Packet, ShowsTheBytesItHolds) {
  PacketPool pool(1);
  PacketRef packet = pool.allocate();
  packet->bytes[0] = 0x80;
  packet->size = 1;
  EXPECT_EQ(packet->data().size(), 1u);
  EXPECT_EQ(packet->data()[0], 0x80);
}

}  // namespace
}  // namespace simpul
