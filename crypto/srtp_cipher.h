#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "base/bytes.h"

struct IMB_MGR;

namespace simpul::crypto {

// What SRTP encrypts and authenticates with: AES-GCM with 16 bytes of tag (RFC 7714), or AES in
// counter mode with 10 bytes of HMAC-SHA1 (RFC 3711 §4.1.1, §4.2.1).
enum class CipherSuite : uint8_t { kAes128Gcm, kAes256Gcm, kAes128CounterHmacSha1 };

constexpr size_t cipher_key_size(CipherSuite suite) {
  return suite == CipherSuite::kAes256Gcm ? 32 : 16;
}
constexpr size_t authentication_key_size(CipherSuite suite) {
  return suite == CipherSuite::kAes128CounterHmacSha1 ? 20 : 0;
}
constexpr size_t tag_size(CipherSuite suite) {
  return suite == CipherSuite::kAes128CounterHmacSha1 ? 10 : 16;
}

inline constexpr size_t kTagSizeMax = 16;
inline constexpr size_t kTrailerSize = 4;

// 12 bytes of it are the nonce of GCM; all 16 are the first counter block of counter mode.
using CipherIv = std::array<uint8_t, 16>;

// One message to encrypt. Its text is `head`, `body`, then `padding` bytes of which the last holds
// their count and the others zero; it goes to `destination`, which has exactly their size and does
// not overlap them.
//
// The suite with HMAC authenticates one run of memory: there `associated` ends where `destination`
// begins, and `trailer` is written and authenticated in the four bytes behind it (`tag` may lie on
// top of them). GCM leaves these four bytes alone and takes `associated` from anywhere.
struct SealJob {
  Bytes associated;
  MutableBytes destination;
  Bytes head;
  Bytes body;
  uint8_t padding = 0;
  uint32_t trailer = 0;
  CipherIv iv{};
  uint8_t* tag = nullptr;  // tag_size() bytes
};

// One message to decrypt in place; the layout is as in SealJob. What `text` holds when `authentic`
// comes out false is nobody's business: drop it.
struct OpenJob {
  Bytes associated;
  MutableBytes text;
  uint32_t trailer = 0;
  CipherIv iv{};
  uint8_t* tag = nullptr;
  bool authentic = false;  // out
};

class TagBatch;

// One key of one direction, for whole batches: a batch of 16 costs far less than 16 of one with
// HMAC, and the same with GCM. Allocates nothing after it is made. Not thread safe, and bound to
// the engine that made it.
class SrtpCipher {
 public:
  virtual ~SrtpCipher() = default;
  virtual void seal(std::span<const SealJob> jobs) = 0;
  // The same, but tags that cost less together may be left to the batch (crypto/tag_batch.h).
  virtual void begin_seal(std::span<const SealJob> jobs, TagBatch& /*tags*/) { seal(jobs); }
  virtual void open(std::span<OpenJob> jobs) = 0;
};

enum class CipherImplementation : uint8_t { kIpsecMb, kOpenSsl };

// What this CPU is fit for: libipsec-mb wants AES, carry-less multiplication and AVX.
CipherImplementation best_cipher_implementation();

// What the ciphers of one thread share. Each worker makes its own, once; it outlives its ciphers.
class CipherEngine {
 public:
  CipherEngine() : CipherEngine(best_cipher_implementation()) {}
  explicit CipherEngine(CipherImplementation implementation);  // as forced by tests and benchmarks
  ~CipherEngine();
  CipherEngine(const CipherEngine&) = delete;
  CipherEngine& operator=(const CipherEngine&) = delete;

  CipherImplementation implementation() const { return implementation_; }

  // The keys have the sizes that the suite says.
  std::unique_ptr<SrtpCipher> make_cipher(CipherSuite suite, Bytes key, Bytes authentication_key);

 private:
  struct ManagerDeleter {
    void operator()(IMB_MGR* manager) const;
  };

  CipherImplementation implementation_;
  std::unique_ptr<IMB_MGR, ManagerDeleter> manager_;  // null with OpenSSL
};

// `out.size()` bytes of AES counter mode key stream under a key of 16 or 32 bytes: the
// pseudo-random function of SRTP's key derivation (RFC 3711 §4.3.3, RFC 6188 §3).
void counter_key_stream(Bytes key, const CipherIv& iv, MutableBytes out);

}  // namespace simpul::crypto
