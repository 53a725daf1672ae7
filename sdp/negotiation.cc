#include "sdp/negotiation.h"

#include <algorithm>
#include <array>
#include <utility>

#include "sdp/codec_choice.h"
#include "sdp/extension_choice.h"

namespace simpul::sdp {
namespace {

using rtp::ExtensionKind;
using Kind = NegotiationError::Kind;

// The names that SRTP keyed by DTLS goes by (RFC 5764 §8, RFC 7850, RFC 8829 §5.1.2); the shorter
// one is taken as DTLS because a fingerprint comes with it and a=crypto does not.
constexpr std::array<std::string_view, 3> kProtocols = {"UDP/TLS/RTP/SAVPF", "TCP/DTLS/RTP/SAVPF",
                                                        "RTP/SAVPF"};
constexpr std::array<std::string_view, 3> kStrongHashes = {"sha-256", "sha-384", "sha-512"};
constexpr size_t kRefusalsTold = 4;

bool is_one_of(std::span<const std::string_view> names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

class Negotiator {
 public:
  Negotiator(const SessionDescription& offer, const AnswerPolicy& policy)
      : offer_(offer), policy_(policy), codecs_(policy), extensions_(policy, offer) {}

  Expected<Negotiated, NegotiationError> run();

 private:
  NegotiatedMedia settle(const MediaDescription& media);
  std::optional<Refusal> refusal_of(const MediaDescription& media) const;
  void accept(const MediaDescription& media, NegotiatedMedia& settled);
  bool is_bundled(const MediaDescription& media) const;
  void order_bundle();
  void settle_feedback();
  NegotiationError nothing_accepted() const;
  std::optional<NegotiationError> settle_transport();

  const SessionDescription& offer_;
  const AnswerPolicy& policy_;
  CodecChoice codecs_;
  ExtensionChoice extensions_;
  size_t accepted_ = 0;  // m-lines
  Negotiated result_;
};

bool Negotiator::is_bundled(const MediaDescription& media) const {
  if (media.mid.empty() || offer_.bundle_groups.empty()) return false;
  const auto& group = offer_.bundle_groups.front();
  return std::ranges::find(group, media.mid) != group.end();
}

std::optional<Refusal> Negotiator::refusal_of(const MediaDescription& media) const {
  if (media.type != MediaType::kAudio && media.type != MediaType::kVideo) {
    return Refusal::kMediaType;
  }
  if (!is_one_of(kProtocols, media.protocol)) return Refusal::kProtocol;
  if (media.has_crypto) return Refusal::kSdes;
  if (media.port == 0 && !media.bundle_only) return Refusal::kDisabled;
  if (!is_bundled(media)) return Refusal::kNoBundle;
  if (!media.rtcp_mux) return Refusal::kNoRtcpMux;
  const auto useful =
      policy_.role == PeerRole::kPublisher ? Direction::kSendOnly : Direction::kRecvOnly;
  if (media.direction != Direction::kSendRecv && media.direction != useful) {
    return Refusal::kDirection;
  }
  return std::nullopt;
}

// Layers need the extension that tells them apart; without it the peer sends one stream.
std::vector<NegotiatedRid> choose_rids(const MediaDescription& media,
                                       const NegotiatedMedia& settled) {
  std::vector<NegotiatedRid> chosen;
  const auto& extensions = settled.extensions;
  if (std::ranges::find(extensions, ExtensionKind::kRid, &NegotiatedExtension::kind) ==
      extensions.end()) {
    return chosen;
  }
  const auto restrictions_of = [&](const Rid& rid) -> std::optional<std::string> {
    // A layer that depends on another one is no simulcast stream of its own (RFC 8851 §5).
    if (rid.restrictions.find("depend=") != std::string::npos) return std::nullopt;
    if (rid.payload_types.empty()) return rid.restrictions;
    std::string text;
    for (const auto& codec : settled.codecs) {
      const auto& wanted = rid.payload_types;
      if (std::ranges::find(wanted, codec.payload_type) == wanted.end()) continue;
      text += (text.empty() ? "pt=" : ",") + std::to_string(codec.payload_type.value());
    }
    if (text.empty()) return std::nullopt;
    return rid.restrictions.empty() ? text : text + ';' + rid.restrictions;
  };
  for (const auto& stream : media.simulcast_send) {
    for (const auto& alternative : stream) {
      const auto rid = std::ranges::find(media.rids, alternative.rid, &Rid::id);
      if (rid == media.rids.end() || rid->direction != Direction::kSendOnly) continue;
      if (std::ranges::find(chosen, rid->id, &NegotiatedRid::rid) != chosen.end()) continue;
      auto restrictions = restrictions_of(*rid);
      if (!restrictions) continue;
      chosen.push_back({rid->id, alternative.paused, std::move(*restrictions)});
      break;
    }
  }
  return chosen;
}

std::vector<AnnouncedStream> announced_streams(const MediaDescription& media) {
  std::vector<AnnouncedStream> streams;
  for (const auto ssrc : media.ssrcs) {
    const auto& groups = media.fid_groups;
    if (std::ranges::find(groups, ssrc, &FidGroup::rtx) != groups.end()) continue;
    auto& stream = streams.emplace_back();
    stream.primary = ssrc;
    const auto group = std::ranges::find(groups, ssrc, &FidGroup::primary);
    if (group != groups.end()) stream.rtx = group->rtx;
  }
  return streams;
}

void Negotiator::accept(const MediaDescription& media, NegotiatedMedia& settled) {
  settled.extensions = extensions_.choose(media);
  const bool transport_sequence =
      std::ranges::find(settled.extensions, ExtensionKind::kTransportSequence,
                        &NegotiatedExtension::kind) != settled.extensions.end();
  settled.codecs = codecs_.choose(media, transport_sequence);
  if (settled.codecs.empty()) {
    settled.refusal = Refusal::kNoCodec;
    settled.extensions.clear();
    return;
  }
  if (policy_.role == PeerRole::kWatcher) {
    settled.flexfec = codecs_.choose_flexfec(media, settled.codecs);
  }
  settled.rtcp_rsize = media.rtcp_rsize;
  settled.extmap_allow_mixed = media.extmap_allow_mixed;
  if (policy_.role == PeerRole::kWatcher) return;
  settled.announced = announced_streams(media);
  if (media.type == MediaType::kVideo) settled.rids = choose_rids(media, settled);
}

NegotiatedMedia Negotiator::settle(const MediaDescription& media) {
  NegotiatedMedia settled;
  settled.mid = media.mid;
  settled.type = media.type;
  settled.type_name = media.type_name;
  settled.protocol = media.protocol;
  settled.formats = media.formats;
  settled.refusal = refusal_of(media);
  if (settled.accepted() && accepted_ == policy_.media_max) settled.refusal = Refusal::kTooMany;
  if (settled.accepted()) accept(media, settled);
  accepted_ += settled.accepted();
  return settled;
}

void Negotiator::order_bundle() {
  if (offer_.bundle_groups.empty()) return;
  for (const auto& mid : offer_.bundle_groups.front()) {
    const auto media = std::ranges::find(result_.media, mid, &NegotiatedMedia::mid);
    if (media == result_.media.end() || !media->accepted()) continue;
    result_.bundle.push_back(static_cast<size_t>(media - result_.media.begin()));
  }
}

NegotiationError Negotiator::nothing_accepted() const {
  std::string detail = "nothing in the offer can be accepted";
  for (size_t i = 0; i < result_.media.size() && i < kRefusalsTold; ++i) {
    const auto& media = result_.media[i];
    detail += (i == 0 ? ": " : ", ") + media.type_name + " " + media.mid + ": ";
    detail += to_string(*media.refusal);
  }
  return {Kind::kUnsupportedMedia, std::move(detail)};
}

// The tagged section may itself be refused: then the next accepted one takes its place (RFC 9143
// §7.3.1), and what it leaves out is looked up in the offer's tagged section and the session.
std::optional<NegotiationError> Negotiator::settle_transport() {
  const auto& offered_tag = offer_.bundle_groups.front().front();
  const auto tagged = std::ranges::find(offer_.media, offered_tag, &MediaDescription::mid);
  const std::array<const TransportDescription*, 3> places = {
      &offer_.media[result_.bundle.front()].transport, &tagged->transport, &offer_.transport};
  std::optional<Setup> setup;
  for (const auto* place : places) {
    if (result_.ice_ufrag.empty()) result_.ice_ufrag = place->ice_ufrag;
    if (result_.ice_pwd.empty()) result_.ice_pwd = place->ice_pwd;
    if (result_.fingerprints.empty()) result_.fingerprints = place->fingerprints;
    if (!setup) setup = place->setup;
  }
  std::erase_if(result_.fingerprints, [](const Fingerprint& fingerprint) {
    return !is_one_of(kStrongHashes, fingerprint.algorithm);
  });
  const auto invalid = [](std::string_view detail) {
    return NegotiationError{Kind::kInvalidSdp, std::string(detail)};
  };
  if (result_.ice_ufrag.empty()) return invalid("ice-ufrag is missing");
  if (result_.ice_pwd.empty()) return invalid("ice-pwd is missing");
  if (result_.fingerprints.empty()) return invalid("no fingerprint of sha-256 or stronger");
  if (setup == Setup::kHoldConn) return invalid("setup:holdconn makes no connection");
  result_.setup = setup == Setup::kPassive ? Setup::kActive : Setup::kPassive;
  return std::nullopt;
}

// All lines share one path, and what is said of it has to be said by one clock. A line that may not
// report by its own is left with its receiver's estimate, if it offers that.
void Negotiator::settle_feedback() {
  const auto has_transport_cc = [](const NegotiatedMedia& media) {
    return std::ranges::any_of(media.codecs,
                               [](const auto& codec) { return codec.feedback.transport_cc; });
  };
  const bool is_numbered = std::ranges::any_of(result_.media, has_transport_cc);
  for (auto& media : result_.media) {
    for (auto& codec : media.codecs) {
      Feedback& feedback = codec.feedback;
      feedback.ccfb = feedback.ccfb && !is_numbered;
      feedback.remb = feedback.remb && !feedback.ccfb;
    }
  }
}

Expected<Negotiated, NegotiationError> Negotiator::run() {
  result_.role = policy_.role;
  result_.extmap_allow_mixed = offer_.extmap_allow_mixed;
  for (const auto& media : offer_.media) result_.media.push_back(settle(media));
  order_bundle();
  settle_feedback();
  if (result_.bundle.empty()) return unexpected(nothing_accepted());
  // Neither end would ever send a check (RFC 8445 §6.1.1).
  if (offer_.ice_lite) {
    return unexpected(NegotiationError{Kind::kUnsupportedMedia, "both ends are ICE-lite"});
  }
  if (auto failed = settle_transport()) return unexpected(std::move(*failed));
  return std::move(result_);
}

// Whether all that a watcher will tell of its path is its own estimate.
bool estimates_itself(const Negotiated& negotiated) {
  bool estimates = false;
  for (const auto& media : negotiated.media) {
    for (const auto& codec : media.codecs) {
      if (codec.feedback.transport_cc || codec.feedback.ccfb) return false;
      estimates |= codec.feedback.remb;
    }
  }
  return estimates;
}

}  // namespace

AnswerPolicy default_policy(PeerRole role) {
  AnswerPolicy policy;
  policy.role = role;
  policy.audio_codecs = {rtp::Codec::kOpus, rtp::Codec::kRed};
  policy.video_codecs = {rtp::Codec::kVp8, rtp::Codec::kH264, rtp::Codec::kVp9, rtp::Codec::kAv1};
  policy.extensions = {ExtensionKind::kMid,
                       ExtensionKind::kTransportSequence,
                       ExtensionKind::kAudioLevel,
                       ExtensionKind::kVideoOrientation,
                       ExtensionKind::kVideoContentType,
                       ExtensionKind::kColorSpace,
                       ExtensionKind::kPlayoutDelay,
                       ExtensionKind::kAbsCaptureTime,
                       ExtensionKind::kDependencyDescriptor};
  if (role == PeerRole::kPublisher) {
    policy.extensions.insert(
        policy.extensions.end(),
        {ExtensionKind::kRid, ExtensionKind::kRepairedRid, ExtensionKind::kVideoLayersAllocation});
  }
  return policy;
}

std::string_view to_string(Refusal refusal) {
  switch (refusal) {
    case Refusal::kMediaType:
      return "neither audio nor video";
    case Refusal::kProtocol:
      return "not SRTP keyed by DTLS";
    case Refusal::kSdes:
      return "keys in the description (a=crypto)";
    case Refusal::kDisabled:
      return "disabled by the offer";
    case Refusal::kNoBundle:
      return "outside the BUNDLE group";
    case Refusal::kNoRtcpMux:
      return "no rtcp-mux";
    case Refusal::kDirection:
      return "nothing flows in our direction";
    case Refusal::kNoCodec:
      return "no codec in common";
    case Refusal::kTooMany:
      return "more than are allowed";
  }
  return "";
}

rtp::ExtensionMap NegotiatedMedia::extension_map() const {
  rtp::ExtensionMap map;
  for (const auto& extension : extensions) map.set(extension.kind, extension.id);
  return map;
}

rtp::ExtensionMap Negotiated::extension_map() const {
  rtp::ExtensionMap map;
  for (const auto& section : media) {
    for (const auto& extension : section.extensions) map.set(extension.kind, extension.id);
  }
  return map;
}

bool Negotiated::rtcp_rsize() const {
  return std::ranges::all_of(media, [](const NegotiatedMedia& section) {
    return !section.accepted() || section.rtcp_rsize;
  });
}

bool Negotiated::mixes_extension_forms() const {
  return extmap_allow_mixed || std::ranges::all_of(media, [](const NegotiatedMedia& section) {
           return !section.accepted() || section.extmap_allow_mixed;
         });
}

Expected<Negotiated, NegotiationError> negotiate(const SessionDescription& offer,
                                                 const AnswerPolicy& policy) {
  auto negotiated = Negotiator(offer, policy).run();
  if (!negotiated || !estimates_itself(*negotiated)) return negotiated;
  // It makes its estimate from these, and nobody else has use for them.
  AnswerPolicy with_send_times = policy;
  with_send_times.extensions.push_back(ExtensionKind::kAbsSendTime);
  return Negotiator(offer, with_send_times).run();
}

Expected<Negotiated, NegotiationError> negotiate(std::string_view offer,
                                                 const AnswerPolicy& policy) {
  const auto description = parse(offer);
  if (description) return negotiate(*description, policy);
  const auto& error = description.error();
  return unexpected(NegotiationError{Kind::kInvalidSdp,
                                     "line " + std::to_string(error.line) + ": " + error.reason});
}

}  // namespace simpul::sdp
