#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.h"

namespace simpul::dtls {

// Remembers some of the packets that a sender has sealed, to find a caller that seals two different
// ones under one (SSRC, index), which gives GCM's key away (RFC 7714 §5.1). It finds a repetition
// among the last few hundred packets, not every one: a net for our own mistakes, in debug builds.
class SrtpNonceGuard {
 public:
  SrtpNonceGuard() : entries_(kEntries) {}

  // False when another packet was sealed under these numbers.
  [[nodiscard]] bool allows(uint32_t ssrc, uint64_t index, Bytes sealed);

 private:
  static constexpr size_t kEntries = 1024;

  struct Entry {
    uint64_t index = UINT64_MAX;
    uint32_t ssrc = 0;
    uint32_t checksum = 0;
  };

  std::vector<Entry> entries_;  // by index and SSRC; a newcomer takes the place
};

}  // namespace simpul::dtls
