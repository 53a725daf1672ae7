#pragma once

#include <cstdint>
#include <string_view>

namespace simpul::rtp {

// Why bytes were refused. The names are what counters are called.
enum class ParseError : uint8_t {
  kTooShort,            // a fixed part is cut off
  kBadVersion,          // not version 2
  kTruncatedExtension,  // the header extension runs past the end
  kBadPadding,          // no count, or more than there is
  kMalformed,           // lengths that contradict each other, a reserved value
};

std::string_view to_string(ParseError error);

}  // namespace simpul::rtp
