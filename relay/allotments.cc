#include "relay/allotments.h"

#include <algorithm>
#include <memory>

#include "relay/schedule.h"
#include "relay/subscriber.h"

namespace simpul::relay {

Allotment* Allotments::of(Subscriber& subscriber) {
  const auto& slots = subscriber.slots;
  if (std::ranges::find(slots, rtp::MediaKind::kVideo, &Slot::kind) == slots.end()) return nullptr;
  if (subscriber.allotment == nullptr) subscriber.allotment = std::make_unique<Allotment>();
  return subscriber.allotment.get();
}

void Allotments::set_estimate(Subscriber& subscriber, const std::optional<PathEstimate>& estimate,
                              TimePoint now) {
  if (!estimate && subscriber.allotment == nullptr) return;
  Allotment* allotment = of(subscriber);
  if (allotment == nullptr || !allotment->set_estimate(estimate, now)) return;
  schedule_.note_allotment(subscriber);
}

void Allotments::set_viewing(Slot& slot, const Viewing& viewing) {
  if (viewing == slot.viewing()) return;
  slot.set_viewing(viewing);
  if (of(slot.subscriber()) != nullptr) schedule_.note_allotment(slot.subscriber());
}

// By a copy: whoever asks, however often, changes nothing.
Explanation Allotments::explain(Subscriber& subscriber, TimePoint now) {
  Allotment allotment = subscriber.allotment ? *subscriber.allotment : Allotment();
  demands_.write(subscriber, now);
  allotment.decide(demands_, now, allocation_);
  return relay::explain(demands_, allocation_);
}

size_t Allotments::run(TimePoint now, std::vector<ProbeWish>& wishes) {
  for (size_t count = 0; count < kRunMax; ++count) {
    Subscriber* subscriber = schedule_.allocations.take_due(now);
    if (subscriber == nullptr) return count;
    demands_.write(*subscriber, now);
    subscriber->allotment->decide(demands_, now, allocation_);
    apply(demands_, allocation_, now);
    const auto wish = subscriber->allotment->take_probe_wish();
    if (wish) wishes.push_back({.subscriber = subscriber->id, .bps = *wish});
  }
  return kRunMax;
}

}  // namespace simpul::relay
