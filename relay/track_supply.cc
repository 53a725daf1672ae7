// Which layers of a track its publisher is told not to send, and what is shown until one is back.
#include "relay/schedule.h"
#include "relay/track.h"

namespace simpul::relay {

std::optional<uint8_t> Track::stand_in_for(uint8_t layer, std::optional<uint8_t> carried) const {
  const auto all = views();
  return relay::stand_in_for(std::span(all).first(feeds_.size()), layer, carried);
}

void Track::set_follows(bool follows) {
  if (kind_ != rtp::MediaKind::kVideo || feeds_.size() < 2) return;
  if (follows && !suspension_) suspension_ = std::make_unique<LayerSuspension>();
  follows_ = follows;
  note_supply();
}

void Track::set_wanted_elsewhere(uint8_t layer, bool wanted) {
  wanted_elsewhere_[layer] = wanted;
  note_supply();
}

void Track::note_supply() {
  if (suspension_) schedule_.supplies.set(*this, TimePoint{});
}

uint8_t Track::suspended_layers() const {
  unsigned bits = 0;
  for (uint8_t layer = 0; suspension_ && layer < feeds_.size(); ++layer) {
    if (suspension_->is_suspended(layer)) bits |= 1u << layer;
  }
  return static_cast<uint8_t>(bits);
}

bool Track::review_supply(TimePoint now) {
  std::array<LayerSuspension::Layer, kLayersMax> layers{};
  for (size_t i = 0; i < feeds_.size(); ++i) {
    const bool wanted = feeds_[i].is_wanted() || wanted_elsewhere_[i];
    layers[i] = {.active = feeds_[i].view().active, .wanted = wanted || !follows_};
  }
  // A publisher who pauses altogether is no reason to ask for another layer.
  const auto lowest = sent_ ? layer_for(LayerChoice::kLow) : std::nullopt;
  const bool has_news = suspension_->decide(std::span(layers).first(feeds_.size()), lowest, now);
  schedule_.supplies.set(*this, suspension_->next_deadline());
  bool changed = false;
  for (size_t i = 0; i < feeds_.size(); ++i) {
    const bool was_suspended = feeds_[i].view().suspended;
    feeds_[i].set_suspended(suspension_->is_to_be_had(static_cast<uint8_t>(i)));
    changed |= feeds_[i].view().suspended != was_suspended;
  }
  if (changed) choose_layers(now);
  return has_news;
}

}  // namespace simpul::relay
