#pragma once

#include <cstdint>
#include <vector>

#include "tests/relay/scene.h"

namespace simpul::relay::testing {

// One frame of Opus as a receiver finds it, plain or in a block of RED.
struct HeardFrame {
  uint32_t timestamp = 0;
  std::vector<uint8_t> bytes;

  friend bool operator==(const HeardFrame&, const HeardFrame&) = default;
};

// Takes a packet apart as RFC 2198 says, without the code that put it together: redundant frames
// first, the primary one last. Nothing of what does not add up.
inline std::vector<HeardFrame> frames_of(const Sent& sent) {
  if (sent.payload_type == kOpusType) return {{sent.timestamp, sent.payload}};
  if (sent.payload_type != kRedType) return {};
  struct Header {
    uint32_t age;
    size_t size;
  };
  std::vector<Header> headers;
  size_t at = 0;
  while (at + 4 < sent.payload.size() && (sent.payload[at] & 0x80) != 0) {
    if ((sent.payload[at] & 0x7F) != kOpusType.value()) return {};
    headers.push_back({.age = sent.payload[at + 1] * 64u + sent.payload[at + 2] / 4u,
                       .size = (sent.payload[at + 2] & 3u) * 256u + sent.payload[at + 3]});
    at += 4;
  }
  if (at >= sent.payload.size() || sent.payload[at++] != kOpusType.value()) return {};
  std::vector<HeardFrame> frames;
  for (const auto& [age, size] : headers) {
    if (at + size > sent.payload.size()) return {};
    const auto begin = sent.payload.begin() + static_cast<ptrdiff_t>(at);
    frames.push_back({sent.timestamp - age, {begin, begin + static_cast<ptrdiff_t>(size)}});
    at += size;
  }
  frames.push_back(
      {sent.timestamp, {sent.payload.begin() + static_cast<ptrdiff_t>(at), sent.payload.end()}});
  return frames;
}

}  // namespace simpul::relay::testing
