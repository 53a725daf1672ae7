#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/time.h"
#include "relay/layer_allocator.h"
#include "relay/relay.h"

namespace simpul::relay {

class Slot;
struct Subscriber;

// What one subscriber's slots ask for, written down for the allocator; kept to be used again.
struct SlotDemands {
  std::vector<Slot*> slots;  // of video
  std::vector<LayerOption> options;
  std::vector<size_t> ends;  // of each slot's options
  std::vector<SlotDemand> demands;
  uint64_t audio_bps = 0;

  // Of all slots of the subscriber.
  void write(Subscriber& subscriber, TimePoint now);
  std::span<const LayerOption> options_of(size_t slot) const {
    const size_t first = slot == 0 ? 0 : ends[slot - 1];
    return std::span(options).subspan(first, ends[slot] - first);
  }
};

// Holds one subscriber's video slots to what the allocator grants them.
class Allotment {
 public:
  // However much happens, nobody's slots are decided upon more often.
  static constexpr Duration kInterval = std::chrono::milliseconds(100);
  // What is sent for an audio slot besides payloads, while anything is.
  static constexpr uint64_t kAudioHeaders = 20'000;

  // True when run() should be called for it.
  bool set_estimate(const std::optional<PathEstimate>& estimate, TimePoint now);
  TimePoint next_allowed() const { return ran_at_ ? *ran_at_ + kInterval : TimePoint{}; }

  // Decides for the slots of `demands`; the caller lets them have it.
  void decide(const SlotDemands& demands, TimePoint now, Allocation& result);
  // What to probe for; nothing when it is as it was.
  std::optional<uint64_t> take_probe_wish();

 private:
  LayerAllocator allocator_;
  std::optional<PathEstimate> estimate_;
  std::optional<TimePoint> ran_at_;
  std::optional<uint64_t> probe_bps_;
  bool is_probe_told_ = true;
};

// Lets the slots carry what was granted.
void apply(const SlotDemands& demands, const Allocation& allocation, TimePoint now);
// What was decided, in words that people know.
Explanation explain(const SlotDemands& demands, const Allocation& allocation);

}  // namespace simpul::relay
