#include "relay/relay.h"

#include <algorithm>
#include <utility>

#include "relay/listening.h"
#include "relay/relay_state.h"
#include "relay/seating.h"

namespace simpul::relay {
namespace {

// How often what is due is looked at: silent layers and publishers, reports, old packets.
constexpr Duration kTick = std::chrono::milliseconds(100);

}  // namespace

Room& Relay::State::room(std::string_view name) {
  const auto found = rooms.find(name);
  if (found != rooms.end()) return found->second;
  Room& added = rooms[std::string(name)];
  added.name = name;
  return added;
}

void Relay::State::leave(Room& room) {
  if (!room.publishers.empty() || !room.subscribers.empty()) return;
  schedule.rooms.remove(room);
  rooms.erase(room.name);
}

void Relay::State::seat_all(Room& room, TimePoint now) {
  count_microphones(room, limits.speakers_per_room);
  decide_speakers(room, now);
  for (Subscriber* subscriber : room.subscribers) seat(*subscriber, now);
  schedule.note_change(room);
}

Track* Relay::State::track(TrackId id, uint8_t layer) const {
  const auto found = tracks.find(id);
  return found == tracks.end() || layer >= found->second->feeds().size() ? nullptr : found->second;
}

Slot::FirstNumbers Relay::State::first_numbers() {
  std::uniform_int_distribution<uint16_t> first(1, Slot::kFirstSequenceNumberMax);
  return {.sequence_number = first(random),
          .rtx_sequence_number = first(random),
          .timestamp = static_cast<uint32_t>(random())};
}

// What a slot waits for goes before what a receiver lost.
void Relay::State::take_requests(TimePoint now, std::vector<KeyFrameRequest>& out) {
  due.clear();
  while (Track* track = schedule.requests.take_due(now)) due.push_back(track);
  looks += due.size();
  const size_t before = out.size();
  using Cause = KeyFrameRequests::Cause;
  for (const Cause cause : {Cause::kAssignment, Cause::kRepair}) {
    for (Track* track : due) track->take_requests(cause, now, out);
  }
  counters.key_frames_asked_of_publishers += out.size() - before;
  for (Track* track : due) {
    track->note_request();
    track->note_look();  // where key frames are hidden, who waits has to ask again
  }
}

// Taken out first: what is due again at once waits for the next call.
void Relay::State::review_supplies(TimePoint now, std::vector<SuspensionChange>& out) {
  due.clear();
  while (Track* track = schedule.supplies.take_due(now)) due.push_back(track);
  looks += due.size();
  for (Track* track : due) {
    if (track->review_supply(now)) out.push_back({track->publisher().id, track->id()});
  }
}

// Taken out first: what is due again at once waits for the next tick.
void Relay::State::look(TimePoint now, std::vector<SlotReport>& reports) {
  due.clear();
  while (Track* track = schedule.looks.take_due(now)) due.push_back(track);
  for (Track* track : due) track->advance(now);
  looks += due.size();
  while (Room* room = schedule.rooms.take_due(now)) {
    ++looks;
    if (decide_speakers(*room, now)) seat_followers(*room, now);
    reseat_silent(*room, now);
    schedule.rooms.set(*room, std::min(next_reseat(*room, now), next_decision(*room, now)));
  }
  while (Slot* slot = schedule.slots.take_due(now)) {
    ++looks;
    slot->advance(now, clock, reports);
    schedule.slots.set(*slot, slot->next_look());
  }
}

Relay::Relay(const Limits& limits, uint64_t seed) : state_(std::make_unique<State>(limits, seed)) {}
Relay::~Relay() = default;

PublisherId Relay::add_publisher(std::string_view room, std::string_view participant,
                                 TimePoint now) {
  state_->latest = now;
  auto publisher = std::make_unique<Publisher>();
  publisher->id = PublisherId(state_->next_publisher++);
  publisher->room = &state_->room(room);
  publisher->participant = participant;
  publisher->joined = now;
  publisher->room->publishers.push_back(publisher.get());
  const PublisherId id = publisher->id;
  state_->publishers.emplace(id, std::move(publisher));
  return id;
}

void Relay::add_track(PublisherId publisher_id, const TrackConfig& config, TimePoint now) {
  state_->latest = now;
  Publisher* publisher = find_in(state_->publishers, publisher_id);
  if (publisher == nullptr || state_->tracks.contains(config.id) || config.layers.empty() ||
      publisher->tracks.size() >= state_->limits.tracks_per_publisher) {
    return;
  }
  publisher->tracks.push_back(
      std::make_unique<Track>(*publisher, config, state_->limits, state_->schedule));
  state_->tracks.emplace(config.id, publisher->tracks.back().get());
  state_->seat_all(*publisher->room, now);
}

void Relay::remove_publisher(PublisherId publisher_id, TimePoint now) {
  state_->latest = now;
  const auto found = state_->publishers.find(publisher_id);
  if (found == state_->publishers.end()) return;
  const auto publisher = std::move(found->second);
  state_->publishers.erase(found);
  Room& room = *publisher->room;
  std::erase(room.publishers, publisher.get());
  for (Subscriber* subscriber : room.subscribers) unseat(*subscriber, *publisher, now);
  for (const auto& track : publisher->tracks) {
    if (room.speakers) room.speakers->forget(track->id());
    state_->egress.forget(*track);
    state_->tracks.erase(track->id());
    state_->schedule.forget(*track);
  }
  state_->seat_all(room, now);
  state_->leave(room);
}

SubscriberId Relay::add_subscriber(std::string_view room_name, const Wish& wish,
                                   std::span<const SlotConfig> slots, TimePoint now) {
  state_->latest = now;
  Room& room = state_->room(room_name);
  const SubscriberId id(state_->next_subscriber++);
  auto subscriber = std::make_unique<Subscriber>(id, room, wish);
  subscriber->add_slots(slots.first(std::min(slots.size(), state_->limits.slots_per_subscriber)),
                        [this] { return state_->first_numbers(); });
  room.subscribers.push_back(subscriber.get());
  seat(*subscriber, now);
  state_->schedule.note_change(room);
  state_->subscribers.emplace(id, std::move(subscriber));
  return id;
}

void Relay::start_subscriber(SubscriberId subscriber_id, TimePoint now) {
  state_->latest = now;
  Subscriber* subscriber = find_in(state_->subscribers, subscriber_id);
  if (subscriber == nullptr) return;
  for (Slot& slot : subscriber->slots) slot.start(now);
}

void Relay::remove_subscriber(SubscriberId subscriber_id) {
  const auto found = state_->subscribers.find(subscriber_id);
  if (found == state_->subscribers.end()) return;
  const auto subscriber = std::move(found->second);
  state_->subscribers.erase(found);
  for (Slot& slot : subscriber->slots) {
    slot.assign(nullptr, state_->latest);
    state_->schedule.slots.remove(slot);
  }
  state_->schedule.allocations.remove(*subscriber);
  state_->egress.forget(*subscriber);
  Room& room = *subscriber->room;
  std::erase(room.subscribers, subscriber.get());
  state_->leave(room);
}

bool Relay::has_publisher(std::string_view room_name, std::string_view participant) const {
  const auto room = state_->rooms.find(room_name);
  if (room == state_->rooms.end()) return false;
  return std::ranges::any_of(room->second.publishers, [&](const Publisher* publisher) {
    return participant.empty() || publisher->participant == participant;
  });
}

void Relay::receive(TrackId track_id, uint8_t layer, rtp::MediaPacket packet, TimePoint now) {
  state_->latest = now;
  const auto found = state_->tracks.find(track_id);
  if (found == state_->tracks.end()) return;
  Track& track = *found->second;
  if (track.microphone() != nullptr) hear(track, packet, now);
  if (track.receive(layer, std::move(packet), now, state_->counters)) state_->egress.enlist(track);
}

void Relay::receive_sender_report(TrackId track_id, uint8_t layer, uint64_t ntp_time,
                                  uint32_t rtp_timestamp, TimePoint now) {
  state_->latest = std::max(state_->latest, now);  // one that is repeated is older
  if (ntp_time == 0) return;  // the sender has no clock to tell (RFC 3550 §6.4.1)
  Track* track = state_->track(track_id, layer);
  if (track == nullptr) return;
  Feed& feed = track->feeds()[layer];
  const bool is_first = !feed.clock();
  feed.set_clock({.ntp_time = ntp_time, .rtp_timestamp = rtp_timestamp});
  track->publisher().clock.observe(ntp_time, state_->clock.ntp_time(now));
  if (!is_first) return;
  for (Slot* slot : track->slots()) slot->learn_clock(layer, now);
}

bool Relay::knows_clock(TrackId track_id, uint8_t layer) const {
  const Track* track = state_->track(track_id, layer);
  return track != nullptr && track->feeds()[layer].clock().has_value();
}

void Relay::interrupt(TrackId track_id, uint8_t layer) {
  Track* track = state_->track(track_id, layer);
  if (track != nullptr) track->feeds()[layer].begin_anew();
}

std::vector<PastPacket> Relay::past_of(TrackId track_id, uint8_t layer) const {
  std::vector<PastPacket> past;
  const Track* track = state_->track(track_id, layer);
  if (track == nullptr) return past;
  for (const FeedPacket* packet : track->feeds()[layer].past(state_->latest)) {
    past.push_back({packet->media, packet->arrival});
  }
  return past;
}

void Relay::receive_past(TrackId track_id, uint8_t layer, PastPacket past, bool is_last,
                         TimePoint now) {
  state_->latest = now;
  Track* track = state_->track(track_id, layer);
  if (track != nullptr) track->receive_past(layer, std::move(past), is_last, now, state_->counters);
}

void Relay::take_news(std::vector<LayerNews>& news) {
  for (const TrackId id : state_->schedule.changed) state_->tracks.at(id)->take_news(news);
  state_->schedule.changed.clear();
}

void Relay::repeat_news(TrackId track_id) {
  const auto found = state_->tracks.find(track_id);
  if (found != state_->tracks.end()) found->second->note_change();
}

void Relay::set_lent(TrackId track_id, uint8_t layer, bool lent, TimePoint now) {
  Track* track = state_->track(track_id, layer);
  if (track != nullptr) track->set_lent(layer, lent, now);
}

void Relay::receive_news(const LayerNews& news, TimePoint now) {
  state_->latest = now;
  Track* track = state_->track(news.track, news.layer);
  if (track == nullptr) return;
  if (track->microphone() != nullptr) hear_of(*track, news, now);
  track->receive_news(news, now);
}

void Relay::listen_to(PublisherId publisher_id) {
  Publisher* publisher = find_in(state_->publishers, publisher_id);
  if (publisher == nullptr) return;
  publisher->is_listened_to = true;
  listen(*publisher);
}

void Relay::set_pinned(PublisherId publisher_id, bool pinned, TimePoint now) {
  state_->latest = now;
  Publisher* publisher = find_in(state_->publishers, publisher_id);
  if (publisher == nullptr || std::exchange(publisher->is_pinned, pinned) == pinned) return;
  state_->seat_all(*publisher->room, now);
}

std::vector<rtp::MediaPacket> Relay::onset_of(TrackId track_id, TimePoint heard) const {
  const Track* track = state_->track(track_id, 0);
  if (track == nullptr) return {};
  return onset_of_speech(*track, heard, state_->latest);
}

void Relay::request_key_frame(TrackId track_id, uint8_t layer, KeyFrameRequests::Cause cause,
                              TimePoint now) {
  state_->latest = now;
  Track* track = state_->track(track_id, layer);
  // A layer that is suspended begins with a key frame anyway.
  if (track == nullptr || track->feeds()[layer].view().suspended) return;
  track->feeds()[layer].key_frames().ask_once(cause);
  track->note_request();
}

void Relay::set_round_trip(PublisherId publisher_id, std::optional<Duration> round_trip) {
  Publisher* publisher = find_in(state_->publishers, publisher_id);
  if (publisher != nullptr) publisher->round_trip = round_trip;
}

void Relay::set_follows(PublisherId publisher_id, bool follows) {
  Publisher* publisher = find_in(state_->publishers, publisher_id);
  if (publisher == nullptr) return;
  for (const auto& track : publisher->tracks) track->set_follows(follows);
}

void Relay::set_wanted_elsewhere(TrackId track_id, uint8_t layer, bool wanted) {
  Track* track = state_->track(track_id, layer);
  if (track != nullptr) track->set_wanted_elsewhere(layer, wanted);
}

uint8_t Relay::suspended_layers(TrackId track_id) const {
  const auto found = state_->tracks.find(track_id);
  return found == state_->tracks.end() ? uint8_t{0} : found->second->suspended_layers();
}

void Relay::set_wall_clock(TimePoint now, uint64_t ntp_now) {
  state_->clock = {.at = now, .ntp = ntp_now};
}

bool Relay::collect(TimePoint now, Duration hold, SubscriberBatch& batch) {
  return state_->egress.collect(now, hold, batch, state_->counters);
}

bool Relay::collect_padding(SubscriberId subscriber_id, size_t bytes, TimePoint now,
                            SubscriberBatch& batch) {
  Subscriber* subscriber = find_in(state_->subscribers, subscriber_id);
  return subscriber != nullptr &&
         state_->egress.collect_padding(*subscriber, {bytes, now, state_->tracks}, batch);
}

TimePoint Relay::next_collect(Duration hold) const { return state_->egress.next_collect(hold); }

void Relay::advance(TimePoint now, Output& out) {
  state_->latest = now;
  if (now >= state_->tick_due) {
    state_->tick_due = now + kTick;
    state_->look(now, out.reports);
  }
  state_->looks += state_->allotments.run(now, out.probe_wishes);
  state_->review_supplies(now, out.suspension_changes);
  state_->take_requests(now, out.key_frame_requests);
}

TimePoint Relay::next_deadline() const {
  const Schedule& schedule = state_->schedule;
  return std::min({schedule.requests.next(), schedule.allocations.next(), schedule.supplies.next(),
                   std::max(state_->tick_due, schedule.next_look())});
}

std::vector<TrackState> Relay::tracks_of(PublisherId publisher_id) const {
  std::vector<TrackState> states;
  const Publisher* publisher = find_in(state_->publishers, publisher_id);
  if (publisher == nullptr) return states;
  for (const auto& track : publisher->tracks) states.push_back(track->state(state_->latest));
  return states;
}

std::vector<SlotState> Relay::slots_of(SubscriberId subscriber_id) const {
  std::vector<SlotState> states;
  Subscriber* subscriber = find_in(state_->subscribers, subscriber_id);
  if (subscriber == nullptr) return states;
  for (const auto ssrc : subscriber->order) {
    if (const Slot* slot = subscriber->slot(ssrc)) states.push_back(slot->state());
  }
  return states;
}

const Counters& Relay::counters() const {
  state_->counters.starts_from_cache = state_->schedule.starts_from_cache;
  return state_->counters;
}

uint64_t Relay::looks() const { return state_->looks; }

}  // namespace simpul::relay
