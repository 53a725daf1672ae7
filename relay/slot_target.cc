// Which layer a slot should carry, and what it shows until a suspended one is being sent again.
#include <algorithm>

#include "relay/slot.h"

namespace simpul::relay {

void Slot::choose_layer(TimePoint now) {
  Layer wanted = track_->layer_for(choice_);
  if (allotted_ && track_->has(allotted_->encoding)) wanted = allotted_->encoding;
  const bool can_wait = track_->is_sent() || !current_;
  const bool is_suspended = wanted && feed(*wanted).view().suspended && can_wait;
  wait_for(is_suspended && !is_paused_ && carries(*wanted) ? wanted : Layer());
  if (awaited_) wanted = track_->stand_in_for(*awaited_, current_);
  // Nothing is being sent: what it carries is as good as any, and nearest to what was seen.
  if (current_ && !track_->is_sent()) wanted = current_;
  // The slot stays empty rather than carry what its receiver did not ask for.
  if (wanted && (is_paused_ || !carries(*wanted))) wanted.reset();
  if (wanted == target_) return limit_layers(now);
  set_layers(current_, wanted);
  ask_for_start(now);
  limit_layers(now);
}

std::optional<LayerTarget> Slot::sublayers() const {
  auto leaving = carried();
  if (!leaving) return std::nullopt;
  LayerTarget most{.encoding = *current_, .spatial = 0, .temporal = 0};
  const auto options = feed(*current_).meters().states(stream_.last().arrival);
  for (const LayerOptionState& option : options) {
    if (!option.active) continue;
    most.spatial = std::max(most.spatial, option.spatial);
    most.temporal = std::max(most.temporal, option.temporal);
  }
  if (options.empty()) return std::nullopt;
  leaving->spatial = std::min(leaving->spatial, most.spatial);
  leaving->temporal = std::min(leaving->temporal, most.temporal);
  return leaving;
}

// Its publisher is asked for it; when it comes, its first packet makes it the target.
void Slot::wait_for(Layer layer) {
  if (layer == awaited_) return;
  if (layer) feed(*layer).add_waiter();
  if (awaited_) feed(*awaited_).remove_waiter();
  awaited_ = layer;
  track_->note_change();
}

}  // namespace simpul::relay
