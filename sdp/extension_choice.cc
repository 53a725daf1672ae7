#include "sdp/extension_choice.h"

#include <algorithm>

namespace simpul::sdp {
namespace {

constexpr uint16_t kOneByteIdMax = 14;  // RFC 8285 §4.2: 15 ends a header
constexpr size_t kOneByteSizeMax = 16;

// Whether the extension flows our way, seen from the peer.
bool is_useful(std::optional<Direction> offered, PeerRole role) {
  if (!offered || *offered == Direction::kSendRecv) return true;
  const auto useful = role == PeerRole::kPublisher ? Direction::kSendOnly : Direction::kRecvOnly;
  return *offered == useful;
}

}  // namespace

std::vector<NegotiatedExtension> ExtensionChoice::choose(const MediaDescription& media) {
  std::vector<NegotiatedExtension> chosen;
  for (const auto& offer : media.extensions) {
    const auto kind = rtp::extension_kind(offer.uri);
    if (!kind || offer.id > kOneByteIdMax || !is_useful(offer.direction, policy_.role)) continue;
    if (std::ranges::find(policy_.extensions, *kind) == policy_.extensions.end()) continue;
    if (*kind == rtp::ExtensionKind::kMid && media.mid.size() > kOneByteSizeMax) continue;
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
