#pragma once

#include <cstdint>
#include <span>

namespace simpul::demo {

inline constexpr uint32_t kSampleRate = 48'000;

// A soft bell at every full second, its note from one scale after the other. Sample number 0 is
// that of 1970. Pure: the same numbers give the same sound.
void fill_chime(int64_t first_sample, std::span<float> samples);

}  // namespace simpul::demo
