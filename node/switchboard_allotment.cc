// The switchboard's part in what viewers get of what their paths carry: it tells the relay what
// connections know of their paths, connections what is worth probing for, and people why.
#include <algorithm>

#include "node/switchboard.h"

namespace simpul::node {

void Switchboard::tell_estimate(const Entry& entry, TimePoint now) {
  const auto rates = entry.connection->path_rates(now);
  std::optional<relay::PathEstimate> estimate;
  if (rates) {
    estimate = {.bps = static_cast<uint64_t>(rates->carried_bps),
                .arriving_bps = static_cast<uint64_t>(rates->arriving_bps),
                .is_full = rates->is_full,
                .is_silent = rates->is_silent};
  }
  relay_.set_estimate(entry.subscriber, estimate, now);
}

void Switchboard::take_probe_wishes() {
  for (const relay::ProbeWish& wish : relay_out_.probe_wishes) {
    Entry* entry = entry_of(wish.subscriber);
    if (entry != nullptr) entry->connection->set_wanted(static_cast<double>(wish.bps));
  }
  relay_out_.probe_wishes.clear();
}

// What changes without any feedback: time passes, and what was known becomes old.
void Switchboard::tell_estimates(TimePoint now) {
  for (const auto& [id, entry] : by_subscriber_) tell_estimate(*entry, now);
}

// Who borrows some layers of a track knows of the others what it is told.
void Switchboard::repeat_rates() {
  for (const auto& [id, entry] : by_publisher_) {
    for (size_t line = 0; line < entry->session.tracks.size(); ++line) {
      const bool is_partly_lent = std::ranges::any_of(entry->borrowers, [&](const Borrower& one) {
        return !std::ranges::all_of(one.lines[line], &Borrower::Layer::wanted);
      });
      if (is_partly_lent) relay_.repeat_news(entry->session.tracks[line].id);
    }
  }
}

SlotAnswer Switchboard::answer(const SlotQuestion& question, TimePoint now) {
  SlotAnswer answer{.number = question.number, .why = {}};
  const auto found = entries_.find(question.key.value());
  if (found == entries_.end()) return answer;
  Entry& entry = *found->second;
  const auto& lines = entry.session.connection.media.sending;
  const auto line = std::ranges::find(lines, question.mid, &connection::SendingLine::mid);
  const auto place = static_cast<size_t>(line - lines.begin());
  if (line == lines.end() || place >= entry.session.slots.size()) return answer;
  if (question.change) change_viewing(entry, place, *question.change, now);
  answer.why = why(entry, place, now);
  return answer;
}

void Switchboard::change_viewing(Entry& entry, size_t slot, const ViewingChange& change,
                                 TimePoint now) {
  relay::Viewing& viewing = entry.viewings[slot];
  if (change.wanted_pixels) viewing.wanted_pixels = *change.wanted_pixels;
  if (change.priority) viewing.priority = *change.priority;
  if (change.paused) viewing.is_paused = *change.paused;
  if (change.participant) viewing.participant = *change.participant;
  if (entry.in_relay) {
    relay_.set_viewing(entry.subscriber, entry.session.slots[slot].ssrc, viewing, now);
  }
}

SlotWhy Switchboard::why(const Entry& entry, size_t slot, TimePoint now) {
  const auto& lines = entry.session.connection.media.sending;
  SlotWhy why{.mid = lines[slot].mid};
  why.grant.priority = entry.viewings[slot].priority;
  why.grant.wanted_pixels = entry.viewings[slot].wanted_pixels;
  if (!entry.in_relay) return why;
  const auto states = relay_.slots_of(entry.subscriber);
  const relay::Explanation told = relay_.explain(entry.subscriber, now);
  why.participant = states[slot].participant;
  why.layer = states[slot].layer;
  why.estimate_bps = told.estimate_bps;
  why.audio_bps = told.audio_bps;
  // Of audio there is one layer, whatever the path carries.
  why.grant.bitrate_bps = states[slot].bitrate_bps;
  if (states[slot].track) why.grant.cause = relay::GrantCause::kLargest;
  for (const relay::Explanation::Slot& other : told.slots) {
    const auto place = static_cast<size_t>(
        std::ranges::find(states, other.ssrc, &relay::SlotState::ssrc) - states.begin());
    if (place == slot) {
      why.grant = other.grant;
      why.granted_layer = other.granted_layer;
      why.next_layer = other.next_layer;
    } else if (other.grant.bitrate_bps > 0) {
      why.competing.push_back({.mid = lines[place].mid,
                               .participant = states[place].participant,
                               .bitrate_bps = other.grant.bitrate_bps,
                               .priority = other.grant.priority});
    }
  }
  return why;
}

}  // namespace simpul::node
