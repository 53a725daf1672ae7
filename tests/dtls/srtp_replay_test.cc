#include "dtls/srtp_replay.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace simpul::dtls {
namespace {

using Verdict = SrtpReplayWindow::Verdict;

constexpr uint64_t at(uint64_t round, uint16_t sequence_number) {
  return round << 16 | sequence_number;
}

TEST(SrtpReplayWindow, TakesEachOfTheLast1024Once) {
  for (const uint64_t behind : {1u, 63u, 64u, 65u, 127u, 128u, 129u, 1022u, 1023u}) {
    SrtpReplayWindow window(5000);
    EXPECT_EQ(window.check(5000 - behind), Verdict::kNew) << behind;
    window.add(5000 - behind);
    EXPECT_EQ(window.check(5000 - behind), Verdict::kReplayed) << behind;
    EXPECT_EQ(window.check(5000), Verdict::kReplayed) << behind;
    EXPECT_EQ(window.highest(), 5000u);
  }
}

TEST(SrtpReplayWindow, EndsAt1024) {
  const SrtpReplayWindow window(5000);
  EXPECT_EQ(window.check(5000 - 1023), Verdict::kNew);
  EXPECT_EQ(window.check(5000 - 1024), Verdict::kTooOld);
  EXPECT_EQ(window.check(5000 - 1025), Verdict::kTooOld);
  EXPECT_EQ(window.check(0), Verdict::kTooOld);
}

TEST(SrtpReplayWindow, ForgetsNothingInsideAndEverythingOutside) {
  for (const uint64_t jump : {1u, 64u, 128u, 1022u, 1023u}) {
    SrtpReplayWindow window(5000);
    window.add(5000 + jump);
    EXPECT_EQ(window.check(5000), Verdict::kReplayed) << jump;
    for (uint64_t skipped = 5001; skipped < 5000 + jump; ++skipped) {
      EXPECT_EQ(window.check(skipped), Verdict::kNew) << jump;
    }
  }
  for (const uint64_t jump : {1024u, 1025u, 2048u, 100'000u}) {
    SrtpReplayWindow window(5000);
    window.add(5000 + jump);
    EXPECT_EQ(window.check(5000), Verdict::kTooOld) << jump;
    EXPECT_EQ(window.check(5000 + jump - 1023), Verdict::kNew) << jump;
  }
}

TEST(SrtpReplayWindow, IsASetOfTheLast1024) {
  std::mt19937 random(1);
  SrtpReplayWindow window(10'000);
  std::set<uint64_t> model = {10'000};
  for (int i = 0; i < 20'000; ++i) {
    const uint64_t highest = *model.rbegin();
    const uint64_t ahead = random() % 50 == 0 ? random() % 3000 : random() % 4;
    const uint64_t index = random() % 2 == 0 ? highest + ahead : highest - random() % 1100;
    const Verdict expected = index + 1024 <= highest ? Verdict::kTooOld
                             : model.contains(index) ? Verdict::kReplayed
                                                     : Verdict::kNew;
    ASSERT_EQ(window.check(index), expected) << index << " below " << highest;
    if (expected != Verdict::kNew) continue;
    window.add(index);
    model.insert(index);
  }
}

struct Estimate {
  uint64_t highest;
  uint16_t sequence_number;
  uint64_t expected;
};

// RFC 3711 §3.3.1 and appendix A.
TEST(SrtpReplayWindow, EstimatesTheNearestIndex) {
  const Estimate cases[] = {
      {at(5, 100), 101, at(5, 101)},
      {at(5, 100), 100, at(5, 100)},
      {at(5, 100), 99, at(5, 99)},
      {at(5, 65535), 0, at(6, 0)},
      {at(5, 65000), 10, at(6, 10)},
      {at(5, 0), 65535, at(4, 65535)},
      {at(5, 10), 65000, at(4, 65000)},
      {at(5, 100), 100 + 32767, at(5, 100 + 32767)},
      {at(5, 100), 100 + 32768, at(5, 100 + 32768)},
      {at(5, 100), 100 + 32769, at(4, 100 + 32769)},
      {at(5, 40000), 40000 - 32767, at(5, 40000 - 32767)},
      {at(5, 40000), 40000 - 32768, at(5, 40000 - 32768)},
      {at(5, 40000), 40000 - 32769, at(6, 40000 - 32769)},
      {at(5, 32767), 65535, at(5, 65535)},
      {at(5, 32768), 0, at(5, 0)},
      {at(0, 65535), 0, at(1, 0)},
  };
  for (const auto& test : cases) {
    EXPECT_EQ(SrtpReplayWindow(test.highest).estimate(test.sequence_number), test.expected)
        << test.highest << " then " << test.sequence_number;
  }
}

TEST(SrtpReplayWindow, KnowsNoRoundBeforeTheFirst) {
  EXPECT_EQ(SrtpReplayWindow(at(0, 10)).estimate(65535), at(0, 65535));
  EXPECT_EQ(SrtpReplayWindow(at(1, 10)).estimate(65535), at(0, 65535));
}

TEST(SrtpReplayWindow, LeavesTheIndicesOfThisWorldOnlyAtTheirEnd) {
  const uint64_t last = at(0xFFFFFFFF, 65535);
  EXPECT_EQ(SrtpReplayWindow(last).estimate(65534), last - 1);
  EXPECT_EQ(SrtpReplayWindow(last).estimate(0), last + 1);
}

TEST(SrtpReplayWindow, FollowsTwoToThe31PacketsInTheLongestSteps) {
  constexpr uint64_t kFar = uint64_t{1} << 31;
  SrtpReplayWindow window(0);
  for (uint64_t index = 0; index < kFar;) {
    index += 32'767;
    ASSERT_EQ(window.estimate(static_cast<uint16_t>(index)), index);
    ASSERT_EQ(window.check(index), Verdict::kNew);
    window.add(index);
  }
  EXPECT_GT(window.highest(), kFar);
}

TEST(SrtpSources, FindsWhatWasAddedUpToItsLimit) {
  SrtpSources sources(3);
  for (uint32_t ssrc = 1; ssrc <= 3; ++ssrc) {
    EXPECT_FALSE(sources.is_full());
    EXPECT_EQ(sources.find(ssrc), nullptr);
    sources.add(ssrc, ssrc * 10);
  }
  EXPECT_TRUE(sources.is_full());
  EXPECT_EQ(sources.size(), 3u);
  for (uint32_t ssrc = 1; ssrc <= 3; ++ssrc) {
    ASSERT_NE(sources.find(ssrc), nullptr);
    EXPECT_EQ(sources.find(ssrc)->highest(), ssrc * 10);
  }
}

}  // namespace
}  // namespace simpul::dtls
