#include "dtls/srtp_nonce_guard.h"

#include <gtest/gtest.h>

namespace simpul::dtls {
namespace {

TEST(SrtpNonceGuard, AllowsTheSameBytesAgainAndNoOthers) {
  SrtpNonceGuard guard;
  EXPECT_TRUE(guard.allows(1, 100, as_bytes("one")));
  EXPECT_TRUE(guard.allows(1, 100, as_bytes("one")));
  EXPECT_FALSE(guard.allows(1, 100, as_bytes("two")));
}

TEST(SrtpNonceGuard, AllowsOtherBytesUnderOtherNumbers) {
  SrtpNonceGuard guard;
  EXPECT_TRUE(guard.allows(1, 100, as_bytes("one")));
  EXPECT_TRUE(guard.allows(1, 101, as_bytes("two")));
  EXPECT_TRUE(guard.allows(2, 100, as_bytes("three")));
  EXPECT_TRUE(guard.allows(1, 100 | uint64_t{1} << 16, as_bytes("four")));
}

TEST(SrtpNonceGuard, RemembersAThousandPacketsOfEachStream) {
  SrtpNonceGuard guard;
  constexpr uint32_t kStreams = 64;
  for (uint64_t index = 500; index < 500 + 1024; ++index) {
    for (uint32_t ssrc = 0; ssrc < kStreams; ++ssrc) {
      ASSERT_TRUE(guard.allows(ssrc, index + ssrc * 7919, as_bytes("media")));
    }
  }
  for (uint64_t index = 500; index < 500 + 1024; ++index) {
    for (uint32_t ssrc = 0; ssrc < kStreams; ++ssrc) {
      ASSERT_FALSE(guard.allows(ssrc, index + ssrc * 7919, as_bytes("other")));
    }
  }
}

TEST(SrtpNonceGuard, AllowsNothingUnderNumbersThatItHasForgotten) {
  SrtpNonceGuard guard;
  EXPECT_TRUE(guard.allows(1, 5'000, as_bytes("one")));
  EXPECT_TRUE(guard.allows(1, 5'000 - 1'023, as_bytes("late")));
  EXPECT_FALSE(guard.allows(1, 5'000 - 1'024, as_bytes("later")));
  EXPECT_FALSE(guard.allows(1, 0, as_bytes("from the beginning")));
  EXPECT_TRUE(guard.allows(2, 0, as_bytes("of another")));
}

TEST(SrtpNonceGuard, AllowsEachIndexOfRtcpOnce) {
  SrtpNonceGuard guard;
  EXPECT_TRUE(guard.allows_rtcp(0));
  EXPECT_FALSE(guard.allows_rtcp(0));
  EXPECT_TRUE(guard.allows_rtcp(1));
  EXPECT_TRUE(guard.allows_rtcp(7));
  EXPECT_FALSE(guard.allows_rtcp(6));
}

TEST(SrtpNonceGuard, KeepsNoMoreStreamsThanItsLimit) {
  SrtpNonceGuard guard;
  for (uint32_t ssrc = 0; ssrc < 65; ++ssrc) EXPECT_TRUE(guard.allows(ssrc, 1, as_bytes("one")));
  EXPECT_TRUE(guard.allows(0, 1, as_bytes("two")));  // forgotten
  EXPECT_FALSE(guard.allows(64, 1, as_bytes("two")));
}

}  // namespace
}  // namespace simpul::dtls
