#include "bench/repair/repair_model.h"

#include <gtest/gtest.h>

#include "connection/protection_rule.h"

namespace simpul::repair {
namespace {

using namespace std::chrono_literals;

// What the rule spends on a path that has room.
double share_of(Duration round_trip, double loss) {
  connection::ProtectionRule rule;
  rule.update({.round_trip = round_trip,
               .queue_delay = 0ms,
               .loss = loss,
               .carried_bps = 4e6,
               .arriving_bps = 1.5e6 * (1 - loss)});
  return rule.share();
}

Options path(Duration round_trip, double loss, double burst = 0) {
  return {.round_trip = round_trip, .loss = loss, .burst = burst, .length = 300s};
}

Result with_parity(Options options) {
  options.share = share_of(options.round_trip, options.loss);
  return run(options);
}

TEST(Repair, RetransmissionsAloneDoWhereTheRuleSpendsNothing) {
  for (const double loss : {0.01, 0.02, 0.05}) {
    ASSERT_EQ(share_of(30ms, loss), 0);
    EXPECT_LT(run(path(30ms, loss)).late, 0.02) << loss;
  }
  for (const double loss : {0.01, 0.02}) {
    ASSERT_EQ(share_of(100ms, loss), 0);
    EXPECT_LT(run(path(100ms, loss)).late, 0.02) << loss;
  }
}

TEST(Repair, WhereTheRuleSpendsFarFewerFramesAreLate) {
  for (const Duration round_trip : {200ms, 250ms, 300ms, 400ms}) {
    for (const double loss : {0.01, 0.02, 0.05}) {
      const Result alone = run(path(round_trip, loss));
      const Result both = with_parity(path(round_trip, loss));
      EXPECT_LT(both.late, alone.late / 3) << round_trip.count() << " " << loss;
      EXPECT_LT(both.missing, alone.missing / 3);
    }
  }
  for (const double loss : {0.05, 0.1}) {
    EXPECT_LT(with_parity(path(100ms, loss)).late, run(path(100ms, loss)).late / 4) << loss;
  }
}

TEST(Repair, LossesInRunsAreRepairedToo) {
  for (const Duration round_trip : {250ms, 400ms}) {
    for (const double loss : {0.02, 0.05}) {
      const Result alone = run(path(round_trip, loss, 3));
      EXPECT_LT(with_parity(path(round_trip, loss, 3)).late, alone.late / 1.5)
          << round_trip.count() << " " << loss;
    }
  }
}

TEST(Repair, TakesNoMoreThanItsShare) {
  for (const double loss : {0.01, 0.05, 0.2}) {
    const Result result = with_parity(path(300ms, loss));
    EXPECT_LE(result.overhead, share_of(300ms, loss) * 1.01);
    EXPECT_GE(result.overhead, share_of(300ms, loss) * 0.9);
  }
}

}  // namespace
}  // namespace simpul::repair
