#include "relay/history.h"

#include <gtest/gtest.h>

#include "base/packet.h"

namespace simpul::relay {
namespace {

using namespace std::chrono_literals;

class HistoryTest : public ::testing::Test {
 protected:
  void put(int64_t number) {
    FeedPacket packet;
    packet.number = number;
    packet.arrival = now_;
    packet.media.packet = pool_.allocate();
    history_.put(packet);
  }
  bool has(int64_t number) const { return history_.find(number) != nullptr; }

  PacketPool pool_{1'000};
  History history_{{.packets_max = 8, .age_max = 1s, .kept_age_max = 3s}};
  TimePoint now_{5s};
};

TEST_F(HistoryTest, FindsWhatWasPutAndNothingElse) {
  put(100);
  put(102);
  EXPECT_TRUE(has(100));
  EXPECT_FALSE(has(101));
  EXPECT_TRUE(has(102));
  EXPECT_FALSE(has(103));
  EXPECT_FALSE(has(-5));
  put(101);
  EXPECT_TRUE(has(101));
}

TEST_F(HistoryTest, HoldsNoMoreThanItsLimitAndGivesTheMemoryBack) {
  for (int64_t number = 0; number < 100; ++number) put(number);
  EXPECT_FALSE(has(91));
  EXPECT_TRUE(has(92));
  EXPECT_TRUE(has(99));
  EXPECT_EQ(pool_.in_use(), 8u);
}

TEST_F(HistoryTest, TakesALatePacketThatStillHasAPlace) {
  put(50);
  put(43);
  EXPECT_TRUE(has(43));
  put(42);
  EXPECT_FALSE(has(42));
}

TEST_F(HistoryTest, ClearsWhatAJumpLeavesBehind) {
  for (int64_t number = 0; number < 8; ++number) put(number);
  put(11);
  EXPECT_FALSE(has(3));
  EXPECT_TRUE(has(4));
  EXPECT_EQ(pool_.in_use(), 5u);
  put(1'000);
  EXPECT_EQ(pool_.in_use(), 1u);
}

TEST_F(HistoryTest, LetsGoOfWhatIsTooOld) {
  put(1);
  now_ += 600ms;
  put(3);
  now_ += 600ms;
  history_.expire(now_);
  EXPECT_FALSE(has(1));
  EXPECT_TRUE(has(3));
  now_ += 600ms;
  history_.expire(now_);
  EXPECT_EQ(pool_.in_use(), 0u);
  EXPECT_EQ(history_.gone(), 3);
  put(4);
  EXPECT_TRUE(has(4));
}

}  // namespace
}  // namespace simpul::relay
