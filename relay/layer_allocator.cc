#include "relay/layer_allocator.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/uninitialized.h"

namespace simpul::relay {
namespace {

constexpr double kInfinite = std::numeric_limits<double>::infinity();
// Probes find a little less than what they tried.
constexpr double kProbeMargin = 1.1;

uint64_t whole(double bps) { return static_cast<uint64_t>(std::ceil(std::max(bps, 0.0))); }

bool is_obtainable(const LayerOption& option) { return option.supply != LayerSupply::kAbsent; }

// Why there is nothing above the layer that was granted.
GrantCause cause_of_largest(const SlotDemand& demand, const LayerOption& granted) {
  const double largest = pixels_max(demand);
  GrantCause cause = GrantCause::kLargest;
  for (const LayerOption& option : demand.options) {
    if (pixels_of(option) <= pixels_of(granted)) continue;
    if (!is_obtainable(option)) {
      if (cause == GrantCause::kLargest) cause = GrantCause::kPublisherNotSending;
    } else if (!option.is_allowed) {
      cause = GrantCause::kLargestAsked;
    } else if (pixels_of(option) > largest) {
      return GrantCause::kLargestWanted;
    }
  }
  return cause;
}

// Of what leaves now.
double carried_bps(const SlotDemand& demand) {
  const auto options = demand.options.first(std::min(demand.options.size(), kLayerOptionsMax));
  const auto same = std::ranges::find_if(
      options, [&](const LayerOption& option) { return option.id == demand.carried; });
  return same == options.end() ? 0 : static_cast<double>(same->bitrate_bps);
}

}  // namespace

void RecentMinimum::add(double value, TimePoint now) {
  if (!current_ || now - began_ >= kGeneration) {
    former_ = current_;
    current_ = value;
    began_ = now;
    return;
  }
  current_ = std::min(*current_, value);
}

std::optional<double> RecentMinimum::value() const {
  if (!former_) return std::nullopt;
  return std::min(*former_, *current_);
}

// What one call of allocate() works with.
struct LayerAllocator::Decision {
  size_t count = 0;
  double estimate = kInfinite;
  double audio = 0;
  double present = kInfinite;  // for video, of the estimate as it is
  double settled = kInfinite;  // for what is new
  double arriving = 0;         // of video, that the path has room for as it seems
  bool is_full = false;
  std::array<Ladder, kSlotsMax> memory;
  Standing former{};   // what was granted last, as far as it is still there
  Standing highest{};  // that may be taken now
  Standing standing{};
  std::optional<Step> missed;
  bool is_rearranged = false;
  std::array<bool, kSlotsMax> ends_carried{};

