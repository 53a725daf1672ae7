#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/expected.h"
#include "rtp/types.h"

namespace simpul::sdp {

// What a session description may hold; a text beyond any of these is an error, not cut.
inline constexpr size_t kTextSizeMax = 64 * 1024;
inline constexpr size_t kLinesMax = 2000;
inline constexpr size_t kLineSizeMax = 4096;
inline constexpr size_t kMediaMax = 64;
inline constexpr size_t kGroupsMax = 8;
inline constexpr size_t kTokenSizeMax = 64;  // of a mid, a name
inline constexpr size_t kRidSizeMax = 16;    // what a one-byte header extension carries
inline constexpr size_t kCodecsPerMediaMax = 64;
inline constexpr size_t kFeedbackPerMediaMax = 512;
inline constexpr size_t kExtensionsPerMediaMax = 32;
inline constexpr size_t kRidsPerMediaMax = 4;
inline constexpr size_t kSsrcsPerMediaMax = 64;
inline constexpr size_t kFingerprintsMax = 8;

enum class MediaType : uint8_t { kAudio, kVideo, kApplication, kOther };
enum class Direction : uint8_t { kSendRecv, kSendOnly, kRecvOnly, kInactive };
enum class Setup : uint8_t { kActPass, kActive, kPassive, kHoldConn };  // RFC 4145 §4

std::string_view to_string(Direction direction);
std::string_view to_string(Setup setup);

// A certificate's hash (RFC 8122 §5), e.g. "sha-256" and 32 bytes.
struct Fingerprint {
  std::string algorithm;  // lower case
  std::vector<uint8_t> digest;

  friend bool operator==(const Fingerprint&, const Fingerprint&) = default;
};

// What says how to reach the peer. It stands at the session, in a media section, or both (then
// the section's counts).
struct TransportDescription {
  std::string ice_ufrag;  // empty: not given
  std::string ice_pwd;
  std::vector<Fingerprint> fingerprints;
  std::optional<Setup> setup;
};

// One format of an m-line: rtpmap, fmtp and rtcp-fb together. A static payload type without an
// rtpmap has an empty name.
struct PayloadFormat {
  rtp::PayloadType payload_type;
  std::string name;  // as offered: "opus", "OPUS", "VP8", "rtx"
  uint32_t clock_rate = 0;
  uint8_t channels = 1;
  std::string parameters;             // fmtp, "minptime=10;useinbandfec=1"
  std::vector<std::string> feedback;  // "nack", "nack pli", "ccm fir"; "*" is spread to all
};

// RFC 8285 §5.
struct ExtensionOffer {
  uint16_t id = 0;
  std::string uri;
  std::optional<Direction> direction;  // the suffix of the id
};

// RFC 8851 §10.
struct Rid {
  std::string id;
  Direction direction = Direction::kSendOnly;   // kSendOnly or kRecvOnly
  std::vector<rtp::PayloadType> payload_types;  // "pt=96,97"; empty: any
  std::string restrictions;                     // the others, "max-width=1280;max-fps=30"
};

// One stream of a simulcast list (RFC 8853 §5.1); of alternatives, all are kept in order.
struct SimulcastAlternative {
  std::string rid;
  bool paused = false;  // "~"
};
using SimulcastStream = std::vector<SimulcastAlternative>;

struct FidGroup {
  rtp::Ssrc primary;
  rtp::Ssrc rtx;
};

struct MediaDescription {
  size_t line = 0;  // of its m=, from 1
  MediaType type = MediaType::kOther;
  std::string type_name;  // "audio"
  uint16_t port = 0;
  std::string protocol;  // "UDP/TLS/RTP/SAVPF"
  std::string formats;   // as in the m-line, "111 63 9"
  std::string mid;       // empty: none
  Direction direction = Direction::kSendRecv;
  TransportDescription transport;
  std::vector<PayloadFormat> codecs;  // in the m-line's order; of RTP protocols only
  std::vector<ExtensionOffer> extensions;
  std::vector<Rid> rids;
  std::vector<SimulcastStream> simulcast_send;
  std::vector<SimulcastStream> simulcast_recv;
  std::vector<rtp::Ssrc> ssrcs;  // each once, in order
  std::vector<FidGroup> fid_groups;
  std::string msid;  // "stream track"
  bool rtcp_mux = false;
  bool rtcp_rsize = false;
  bool bundle_only = false;
  bool extmap_allow_mixed = false;
  bool has_crypto = false;  // a=crypto: keys in the description (SDES), which we never take
};

struct SessionDescription {
  std::vector<std::vector<std::string>> bundle_groups;  // mids
  TransportDescription transport;
  bool ice_lite = false;
  bool extmap_allow_mixed = false;
  std::vector<MediaDescription> media;
};

struct ParseError {
  size_t line = 0;  // from 1
  std::string reason;
};

// Reads an offer or an answer (RFC 8866, with the attributes of RFC 8829), lines ended by CRLF or
// LF. It checks each line by itself and that mids are unique; whether the whole can be accepted
// is negotiate()'s. Unknown attributes and all candidates are skipped: we are ICE-lite.
Expected<SessionDescription, ParseError> parse(std::string_view text);

}  // namespace simpul::sdp
