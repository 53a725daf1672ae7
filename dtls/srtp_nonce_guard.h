#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.h"

namespace simpul::dtls {

// Remembers some of the packets that a sender has sealed, to find a caller that seals two different
// ones under one (SSRC, index), which gives GCM's key away (RFC 7714 §5.1); in counter mode it
// gives away both texts. Of each SSRC (media, and retransmissions with what is padded into them) it
// knows the last 1,024 indices: a net for our own mistakes, in debug builds.
class SrtpNonceGuard {
 public:
  // False when another packet was sealed under these numbers.
  [[nodiscard]] bool allows(uint32_t ssrc, uint64_t index, Bytes sealed);

 private:
  static constexpr size_t kEntries = 1024;
  static constexpr size_t kSourcesMax = 64;  // more than a connection has slots, and theirs for RTX

  struct Entry {
    uint64_t index = UINT64_MAX;
    uint32_t checksum = 0;
  };
  struct Source {
    uint32_t ssrc = 0;
    std::vector<Entry> entries = {};  // by index; a newcomer takes the place
  };

  std::vector<Source> sources_;  // in the order of their first packets; the oldest makes room
};

}  // namespace simpul::dtls
