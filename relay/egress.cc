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
  std::erase(due_, &track);
}

void Egress::forget(Subscriber& subscriber) {
  std::erase(repaired_, &subscriber);
  std::ranges::replace(subscribers_, &subscriber, nullptr);
}

bool Egress::collect(TimePoint now, Duration hold, SubscriberBatch& batch, Counters& counters) {
  do {
    while (visited_ < subscribers_.size()) {
      Subscriber* subscriber = subscribers_[(first_ + visited_++) % subscribers_.size()];
      if (subscriber == nullptr) continue;
      packets_.clear();
      const size_t urgent = subscriber->forward(packets_, counters);
      if (packets_.empty()) continue;
      batch = {.subscriber = subscriber->id,
               .packets = packets_,
               .urgent = urgent,
               .later = look_ahead()};
      return true;
    }
    end_round();
  } while (begin_round(now, hold));
  return false;
}

bool Egress::collect_padding(Subscriber& subscriber, const PaddingWish& wish,
                             SubscriberBatch& batch) {
  packets_.clear();
  subscriber.pad(wish, packets_);
  batch = {.subscriber = subscriber.id, .packets = packets_};
  return !packets_.empty();
}

Subscriber* Egress::ahead(size_t count) const {
  const size_t place = visited_ + count - 1;  // visited_ is the next one's already
  if (place >= subscribers_.size()) return nullptr;
  return subscribers_[(first_ + place) % subscribers_.size()];
}

// Of a thousand subscribers nothing is in the cache when their turn comes.
std::optional<SubscriberId> Egress::look_ahead() const {
  constexpr size_t kSlotsFetched = 4;
  if (const Subscriber* far = ahead(kLaterBy + 2)) prefetch(far, sizeof *far);
  const Subscriber* later = ahead(kLaterBy);
  if (later == nullptr) return std::nullopt;
  prefetch(later->slots.data(), std::min(later->slots.size(), kSlotsFetched) * sizeof(Slot));
  return later->id;
}

bool Egress::begin_round(TimePoint now, Duration hold) {
  ++round_;
  std::erase_if(waiting_, [&](Track* track) {
    bool any_due = false;
    bool any_waiting = false;
    for (Feed& feed : track->feeds()) {
      any_due |= feed.release(now, hold);
      any_waiting |= feed.is_waiting();
    }
    if (any_due) due_.push_back(track);
    track->in_egress = any_waiting;
    return !any_waiting;
  });
  for (Track* track : due_) {
    for (Slot* slot : track->slots()) visit(slot->subscriber());
  }
  for (Subscriber* subscriber : repaired_) visit(*subscriber);
  repaired_.clear();
  while (Slot* slot = schedule_.replays.take_due(now)) {
    slot->go_on_replaying(now);
    visit(slot->subscriber());
  }
  if (!subscribers_.empty()) first_ = round_ % subscribers_.size();
  return !due_.empty() || !subscribers_.empty();
}

void Egress::visit(Subscriber& subscriber) {
  if (subscriber.round == round_) return;
  subscriber.round = round_;
  subscribers_.push_back(&subscriber);
}

void Egress::end_round() {
  for (Track* track : due_) {
    for (Feed& feed : track->feeds()) feed.end_round();
  }
  due_.clear();
  subscribers_.clear();
  visited_ = 0;
}

TimePoint Egress::next_collect(Duration hold) const {
  // What is due already is due since long ago.
  if (visited_ < subscribers_.size() || !repaired_.empty()) return TimePoint{};
  TimePoint earliest = schedule_.replays.next();
  for (const Track* track : waiting_) {
    for (const Feed& feed : track->feeds()) earliest = std::min(earliest, feed.due_at(hold));
  }
  return earliest;
}

}  // namespace simpul::relay
