#include "relay/egress.h"

#include <algorithm>

#include "base/prefetch.h"
#include "relay/schedule.h"
#include "relay/subscriber.h"
#include "relay/track.h"

namespace simpul::relay {

void Egress::enlist(Track& track) {
  if (track.in_egress) return;
  track.in_egress = true;
  waiting_.push_back(&track);
}

void Egress::forget(Track& track) {
  std::erase(waiting_, &track);
  std::erase(round_.due, &track);
  std::erase(short_.due, &track);
}

void Egress::forget(Subscriber& subscriber) {
  std::erase(repaired_, &subscriber);
  std::ranges::replace(round_.subscribers, &subscriber, nullptr);
  std::ranges::replace(short_.subscribers, &subscriber, nullptr);
}

bool Egress::collect(TimePoint now, Duration hold, SubscriberBatch& batch, Counters& counters) {
  schedule_.onsets.clear();
  for (;;) {
    if (go_on(short_, batch, counters)) return true;
    end(short_);
    if (begin_short(now, hold)) continue;
    if (go_on(round_, batch, counters)) return true;
    if (round_.number != kNoRound) {
      end_round();
    } else if (!begin_round(now, hold)) {
      return false;
    }
  }
}

bool Egress::go_on(Round& round, SubscriberBatch& batch, Counters& counters) {
  while (!round.is_over()) {
    Subscriber* subscriber =
        round.subscribers[(round.first + round.visited++) % round.subscribers.size()];
    if (subscriber == nullptr) continue;
    packets_.clear();
    const rtp::OutgoingBatch due = subscriber->forward(packets_, counters);
    if (packets_.empty()) continue;
    batch = {due, subscriber->id, look_ahead(round)};
    return true;
  }
  return false;
}

bool Egress::collect_padding(Subscriber& subscriber, const PaddingWish& wish,
                             SubscriberBatch& batch) {
  packets_.clear();
  subscriber.pad(wish, packets_);
  batch = {{.packets = packets_}, subscriber.id};
  return !packets_.empty();
}

Subscriber* Egress::Round::ahead(size_t count) const {
  const size_t place = visited + count - 1;  // visited is the next one's already
  if (place >= subscribers.size()) return nullptr;
  return subscribers[(first + place) % subscribers.size()];
}

// Of a thousand subscribers nothing is in the cache when their turn comes.
std::optional<SubscriberId> Egress::look_ahead(const Round& round) {
  constexpr size_t kSlotsFetched = 4;
  if (const Subscriber* far = round.ahead(kLaterBy + 2)) prefetch(far, sizeof *far);
  const Subscriber* later = round.ahead(kLaterBy);
  if (later == nullptr) return std::nullopt;
  prefetch(later->slots.data(), std::min(later->slots.size(), kSlotsFetched) * sizeof(Slot));
  return later->id;
}

bool Egress::begin_round(TimePoint now, Duration hold) {
  round_.number = ++rounds_;
  std::erase_if(waiting_, [&](Track* track) { return !release(*track, round_, now, hold); });
  for (Subscriber* subscriber : repaired_) visit(*subscriber, round_);
  repaired_.clear();
  while (Slot* slot = schedule_.replays.take_due(now)) {
    slot->go_on_replaying(now);
    visit(slot->subscriber(), round_);
  }
  next_short_ = kVisitsBetween;
  if (begin(round_)) return true;
  end_round();
  return false;
}

bool Egress::begin_short(TimePoint now, Duration hold) {
  if (round_.visited < next_short_) return false;
  next_short_ = round_.visited + kVisitsBetween;
  short_.number = ++rounds_;
  std::erase_if(waiting_, [&](Track* track) {
    return is_for_others(*track) && !release(*track, short_, now, hold);
  });
  std::erase_if(repaired_, [&](Subscriber* subscriber) {
    if (short_.subscribers.size() >= kFewSlots || subscriber->round == round_.number) return false;
    visit(*subscriber, short_);
    return true;
  });
  return begin(short_);
}

bool Egress::begin(Round& round) {
  if (!round.subscribers.empty()) round.first = rounds_ % round.subscribers.size();
  return !round.due.empty() || !round.subscribers.empty();
}

// A few, and none of them has a part in the round: they would be given its packets twice.
bool Egress::is_for_others(const Track& track) const {
  if (track.slots().size() > kFewSlots) return false;
  if (round_.number == kNoRound) return true;  // without a look at each of them
  return std::ranges::none_of(
      track.slots(), [&](const Slot* slot) { return slot->subscriber().round == round_.number; });
}

// True while something of it waits, be it due or not.
bool Egress::release(Track& track, Round& round, TimePoint now, Duration hold) {
  bool any_due = false;
  bool any_waiting = false;
  for (Feed& feed : track.feeds()) {
    any_due |= feed.release(now, hold);
    any_waiting |= feed.is_waiting();
  }
  track.in_egress = any_waiting;
  if (!any_due) return any_waiting;
  round.due.push_back(&track);
  if (&round == &round_) track.round = round.number;
  for (Slot* slot : track.slots()) visit(slot->subscriber(), round);
  return any_waiting;
}

void Egress::visit(Subscriber& subscriber, Round& round) {
  if (subscriber.round == round.number) return;
  subscriber.round = round.number;
  round.subscribers.push_back(&subscriber);
}

void Egress::end_round() {
  end(round_);
  next_short_ = 0;
}

void Egress::end(Round& round) {
  for (Track* track : round.due) {
    for (Feed& feed : track->feeds()) feed.end_round();
    track->round = 0;
  }
  round.due.clear();
  round.subscribers.clear();
  round.visited = 0;
  round.number = kNoRound;
}

TimePoint Egress::next_collect(Duration hold) const {
  // What is due already is due since long ago.
  if (!short_.is_over() || !round_.is_over() || !repaired_.empty()) return TimePoint{};
  TimePoint earliest = schedule_.replays.next();
  for (const Track* track : waiting_) {
    for (const Feed& feed : track->feeds()) earliest = std::min(earliest, feed.due_at(hold));
  }
  return earliest;
}

}  // namespace simpul::relay
