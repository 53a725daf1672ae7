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

TEST(SrtpNonceGuard, RemembersHundredsOfPacketsOfTwoStreams) {
  SrtpNonceGuard guard;
  for (uint64_t index = 0; index < 300; ++index) {
    EXPECT_TRUE(guard.allows(0x1111, index, as_bytes("audio")));
    EXPECT_TRUE(guard.allows(0x2222, index + 7000, as_bytes("video")));
  }
  int found = 0;
  for (uint64_t index = 0; index < 300; ++index) {
    if (!guard.allows(0x1111, index, as_bytes("other"))) ++found;
  }
  EXPECT_GT(found, 100);
}

}  // namespace
}  // namespace simpul::dtls
