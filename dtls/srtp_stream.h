#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <span>
#include <type_traits>

#include "base/bytes.h"
#include "base/prefetch.h"
#include "crypto/srtp_cipher.h"
#include "dtls/srtp_keys.h"

namespace simpul::dtls {

// The cipher of RTP, or of RTCP, of one direction, and the salt that its initial values are made
// of. Both profiles lay SSRC and index (48 bits; RTCP's 31 in front of nothing) side by side over
// the salt, GCM two bytes further to the front (RFC 7714 §8.1, §9.1; RFC 3711 §4.1.1).
class SrtpStream {
 public:
  SrtpStream(crypto::CipherEngine& engine, SrtpProfile profile, const SrtpSessionKey& key);

  crypto::SrtpCipher& cipher() const { return *cipher_; }
  // The key, as it was expanded for all rounds and for the hash.
  void prefetch() const { simpul::prefetch(cipher_.get(), kExpandedKeySize); }

  // In two words and where it stays: what is made byte by byte is waited for when it is read.
  void write_initial_value(uint32_t ssrc, uint64_t index, crypto::CipherIv& value) const {
    const uint64_t bits = index & 0xFFFF'FFFF'FFFF;
    const uint64_t front = uint64_t{ssrc} << (bits_behind_ - 16) | bits >> (64 - bits_behind_);
    const std::span<uint8_t, 16> at(value);
    store_be64(at.first<8>(), salt_front_ ^ front);
    store_be64(at.last<8>(), salt_back_ ^ bits << bits_behind_);
  }
  crypto::CipherIv initial_value(uint32_t ssrc, uint64_t index) const {
    crypto::CipherIv value;
    write_initial_value(ssrc, index, value);
    return value;
  }

 private:
  static constexpr size_t kExpandedKeySize = 1'024;

  uint64_t salt_front_;
  uint64_t salt_back_;
  unsigned bits_behind_;  // the index, in an initial value: 16 or 32
  std::unique_ptr<crypto::SrtpCipher> cipher_;
};

// Room on the stack for the jobs of a batch, of which only those that are used get a value.
template <class Job, size_t kCapacity>
class SrtpJobs {
  static_assert(std::is_trivially_destructible_v<Job>);

 public:
  bool empty() const { return size_ == 0; }
  bool full() const { return size_ == kCapacity; }
  // There is room. Takes nothing until push() says so, and then what was made last.
  Job& make() { return *new (&room_[size_ * sizeof(Job)]) Job; }
  void push() { ++size_; }
  void clear() { size_ = 0; }
  std::span<Job> jobs() { return {std::launder(reinterpret_cast<Job*>(room_.data())), size_}; }

 private:
  size_t size_ = 0;
  alignas(Job) std::array<std::byte, kCapacity * sizeof(Job)> room_;
};

}  // namespace simpul::dtls
