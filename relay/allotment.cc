#include "relay/allotment.h"

#include <algorithm>
#include <utility>

#include "relay/layer_options.h"
#include "relay/publisher.h"
#include "relay/subscriber.h"
#include "relay/track.h"

namespace simpul::relay {
namespace {

// Whether a layer is no larger than the one that the viewer's choice stands for.
class Allowed {
 public:
  Allowed(const Slot& slot, std::span<const LayerOption> options) {
    const Track& track = *slot.track();
    const auto chosen = track.layer_for(slot.choice());
    if (!chosen || slot.choice() == LayerChoice::kHighest) return;
    const LayerTarget target = track.layers_for(slot.choice(), *chosen);
    encoding_ = *chosen;
    spatial_ = target.spatial;
    for (const LayerOption& option : options) {
      if (option.id.encoding == *chosen) pixels_ = std::max(pixels_, pixels_of(option));
    }
  }
  bool operator()(const LayerOption& option) const {
    if (option.id.encoding == encoding_) return option.id.spatial <= spatial_;
    return !encoding_ || pixels_of(option) <= pixels_;
  }

 private:
  std::optional<uint8_t> encoding_;
  uint8_t spatial_ = LayerTarget::kAll;
  double pixels_ = 0;
};

void append_options(const Slot& slot, TimePoint now, std::vector<LayerOption>& all) {
  const auto options = slot.track()->options(now);
  const Allowed is_allowed(slot, options);
  for (const LayerOption& option : options.first(std::min(options.size(), kLayerOptionsMax))) {
    LayerOption& own = all.emplace_back(option);
    own.is_allowed = is_allowed(option);
    if (!slot.carries(option.id.encoding)) own.supply = LayerSupply::kAbsent;
  }
}

uint64_t audio_bps_of(const Slot& slot) {
  return slot.bitrate_bps() == 0 ? 0 : slot.bitrate_bps() + Allotment::kAudioHeaders;
}

}  // namespace

void SlotDemands::write(Subscriber& subscriber, TimePoint now) {
  slots.clear();
  options.clear();
  ends.clear();
  demands.clear();
  audio_bps = 0;
  for (Slot& slot : subscriber.slots) {
    if (slot.kind() == rtp::MediaKind::kAudio) {
      audio_bps += audio_bps_of(slot);
      continue;
    }
    slots.push_back(&slot);
    if (slot.track() != nullptr) append_options(slot, now, options);
    ends.push_back(options.size());
  }
  for (size_t i = 0; i < slots.size(); ++i) {
    const Slot& slot = *slots[i];
    const auto carried = slot.carried();
    SlotDemand& demand =
        demands.emplace_back(SlotDemand{.wanted_pixels = slot.viewing().wanted_pixels,
                                        .priority = slot.viewing().priority,
                                        .is_paused = slot.viewing().is_paused});
    if (slot.track() == nullptr) continue;
    demand.track = slot.track()->id();
    demand.options = options_of(i);
    if (carried) demand.carried = id_of(*carried, demand.options);
  }
}

bool Allotment::set_estimate(const std::optional<PathEstimate>& estimate, TimePoint now) {
  const bool was_known = estimate_.has_value();
  estimate_ = estimate;
  if (!estimate) return was_known;
  return allocator_.on_estimate(estimate->bps, now) || !was_known || estimate->is_full;
}

void Allotment::decide(const SlotDemands& demands, TimePoint now, Allocation& result) {
  ran_at_ = now;
  AllocationRequest request{.audio_bps = demands.audio_bps, .slots = demands.demands};
  if (estimate_) {
    request.estimate_bps = estimate_->bps;
    request.arriving_bps = estimate_->arriving_bps;
    request.is_path_full = estimate_->is_full;
    request.is_path_silent = estimate_->is_silent;
  }
  allocator_.allocate(request, now, result);
  // While nothing is known of the path there is nothing to say of it either.
  if (!estimate_ || probe_bps_ == result.probe_bps) return;
  probe_bps_ = result.probe_bps;
  is_probe_told_ = false;
}

std::optional<uint64_t> Allotment::take_probe_wish() {
  return std::exchange(is_probe_told_, true) ? std::nullopt : probe_bps_;
}

void apply(const SlotDemands& demands, const Allocation& allocation, TimePoint now) {
  for (size_t i = 0; i < allocation.slots.size(); ++i) {
    Slot& slot = *demands.slots[i];
    const SlotGrant& grant = allocation.slots[i];
    const bool is_paused =
        grant.cause == GrantCause::kPausedByRequest || grant.cause == GrantCause::kPausedByEstimate;
    // What is not being sent comes back as what it was.
    if (grant.layer) slot.set_target(target_of(*grant.layer, demands.options_of(i)), now);
    slot.set_paused(is_paused, now);
    if (grant.ends_carried) slot.end_carried(now);
  }
}

Explanation explain(const SlotDemands& demands, const Allocation& allocation) {
  Explanation explanation{.estimate_bps = allocation.estimate_bps,
                          .audio_bps = allocation.audio_bps};
  for (size_t i = 0; i < allocation.slots.size(); ++i) {
    const Slot& slot = *demands.slots[i];
    const SlotGrant& grant = allocation.slots[i];
    auto& told =
        explanation.slots.emplace_back(Explanation::Slot{.ssrc = slot.ssrc(), .grant = grant});
    if (slot.track() == nullptr) continue;
    const auto name = [&](const std::optional<LayerId>& id) -> std::optional<std::string> {
      if (!id) return std::nullopt;
      return name_of(*id, slot.track()->feeds(), demands.options_of(i));
    };
    told.granted_layer = name(grant.layer);
    told.next_layer = name(grant.next);
  }
  return explanation;
}

}  // namespace simpul::relay
