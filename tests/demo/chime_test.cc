#include "bench/demo/chime.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace simpul::demo {
namespace {

std::vector<float> sound(int64_t first, size_t count) {
  std::vector<float> samples(count);
  fill_chime(first, samples);
  return samples;
}

float loudest(const std::vector<float>& samples) {
  float most = 0;
  for (const float sample : samples) most = std::max(most, std::abs(sample));
  return most;
}

TEST(Chime, SoundsAtTheFullSecondAndFadesAway) {
  EXPECT_GT(loudest(sound(7 * 48'000, 9'600)), 0.08f);
  EXPECT_LT(loudest(sound(7 * 48'000 + 43'200, 4'800)), 0.01f);
}

TEST(Chime, IsNeverLoud) { EXPECT_LT(loudest(sound(0, 8 * 48'000)), 0.2f); }

TEST(Chime, HasNoStepBetweenSamplesNorBetweenBells) {
  const auto samples = sound(0, 8 * 48'000);
  float most = 0;
  for (size_t i = 1; i < samples.size(); ++i) {
    most = std::max(most, std::abs(samples[i] - samples[i - 1]));
  }
  EXPECT_LT(most, 0.03f);
}

TEST(Chime, IsTheSameInPieces) {
  const auto whole = sound(47'000, 1'920);
  auto pieces = sound(47'000, 960);
  const auto second = sound(47'960, 960);
  pieces.insert(pieces.end(), second.begin(), second.end());
  EXPECT_EQ(whole, pieces);
}

TEST(Chime, ChangesItsNoteEachSecond) { EXPECT_NE(sound(0, 4'800), sound(48'000, 4'800)); }

}  // namespace
}  // namespace simpul::demo
