#include <algorithm>
#include <cstdio>

#include "sdp/negotiation.h"

namespace simpul::sdp {
namespace {

// Within this time, in µs, parity packets follow what they protect
// (draft-ietf-payload-flexible-fec-scheme-03 §5.1.1).
constexpr std::string_view kRepairWindow = "500000";
constexpr uint16_t kDiscardPort = 9;  // RFC 8829 §5.3.1: a port that is told elsewhere

class AnswerWriter {
 public:
  AnswerWriter(const Negotiated& negotiated, const AnswerParameters& parameters)
      : negotiated_(negotiated), parameters_(parameters) {}

  std::string write();

 private:
  template <class... Parts>
  void line(const Parts&... parts) {
    (text_.append(parts), ...);
    text_.append("\r\n");
  }

  void write_session();
  void write_refused(const NegotiatedMedia& media);
  void write_accepted(size_t index);
  void write_media_line(const NegotiatedMedia& media, bool tagged);
  void write_transport();
  void write_candidates();
  void write_codec(const NegotiatedCodec& codec);
  void write_extensions(const NegotiatedMedia& media);
  void write_rids(const NegotiatedMedia& media);
  void write_slot(const NegotiatedMedia& media, const SlotIdentity& slot);

  const Negotiated& negotiated_;
  const AnswerParameters& parameters_;
  std::string text_;
};

std::string number(uint64_t value) { return std::to_string(value); }
std::string number(rtp::PayloadType payload_type) { return std::to_string(payload_type.value()); }
std::string number(rtp::Ssrc ssrc) { return std::to_string(ssrc.value()); }

std::string connection_address(const Address& address) {
  return (address.is_v4() ? "IN IP4 " : "IN IP6 ") + address.ip_text();
}

std::string hexadecimal(const std::vector<uint8_t>& digest) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string text;
  for (const uint8_t byte : digest) {
    if (!text.empty()) text += ':';
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

// The encoding name with clock rate and channels, as a=rtpmap wants it.
std::string encoding(const NegotiatedCodec& codec) {
  std::string text(rtp::to_string(codec.format.codec));
  text += '/' + number(codec.clock_rate);
  if (codec.channels > 1) text += '/' + number(codec.channels);
  return text;
}

bool has_rtx(const NegotiatedMedia& media) {
  return std::ranges::any_of(media.codecs,
                             [](const auto& codec) { return codec.rtx_payload_type.has_value(); });
}

std::string AnswerWriter::write() {
  write_session();
  for (size_t i = 0; i < negotiated_.media.size(); ++i) {
    const auto& media = negotiated_.media[i];
    media.accepted() ? write_accepted(i) : write_refused(media);
  }
  return std::move(text_);
}

void AnswerWriter::write_session() {
  line("v=0");
  line("o=- ", number(parameters_.session_id), " 1 IN IP4 127.0.0.1");
  line("s=-");
  line("t=0 0");
  line("a=ice-lite");
  // Candidates that the peer finds later are taken by PATCH (RFC 8840 §4.1); RFC 8445 §10.
  line("a=ice-options:trickle ice2");
  text_ += "a=group:BUNDLE";
  for (const size_t index : negotiated_.bundle) text_ += ' ' + negotiated_.media[index].mid;
  line("");
  if (negotiated_.extmap_allow_mixed) line("a=extmap-allow-mixed");
}

void AnswerWriter::write_refused(const NegotiatedMedia& media) {
  line("m=", media.type_name, " 0 ", media.protocol, " ", media.formats);
  line("c=IN IP4 0.0.0.0");
  if (!media.mid.empty()) line("a=mid:", media.mid);
  write_transport();
  line("a=inactive");
}

void AnswerWriter::write_accepted(size_t index) {
  const auto& media = negotiated_.media[index];
  const bool tagged = index == negotiated_.bundle.front();
  write_media_line(media, tagged);
  line("a=mid:", media.mid);
  write_transport();
  if (tagged) write_candidates();
  line(negotiated_.role == PeerRole::kPublisher ? "a=recvonly" : "a=sendonly");
  line("a=rtcp-mux");
  if (media.rtcp_rsize) line("a=rtcp-rsize");
  if (media.extmap_allow_mixed) line("a=extmap-allow-mixed");
  write_extensions(media);
  for (const auto& codec : media.codecs) write_codec(codec);
  // Of all payload types or none (RFC 8888 §6).
  const auto& codecs = media.codecs;
  if (std::ranges::any_of(codecs, [](const auto& codec) { return codec.feedback.ccfb; })) {
    line("a=rtcp-fb:* ack ccfb");
  }
  if (media.flexfec) {
    line("a=rtpmap:", number(*media.flexfec), " flexfec-03/90000");
    line("a=fmtp:", number(*media.flexfec), " repair-window=", kRepairWindow);
  }
  write_rids(media);
  if (negotiated_.role == PeerRole::kWatcher && index < parameters_.slots.size()) {
    write_slot(media, parameters_.slots[index]);
  }
}

void AnswerWriter::write_media_line(const NegotiatedMedia& media, bool tagged) {
  const bool reachable = tagged && !parameters_.candidates.empty();
  const Address address =
      reachable ? parameters_.candidates.front().address : Address::v4({0, 0, 0, 0}, kDiscardPort);
  text_ += "m=" + media.type_name + ' ' + number(address.port) + ' ' + media.protocol;
  for (const auto& codec : media.codecs) {
    text_ += ' ' + number(codec.payload_type);
    if (codec.rtx_payload_type) text_ += ' ' + number(*codec.rtx_payload_type);
  }
  if (media.flexfec) text_ += ' ' + number(*media.flexfec);
  line("");
  line("c=", connection_address(address));
}

// The transport stands in every section, although RFC 9143 asks for it in the tagged one only:
// GStreamer and aiortc look for it section by section, and take no answer in which a refused one
// is without it. Candidates are long, and stand once.
void AnswerWriter::write_transport() {
  line("a=ice-ufrag:", parameters_.ice_ufrag);
  line("a=ice-pwd:", parameters_.ice_pwd);
  line("a=fingerprint:", parameters_.fingerprint.algorithm, " ",
       hexadecimal(parameters_.fingerprint.digest));
  line("a=setup:", to_string(negotiated_.setup));
}

void AnswerWriter::write_candidates() {
  const auto& candidates = parameters_.candidates;
  for (const auto& candidate : candidates) {
    // One foundation for each local address and transport (RFC 8445 §5.1.1.3): where it first
    // stands.
    const auto first = std::ranges::find_if(candidates, [&](const Candidate& other) {
      return other.address.ip == candidate.address.ip && other.transport == candidate.transport;
    });
    const bool udp = candidate.transport == Transport::kUdp;
    line("a=candidate:", number(static_cast<uint64_t>(first - candidates.begin()) + 1),
         udp ? " 1 udp " : " 1 tcp ", number(candidate.priority), " ", candidate.address.ip_text(),
         " ", number(candidate.address.port), " typ host", udp ? "" : " tcptype passive");
  }
  line("a=end-of-candidates");
}

void AnswerWriter::write_codec(const NegotiatedCodec& codec) {
  const std::string payload_type = number(codec.payload_type);
  line("a=rtpmap:", payload_type, " ", encoding(codec));
  if (!codec.parameters.empty()) line("a=fmtp:", payload_type, " ", codec.parameters);
  const auto& feedback = codec.feedback;
  if (feedback.transport_cc) line("a=rtcp-fb:", payload_type, " transport-cc");
  if (feedback.remb) line("a=rtcp-fb:", payload_type, " goog-remb");
  if (feedback.ccm_fir) line("a=rtcp-fb:", payload_type, " ccm fir");
  if (feedback.nack) line("a=rtcp-fb:", payload_type, " nack");
  if (feedback.nack_pli) line("a=rtcp-fb:", payload_type, " nack pli");
  if (!codec.rtx_payload_type) return;
  const std::string rtx = number(*codec.rtx_payload_type);
  line("a=rtpmap:", rtx, " rtx/", number(codec.clock_rate));
  line("a=fmtp:", rtx, " apt=", payload_type);
}

void AnswerWriter::write_extensions(const NegotiatedMedia& media) {
  for (const auto& extension : media.extensions) {
    std::string id = number(extension.id);
    if (extension.direction) id.append("/").append(to_string(*extension.direction));
    line("a=extmap:", id, " ", rtp::uri_of(extension.kind));
  }
}

void AnswerWriter::write_rids(const NegotiatedMedia& media) {
  if (media.rids.empty()) return;
  std::string list;
  for (const auto& rid : media.rids) {
    line("a=rid:", rid.rid, " recv", rid.restrictions.empty() ? "" : " ", rid.restrictions);
    if (!list.empty()) list += ';';
    list += (rid.paused ? "~" : "") + rid.rid;
  }
  line("a=simulcast:recv ", list);
}

void AnswerWriter::write_slot(const NegotiatedMedia& media, const SlotIdentity& slot) {
  line("a=msid:", slot.stream_id, " ", slot.track_id);
  const bool with_rtx = slot.rtx_ssrc && has_rtx(media);
  const bool with_flexfec = slot.flexfec_ssrc && media.flexfec;
  if (with_rtx) line("a=ssrc-group:FID ", number(slot.ssrc), " ", number(*slot.rtx_ssrc));
  // RFC 5956 §4.3.
  if (with_flexfec)
    line("a=ssrc-group:FEC-FR ", number(slot.ssrc), " ", number(*slot.flexfec_ssrc));
  line("a=ssrc:", number(slot.ssrc), " cname:", parameters_.cname);
  if (with_rtx) line("a=ssrc:", number(*slot.rtx_ssrc), " cname:", parameters_.cname);
  if (with_flexfec) line("a=ssrc:", number(*slot.flexfec_ssrc), " cname:", parameters_.cname);
}

}  // namespace

std::string write_answer(const Negotiated& negotiated, const AnswerParameters& parameters) {
  return AnswerWriter(negotiated, parameters).write();
}

}  // namespace simpul::sdp
