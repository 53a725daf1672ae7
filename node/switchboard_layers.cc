// The switchboard's part in which layers publishers are to send: it tells the relay who listens and
// what other workers want, and whoever follows a publisher what the relay decides.
#include <algorithm>

#include "node/switchboard.h"

namespace simpul::node {

void Switchboard::follow_layers(ConnectionKey key, bool follows) {
  const auto found = entries_.find(key.value());
  if (found == entries_.end()) return;
  Entry& entry = *found->second;
  entry.follows_layers = follows;
  if (entry.in_relay) relay_.set_follows(entry.publisher, follows);
  if (follows) tell_layers(entry);
}

void Switchboard::tell_layers(const Entry& entry) {
  WantedLayers wanted;
  const Session& session = entry.session;
  for (size_t i = 0; i < session.tracks.size(); ++i) {
    const relay::TrackConfig& track = session.tracks[i];
    if (track.layers.size() < 2) continue;
    auto& line = wanted.lines.emplace_back();
    line.mid = session.connection.media.receiving[i].mid;
    const uint32_t suspended = relay_.suspended_layers(track.id);
    for (size_t layer = 0; layer < track.layers.size(); ++layer) {
      const bool is_suspended = layer < relay::kLayersMax && (suspended >> layer & 1) != 0;
      line.layers.push_back({.rid = track.layers[layer], .active = !is_suspended});
    }
  }
  hooks_.layers_changed({.key = entry.session.key, .wanted = std::move(wanted)});
}

void Switchboard::take_suspension_changes() {
  for (const relay::SuspensionChange& change : relay_out_.suspension_changes) {
    const auto found = by_publisher_.find(change.publisher.value());
    if (found != by_publisher_.end() && found->second->follows_layers) tell_layers(*found->second);
  }
  relay_out_.suspension_changes.clear();
}

// Tells the relay which layers some other worker wants.
void Switchboard::count_wanted_elsewhere(const Entry& entry) {
  for (size_t line = 0; line < entry.session.tracks.size(); ++line) {
    const relay::TrackConfig& track = entry.session.tracks[line];
    for (uint8_t layer = 0; layer < std::min(track.layers.size(), relay::kLayersMax); ++layer) {
      const bool wanted = std::ranges::any_of(entry.borrowers, [&](const Borrower& borrower) {
        return borrower.lines[line][layer].wanted;
      });
      relay_.set_wanted_elsewhere(track.id, layer, wanted);
    }
  }
}

}  // namespace simpul::node
