#pragma once

#include <algorithm>
#include <array>

#include "base/bytes.h"
#include "crypto/srtp_cipher.h"

namespace simpul::crypto {

// What an implementation makes a cipher of. Borrowed for the call.
struct CipherKeys {
  CipherSuite suite;
  Bytes key;
  Bytes authentication_key;
};

// The padding of one job, to be encrypted like the rest.
class PaddingBytes {
 public:
  explicit PaddingBytes(uint8_t count) : count_(count) {
    if (count == 0) return;
    std::fill_n(bytes_.begin(), count - 1, uint8_t{0});
    bytes_[count - 1u] = count;
  }
  Bytes bytes() const { return Bytes(bytes_).first(count_); }

 private:
  uint8_t count_;
  std::array<uint8_t, 255> bytes_;
};

// Where the trailer of a job with HMAC goes: behind its text, in room that the job vouches for.
inline void store_trailer(uint8_t* at, uint32_t trailer) {
  store_be32(std::span<uint8_t, kTrailerSize>(at, kTrailerSize), trailer);
}

}  // namespace simpul::crypto
