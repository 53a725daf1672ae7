#include "node/candidates.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace simpul::node {
namespace {

TEST(TcpCandidates, FollowThoseOverUdpOneForEachAddress) {
  std::vector<sdp::Candidate> candidates = {
      {.address = *Address::parse("192.0.2.7", 7703), .priority = 2'130'706'431},
      {.address = *Address::parse("2001:db8::7", 7703), .priority = 2'130'706'175},
      {.address = *Address::parse("192.0.2.7", 7704), .priority = 2'130'705'919}};
  append_tcp_candidates(candidates, 443);
  ASSERT_EQ(candidates.size(), 5u);
  EXPECT_EQ(candidates[2].transport, sdp::Transport::kUdp);
  EXPECT_EQ(candidates[3].address.to_string(), "192.0.2.7:443");
  EXPECT_EQ(candidates[4].address.to_string(), "[2001:db8::7]:443");
  EXPECT_EQ(candidates[4].transport, sdp::Transport::kTcpPassive);
}

TEST(TcpCandidates, HavePrioritiesBelowAllOfUdpThatFallWithTheirPlace) {
  std::vector<sdp::Candidate> candidates(100);
  for (size_t i = 0; i < candidates.size(); ++i) {
    candidates[i] = {.address = Address::v4({10, 0, 0, static_cast<uint8_t>(i)}, 7700),
                     .priority = 126u << 24};
  }
  append_tcp_candidates(candidates, 7700);
  // 2^24 * 90 + 2^8 * (2^13 * 4 + 8191) + 255 (RFC 6544 §4.2)
  EXPECT_EQ(candidates[100].priority, 1'520'435'199u);
  for (size_t i = 101; i < candidates.size(); ++i) {
    EXPECT_LT(candidates[i].priority, candidates[i - 1].priority);
  }
  EXPECT_LT(candidates[100].priority, candidates[99].priority);
}

}  // namespace
}  // namespace simpul::node
