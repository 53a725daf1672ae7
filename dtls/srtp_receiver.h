#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/bytes.h"
#include "base/expected.h"
#include "crypto/srtp_cipher.h"
#include "dtls/srtp_keys.h"
#include "dtls/srtp_replay.h"
#include "dtls/srtp_stream.h"

namespace simpul::dtls {

enum class SrtpError : uint8_t {
  kTooShort,        // shorter than its own header and the tag
  kAuthentication,  // not made with our key, or changed on its way
  kReplayed,        // had this one already
  kTooOld,          // behind the replay window, so nobody knows
  kTooManySources,  // of one SSRC more than the limit; not looked into any further
  kNotEncrypted,    // SRTCP without its E bit
};

std::string_view to_string(SrtpError error);

// One SRTP packet to decrypt in place. `opened` becomes the size of the RTP packet at the start of
// `packet`, or why there is none; the bytes are then worth nothing.
struct RtpToOpen {
  MutableBytes packet;
  Expected<size_t, SrtpError> opened{0};
};

// Authenticates and decrypts what one connection receives, and refuses replays (RFC 3711 §3.3,
// RFC 7714). Per SSRC it keeps the rollover counter, estimated from the highest index seen
// (§3.3.1), and a window of 1,024 packets (§3.3.2). Only an authentic packet changes any of it or
// makes an entry. A batch opens what its packets would open one by one.
class SrtpReceiver {
 public:
  struct Limits {
    size_t sources_max = 128;  // SSRCs of RTP, and as many of RTCP; entries stay to the end
  };

  // The engine outlives the receiver; both belong to one thread.
  SrtpReceiver(crypto::CipherEngine& engine, const SrtpMasterKey& master)
      : SrtpReceiver(engine, master, Limits{}) {}
  SrtpReceiver(crypto::CipherEngine& engine, const SrtpMasterKey& master, const Limits& limits)
      : SrtpReceiver(engine, derive_session_keys(master), limits) {}
  SrtpReceiver(crypto::CipherEngine& engine, const SrtpSessionKeys& keys, const Limits& limits);

  // Allocates only when a source is new.
  void open(std::span<RtpToOpen> batch);

  // Decrypts one SRTCP packet in place; gives the size of the compound packet.
  Expected<size_t, SrtpError> open_rtcp(MutableBytes packet);

  // What open() will need; see base/prefetch.h.
  void prefetch() const {
    rtp_.prefetch();
    rtp_sources_.prefetch();
  }

  size_t source_count() const { return rtp_sources_.size(); }

 private:
  struct Group;

  void prepare(RtpToOpen& packet, Group& group);
  void finish(Group& group);

  crypto::CipherSuite suite_;
  SrtpStream rtp_;
  SrtpStream rtcp_;
  SrtpSources rtp_sources_;
  SrtpSources rtcp_sources_;
};

}  // namespace simpul::dtls
