#include "relay/layer_selection.h"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

namespace simpul::relay {
namespace {

using rtp::Indication;
using rtp::Layering;

uint8_t bit_of(size_t spatial) { return static_cast<uint8_t>(1u << spatial % 8); }

bool is_within(const rtp::DependencyStructure::Target& target, const LayerTarget& wanted) {
  return target.spatial <= wanted.spatial && target.temporal <= wanted.temporal;
}
// Which of two decode targets shows more.
bool is_more(const rtp::DependencyStructure::Target& one,
             const rtp::DependencyStructure::Target& other) {
  return one.spatial != other.spatial ? one.spatial > other.spatial : one.temporal > other.temporal;
}

}  // namespace

bool LayerSelection::takes(const rtp::LayerInfo& layers) const {
  if (has_all) return true;
  switch (layers.layering) {
    case Layering::kNone:
      return true;
    case Layering::kVp8:
      return layers.temporal <= temporal;
    case Layering::kVp9:
      return layers.temporal <= temporal &&
             (spatial >= LayerTarget::kAll || layers.spatial == spatial ||
              (layers.spatial < spatial && layers.used_above));
    case Layering::kDependencies:
      // By another structure: a key frame that the next picture counts for, or one long ago.
      if (layers.structure != structure)
        return static_cast<int8_t>(layers.structure - structure) > 0;
      return layers.indication(decode_target) != Indication::kNotPresent;
    case Layering::kUnknown:
      return false;
  }
  return true;
}

LayerSelector::LayerSelector(const LayerTarget& wanted, bool from_start)
    : wanted_(wanted), all_sent_(!from_start), whole_(from_start ? 0 : 0xFF) {
  if (!from_start) sent_.set();
}

void LayerSelector::open(const PictureView& picture, const Dependencies& dependencies,
                         const FrameReferences& frames) {
  if (picture.opening() == nullptr) return;
  count_missing();
  const FeedPacket& opening = *picture.opening();
  is_unknown_ = opening.payload.layers.layering == Layering::kUnknown;
  switch (opening.payload.layers.layering) {
    case Layering::kNone:
    case Layering::kUnknown:
      return;
    case Layering::kVp8:
      return open_vp8(opening);
    case Layering::kVp9:
      return open_vp9(picture);
    case Layering::kDependencies:
      return open_dependencies(picture, dependencies, frames);
  }
}

void LayerSelector::note(const FeedPacket& packet, bool leaves) {
  const rtp::LayerInfo& layers = packet.payload.layers;
  if (!leaves) all_sent_ = false;
  has_selected_ |= layers.spatial == current_.spatial;
  picture_end_ = std::max<size_t>(picture_end_, layers.spatial + size_t{1});
  if (layers.layering == Layering::kVp9) note_vp9(layers, leaves);
  if (packet.payload.frame_number) note_frame(*packet.payload.frame_number, leaves);
}

void LayerSelector::note_late(const FeedPacket& packet, bool leaves) {
  const rtp::LayerInfo& layers = packet.payload.layers;
  if (!leaves && layers.layering == Layering::kVp9) return note_vp9(layers, false);
  if (leaves && packet.payload.frame_number) note_frame(*packet.payload.frame_number, true);
}

void LayerSelector::open_vp8(const FeedPacket& first) {
  const rtp::LayerInfo& layers = first.payload.layers;
  current_.has_all = false;
  uint8_t& temporal = current_.temporal;
  if (first.payload.key_frame || wanted_.temporal < temporal) temporal = wanted_.temporal;
  // Layer by layer: the frames of one may refer to the one below.
  const bool is_next = layers.temporal == temporal + 1 && layers.temporal <= wanted_.temporal;
  if (is_next && layers.switching_up) temporal = layers.temporal;
}

void LayerSelector::open_vp9(const PictureView& picture) {
  const rtp::LayerInfo& layers = picture.opening()->payload.layers;
  current_.has_all = false;
  if (picture.opening()->payload.key_frame) {
    current_.temporal = wanted_.temporal;
    current_.spatial = wanted_.spatial < LayerTarget::kAll ? nearest_vp9(picture) : wanted_.spatial;
    pictures_without_ = 0;
    needs_key_frame_ = false;
    return;
  }
  const bool may_climb = layers.switching_up && layers.temporal <= current_.temporal;
  if (wanted_.temporal < current_.temporal || may_climb) current_.temporal = wanted_.temporal;
  if (layers.temporal > current_.temporal) return;
  needs_key_frame_ = false;
  if (wanted_.spatial < current_.spatial) {
    descend(picture);
  } else {
    climb(picture);
  }
  if (pictures_without_ <= kPicturesWithoutMax || current_.spatial >= LayerTarget::kAll) return;
  const uint8_t left = nearest_vp9(picture);
  if (can_go_on(picture, left)) {
    current_.spatial = left;
    pictures_without_ = 0;
  } else {
    needs_key_frame_ = true;
  }
}

// Down to a layer that the stream has: by this picture, where it is complete, or the one before.
void LayerSelector::descend(const PictureView& picture) {
  const size_t end = picture.is_complete() ? picture.end() : std::max(picture.end(), spatial_end_);
  const auto spatial = static_cast<uint8_t>(std::min<size_t>(wanted_.spatial, end - 1));
  const bool is_there = picture.frame(spatial).first != nullptr;
  if (!is_there && spatial_end_ == 0) return;
  if (can_go_on(picture, spatial)) {
    current_.spatial = spatial;
  } else {
    needs_key_frame_ = is_there;
  }
}

// The spatial layer of the stream that comes nearest to what is wanted: by what the picture tells,
// or has, or the one before it had.
uint8_t LayerSelector::nearest_vp9(const PictureView& picture) const {
  size_t end = picture.end();
  if (!picture.is_complete()) {
    const size_t told = picture.opening()->payload.layers.spatial_layers;
    end = std::max(end, told > 0 ? told : spatial_end_);
  }
  size_t spatial = std::min<size_t>(wanted_.spatial, end - 1);
  // Some senders give the only layer of a stream a higher number.
  const auto is_there = [&](size_t one) { return picture.frame(one).newest != nullptr; };
  size_t lowest = 0;
  while (lowest + 1 < picture.end() && !is_there(lowest)) ++lowest;
  while (picture.is_complete() && spatial > lowest && !is_there(spatial)) --spatial;
  return static_cast<uint8_t>(std::max(spatial, lowest));
}

// Up by one spatial layer after the other, each with a frame that needs no earlier picture.
void LayerSelector::climb(const PictureView& picture) {
  const size_t end = std::min<size_t>(picture.end(), wanted_.spatial + size_t{1});
  for (size_t spatial = current_.spatial + size_t{1}; spatial < end; ++spatial) {
    const FeedPacket* first = picture.frame(spatial).first;
    if (first == nullptr) continue;
    const bool is_legal = !first->payload.layers.predicted && can_go_on(picture, spatial);
    if (!is_legal) {
      needs_key_frame_ = true;
      return;
    }
    current_.spatial = static_cast<uint8_t>(spatial);
  }
}

// Whether the frame of this spatial layer can be decoded when from now on only what it needs of
// the lower ones goes with it.
bool LayerSelector::can_go_on(const PictureView& picture, size_t spatial) const {
  const FeedPacket* first = picture.frame(spatial).first;
  if (first == nullptr) {
    // It may come yet: then it is enough that nothing that it could need was left out.
    const auto lower = static_cast<uint8_t>(bit_of(spatial) * 2 - 1);
    return !picture.is_complete() && (whole_ & lower) == lower;
  }
  const rtp::LayerInfo& layers = first->payload.layers;
  if (layers.predicted && (whole_ & bit_of(spatial)) == 0) return false;
  return !layers.inter_layer || (spatial > 0 && can_go_on(picture, spatial - 1));
}

void LayerSelector::note_vp9(const rtp::LayerInfo& layers, bool leaves) {
  if (layers.temporal > current_.temporal) return;  // lower ones do not depend on it
  if (!leaves) {
    whole_ &= static_cast<uint8_t>(~bit_of(layers.spatial));
  } else if (layers.starts_frame && !layers.predicted) {
    const bool below = layers.spatial > 0 && (whole_ & bit_of(layers.spatial - size_t{1})) != 0;
    if (!layers.inter_layer || below) whole_ |= bit_of(layers.spatial);
  }
}

void LayerSelector::open_dependencies(const PictureView& picture, const Dependencies& dependencies,
                                      const FrameReferences& frames) {
  const rtp::DependencyStructure* structure = dependencies.structure();
  // The picture is still of the structure before.
  if (structure == nullptr ||
      picture.opening()->payload.layers.structure != dependencies.structure_count()) {
    return;
  }
  needs_key_frame_ = false;
  const size_t best = nearest(dependencies, wanted_);
  const bool is_of_structure =
      !current_.has_all && current_.structure == dependencies.structure_count();
  if (is_of_structure && current_.decode_target == best) {
    broken_ = 0;
    needs_key_frame_ = pictures_without_ > kPicturesWithoutMax;
    return select(dependencies, best);  // others may have become active
  }
  if (all_sent_) return select(dependencies, best);
  const Reach reach = reachable(picture, dependencies, frames, best);
  if (reach.target) select(dependencies, *reach.target);
  broken_ = reach.target ? 0 : broken_ + (reach.is_broken ? 1 : 0);
  if (current_.has_all) return;
  needs_key_frame_ = current_.structure != dependencies.structure_count() ||
                     current_.spatial != structure->targets[best].spatial || broken_ > kBrokenMax;
}

size_t LayerSelector::nearest(const Dependencies& dependencies, const LayerTarget& wanted) {
  const auto& targets = dependencies.structure()->targets;
  std::optional<size_t> best;
  std::optional<size_t> least;
  for (size_t i = 0; i < dependencies.structure()->target_count; ++i) {
    if ((dependencies.active_targets() >> i & 1) == 0) continue;
    if (is_within(targets[i], wanted) && (!best || is_more(targets[i], targets[*best]))) best = i;
    if (!least || is_more(targets[*least], targets[i])) least = i;
  }
  return best ? *best : least.value_or(0);
}

LayerSelector::Reach LayerSelector::reachable(const PictureView& picture,
                                              const Dependencies& dependencies,
                                              const FrameReferences& frames, size_t best) const {
  Reach reach;
  const auto& targets = dependencies.structure()->targets;
  const bool has_current =
      !current_.has_all && current_.structure == dependencies.structure_count();
  const auto& current = targets[current_.decode_target];
  const auto can_have = [&](size_t target) {
    if ((dependencies.active_targets() >> target & 1) == 0) return false;
    if (has_current && (current.contained >> target & 1) != 0) return true;
    const Switch can = can_switch(picture, frames, target);
    reach.is_broken |= can == Switch::kBroken;
    return can == Switch::kYes;
  };
  if (can_have(best)) {
    reach.target = best;
    return reach;
  }
  // Something between what is there and what is wanted; else what is there with fewer pictures.
  const bool is_more_wanted = has_current && is_within(current, wanted_);
  const LayerTarget slower = {.spatial = current.spatial, .temporal = wanted_.temporal};
  std::optional<size_t>& found = reach.target;
  for (size_t i = 0; i < dependencies.structure()->target_count; ++i) {
    const bool is_candidate =
        is_within(targets[i], wanted_)
            ? !is_more_wanted || is_more(targets[i], current)
            : has_current && current.temporal > wanted_.temporal && is_within(targets[i], slower);
    if (!is_candidate || (found && !is_more(targets[i], targets[*found]))) continue;
    if (can_have(i)) found = i;
  }
  return reach;
}

// Whether the picture has a frame from which on everything of the decode target can be decoded:
// one that says so, when it and what it needs of its own picture refer to nothing that was not
// sent, or rests on such.
LayerSelector::Switch LayerSelector::can_switch(const PictureView& picture,
                                                const FrameReferences& frames,
                                                size_t decode_target) const {
  const auto is_sent = [this](uint16_t number) { return has_sent(number); };
  std::array<uint16_t, PictureView::kFramesMax> before{};
  size_t count = 0;
  bool is_broken = false;
  for (size_t spatial = 0; spatial < picture.end(); ++spatial) {
    const FeedPacket* first = picture.frame(spatial).first;
    if (first == nullptr || !first->payload.frame_number) continue;
    const rtp::LayerInfo& layers = first->payload.layers;
    const Indication indication = layers.indication(decode_target);
    if (indication == Indication::kNotPresent) continue;
    if (layers.reference_count > rtp::LayerInfo::kReferencesMax) return Switch::kNo;
    for (size_t i = 0; i < layers.reference_count; ++i) {
      const auto number =
          static_cast<uint16_t>(*first->payload.frame_number - layers.references[i]);
      const auto earlier = std::span(before).first(count);
      if (std::ranges::find(earlier, number) != earlier.end()) continue;
      if (!has_sent(number)) return Switch::kNo;
      is_broken = is_broken || !frames.can_decode(number, is_sent);
    }
    if (indication == Indication::kSwitch) return is_broken ? Switch::kBroken : Switch::kYes;
    before[count++] = *first->payload.frame_number;
  }
  return Switch::kNo;
}

void LayerSelector::select(const Dependencies& dependencies, size_t decode_target) {
  const auto& target = dependencies.structure()->targets[decode_target];
  current_ = {.has_all = false,
              .spatial = target.spatial,
              .temporal = target.temporal,
              .decode_target = static_cast<uint8_t>(decode_target),
              .structure = dependencies.structure_count(),
              .target_count = dependencies.structure()->target_count,
              .active_mask = target.contained & dependencies.active_targets()};
}

bool LayerSelector::has_sent(uint16_t frame_number) const {
  if (!newest_frame_) return all_sent_;
  const auto back = static_cast<uint16_t>(*newest_frame_ - frame_number);
  return back < kFramesKept && sent_.test(frame_number % kFramesKept);
}

void LayerSelector::note_frame(uint16_t frame_number, bool leaves) {
  if (!newest_frame_) newest_frame_ = static_cast<uint16_t>(frame_number - 1);
  const auto ahead = static_cast<int16_t>(frame_number - *newest_frame_);
  if (ahead <= -static_cast<int>(kFramesKept)) return;
  for (int i = std::max(1, ahead - static_cast<int>(kFramesKept) + 1); i <= ahead; ++i) {
    sent_.reset(static_cast<uint16_t>(*newest_frame_ + i) % kFramesKept);
  }
  if (ahead > 0) newest_frame_ = frame_number;
  if (leaves) sent_.set(frame_number % kFramesKept);
}

// A layer that its sender has let go, without a word.
void LayerSelector::count_missing() {
  pictures_without_ = has_selected_ ? 0 : pictures_without_ + 1;
  has_selected_ = false;
  spatial_end_ = std::exchange(picture_end_, 0);
}

}  // namespace simpul::relay
