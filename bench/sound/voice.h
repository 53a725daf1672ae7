#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/time.h"
#include "bench/peer/media_profile.h"
#include "bench/peer/random.h"

namespace simpul::sound {

inline constexpr uint32_t kSampleRate = 48'000;
inline constexpr size_t kFrameSamples = 960;  // 20 ms

// A voice that says nothing: pulses at a wandering pitch through three formants that glide from
// vowel to vowel, hisses for consonants, syllables about four a second, breath between words; over
// the noise of a quiet room. Talks in spurts or always, by the profile. Samples are within -1 to 1.
class Voice {
 public:
  Voice(const peer::AudioProfile& profile, uint64_t seed);

  // The next 20 ms. True while a spurt lasts.
  bool fill(std::span<float, kFrameSamples> samples);

 private:
  // A resonance of the mouth, and its two samples of memory.
  struct Formant {
    double frequency = 500;
    double a1 = 0;
    double a2 = 0;
    double gain = 1;
    double y1 = 0;
    double y2 = 0;

    void tune(double to);
    double pass(double input);
  };
  struct Syllable {
    size_t samples = 0;  // 0: over
    size_t at = 0;
    size_t hiss = 0;  // samples of a consonant in front
    double loudness = 0;
    std::array<double, 3> vowel{};
  };

  void plan_spurt();
  void plan_syllable();
  double sample();

  peer::AudioProfile profile_;
  peer::Random random_;
  bool talks_ = false;
  size_t left_ = 0;  // samples of this spurt or pause
  Syllable syllable_;
  std::array<Formant, 3> formants_;
  double pitch_ = 120;
  double phase_ = 0;
};

// -dBov of RFC 6464: 0 the loudest, 127 silence.
uint8_t level_of(std::span<const float> samples);

}  // namespace simpul::sound