  std::span<const Ladder> ladders() const { return std::span(memory).first(count); }
  const Rung* rung_of(size_t slot) const {
    if (standing[slot] == kNoRung) return nullptr;
    return &memory[slot].rungs[static_cast<size_t>(standing[slot])];
  }
};

bool LayerAllocator::on_estimate(uint64_t bps, TimePoint now) {
  recent_.add(static_cast<double>(bps), now);
  const auto present = static_cast<double>(bps);
  return granted_bps_ > present || (awaited_bps_ > 0 && present >= awaited_bps_) ||
         now - allocated_at_ >= kInterval;
}

void LayerAllocator::recall(const AllocationRequest& request, TimePoint now, Decision& decision) {
  decision.audio = static_cast<double>(request.audio_bps);
  if (request.estimate_bps) {
    decision.estimate = static_cast<double>(*request.estimate_bps);
    recent_.add(decision.estimate, now);
    decision.present = std::max(decision.estimate - decision.audio, 0.0);
    const double arriving = static_cast<double>(request.arriving_bps) / kArrivingShare;
    decision.arriving = std::max(arriving - decision.audio, 0.0);
    decision.is_full = request.is_path_full;
    decision.settled = std::max(kNewShare * recent_.value().value_or(0) - decision.audio, 0.0);
  }
  decision.count = std::min(request.slots.size(), kSlotsMax);
  slots_.resize(decision.count);
  for (size_t i = 0; i < decision.count; ++i) {
    const SlotDemand& demand = request.slots[i];
    Past& slot = slots_[i];
    // What it carries already is nothing new.
    if (slot.track != demand.track) slot = {.track = demand.track, .layer = demand.carried};
    Ladder& ladder = decision.memory[i];
    ladder.count = 0;
    decision.former[i] = decision.highest[i] = kNoRung;
    if (!demand.track || demand.is_paused) continue;
    build_ladder(demand, ladder);
    decision.highest[i] = ladder.count - 1;
    if (!slot.layer || ladder.count == 0) continue;
    const auto steps = ladder.steps();
    const auto same = std::ranges::find_if(
        steps, [&](const Rung& rung) { return demand.options[rung.option].id == *slot.layer; });
    if (same != steps.end()) {
      decision.former[i] = static_cast<int>(same - steps.begin());
    } else {
      decision.former[i] = ladder.rung_within(slot.bps).value_or(0);
    }
  }
}

// Whether its lowest layer, which makes that sum, has not fitted for so long that it is not sent.
bool LayerAllocator::pauses(Past& slot, double sum, TimePoint now, const Decision& decision) {
  const double budget =
      slot.is_paused ? decision.settled : std::max(decision.present, decision.arriving);
  if (sum <= budget) {
    slot.unfit_since.reset();
    slot.is_paused = false;
  } else if (!slot.unfit_since || now - *slot.unfit_since >= kPauseAfter + kPauseMax) {
    slot.unfit_since = now;
    slot.is_paused = false;
  } else if (now - *slot.unfit_since >= kPauseAfter) {
    slot.is_paused = true;
  }
  return slot.is_paused;
}

void LayerAllocator::stand_lowest(const AllocationRequest& request, TimePoint now,
                                  Decision& decision) {
  SIMPUL_UNINITIALIZED std::array<uint8_t, kSlotsMax> order;
  for (size_t i = 0; i < decision.count; ++i) order[i] = static_cast<uint8_t>(i);
  const auto by_priority = std::span(order).first(decision.count);
  std::ranges::sort(by_priority, [&](uint8_t a, uint8_t b) {
    const int difference = request.slots[a].priority - request.slots[b].priority;
    return difference != 0 ? difference > 0 : a < b;
  });
  double fitting = 0;  // used by those whose layer fits
  double sent = 0;     // by those of which anything is sent
  for (const uint8_t i : by_priority) {
    decision.standing[i] = kNoRung;
    if (decision.memory[i].count == 0) {
      slots_[i].unfit_since.reset();
      slots_[i].is_paused = false;
      continue;
    }
    const double lowest = decision.memory[i].rungs[0].bps;
    const double used = slots_[i].is_paused ? sent : fitting;
    if (!pauses(slots_[i], used + lowest, now, decision)) decision.standing[i] = 0;
    if (!slots_[i].unfit_since) fitting += lowest;
    if (!slots_[i].is_paused) sent += lowest;
  }
}

void LayerAllocator::climb_all(TimePoint now, Decision& decision) {
  for (size_t i = 0; i < decision.count; ++i) {
    const Past& slot = slots_[i];
    if (decision.highest[i] == kNoRung) continue;
    // Nothing new gets onto a full path, which is probed no more either.
    if (decision.is_full) decision.highest[i] = std::max(decision.former[i], 0);
    if (now >= slot.held_until) continue;
    const auto steps = decision.memory[i].steps();
    const auto failed =
        std::ranges::find_if(steps, [&](const Rung& rung) { return rung.bps >= slot.failed_bps; });
    const auto below = static_cast<int>(failed - steps.begin()) - 1;
    decision.highest[i] = std::min(std::max({below, decision.former[i], 0}), decision.highest[i]);
  }
  // What is there stays first, and what is new gets what is left.
  climb(decision.ladders(), decision.former, decision.present, decision.standing);
  decision.missed =
      climb(decision.ladders(), decision.highest, decision.settled, decision.standing);
}

// Whoever was first keeps the larger layer, unless that has been much worse for a while than what
// would be given without regard to that.
void LayerAllocator::consider_better(TimePoint now, Decision& decision) {
  Standing better = decision.standing;
  for (size_t i = 0; i < decision.count; ++i) better[i] = std::min(better[i], 0);
  climb(decision.ladders(), decision.highest, decision.settled, better);
  if (value_of(decision.ladders(), better) <=
      kMuchBetter * value_of(decision.ladders(), decision.standing)) {
    better_since_.reset();
    return;
  }
  if (!better_since_) better_since_ = now;
  if (now - *better_since_ < kBetterFor) return;
  better_since_.reset();
  decision.standing = better;
  decision.is_rearranged = true;
}

// Half of such a layer's packets are lost, and with them each picture: it is worth nothing to who
// watches, and takes the next layer's key frame its place in the queue, and sound its own. Where
// the next would take most of what there is, the smallest encoding comes first: its key frame is
// the soonest to get through.
void LayerAllocator::end_carried(const AllocationRequest& request, Decision& decision) const {
  if (!decision.is_full) return;
  double carried = 0;
  for (size_t i = 0; i < decision.count; ++i) carried += carried_bps(request.slots[i]);
  if (carried <= kFarOver * decision.present) return;
  for (size_t i = 0; i < decision.count; ++i) {
    const SlotDemand& demand = request.slots[i];
    const Rung* rung = decision.rung_of(i);
    if (rung == nullptr || !demand.carried || rung->bps >= carried_bps(demand)) continue;
    const auto encoding_of = [&](int which) {
      return demand.options[decision.memory[i].rungs[static_cast<size_t>(which)].option]
          .id.encoding;
    };
    if (encoding_of(decision.standing[i]) == demand.carried->encoding) continue;
    if (kFarOver * rung->bps > decision.present) {
      while (encoding_of(decision.standing[i]) != encoding_of(0)) --decision.standing[i];
    }
    decision.ends_carried[i] = encoding_of(decision.standing[i]) != demand.carried->encoding;
  }
}

void LayerAllocator::remember(const AllocationRequest& request, TimePoint now,
                              const Decision& decision) {
  const bool is_full =
      !request.is_path_silent && cost_of(decision.ladders(), decision.former) > decision.present;
  for (size_t i = 0; i < decision.count; ++i) {
    Past& slot = slots_[i];
    const Rung* rung = decision.rung_of(i);
    const int former = decision.former[i];
    const int standing = decision.standing[i];
    const bool is_lasting = now - slot.climbed_at >= kLastedAfter;
    if (former != kNoRung && standing > former) slot.climbed_at = now;
    if (standing < former && is_full && !decision.is_rearranged && !is_lasting) {
      slot.failed_bps = decision.memory[i].rungs[static_cast<size_t>(former)].bps;
      slot.held_until = now + slot.hold;
      slot.hold = std::min(slot.hold * 2, kHoldMax);
    } else if (is_lasting && now >= slot.held_until + kLastedAfter) {
      slot.hold = kHoldMin;
    }
    slot.layer.reset();
    slot.bps = 0;
    if (rung == nullptr) continue;
    slot.layer = request.slots[i].options[rung->option].id;
    slot.bps = rung->bps;
  }
}

void LayerAllocator::allocate(const AllocationRequest& request, TimePoint now, Allocation& result) {
  SIMPUL_UNINITIALIZED Decision decision;
  recall(request, now, decision);
  stand_lowest(request, now, decision);
  climb_all(now, decision);
  if (decision.missed) consider_better(now, decision);
  end_carried(request, decision);
  remember(request, now, decision);
  write(request, now, decision, result);
  allocated_at_ = now;
  granted_bps_ = static_cast<double>(result.audio_bps + result.video_bps);
  awaited_bps_ = static_cast<double>(result.probe_bps) / kProbeMargin;
}

// What the lowest layers cost with the next of those that are paused; infinite when none is.
double LayerAllocator::resumed_bps(const Decision& decision) const {
  double sent = 0;
  double next = kInfinite;
  for (size_t i = 0; i < decision.count; ++i) {
    if (decision.memory[i].count == 0) continue;
    const double lowest = decision.memory[i].rungs[0].bps;
    if (slots_[i].is_paused) {
      next = std::min(next, lowest);
    } else {
      sent += lowest;
    }
  }
  return sent + next;
}

// For the next layer that would be of use to somebody, after those that the estimate allows soon.
double LayerAllocator::probe_bps(const Decision& decision) const {
  if (decision.estimate == kInfinite) return 0;
  double needed = resumed_bps(decision);
  if (needed == kInfinite) {
    const double soon = kNewShare * decision.estimate - decision.audio;
    Standing standing = decision.standing;
    const auto missed = climb(decision.ladders(), decision.highest, soon, standing);
    if (!missed) return 0;
    standing[missed->slot] = missed->rung;
    needed = cost_of(decision.ladders(), standing);
  }
  return kProbeMargin * (needed + decision.audio) / kNewShare;
}

void LayerAllocator::write(const AllocationRequest& request, TimePoint now,
                           const Decision& decision, Allocation& result) const {
  result.estimate_bps = request.estimate_bps;
  result.audio_bps = request.audio_bps;
  result.video_bps = whole(cost_of(decision.ladders(), decision.standing));
  result.probe_bps = whole(probe_bps(decision));
  result.slots.resize(decision.count);
  for (size_t i = 0; i < decision.count; ++i) {
    SlotDemand demand = request.slots[i];
    demand.options = demand.options.first(std::min(demand.options.size(), kLayerOptionsMax));
    SlotGrant& grant = result.slots[i];
    grant = {.priority = demand.priority, .wanted_pixels = demand.wanted_pixels};
    if (const Rung* rung = decision.rung_of(i)) {
      grant.layer = demand.options[rung->option].id;
      grant.bitrate_bps = whole(rung->bps);
    }
    const int above = decision.standing[i] + 1;
    if (above < decision.memory[i].count) {
      const Rung& next = decision.memory[i].rungs[static_cast<size_t>(above)];
      const double own = static_cast<double>(grant.bitrate_bps);
      const double sum = static_cast<double>(result.video_bps) - own + next.bps;
      grant.next = demand.options[next.option].id;
      grant.needed_bps = whole((sum + decision.audio) / kNewShare);
    }
    grant.ends_carried = decision.ends_carried[i];
    explain(demand, i, now, decision, grant);
  }
}

void LayerAllocator::explain(const SlotDemand& demand, size_t index, TimePoint now,
                             const Decision& decision, SlotGrant& grant) const {
  using enum GrantCause;
  if (!demand.track) return;
  const auto& options = demand.options;
  if (demand.is_paused) {
    grant.cause = kPausedByRequest;
  } else if (std::ranges::none_of(options, is_obtainable)) {
    grant.cause = kPublisherNotSending;
  } else if (!grant.layer) {
    grant.cause = slots_[index].is_paused ? kPausedByEstimate : kLargestAsked;
  } else if (demand.carried != grant.layer) {
    const LayerOption& option = options[decision.rung_of(index)->option];
    const bool comes = option.supply == LayerSupply::kSent;
    grant.cause = comes ? kWaitingForKeyFrame : kWaitingForPublisher;
  } else if (grant.next) {
    explain_next(index, now, decision, grant);
  } else {
    grant.cause = cause_of_largest(demand, options[decision.rung_of(index)->option]);
  }
}

void LayerAllocator::explain_next(size_t index, TimePoint now, const Decision& decision,
                                  SlotGrant& grant) const {
  const Past& slot = slots_[index];
  if (decision.estimate == kInfinite) {
    grant.cause = GrantCause::kEstimateUnknown;
  } else if (decision.standing[index] >= decision.highest[index] && now < slot.held_until) {
    grant.cause = GrantCause::kHeldBack;
    grant.wait = slot.held_until - now;
  } else if (static_cast<double>(grant.needed_bps) <= decision.estimate) {
    grant.cause = GrantCause::kSettling;
    grant.wait = std::max(recent_.settled_in(now), Duration{0});
  } else {
    grant.cause = GrantCause::kEstimate;
  }
}

}  // namespace simpul::relay
