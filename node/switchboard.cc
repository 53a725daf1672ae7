#include "node/switchboard.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "ice/demultiplex.h"
#include "ice/stun_message.h"
#include "net/tcp_media_streams.h"
#include "node/histogram.h"

namespace simpul::node {
namespace {

std::vector<double> handshake_bounds() {
  return {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15};
}

}  // namespace

Switchboard::Switchboard(const Options& options, const dtls::Context& context,
                         crypto::CipherEngine& engine, std::vector<net::Egress*> sockets,
                         Hooks hooks, TimePoint now)
    : options_(options),
      hooks_(std::move(hooks)),
      context_(context),
      engine_(engine),
      sockets_(std::move(sockets)),
      watchers_(sockets_.size() + 1),
      full_since_(sockets_.size(), kNever),
      relay_(options.relay, options.seed),
      next_tick_(now),
      next_second_(now),
      handshake_seconds_(make_histogram(handshake_bounds())) {
  relay_.set_wall_clock(now, options.clock.ntp_time(now));
  place_ = [this](size_t size) {
    const MutableBytes room = place_egress_->reserve(size, kRoomMin);
    if (!room.empty()) place_egress_->commit(size, place_path_.remote, place_path_.local);
    return room;
  };
}

Switchboard::~Switchboard() = default;

void Switchboard::start(Session session, TimePoint now) {
  auto entry = std::make_unique<Entry>();
  connection::Config config = session.connection;
  config.clock = options_.clock;
  entry->ufrag = config.ice.local.username_fragment;
  entry->slot_loss.resize(session.slots.size());
  entry->viewings.resize(session.slots.size(), session.viewing);
  entry->connection =
      std::make_unique<connection::Connection>(std::move(config), context_, engine_, now);
  entry->session = std::move(session);
  if (!by_ufrag_.try_emplace(entry->ufrag, entry.get()).second) {
    // 48 random bits met: better this one than both.
    hooks_.changed(
        {entry->session.key, connection::State::kClosed, connection::CloseReason::kByUs});
    return;
  }
  deadlines_.set(*entry, entry->connection->next_deadline());
  const uint64_t key = entry->session.key.value();
  entries_[key] = std::move(entry);
}

void Switchboard::end(ConnectionKey key, TimePoint now) {
  const auto found = entries_.find(key.value());
  if (found == entries_.end()) return;
  found->second->connection->close(now, out_);
  take_output(*found->second, now);
  forget_closed();
}

void Switchboard::end_all(TimePoint now) {
  for (const auto& [key, entry] : entries_) {
    entry->connection->close(now, out_);
    take_output(*entry, now);
  }
  forget_closed();
}

void Switchboard::resume(ConnectionKey key, std::unique_ptr<dtls::HandshakeStep> step,
                         TimePoint now) {
  const auto found = entries_.find(key.value());
  if (found == entries_.end()) return;  // it ended meanwhile, and the step with it
  found->second->connection->resume(std::move(step), now, out_);
  take_output(*found->second, now);
  forget_closed();
}

Switchboard::Entry* Switchboard::entry_of(const ice::Path& from, Bytes datagram) {
  // A check says whom it is for, whatever its address was used for before.
  if (ice::classify(datagram) == ice::DatagramKind::kStun) {
    const auto ufrag = ice::username_fragment_of(datagram);
    if (!ufrag) return nullptr;
    const auto found = by_ufrag_.find(absl::string_view(ufrag->data(), ufrag->size()));
    return found == by_ufrag_.end() ? nullptr : found->second;
  }
  const auto found = by_path_.find(from);
  return found == by_path_.end() ? nullptr : found->second;
}

void Switchboard::receive(PacketRef packet, ice::Path from, TimePoint now) {
  Entry* entry = entry_of(from, packet->data());
  if (entry == nullptr) {
    ++unknown_source_;
    return;
  }
  const bool is_check = ice::classify(packet->data()) == ice::DatagramKind::kStun;
  entry->connection->receive(std::move(packet), from, now, out_);
  // Only what was authentic was answered.
  const bool was_answered = is_check && !out_.datagrams.empty();
  if (is_check) finish_restart(*entry);
  if (was_answered && entry->connection->is_validated(from)) lead_path(*entry, from, now);
  take_output(*entry, now);
  if (!closed_.empty()) forget_closed();
}

Switchboard::WayOut Switchboard::way_out(const ice::Path& path) const {
  if (path.socket < sockets_.size()) return {sockets_[path.socket], path.remote};
  return {options_.tcp, net::TcpMediaStreams::address_of(path.socket)};
}

void Switchboard::forget_path(const ice::Path& path) {
  const auto found = by_path_.find(path);
  if (found == by_path_.end()) return;
  found->second->connection->forget_path(path);
  std::erase(found->second->paths, path);
  by_path_.erase(found);
}

void Switchboard::lead_path(Entry& entry, const ice::Path& path, TimePoint now) {
  Entry*& owner = by_path_[path];
  if (owner == &entry) return;
  if (owner != nullptr) {
    // Checks have no nonce: somebody with credentials of his own and a forged source address must
    // not take the path of one who uses it.
    const connection::Connection& other = *owner->connection;
    const bool in_use = other.selected() == path && now - other.last_heard() < kPathKept;
    if (in_use) return;
    std::erase(owner->paths, path);
  }
  owner = &entry;
  std::erase_if(entry.paths, [&](const ice::Path& known) {
    if (entry.connection->is_validated(known)) return false;
    by_path_.erase(known);  // the agent dropped it for newer ones
    return true;
  });
  entry.paths.push_back(path);
}

void Switchboard::take_output(Entry& entry, TimePoint now) {
  if (out_.state_changed) change_state(entry, now);
  if (out_.padding_wanted) later_.set(entry, entry.connection->next_send());
  if (!out_.media.empty()) take_media(entry, now);
  take_feedback(entry, now);
  if (out_.handshake_step) {
    hooks_.run_handshake(entry.session.key, std::move(out_.handshake_step));
  }
  send_datagrams();
  out_.clear();
  deadlines_.set(entry, entry.connection->next_deadline());
}

void Switchboard::take_media(Entry& entry, TimePoint now) {
  for (connection::ReceivedMedia& media : out_.media) {
    if (media.id.line >= entry.session.tracks.size()) continue;
    const FeedLayer layer{entry.session.tracks[media.id.line].id, media.id.layer};
    const bool goes_on = !entry.borrowers.empty() && lend(entry, media);
    relay_.receive(layer.track, layer.layer, std::move(media.packet), now);
    if (goes_on) repeat_report(entry, layer);
  }
}

void Switchboard::take_feedback(Entry& entry, TimePoint now) {
  if (!out_.sender_reports.empty()) {
    relay_.set_round_trip(entry.publisher, entry.connection->round_trip());
  }
  for (const auto& report : out_.sender_reports) {
    if (report.id.line >= entry.session.tracks.size()) continue;
    relay_.receive_sender_report(entry.session.tracks[report.id.line].id, report.id.layer,
                                 report.ntp_time, report.rtp_timestamp, now);
    if (options_.feeds == nullptr) continue;
    report_to_feeds(entry, {.from = {entry.session.tracks[report.id.line].id, report.id.layer},
                            .ntp_time = report.ntp_time,
                            .rtp_timestamp = report.rtp_timestamp,
                            .arrival = now});
  }
  for (const auto& reception : out_.receptions) {
    relay_.receive_loss(entry.subscriber, reception.ssrc, reception.loss, now);
    for (size_t i = 0; i < entry.session.slots.size(); ++i) {
      if (entry.session.slots[i].ssrc == reception.ssrc) entry.slot_loss[i] = reception.loss;
    }
    if (const auto round_trip = entry.connection->round_trip()) {
      relay_.set_round_trip(entry.subscriber, *round_trip);
    }
  }
  for (const auto& nack : out_.nacks) {
    relay_.receive_nack(entry.subscriber, nack.ssrc, nack.missing, now);
  }
  for (const rtp::Ssrc ssrc : out_.key_frame_requests) {
    relay_.receive_key_frame_request(entry.subscriber, ssrc, now);
  }
  if (entry.in_relay && entry.session.role == Role::kWatcher) tell_estimate(entry, now);
}

void Switchboard::send_datagrams() {
  for (const connection::Datagram& datagram : out_.datagrams) {
    const auto [egress, to] = way_out(datagram.path);
    const MutableBytes room = egress->reserve(datagram.bytes.size());
    if (room.empty()) continue;
    std::ranges::copy(datagram.bytes, room.begin());
    egress->commit(datagram.bytes.size(), to, datagram.path.local);
  }
}

void Switchboard::change_state(Entry& entry, TimePoint now) {
  const connection::State state = entry.connection->state();
  const connection::CloseReason reason = entry.connection->close_reason();
  switch (state) {
    case connection::State::kNew:
      break;
    case connection::State::kChecking:
      entry.checking_since = now;
      break;
    case connection::State::kConnected:
      ++handshakes_["ok"];
      add_to(handshake_seconds_, std::chrono::duration<double>(now - entry.checking_since).count());
      enter_relay(entry, now);
      break;
    case connection::State::kClosed:
      if (!entry.in_relay && reason != connection::CloseReason::kByUs) {
        ++handshakes_[std::string(connection::to_string(reason))];
      }
      leave_relay(entry, now);
      closed_.push_back(entry.session.key);
      break;
  }
  hooks_.changed({entry.session.key, state, reason});
}

void Switchboard::enter_relay(Entry& entry, TimePoint now) {
  const Session& session = entry.session;
  entry.in_relay = true;
  if (session.role == Role::kPublisher) {
    entry.publisher = relay_.add_publisher(session.room, session.participant, now);
    relay_.set_round_trip(entry.publisher, entry.connection->round_trip());
    by_publisher_[entry.publisher.value()] = &entry;
    for (const relay::TrackConfig& track : session.tracks) {
      relay_.add_track(entry.publisher, track, now);
    }
    if (pinned_.contains(session.key.value())) relay_.set_pinned(entry.publisher, true, now);
    open_feeds(entry);
    if (entry.follows_layers) relay_.set_follows(entry.publisher, true);
    return;
  }
  entry.subscriber = relay_.add_subscriber(session.room, session.wish, session.slots, now);
  by_subscriber_[entry.subscriber.value()] = &entry;
  for (size_t i = 0; i < session.slots.size(); ++i) {
    const bool is_pinned = entry.viewings[i].participant.has_value();
    if (session.slots[i].kind != rtp::MediaKind::kVideo && !is_pinned) continue;
    relay_.set_viewing(entry.subscriber, session.slots[i].ssrc, entry.viewings[i], now);
  }
  relay_.start_subscriber(entry.subscriber, now);
}

void Switchboard::leave_relay(Entry& entry, TimePoint now) {
  if (!entry.in_relay) return;
  entry.in_relay = false;
  if (entry.session.role == Role::kPublisher) {
    close_feeds(entry);
    by_publisher_.erase(entry.publisher.value());
    relay_.remove_publisher(entry.publisher, now);
  } else {
    by_subscriber_.erase(entry.subscriber.value());
    relay_.remove_subscriber(entry.subscriber);
  }
}

void Switchboard::forget_closed() {
  for (const ConnectionKey key : closed_) {
    const auto found = entries_.find(key.value());
    if (found == entries_.end()) continue;
    Entry& entry = *found->second;
    for (const ice::Path& path : entry.paths) by_path_.erase(path);
    forget_fragments(entry);
    count_drops(entry);
    deadlines_.remove(entry);
    later_.remove(entry);
    std::ranges::replace(expected_, &entry, nullptr);
    entries_.erase(found);
  }
  closed_.clear();
}

void Switchboard::advance(TimePoint now) {
  if (now < next_tick_) return;
  next_tick_ = now + kTick;
  relay_.advance(now, relay_out_);
  take_relay_output(now);
  // Taken out first: what is due again at once waits for the next tick.
  due_.clear();
  while (Entry* entry = deadlines_.take_due(now)) due_.push_back(entry);
  for (Entry* entry : due_) {
    ++connections_advanced_;
    entry->connection->advance(now, out_);
    take_output(*entry, now);
  }
  forget_closed();
  if (now < next_second_) return;
  next_second_ = now + std::chrono::seconds(1);
  end_superseded(now);
  count_watchers();
  tell_estimates(now);
  repeat_rates();
}

void Switchboard::take_relay_output(TimePoint now) {
  for (const relay::KeyFrameRequest& request : relay_out_.key_frame_requests) {
    if (request_of_feed(request, now)) continue;
    const auto found = by_publisher_.find(request.publisher.value());
    if (found == by_publisher_.end()) continue;
    Entry& entry = *found->second;
    const auto& tracks = entry.session.tracks;
    const auto track = std::ranges::find(tracks, request.track, &relay::TrackConfig::id);
    if (track == tracks.end()) continue;
    entry.connection->request_key_frame(
        {static_cast<uint8_t>(track - tracks.begin()), request.layer});
    entry.connection->advance(now, out_);
    take_output(entry, now);
  }
  for (const relay::SlotReport& report : relay_out_.reports) {
    Entry* entry = entry_of(report.subscriber);
    if (entry == nullptr) continue;
    entry->connection->send_report({.ssrc = report.ssrc,
                                    .ntp_time = report.ntp_time,
                                    .rtp_timestamp = report.rtp_timestamp,
                                    .packets = report.packets,
                                    .octets = report.octets},
                                   out_);
    send_datagrams();
    out_.clear();
  }
  take_probe_wishes();
  take_suspension_changes();
  relay_out_.key_frame_requests.clear();
  relay_out_.reports.clear();
}

void Switchboard::end_superseded(TimePoint now) {
  // The newest connection by which each participant publishes, by room and participant.
  absl::flat_hash_map<std::pair<std::string, std::string>, const Entry*> newest;
  for (const auto& [id, entry] : by_publisher_) {
    const Entry*& best = newest[{entry->session.room, entry->session.participant}];
    if (best == nullptr || entry->session.key.value() > best->session.key.value()) best = entry;
  }
  std::vector<ConnectionKey> superseded;
  for (const auto& [id, entry] : by_publisher_) {
    const Entry* best = newest[{entry->session.room, entry->session.participant}];
    const bool is_newest = entry == best && !entry->superseded;
    if (is_newest || now - entry->connection->last_heard() < kSupersededAfter) continue;
    superseded.push_back(entry->session.key);
  }
  for (const ConnectionKey key : superseded) end(key, now);
}

TimePoint Switchboard::next_deadline() const {
  const bool has_untold =
      options_.feeds != nullptr && (options_.feeds->has_unsent() || !untold_.empty());
  if (has_untold) return next_tick_;
  if (entries_.empty()) return kNever;
  // Between ticks nothing is done, and nothing is done at a tick at which nothing is due.
  return std::max(next_tick_, std::min({deadlines_.next(), relay_.next_deadline(), next_second_}));
}

}  // namespace simpul::node
