#include "bench/sound/voice.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

namespace simpul::sound {
namespace {

constexpr double kRoomNoise = 0.0005;  // -66 dBov
constexpr double kBandwidth = 90;      // of a formant, in Hz
constexpr double kLoudness = 0.35;
constexpr size_t kSamplesPerMs = kSampleRate / 1000;
constexpr double kLevelMax = 127;

// The first three formants of a, e, i, o and u.
constexpr std::array<std::array<double, 3>, 5> kVowels = {
    {{730, 1090, 2440}, {530, 1840, 2480}, {270, 2290, 3010}, {570, 840, 2410}, {300, 870, 2240}}};

size_t samples_of(Duration duration) {
  return static_cast<size_t>(duration.count()) * kSampleRate / 1'000'000;
}

}  // namespace

void Voice::Formant::tune(double to) {
  frequency = to;
  const double radius = std::exp(-std::numbers::pi * kBandwidth / kSampleRate);
  a1 = 2 * radius * std::cos(2 * std::numbers::pi * frequency / kSampleRate);
  a2 = -radius * radius;
  gain = 1 - radius;
}

double Voice::Formant::pass(double input) {
  const double output = gain * input + a1 * y1 + a2 * y2;
  y2 = std::exchange(y1, output);
  return output;
}

Voice::Voice(const peer::AudioProfile& profile, uint64_t seed) : profile_(profile), random_(seed) {
  for (size_t i = 0; i < formants_.size(); ++i) formants_[i].tune(kVowels[0][i]);
  pitch_ = random_.between(95, 210);
}

// Half to one and a half times as long as the mean.
void Voice::plan_spurt() {
  if (profile_.talk == peer::AudioProfile::Talk::kAlways) {
    talks_ = true;
    left_ = SIZE_MAX;
    return;
  }
  talks_ = !talks_;
  const size_t mean = samples_of(talks_ ? profile_.talk_mean : profile_.pause_mean);
  left_ = static_cast<size_t>(static_cast<double>(mean) * random_.between(0.5, 1.5)) + 1;
}

// One in six is a gap between words.
void Voice::plan_syllable() {
  syllable_ = {.samples = static_cast<size_t>(random_.between(140, 280)) * kSamplesPerMs};
  if (random_.share() < 1.0 / 6) return;
  syllable_.hiss = static_cast<size_t>(random_.between(0, 70)) * kSamplesPerMs;
  syllable_.loudness = kLoudness * random_.between(0.5, 1);
  syllable_.vowel = kVowels[random_.next() % kVowels.size()];
  pitch_ = std::clamp(pitch_ * random_.between(0.9, 1.11), 85.0, 240.0);
}

double Voice::sample() {
  if (syllable_.at >= syllable_.samples) plan_syllable();
  const size_t at = syllable_.at++;
  if (syllable_.loudness == 0) return 0;
  if (at < syllable_.hiss) return 0.2 * syllable_.loudness * random_.between(-1, 1);
  if (at % (5 * kSamplesPerMs) == 0) {
    for (size_t i = 0; i < formants_.size(); ++i) {
      Formant& formant = formants_[i];
      formant.tune(formant.frequency + 0.2 * (syllable_.vowel[i] - formant.frequency));
    }
  }
  phase_ += pitch_ / kSampleRate;
  phase_ -= std::floor(phase_);
  const double pulse = phase_ < 0.1 ? 1 - phase_ / 0.1 : 0;
  const double breath = 0.02 * random_.between(-1, 1);
  double mouth = 0;
  for (Formant& formant : formants_) mouth += formant.pass(pulse + breath);
  const double part = static_cast<double>(at) / static_cast<double>(syllable_.samples);
  return std::tanh(6 * mouth) * syllable_.loudness * std::sin(std::numbers::pi * part);
}

bool Voice::fill(std::span<float, kFrameSamples> samples) {
  bool talked = false;
  for (float& out : samples) {
    if (left_ == 0) plan_spurt();
    if (left_ != SIZE_MAX) --left_;
    const double noise = kRoomNoise * random_.between(-1, 1);
    out = static_cast<float>(noise + (talks_ ? sample() : 0));
    talked = talked || talks_;
  }
  return talked;
}

uint8_t level_of(std::span<const float> samples) {
  double energy = 0;
  for (const float sample : samples) energy += double{sample} * sample;
  const double mean = energy / static_cast<double>(samples.size());
  if (mean <= 0) return static_cast<uint8_t>(kLevelMax);
  return static_cast<uint8_t>(std::clamp(std::round(-10 * std::log10(mean)), 0.0, kLevelMax));
}

}  // namespace simpul::sound
