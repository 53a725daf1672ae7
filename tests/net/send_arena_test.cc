#include "net/send_arena.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace simpul::net {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

const Address kAlice = Address::v4({192, 0, 2, 1}, 1000);
const Address kBob = Address::v4({192, 0, 2, 2}, 2000);

void put(SendArena& arena, size_t size, const Address& to, uint8_t value = 0) {
  const MutableBytes room = arena.reserve(size);
  ASSERT_EQ(room.size(), size);
  std::ranges::fill(room, value);
  arena.commit(size, to, false);
}

std::vector<uint16_t> segments(const SendArena& arena) {
  std::vector<uint16_t> counts;
  for (const SendRun& run : arena.runs()) counts.push_back(run.segments);
  return counts;
}

TEST(SendArena, JoinsDatagramsOfOneSizeToOneAddress) {
  SendArena arena;
  for (int i = 0; i < 8; ++i) put(arena, 1200, kAlice);
  ASSERT_THAT(arena.runs(), SizeIs(1));
  EXPECT_EQ(arena.runs()[0].segments, 8);
  EXPECT_EQ(arena.runs()[0].segment_size, 1200);
  EXPECT_EQ(arena.runs()[0].size, 9600u);
}

TEST(SendArena, LetsTheLastDatagramOfARunBeShorterAndStartsANewRunBehindIt) {
  SendArena arena;
  for (const size_t size : {1200u, 1200u, 700u, 700u}) put(arena, size, kAlice);
  EXPECT_THAT(segments(arena), ElementsAre(3, 1));
}

TEST(SendArena, StartsANewRunForALargerDatagram) {
  SendArena arena;
  for (const size_t size : {1199u, 1199u, 1200u, 1200u}) put(arena, size, kAlice);
  EXPECT_THAT(segments(arena), ElementsAre(2, 2));
}

TEST(SendArena, StartsANewRunForAnotherLocalAddress) {
  SendArena arena;
  for (const uint16_t from : std::initializer_list<uint16_t>{0, 1, 1, 0}) {
    ASSERT_FALSE(arena.reserve(100).empty());
    arena.commit(100, kAlice, false, from);
  }
  EXPECT_THAT(segments(arena), ElementsAre(1, 2, 1));
  EXPECT_EQ(arena.runs()[1].from, 1);
}

TEST(SendArena, StartsANewRunForAnotherAddressOrPort) {
  SendArena arena;
  Address other_port = kAlice;
  ++other_port.port;
  put(arena, 100, kAlice);
  put(arena, 100, kBob);
  put(arena, 100, kAlice);
  put(arena, 100, other_port);
  EXPECT_THAT(segments(arena), ElementsAre(1, 1, 1, 1));
}

TEST(SendArena, EndsARunAtTheKernelsNumberOfSegments) {
  SendArena arena;
  for (size_t i = 0; i < SendArena::kSegmentsMax + 1; ++i) put(arena, 100, kAlice);
  EXPECT_THAT(segments(arena), ElementsAre(64, 1));
}

TEST(SendArena, EndsARunBeforeItIsLargerThanADatagramMayBe) {
  SendArena arena;
  for (int i = 0; i < 60; ++i) put(arena, 1200, kAlice);
  EXPECT_THAT(segments(arena), ElementsAre(54, 6));
  EXPECT_LE(arena.runs()[0].size, SendArena::kRunBytesMax);
}

TEST(SendArena, NeverJoinsWhatIsMarkedPlain) {
  SendArena arena;
  for (int i = 0; i < 2; ++i) {
    ASSERT_FALSE(arena.reserve(100).empty());
    arena.commit(100, kAlice, true);
  }
  put(arena, 100, kAlice);
  EXPECT_THAT(segments(arena), ElementsAre(1, 1, 1));
}

TEST(SendArena, TakesLessThanWasReserved) {
  SendArena arena;
  ASSERT_FALSE(arena.reserve(1500).empty());
  arena.commit(90, kAlice, false);
  put(arena, 90, kAlice);
  EXPECT_THAT(segments(arena), ElementsAre(2));
  EXPECT_EQ(arena.used(), 180u);
}

TEST(SendArena, MakesNothingOfAnEmptyCommit) {
  SendArena arena;
  ASSERT_FALSE(arena.reserve(100).empty());
  arena.commit(0, kAlice, false);
  EXPECT_THAT(arena.runs(), SizeIs(0));
}

TEST(SendArena, HasNoRoomWhenItIsFull) {
  SendArena arena(250);
  put(arena, 100, kAlice);
  put(arena, 100, kAlice);
  EXPECT_TRUE(arena.reserve(51).empty());
  EXPECT_EQ(arena.reserve(50).size(), 50u);
}

TEST(SendArena, HasNoRoomForWhatNoDatagramCanCarry) {
  SendArena arena;
  EXPECT_TRUE(arena.reserve(SendArena::kRunBytesMax + 1).empty());
}

TEST(SendArena, MovesTheTailToTheFrontOnceThatIsTheSmallerPart) {
  SendArena arena(1000);
  put(arena, 400, kAlice, 1);
  put(arena, 200, kBob, 2);
  put(arena, 300, kAlice, 3);
  arena.drop_front(1);  // 500 are left behind 400: they stay
  EXPECT_EQ(arena.used(), 900u);
  arena.drop_front(1);  // 300 behind 600 are moved
  EXPECT_EQ(arena.used(), 300u);
  ASSERT_THAT(arena.runs(), SizeIs(1));
  EXPECT_EQ(arena.runs()[0].offset, 0u);
  EXPECT_TRUE(
      std::ranges::all_of(arena.bytes(arena.runs()[0]), [](uint8_t byte) { return byte == 3; }));
  EXPECT_EQ(arena.reserve(700).size(), 700u);
}

TEST(SendArena, IsEmptyAfterItsLastRunIsDropped) {
  SendArena arena(100);
  put(arena, 100, kAlice);
  arena.drop_front(1);
  EXPECT_EQ(arena.used(), 0u);
  EXPECT_THAT(arena.runs(), SizeIs(0));
}

TEST(SendArenaDeathTest, RefusesACommitOfMoreThanWasReserved) {
  SendArena arena;
  ASSERT_FALSE(arena.reserve(10).empty());
  EXPECT_DEATH(arena.commit(11, kAlice, false), "check failed");
}

}  // namespace
}  // namespace simpul::net
