#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace simpul::demo {

inline constexpr int kGlyphWidth = 5;
inline constexpr int kGlyphHeight = 7;

// Seven rows of five dots, the leftmost in the highest of the five bits.
using Glyph = std::array<uint8_t, kGlyphHeight>;

// Digits, the colon and the upper-case letters; anything else is blank.
const Glyph& glyph(char character);

}  // namespace simpul::demo
