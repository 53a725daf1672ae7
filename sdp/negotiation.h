#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.h"
#include "base/expected.h"
#include "rtp/codec_format.h"
#include "rtp/extension_map.h"
#include "rtp/types.h"
#include "sdp/session_description.h"

namespace simpul::sdp {

enum class PeerRole : uint8_t {
  kPublisher,  // WHIP: the peer sends, our m-lines are recvonly
  kWatcher,    // WHEP: the peer receives, our m-lines are sendonly
};

// What we are willing to accept. Order of codecs is preference.
struct AnswerPolicy {
  PeerRole role = PeerRole::kPublisher;
  std::vector<rtp::Codec> audio_codecs;
  std::vector<rtp::Codec> video_codecs;
  std::vector<rtp::ExtensionKind> extensions;
  size_t media_max = kMediaMax;  // m-lines that are accepted, in the offer's order
};

// All codecs, and the header extensions that this role uses or passes on.
AnswerPolicy default_policy(PeerRole role);

// The feedback messages that the answer keeps (RFC 4585, 5104, transport-wide cc).
struct Feedback {
  bool nack = false;
  bool nack_pli = false;
  bool ccm_fir = false;
  bool transport_cc = false;
  bool ccfb = false;  // RFC 8888, from watchers who do not number what they report on
  bool remb = false;  // draft-alvestrand-rmcat-remb-03, from watchers that have nothing better

  friend bool operator==(const Feedback&, const Feedback&) = default;
};

struct NegotiatedCodec {
  rtp::CodecFormat format;
  rtp::PayloadType payload_type;
  std::optional<rtp::PayloadType> rtx_payload_type;
  uint32_t clock_rate = 0;
  uint8_t channels = 1;
  std::string parameters;  // fmtp as the answer says it
  Feedback feedback;
};

struct NegotiatedExtension {
  rtp::ExtensionKind kind = rtp::ExtensionKind::kMid;
  uint8_t id = 0;                      // 1 to 14, or to 255 with extmap-allow-mixed
  std::optional<Direction> direction;  // the suffix in the answer, when the offer had one
};

// One layer that a publisher may send (RFC 8853).
struct NegotiatedRid {
  std::string rid;
  bool paused = false;
  std::string restrictions;  // as the answer says them
};

// SSRCs that a publisher announced for one stream. Simulcast streams are told apart by rid, not
// by these: offers leave them out.
struct AnnouncedStream {
  rtp::Ssrc primary;
  std::optional<rtp::Ssrc> rtx;
};

// Why an m-line is refused (port 0 in the answer).
enum class Refusal : uint8_t {
  kMediaType,  // data channels and whatever is neither audio nor video
  kProtocol,   // not SRTP keyed by DTLS
  kSdes,       // brings keys in a=crypto
  kDisabled,   // the offer itself says port 0
  kNoBundle,   // outside the (first) BUNDLE group
  kNoRtcpMux,
  kDirection,  // nothing would flow our way
  kNoCodec,
  kTooMany,  // more than the policy allows
};
std::string_view to_string(Refusal refusal);

struct NegotiatedMedia {
  std::string mid;
  MediaType type = MediaType::kOther;
  std::optional<Refusal> refusal;  // absent: accepted; what follows is only filled then

  std::vector<NegotiatedCodec> codecs;  // the policy's order, then the offer's; never empty
  // Of parity packets (draft-ietf-payload-flexible-fec-scheme-03) to a watcher who reports on what
  // arrives.
  std::optional<rtp::PayloadType> flexfec;
  std::vector<NegotiatedExtension> extensions;
  std::vector<NegotiatedRid> rids;  // publisher's simulcast, in the offer's order; else empty
  std::vector<AnnouncedStream> announced;
  bool rtcp_rsize = false;
  bool extmap_allow_mixed = false;

  // As in the offer's m-line, for the answer's.
  std::string type_name;
  std::string protocol;
  std::string formats;

  bool accepted() const { return !refusal; }
  rtp::MediaKind kind() const {  // of an accepted m-line
    return type == MediaType::kVideo ? rtp::MediaKind::kVideo : rtp::MediaKind::kAudio;
  }
  rtp::ExtensionMap extension_map() const;
};

struct Negotiated {
  PeerRole role = PeerRole::kPublisher;
  // The peer's end of the one transport, from the tagged section of the BUNDLE group.
  std::string ice_ufrag;
  std::string ice_pwd;
  std::vector<Fingerprint> fingerprints;  // sha-256 or stronger only, never empty
  Setup setup = Setup::kPassive;          // ours: kPassive, or kActive when the offer is passive
  bool extmap_allow_mixed = false;        // at the session
  std::vector<NegotiatedMedia> media;     // one for each m-line of the offer, in its order

  // Indices of the accepted m-lines in the order of the BUNDLE group; the first is the tagged one,
  // whose section carries the transport. Never empty.
  std::vector<size_t> bundle;

  // The ids of the whole BUNDLE group: the union of the m-lines', without clashes.
  rtp::ExtensionMap extension_map() const;
  // Whether all accepted m-lines offered RTCP of reduced size: they share one transport.
  bool rtcp_rsize() const;
  // Whether the peer takes both forms of header extensions in one stream (RFC 8285 §6).
  bool mixes_extension_forms() const;
};

struct NegotiationError {
  enum class Kind : uint8_t { kInvalidSdp, kUnsupportedMedia };
  Kind kind = Kind::kInvalidSdp;
  std::string detail;  // one line; of a parse error with its line number
};

// Decides what of an offer is accepted, m-line by m-line (RFC 3264 §6, RFC 8829 §5.3.1,
// RFC 9143 §7.3). An error only when nothing is accepted or the transport cannot be made.
Expected<Negotiated, NegotiationError> negotiate(const SessionDescription& offer,
                                                 const AnswerPolicy& policy);

// parse() and negotiate() in one.
Expected<Negotiated, NegotiationError> negotiate(std::string_view offer,
                                                 const AnswerPolicy& policy);

enum class Transport : uint8_t { kUdp, kTcpPassive };

// A host candidate (RFC 8839 §5.1; over TCP RFC 6544 §4.5); the priority is the ICE agent's
// (RFC 8445 §5.1.2).
struct Candidate {
  Address address;
  uint32_t priority = 0;
  Transport transport = Transport::kUdp;
};

// What one of our sending m-lines announces. Slots that share a stream id are played in sync.
struct SlotIdentity {
  rtp::Ssrc ssrc;
  std::optional<rtp::Ssrc> rtx_ssrc;  // written only where the m-line negotiated RTX
  std::string stream_id;
  std::string track_id;
  std::optional<rtp::Ssrc> flexfec_ssrc{};  // likewise
};

// Our end: what the answer says beyond what was negotiated.
struct AnswerParameters {
  uint64_t session_id = 0;  // of the o= line; below 2^63
  std::string ice_ufrag;
  std::string ice_pwd;
  Fingerprint fingerprint;
  std::vector<Candidate> candidates;  // the first is the default one, over UDP; not empty
  std::string cname;
  std::vector<SlotIdentity> slots;  // watcher: beside Negotiated::media; refused ones are not read
};

// The answer's text, lines ended by CRLF.
std::string write_answer(const Negotiated& negotiated, const AnswerParameters& parameters);

}  // namespace simpul::sdp
