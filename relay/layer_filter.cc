#include "relay/layer_filter.h"

#include <algorithm>
#include <variant>

namespace simpul::relay {

void LayerMap::select(const FeedPacket& opening, const LayerSelection& selection) {
  changes_[change_count_++ % kChangesMax] = {.first_number = numbers_.newest() + 1,
                                             .opening_number = opening.number,
                                             .timestamp = opening.media.timestamp,
                                             .selection = selection};
}

const LayerSelection* LayerMap::selection_of(const FeedPacket& packet) const {
  static constexpr LayerSelection kEverything;
  const size_t kept = std::min(change_count_, kChangesMax);
  for (size_t i = 1; i <= kept; ++i) {
    const Change& change = changes_[(change_count_ - i) % kChangesMax];
    const bool is_lost_part =
        packet.number >= change.first_number && packet.media.timestamp == change.timestamp;
    if (packet.number >= change.opening_number || is_lost_part) return &change.selection;
  }
  return change_count_ <= kChangesMax ? &kEverything : nullptr;
}

std::optional<int64_t> LayerMap::picture_of(const FeedPacket& packet) const {
  const auto* vp8 = std::get_if<rtp::Vp8Descriptor>(&packet.payload.descriptor);
  if (vp8 == nullptr || !vp8->picture_id) return std::nullopt;
  const int64_t range = vp8->long_picture_id ? 0x8000 : 0x80;
  if (!pictures_) return range + *vp8->picture_id;
  const int64_t ahead = (*vp8->picture_id - pictures_->newest()) & (range - 1);
  return pictures_->newest() + (ahead < range / 2 ? ahead : ahead - range);
}

void LayerMap::take(const FeedPacket& packet) {
  numbers_.take(packet.number);
  const auto picture = picture_of(packet);
  if (!picture) return;
  if (!pictures_) pictures_.emplace(*picture);
  pictures_->take(*picture);
}

void LayerMap::leave_out(const FeedPacket& packet) {
  numbers_.drop(packet.number);
  const auto picture = picture_of(packet);
  if (!picture) return;
  if (!pictures_) pictures_.emplace(*picture);
  pictures_->drop(*picture);
}

std::optional<Placement> LayerMap::find(const FeedPacket& packet) const {
  if (numbers_.is_dropped(packet.number)) return std::nullopt;
  const auto left_out = numbers_.dropped_before(packet.number);
  const LayerSelection* selection = selection_of(packet);
  if (!left_out || selection == nullptr) return std::nullopt;
  const rtp::LayerInfo& layers = packet.payload.layers;
  Placement placement{.place = packet.number - *left_out,
                      .marker = packet.media.marker || numbers_.is_marked(packet.number),
                      .is_filler = !selection->takes(layers)};
  if (const auto picture = picture_of(packet); picture && pictures_) {
    placement.pictures_left_out =
        static_cast<uint16_t>(pictures_->dropped_before(*picture).value_or(0));
  }
  if (layers.layering == rtp::Layering::kDependencies && layers.starts_frame &&
      layers.structure == selection->structure) {
    placement.active = {.mask = selection->active_mask,
                        .count = selection->target_count,
                        .mask_at = layers.mask_at};
  }
  return placement;
}

void LayerFilter::open(const PictureView& picture, const rtp::DependencyReader& dependencies,
                       const FrameReferences& frames) {
  const LayerSelection before = selection_;
  selector_.open(picture, dependencies, frames);
  selection_ = selector_.of_picture();
  if (selection_ != before) map_.select(*picture.opening(), selection_);
  has_timestamp_ = true;
  timestamp_ = picture.opening()->media.timestamp;
  is_complete_ = picture.is_complete();
  leaving_out_.reset();

  const FeedPacket* last = nullptr;
  for (size_t spatial = 0; is_complete_ && spatial < picture.end(); ++spatial) {
    const FeedPacket* newest = picture.frame(spatial).newest;
    if (newest == nullptr || !selection_.takes(newest->payload.layers)) continue;
    if (last == nullptr || newest->number > last->number) last = newest;
  }
  // The rest of a frame that is lost brings the marker when it comes late.
  marker_number_ = last != nullptr && last->payload.layers.ends_frame ? last->number : -1;
}

std::optional<Placement> LayerFilter::place(const FeedPacket& packet) {
  if (packet.number <= map_.newest()) return place_late(packet);
  const rtp::LayerInfo& layers = packet.payload.layers;
  const bool leaves = selection_.takes(layers);
  selector_.note(packet, leaves);
  if (!leaves) {
    leave_out(packet);
    return std::nullopt;
  }
  leaving_out_.reset();
  map_.take(packet);
  const bool is_last = packet.number == marker_number_ || (!is_complete_ && ends_picture(packet));
  if (is_last) map_.mark(packet);
  return map_.find(packet);
}

std::optional<Placement> LayerFilter::place_late(const FeedPacket& packet) {
  const LayerSelection* selection = map_.selection_of(packet);
  if (selection == nullptr) return std::nullopt;
  const rtp::LayerInfo& layers = packet.payload.layers;
  if (layers.ends_frame && layers.spatial == selection->spatial) map_.mark(packet);
  const auto placement = map_.find(packet);
  selector_.note_late(packet, placement && !placement->is_filler);
  return placement;
}

void LayerFilter::leave_out(const FeedPacket& packet) {
  // What is lost inside of a frame that is left out goes with it.
  const uint8_t spatial = packet.payload.layers.spatial;
  if (leaving_out_ == spatial && packet.media.timestamp == timestamp_) {
    for (int64_t number = map_.newest() + 1; number < packet.number; ++number) {
      map_.leave_out(number);
    }
  }
  map_.leave_out(packet);
  leaving_out_ = spatial;
}

bool LayerFilter::ends_picture(const FeedPacket& packet) const {
  const rtp::LayerInfo& layers = packet.payload.layers;
  return layers.ends_frame && layers.spatial == selection_.spatial;
}

}  // namespace simpul::relay
