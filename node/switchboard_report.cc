// What a switchboard tells about itself and its connections.
#include <algorithm>
#include <utility>

#include "node/switchboard.h"

namespace simpul::node {

ConnectionReport Switchboard::report_of(const Entry& entry) const {
  const Session& session = entry.session;
  const connection::Connection& connection = *entry.connection;
  ConnectionReport report;
  report.phase = phase_of(connection.state());
  if (const auto path = connection.selected()) {
    report.local_socket = path->socket;
    report.local_number = path->local;
    report.over_tcp = path->socket >= sockets_.size();
    report.remote = path->remote;
  }
  if (const auto round_trip = connection.round_trip()) {
    report.round_trip_ms = std::chrono::duration<double, std::milli>(*round_trip).count();
  }
  report.estimate_bps = connection.estimate_bps();
  if (!entry.in_relay) return report;
  if (session.role == Role::kPublisher) {
    const auto tracks = relay_.tracks_of(entry.publisher);
    for (const relay::TrackState& state : tracks) {
      const auto at = std::ranges::find(session.tracks, state.id, &relay::TrackConfig::id);
      if (at == session.tracks.end()) continue;
      const auto line = static_cast<uint8_t>(at - session.tracks.begin());
      TrackReport track{
          .state = state, .mid = session.connection.media.receiving[line].mid, .layer_loss = {}};
      for (size_t layer = 0; layer < state.layers.size(); ++layer) {
        track.layer_loss.push_back(
            connection.receiver().loss_of({line, static_cast<uint8_t>(layer)}));
      }
      report.tracks.push_back(std::move(track));
    }
    return report;
  }
  const auto slots = relay_.slots_of(entry.subscriber);
  for (size_t i = 0; i < std::min(slots.size(), session.slots.size()); ++i) {
    report.slots.push_back({.state = slots[i],
                            .mid = session.connection.media.sending[i].mid,
                            .loss = entry.slot_loss[i]});
  }
  return report;
}

size_t Switchboard::begin_report() {
  to_report_.clear();
  for (const auto& [key, entry] : entries_) to_report_.push_back(key);
  return to_report_.size();
}

void Switchboard::report_connections(size_t count, WorkerSnapshot& snapshot) {
  for (; count > 0 && !to_report_.empty(); --count) {
    const auto found = entries_.find(to_report_.back());
    to_report_.pop_back();
    if (found == entries_.end()) continue;  // it ended meanwhile
    count_drops(*found->second);
    snapshot.connections.push_back({found->second->session.key, report_of(*found->second)});
  }
}

// Totals that only grow, whoever comes and goes between two reports.
void Switchboard::count_drops(Entry& entry) {
  const auto& drops = entry.connection->drops();
  for (size_t i = 0; i < drops.size(); ++i) {
    drops_[i] += drops[i] - std::exchange(entry.drops_reported[i], drops[i]);
  }
}

void Switchboard::report_worker(WorkerReport& worker) const {
  const relay::Counters& counters = relay_.counters();
  worker.nacks_received = counters.nacks_received;
  worker.retransmissions = counters.retransmissions;
  worker.padding_bytes = padding_bytes_;
  worker.key_frame_requests_received = counters.key_frames_asked_by_subscribers;
  worker.key_frame_requests_sent =
      counters.key_frames_asked_of_publishers - key_frames_asked_elsewhere_;
  worker.gop_cache_starts = counters.starts_from_cache;
  worker.handshakes = handshakes_;
  worker.handshake_seconds = handshake_seconds_;
  for (size_t i = 0; i < drops_.size(); ++i) {
    worker.drops[std::string(connection::to_string(static_cast<connection::Drop>(i)))] = drops_[i];
  }
  worker.drops["unknown_sender"] += unknown_source_;
  worker.drops["old"] += counters.packets_dropped_old;
  worker.drops["feed_full"] += options_.feeds == nullptr ? 0 : options_.feeds->dropped();
  worker.drops["relay_full"] += counters.packets_dropped_full;
}

}  // namespace simpul::node
