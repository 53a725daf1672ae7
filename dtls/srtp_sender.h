#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "base/bytes.h"
#include "crypto/srtp_cipher.h"
#include "crypto/tag_batch.h"
#include "dtls/srtp_keys.h"
#include "dtls/srtp_nonce_guard.h"
#include "dtls/srtp_stream.h"

namespace simpul::dtls {

// What SRTP and SRTCP may add to a packet at most.
inline constexpr size_t kSrtpOverheadMax = crypto::kTagSizeMax;
inline constexpr size_t kSrtcpOverheadMax = crypto::kTagSizeMax + crypto::kTrailerSize;

// One RTP packet to encrypt. The caller has written its header, extensions included, into the
// first `header_size` bytes of `destination` (with the P bit when `padding` is not zero). Behind it
// go `head`, `body` and the padding, encrypted, then the tag; `head` and `body` lie elsewhere.
struct RtpToSeal {
  MutableBytes destination;  // room for all that and kSrtpOverheadMax
  size_t header_size = 0;
  Bytes head;
  Bytes body;
  uint8_t padding = 0;     // bytes: zeros, and the count in the last (RFC 3550 §5.1)
  uint64_t index = 0;      // rollover counter << 16 | sequence number (RFC 3711 §3.3.1)
  size_t sealed_size = 0;  // out: of the SRTP packet; 0 when it did not fit
};

// Encrypts and authenticates what leaves one connection (RFC 3711, RFC 7714), source to
// destination, so that no copy of the payload is made first. It keeps no state per SSRC: the caller
// gives the index, starts below 2^15, and never gives one (SSRC, index) to two different packets,
// because under GCM that gives the key away (debug builds abort when they see it). The very same
// bytes may be sealed again.
class SrtpSender {
 public:
  // The engine outlives the sender; both belong to one thread. SRTCP packets are counted from
  // `rtcp_index` on.
  SrtpSender(crypto::CipherEngine& engine, const SrtpMasterKey& master, uint32_t rtcp_index = 1)
      : SrtpSender(engine, derive_session_keys(master), rtcp_index) {}
  SrtpSender(crypto::CipherEngine& engine, const SrtpSessionKeys& keys, uint32_t rtcp_index = 1);

  // A batch of any size; packets of one frame in one batch are cheapest. Nothing is allocated.
  void seal(std::span<RtpToSeal> batch);
  // The same, but the packets are whole after tags.finish() only, and stay where they are until
  // then, as the sender does: with AES_CM the tags of many receivers' packets are cheaper together.
  void begin_seal(std::span<RtpToSeal> batch, crypto::TagBatch& tags);

  // Writes the SRTCP packet of one compound packet; the room is plain.size() + kSrtcpOverheadMax.
  // Gives its size, or 0 when it does not fit, is no RTCP, or all 2^31 indices are used up.
  size_t seal_rtcp(Bytes plain, MutableBytes destination);

  // What seal() will need; see base/prefetch.h.
  void prefetch() const { rtp_.prefetch(); }

  // How much seal() adds to a packet: 10 or 16 bytes.
  size_t overhead() const { return crypto::tag_size(suite_); }

 private:
  size_t prepare(const RtpToSeal& packet, crypto::SealJob& job) const;
  void check_nonces(std::span<const RtpToSeal> batch);

  crypto::CipherSuite suite_;
  SrtpStream rtp_;
  SrtpStream rtcp_;
  uint32_t rtcp_index_;                    // of the next SRTCP packet
  std::unique_ptr<SrtpNonceGuard> guard_;  // in debug builds
};

}  // namespace simpul::dtls
