#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "rtp/codec_format.h"
#include "rtp/extension_map.h"
#include "rtp/header_extensions.h"
#include "rtp/types.h"

// What the offer and the answer settled about media, as a connection needs it.
namespace simpul::connection {

struct ReceivedCodec {
  rtp::CodecFormat format{};
  rtp::PayloadType payload_type;
  std::optional<rtp::PayloadType> rtx_payload_type;
  uint32_t clock_rate = 48000;
  bool nack = false;
  bool pli = false;
  bool fir = false;
};

// SSRCs that the offer announced for one layer; simulcast offers need not announce any.
struct AnnouncedSource {
  rtp::Ssrc ssrc;
  std::optional<rtp::Ssrc> rtx_ssrc;
};

// One m-line on which the peer sends.
struct ReceivingLine {
  std::string mid;
  rtp::MediaKind kind = rtp::MediaKind::kAudio;
  std::vector<ReceivedCodec> codecs;
  std::vector<std::string> rids;  // accepted ones, in the offer's order; empty without simulcast
  std::vector<AnnouncedSource> sources;
  bool transport_feedback = false;

  size_t layer_count() const { return rids.empty() ? 1 : rids.size(); }
};

// Which m-line and which of its layers something belongs to.
struct LayerId {
  uint8_t line = 0;
  uint8_t layer = 0;

  friend bool operator==(const LayerId&, const LayerId&) = default;
};

// The parity packets of one m-line (draft-ietf-payload-flexible-fec-scheme-03).
struct Flexfec {
  rtp::Ssrc ssrc;
  rtp::PayloadType payload_type;
};

// One m-line on which we send: a slot.
struct SendingLine {
  std::string mid;
  rtp::Ssrc ssrc;
  std::optional<rtp::Ssrc> rtx_ssrc;
  bool transport_feedback = false;  // its packets are numbered, and the peer reports on each
  // The peer reports on each packet by the numbers that it has anyway (RFC 8888).
  bool congestion_feedback = false;
  std::optional<Flexfec> flexfec{};
  bool send_times = false;  // its packets say when they left: the peer estimates by that
};

struct MediaConfig {
  std::vector<ReceivingLine> receiving;
  std::vector<SendingLine> sending;
  rtp::ExtensionMap extensions;
  rtp::ExtensionForms extension_forms = rtp::ExtensionForms::kOneByte;  // of what we send
  std::string cname;                                                    // of our RTCP
  uint64_t bitrate_max = 0;  // of each receiving line, bit/s; 0: any
  // Of the transport-wide numbers that are left out, by which peers are found who say that all
  // came: secret. 0: none is.
  uint64_t hole_seed = 0;
  bool remb = false;               // the peer tells what it can receive
  bool pad_frames = true;          // packets of a frame are sent with equal sizes
  bool reduced_size_rtcp = false;  // every line offered it (RFC 5506): feedback may stand alone
};

}  // namespace simpul::connection
