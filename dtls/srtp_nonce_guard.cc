#include "dtls/srtp_nonce_guard.h"

#include <algorithm>

#include "crypto/hash.h"

namespace simpul::dtls {

bool SrtpNonceGuard::allows(uint32_t ssrc, uint64_t index, Bytes sealed) {
  auto source = std::ranges::find(sources_, ssrc, &Source::ssrc);
  if (source == sources_.end()) {
    if (sources_.size() == kSourcesMax) sources_.erase(sources_.begin());
    sources_.push_back({.ssrc = ssrc, .entries = std::vector<Entry>(kEntries)});
    source = sources_.end() - 1;
  }
  if (index + kEntries <= source->highest) return false;
  source->highest = std::max(source->highest, index);
  Entry& entry = source->entries[index % kEntries];
  const uint32_t checksum = crypto::crc32(sealed);
  const bool allowed = entry.index != index || entry.checksum == checksum;
  entry = {.index = index, .checksum = checksum};
  return allowed;
}

bool SrtpNonceGuard::allows_rtcp(uint64_t index) {
  const bool allowed = index >= rtcp_next_;
  rtcp_next_ = std::max(rtcp_next_, index + 1);
  return allowed;
}

}  // namespace simpul::dtls
