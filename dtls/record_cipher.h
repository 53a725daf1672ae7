#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "crypto/hash.h"
#include "dtls/record.h"
#include "dtls/srtp_replay.h"

namespace simpul::dtls {

inline constexpr size_t kMasterSecretSize = 48;
inline constexpr size_t kHelloRandomSize = 32;

// What the records of one direction are protected with: AES-GCM with a key of 16 or 32 bytes, and
// the half of its nonce that is not sent (RFC 5288 §3). Overwritten when it ends.
struct RecordKey {
  std::array<uint8_t, 32> key{};
  size_t key_size = 0;
  std::array<uint8_t, 4> salt{};

  RecordKey() = default;
  RecordKey(const RecordKey&) = default;
  RecordKey& operator=(const RecordKey&) = default;
  ~RecordKey();
};

struct RecordKeys {
  RecordKey client_write;
  RecordKey server_write;
};

// What a handshake agreed on. Borrowed for the call.
struct RecordSecrets {
  std::span<const uint8_t, kMasterSecretSize> master;
  std::span<const uint8_t, kHelloRandomSize> client_random;
  std::span<const uint8_t, kHelloRandomSize> server_random;
  crypto::DigestAlgorithm digest = crypto::DigestAlgorithm::kSha256;  // of the cipher suite
  size_t key_size = 16;
};

// The pseudo-random function of TLS 1.2 (RFC 5246 §5); `seed` includes the label.
void tls_prf(crypto::DigestAlgorithm digest, Bytes secret, Bytes seed, MutableBytes out);

// The key block, for suites that need no MAC keys (RFC 5246 §6.3).
RecordKeys derive_record_keys(const RecordSecrets& secrets);

// The numbers of a protected record. Neither is given twice under one key.
struct RecordNumbers {
  uint64_t sequence_number = 0;  // 48 bits
  uint64_t nonce = 0;            // the half that is sent
};

// The numbers of a protected record as it lies on the wire; nothing when it is none.
std::optional<RecordNumbers> record_numbers(const Record& record);

// Protects what an association says and hears once its handshake is complete (RFC 6347 §4.1.2,
// RFC 5288): records of epoch 1. Takes in no record twice, and lets none that is not genuine change
// anything. It is some 400 bytes, where OpenSSL keeps 40,000 for the same.
class RecordCipher {
 public:
  // `last_sent` is of our last record under these keys, which the handshake wrote.
  RecordCipher(const RecordKey& local, const RecordKey& remote, const RecordNumbers& last_sent)
      : local_(local), remote_(remote), last_sent_(last_sent) {}

  // What a genuine record of epoch 1 holds; nothing for any other, or the second time.
  std::optional<std::vector<uint8_t>> open(const Record& record);
  // A whole record. Nothing when all numbers are used up.
  std::vector<uint8_t> seal(ContentType type, Bytes content);

 private:
  RecordKey local_;
  RecordKey remote_;
  RecordNumbers last_sent_;
  std::optional<SrtpReplayWindow> received_;  // from the first genuine record on
};

}  // namespace simpul::dtls
