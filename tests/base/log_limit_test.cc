#include "base/log_limit.h"

#include <gtest/gtest.h>

namespace simpul::log {
namespace {

using namespace std::chrono_literals;

uint64_t written(LogLimit& limit, std::string_view reason, std::chrono::seconds now, int lines) {
  uint64_t count = 0;
  for (int i = 0; i < lines; ++i) count += limit.admit(reason, now).is_written;
  return count;
}

TEST(LogLimit, WritesTenLinesOfAReasonASecond) {
  LogLimit limit;
  for (const auto now : {5s, 6s, 7s, 100s}) EXPECT_EQ(written(limit, "join", now, 1000), 10u);
}

TEST(LogLimit, LetsNoReasonHideAnother) {
  LogLimit limit;
  written(limit, "join", 5s, 1000);
  EXPECT_EQ(written(limit, "leave", 5s, 3), 3u);
}

TEST(LogLimit, TellsOnceHowManyItHeldBack) {
  LogLimit limit;
  written(limit, "join", 5s, 25);
  const auto next = limit.admit("join", 6s);
  EXPECT_TRUE(next.is_written);
  EXPECT_EQ(next.held_back, 15u);
  EXPECT_EQ(limit.admit("join", 6s).held_back, 0u);
  EXPECT_TRUE(limit.take_held_back().empty());
}

TEST(LogLimit, TellsAtTheEndWhatItHeldBackLast) {
  LogLimit limit;
  written(limit, "join", 5s, 25);
  written(limit, "leave", 5s, 10);
  const auto rest = limit.take_held_back();
  ASSERT_EQ(rest.size(), 1u);
  EXPECT_EQ(rest[0].reason, "join");
  EXPECT_EQ(rest[0].lines, 15u);
  EXPECT_TRUE(limit.take_held_back().empty());
}

TEST(LogLimit, GoesOnWhenTheClockGoesBack) {
  LogLimit limit;
  written(limit, "join", 1000s, 25);
  EXPECT_EQ(written(limit, "join", 5s, 25), 10u);
}

TEST(LogLimit, TakesWhatIsBeyondItsReasonsForOne) {
  LogLimit limit;
  const auto name = [](size_t i) { return "reason " + std::to_string(i); };
  for (size_t i = 0; i < LogLimit::kReasonsMax; ++i) {
    EXPECT_TRUE(limit.admit(name(i), 5s).is_written);
  }
  uint64_t more = 0;
  for (size_t i = 0; i < 1000; ++i) {
    more += limit.admit(name(LogLimit::kReasonsMax + i), 5s).is_written;
  }
  EXPECT_EQ(more, LogLimit::kLinesPerSecond);
  EXPECT_TRUE(limit.admit(name(0), 5s).is_written);  // who was there has their own
}

}  // namespace
}  // namespace simpul::log
