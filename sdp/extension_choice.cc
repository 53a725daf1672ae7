#include "sdp/extension_choice.h"

#include <algorithm>

namespace simpul::sdp {
namespace {

constexpr uint16_t kOneByteIdMax = 14;   // RFC 8285 §4.2: 15 ends a header
constexpr uint16_t kTwoByteIdMax = 255;  // §4.3
constexpr size_t kOneByteSizeMax = 16;

bool is_usable(uint16_t id, bool allow_mixed) {
  return id <= kOneByteIdMax || (allow_mixed && id > kOneByteIdMax + 1 && id <= kTwoByteIdMax);
}

// Whether the peer takes both forms beside one another on every line that shares the transport.
bool mixes_forms(const SessionDescription& offer) {
  return offer.extmap_allow_mixed ||
         std::ranges::all_of(offer.media, [](const MediaDescription& media) {
           const bool is_rtp = media.type == MediaType::kAudio || media.type == MediaType::kVideo;
           return !is_rtp || media.extmap_allow_mixed;
         });
}

// Whether the extension flows our way, seen from the peer.
bool is_useful(std::optional<Direction> offered, PeerRole role) {
  if (!offered || *offered == Direction::kSendRecv) return true;
  const auto useful = role == PeerRole::kPublisher ? Direction::kSendOnly : Direction::kRecvOnly;
  return *offered == useful;
}

}  // namespace

// The id of send times is theirs, whatever else an earlier line calls by it (aiortc: the level of
// sound): without them such a watcher has no estimate.
ExtensionChoice::ExtensionChoice(const AnswerPolicy& policy, const SessionDescription& offer)
    : policy_(policy), offer_(offer) {
  for (const auto& media : offer.media) {
    for (const auto& offered : media.extensions) {
      if (rtp::extension_kind(offered.uri) != rtp::ExtensionKind::kAbsSendTime) continue;
      if (!is_acceptable(offered, media)) continue;
      claim(rtp::ExtensionKind::kAbsSendTime, static_cast<uint8_t>(offered.id));
    }
  }
}

bool ExtensionChoice::is_acceptable(const ExtensionOffer& offered,
                                    const MediaDescription& media) const {
  const auto kind = rtp::extension_kind(offered.uri);
  return kind && is_usable(offered.id, offer_.extmap_allow_mixed || media.extmap_allow_mixed) &&
         is_useful(offered.direction, policy_.role) &&
         std::ranges::find(policy_.extensions, *kind) != policy_.extensions.end();
}

std::vector<NegotiatedExtension> ExtensionChoice::choose(const MediaDescription& media) {
  std::vector<NegotiatedExtension> chosen;
  for (const auto& offer : media.extensions) {
    if (!is_acceptable(offer, media)) continue;
    const auto kind = rtp::extension_kind(offer.uri);
    if (*kind == rtp::ExtensionKind::kMid && media.mid.size() > kOneByteSizeMax) continue;
    // What key frames have of it needs the two-byte form, and the rest is nothing without.
    if (*kind == rtp::ExtensionKind::kDependencyDescriptor && !mixes_forms(offer_)) continue;
    const auto id = static_cast<uint8_t>(offer.id);
    if (!claim(*kind, id)) continue;
    if (std::ranges::find(chosen, *kind, &NegotiatedExtension::kind) != chosen.end()) continue;
    NegotiatedExtension extension{*kind, id, std::nullopt};
    if (offer.direction) {
      extension.direction =
          policy_.role == PeerRole::kPublisher ? Direction::kRecvOnly : Direction::kSendOnly;
    }
    chosen.push_back(extension);
  }
  return chosen;
}

bool ExtensionChoice::claim(rtp::ExtensionKind kind, uint8_t id) {
  for (const auto& taken : taken_) {
    if (taken.kind == kind || taken.id == id) return taken.kind == kind && taken.id == id;
  }
  taken_.push_back({kind, id, std::nullopt});
  return true;
}

}  // namespace simpul::sdp
