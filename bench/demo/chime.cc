#include "bench/demo/chime.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

namespace simpul::demo {
namespace {

constexpr double kLoudness = 0.16;
constexpr double kAttackSeconds = 0.006;
constexpr double kDecaySeconds = 0.22;
// So that nothing is left of a bell when the next one sounds.
constexpr double kReleaseSeconds = 0.05;

// A pentatonic scale, up and down.
constexpr std::array<double, 8> kNotes = {392.00, 440.00, 523.25, 587.33,
                                          659.25, 587.33, 523.25, 440.00};

struct Partial {
  double multiple;
  double loudness;
  double decay;  // share of kDecaySeconds
};
constexpr std::array<Partial, 3> kPartials = {{{1, 0.75, 1}, {2, 0.2, 0.5}, {3.01, 0.05, 0.25}}};

double bell(double hertz, double seconds) {
  double sum = 0;
  for (const Partial& partial : kPartials) {
    sum += partial.loudness * std::exp(-seconds / (kDecaySeconds * partial.decay)) *
           std::sin(2 * std::numbers::pi * hertz * partial.multiple * seconds);
  }
  return kLoudness * sum * std::min(1.0, seconds / kAttackSeconds) *
         std::min(1.0, (1 - seconds) / kReleaseSeconds);
}

}  // namespace

void fill_chime(int64_t first_sample, std::span<float> samples) {
  for (float& sample : samples) {
    const auto note = static_cast<size_t>(first_sample / kSampleRate) % kNotes.size();
    const double seconds = static_cast<double>(first_sample % kSampleRate) / kSampleRate;
    sample = static_cast<float>(bell(kNotes[note], seconds));
    ++first_sample;
  }
}

}  // namespace simpul::demo
