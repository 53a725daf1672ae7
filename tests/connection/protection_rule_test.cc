#include "connection/protection_rule.h"

#include <gtest/gtest.h>

namespace simpul::connection {
namespace {

using namespace std::chrono_literals;

// A path with room for twice what is sent.
ProtectionRule::Path path(Duration round_trip, double loss) {
  return {.round_trip = round_trip,
          .queue_delay = 0ms,
          .loss = loss,
          .carried_bps = 2e6,
          .arriving_bps = 1e6 * (1 - loss)};
}

double share_on(const ProtectionRule::Path& path) {
  ProtectionRule rule;
  rule.update(path);
  return rule.share();
}

TEST(ProtectionRule, ProtectsWhereARetransmissionComesTooLate) {
  EXPECT_EQ(share_on(path(300ms, 0.0)), 0);
  EXPECT_EQ(share_on(path(300ms, 0.009)), 0);
  EXPECT_GT(share_on(path(300ms, 0.01)), 0);
  EXPECT_GT(share_on(path(200ms, 0.02)), 0);
  EXPECT_EQ(share_on(path(199ms, 0.02)), 0);
}

TEST(ProtectionRule, ProtectsFromMuchLossWhereASecondRetransmissionComesTooLate) {
  EXPECT_GT(share_on(path(80ms, 0.04)), 0);
  EXPECT_EQ(share_on(path(80ms, 0.039)), 0);
  EXPECT_EQ(share_on(path(79ms, 0.2)), 0);
}

TEST(ProtectionRule, SpendsMoreOnMoreLossUpToAThird) {
  double former = 0;
  for (const double loss : {0.01, 0.02, 0.04, 0.08}) {
    EXPECT_GT(share_on(path(300ms, loss)), former) << loss;
    former = share_on(path(300ms, loss));
  }
  EXPECT_EQ(former, ProtectionRule::kShareMax);
  for (double loss = 0.08; loss <= 1; loss += 0.01) {
    EXPECT_LE(share_on(path(300ms, loss)), ProtectionRule::kShareMax);
  }
}

TEST(ProtectionRule, StaysUntilThePathIsClearlyBetter) {
  ProtectionRule rule;
  rule.update(path(300ms, 0.02));
  const double share = rule.share();
  for (int i = 0; i < 10; ++i) {
    rule.update(path(i % 2 == 0 ? 160ms : 300ms, i % 3 == 0 ? 0.015 : 0.022));
    EXPECT_EQ(rule.share(), share) << i;
  }
  rule.update(path(300ms, 0.012));
  EXPECT_LT(rule.share(), share);
  EXPECT_GT(rule.share(), 0);
  rule.update(path(300ms, 0.006));
  EXPECT_EQ(rule.share(), 0);
  rule.update(path(300ms, 0.02));
  rule.update(path(139ms, 0.02));
  EXPECT_EQ(rule.share(), 0);
  EXPECT_EQ(rule.reserved(), 0);
}

TEST(ProtectionRule, SpendsOnlyWhatThePathHasRoomForAndReservesIt) {
  ProtectionRule rule;
  auto narrow = path(300ms, 0.05);
  narrow.carried_bps = 1.2e6;
  rule.update(narrow);
  EXPECT_EQ(rule.share(), 0);
  EXPECT_EQ(rule.reserved(), 0.25);
  narrow.carried_bps = 1.26e6;
  rule.update(narrow);
  EXPECT_EQ(rule.share(), 0.25);
  // Its own packets are among those that arrive now.
  narrow.arriving_bps *= 1.25;
  rule.update(narrow);
  EXPECT_EQ(rule.share(), 0.25);
}

TEST(ProtectionRule, SpendsNothingWhereNothingIsKnownOfThePath) {
  auto unknown = path(300ms, 0.05);
  unknown.carried_bps = 0;
  EXPECT_EQ(share_on(unknown), 0);
  unknown = path(300ms, 0.05);
  unknown.arriving_bps = 0;
  EXPECT_EQ(share_on(unknown), 0);
}

TEST(ProtectionRule, SpendsNothingWhilePacketsWaitAndWantsNoMoreThanBefore) {
  ProtectionRule rule;
  auto waiting = path(300ms, 0.1);
  waiting.queue_delay = ProtectionRule::kQueueMax + 1ms;
  rule.update(waiting);
  EXPECT_EQ(rule.share(), 0);
  EXPECT_EQ(rule.reserved(), 0);
  rule.update(path(300ms, 0.02));
  const double share = rule.share();
  rule.update(waiting);
  EXPECT_EQ(rule.share(), 0);
  EXPECT_EQ(rule.reserved(), share);
  waiting.queue_delay = ProtectionRule::kQueueMax;
  rule.update(waiting);
  EXPECT_GT(rule.share(), share);
}

}  // namespace
}  // namespace simpul::connection
