#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.h"

namespace simpul::dtls {

// Remembers the packets that a sender has sealed, to find two different ones under one (SSRC,
// index), which gives GCM's key away (RFC 7714 §5.1); in counter mode it gives away both texts. A
// net for our own mistakes, in debug builds: it forgets the SSRC that came first for the 65th.
class SrtpNonceGuard {
 public:
  // Of RTP, media and retransmissions alike. False when another packet was sealed under these
  // numbers, or may have been: of each SSRC the last 1,024 indices are known.
  [[nodiscard]] bool allows(uint32_t ssrc, uint64_t index, Bytes sealed);
  // Of RTCP, whose index is the sender's own. False when it is no higher than all before.
  [[nodiscard]] bool allows_rtcp(uint64_t index);

 private:
  static constexpr size_t kEntries = 1024;
  static constexpr size_t kSourcesMax = 64;  // more than a connection has slots, and theirs for RTX

  struct Entry {
    uint64_t index = UINT64_MAX;
    uint32_t checksum = 0;
  };
  struct Source {
    uint32_t ssrc = 0;
    uint64_t highest = 0;
    std::vector<Entry> entries = {};  // by index; a newcomer takes the place
  };

  std::vector<Source> sources_;  // in the order of their first packets; the oldest makes room
  uint64_t rtcp_next_ = 0;
};

}  // namespace simpul::dtls
