#include "dtls/srtp_nonce_guard.h"

#include "crypto/hash.h"

namespace simpul::dtls {

bool SrtpNonceGuard::allows(uint32_t ssrc, uint64_t index, Bytes sealed) {
  constexpr uint64_t kSpread = 0x9E3779B97F4A7C15;
  const uint64_t start_of_ssrc = ssrc * kSpread >> 32;
  Entry& entry = entries_[(index + start_of_ssrc) % kEntries];
  const uint32_t checksum = crypto::crc32(sealed);
  const bool same_numbers = entry.index == index && entry.ssrc == ssrc;
  const bool allowed = !same_numbers || entry.checksum == checksum;
  entry = {.index = index, .ssrc = ssrc, .checksum = checksum};
  return allowed;
}

}  // namespace simpul::dtls
