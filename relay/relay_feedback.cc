// What a subscriber says of its slots and its path: what it lost, what the path carries, what it
// looks at.
#include "relay/relay_state.h"
#include "relay/seating.h"

namespace simpul::relay {

void Relay::receive_nack(SubscriberId subscriber_id, rtp::Ssrc ssrc,
                         std::span<const rtp::SequenceNumber> missing, TimePoint now) {
  state_->latest = now;
  Subscriber* subscriber = find_in(state_->subscribers, subscriber_id);
  Slot* slot = subscriber == nullptr ? nullptr : subscriber->slot(ssrc);
  if (slot == nullptr) return;
  const bool was_waiting = !subscriber->retransmissions.empty();
  const size_t admitted = subscriber->admit_nacks(missing.size(), now);
  state_->counters.nacks_received += missing.size();
  state_->counters.retransmissions_refused += missing.size() - admitted;
  slot->retransmit({.missing = missing.first(admitted),
                    .round_trip = subscriber->round_trip,
                    .times_max = state_->limits.retransmissions_per_packet},
                   state_->tracks, now, subscriber->retransmissions, state_->counters);
  if (!was_waiting && !subscriber->retransmissions.empty()) state_->egress.enlist(*subscriber);
}

void Relay::give_back(SubscriberId subscriber_id, const rtp::UnsentRepair& unsent) {
  Subscriber* subscriber = find_in(state_->subscribers, subscriber_id);
  Slot* slot = subscriber == nullptr ? nullptr : subscriber->slot(unsent.ssrc);
  if (slot != nullptr) slot->give_back(unsent);
}

void Relay::receive_key_frame_request(SubscriberId subscriber_id, rtp::Ssrc ssrc, TimePoint now) {
  state_->latest = now;
  Subscriber* subscriber = find_in(state_->subscribers, subscriber_id);
  Slot* slot = subscriber == nullptr ? nullptr : subscriber->slot(ssrc);
  if (slot == nullptr) return;
  ++state_->counters.key_frames_asked_by_subscribers;
  if (slot->track() != nullptr) slot->ask_for_repair(now);
}

void Relay::set_target(SubscriberId subscriber_id, rtp::Ssrc ssrc,
                       const std::optional<LayerTarget>& target, TimePoint now) {
  state_->latest = now;
  Subscriber* subscriber = find_in(state_->subscribers, subscriber_id);
  Slot* slot = subscriber == nullptr ? nullptr : subscriber->slot(ssrc);
  if (slot == nullptr) return;
  slot->set_target(target, now);
}

void Relay::set_estimate(SubscriberId subscriber_id, const std::optional<PathEstimate>& estimate,
                         TimePoint now) {
  Subscriber* subscriber = find_in(state_->subscribers, subscriber_id);
  if (subscriber == nullptr) return;
  subscriber->path_bps = estimate ? std::optional(estimate->bps) : std::nullopt;
  subscriber->is_path_full = estimate && estimate->is_full;
  state_->allotments.set_estimate(*subscriber, estimate, now);
}

void Relay::set_viewing(SubscriberId subscriber_id, rtp::Ssrc ssrc, const Viewing& viewing,
                        TimePoint now) {
  state_->latest = now;
  Subscriber* subscriber = find_in(state_->subscribers, subscriber_id);
  Slot* slot = subscriber == nullptr ? nullptr : subscriber->slot(ssrc);
  if (slot == nullptr) return;
  const bool is_another = viewing.participant != slot->viewing().participant;
  state_->allotments.set_viewing(*slot, viewing);
  if (is_another) seat(*subscriber, now);
}

Explanation Relay::explain(SubscriberId subscriber_id, TimePoint now) {
  Subscriber* subscriber = find_in(state_->subscribers, subscriber_id);
  return subscriber == nullptr ? Explanation() : state_->allotments.explain(*subscriber, now);
}

void Relay::set_round_trip(SubscriberId subscriber_id, Duration round_trip) {
  Subscriber* subscriber = find_in(state_->subscribers, subscriber_id);
  if (subscriber != nullptr) subscriber->round_trip = round_trip;
}

void Relay::receive_loss(SubscriberId subscriber_id, rtp::Ssrc ssrc, double loss, TimePoint now) {
  state_->latest = now;
  Subscriber* subscriber = find_in(state_->subscribers, subscriber_id);
  Slot* slot = subscriber == nullptr ? nullptr : subscriber->slot(ssrc);
  if (slot != nullptr) subscriber->receive_loss(*slot, loss, now);
}

}  // namespace simpul::relay
