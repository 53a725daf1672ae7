#include "relay/track.h"

#include <algorithm>
#include <utility>

#include "relay/publisher.h"
#include "relay/schedule.h"
#include "relay/slot.h"
#include "relay/subscriber.h"

namespace simpul::relay {

Track::Track(Publisher& publisher, const TrackConfig& config, const Limits& limits,
             Schedule& schedule)
    : publisher_(publisher),
      id_(config.id),
      kind_(config.kind),
      codec_(config.codec),
      clock_rate_(std::clamp(config.clock_rate, uint32_t{1}, kClockRateMax)),
      schedule_(schedule) {
  const size_t count =
      std::min({config.layers.size(), limits.layers_per_track, size_t{kLayersMax}});
  feeds_.reserve(count);
  for (size_t i = 0; i < count; ++i) feeds_.emplace_back(config.layers[i], config, limits);
}

bool Track::receive(uint8_t layer, rtp::MediaPacket media, TimePoint now, Counters& counters) {
  if (layer >= feeds_.size() || !media.packet) return false;
  ++counters.packets_in;
  Feed& feed = feeds_[layer];
  auto taken = feed.take(std::move(media), now);
  if (feed.format()) codec_ = feed.format()->codec;
  if (taken.too_old) ++counters.packets_dropped_old;
  if (taken.new_generation) begin_generation(layer, now);
  // Before the packet is queued: it may be the key frame that a slot will begin with.
  if (taken.layers_changed) choose_layers(now);
  if (microphone_ && taken.packet) {
    if (taken.is_late) {
      microphone_->onset.note_late(*taken.packet);
    } else {
      microphone_->onset.note(*taken.packet, microphone_->levels.began());
    }
  }
  const bool begins = taken.packet && taken.packet->starts_stream;
  const bool waits = taken.packet && queue(feed, std::move(*taken.packet), counters);
  // Whatever else is due is put off by packets, and found out when it is looked at.
  if (begins || taken.layers_changed || !look.is_set()) note_look();
  return waits;
}

void Track::receive_past(uint8_t layer, PastPacket past, bool is_last, TimePoint now,
                         Counters& counters) {
  if (layer >= feeds_.size() || !past.media.packet) return;
  ++counters.packets_in;
  Feed& feed = feeds_[layer];
  auto taken = feed.take_past(std::move(past.media), past.arrival, now);
  if (feed.format()) codec_ = feed.format()->codec;
  if (taken.new_generation) begin_generation(layer, now);
  if (taken.layers_changed) choose_layers(now);
  if (taken.packet) {
    if (feed.is_watched()) {
      feed.keep_past(std::move(*taken.packet));
    } else {
      feed.let_go(*taken.packet);
    }
  }
  if (is_last) {
    feed.end_past(now);
    for (Slot* slot : slots_) slot->begin_with_past(layer, now);
    note_request();
  }
  note_look();
}

void Track::begin_generation(uint8_t layer, TimePoint now) {
  note_change();
  if (microphone_) microphone_->onset.clear();
  for (Slot* slot : slots_) slot->lose_layer(layer, now);
}

bool Track::queue(Feed& feed, FeedPacket packet, Counters& counters) {
  if (!feed.is_watched()) {
    if (packet.starts_stream) feed.key_frames().on_key_frame();  // others may have asked
    feed.let_go(packet);
    return false;
  }
  if (feed.queue(std::move(packet))) return true;
  ++counters.packets_dropped_full;
  return false;
}

void Track::advance(TimePoint now) {
  bool changed = false;
  for (Feed& feed : feeds_) changed |= feed.advance(now);
  if (changed && microphone_) microphone_->onset.clear();  // its memory is for others
  if (changed) choose_layers(now);
  note_look();
  note_request();
}

void Track::note_look() {
  TimePoint earliest = kNever;
  for (const Feed& feed : feeds_) earliest = std::min(earliest, feed.next_look());
  schedule_.looks.set(*this, earliest);
}

void Track::note_request() {
  TimePoint earliest = kNever;
  for (const Feed& feed : feeds_) earliest = std::min(earliest, feed.key_frames().next_due());
  schedule_.requests.set(*this, earliest);
}

void Track::take_requests(KeyFrameRequests::Cause cause, TimePoint now,
                          std::vector<KeyFrameRequest>& out) {
  const Duration repeat_after = KeyFrameRequests::repeat_after(publisher_.round_trip);
  for (size_t layer = 0; layer < feeds_.size(); ++layer) {
    KeyFrameRequests& requests = feeds_[layer].key_frames();
    if (requests.cause() != cause || !requests.take(now, repeat_after)) continue;
    out.push_back({.publisher = publisher_.id,
                   .track = id_,
                   .layer = static_cast<uint8_t>(layer),
                   .cause = cause});
  }
}

void Track::note_change() {
  note_supply();  // what is being sent, or what is watched, may be something else
  if (std::exchange(is_in_changed_, true)) return;
  schedule_.changed.push_back(id_);
}

void Track::take_news(std::vector<LayerNews>& news) {
  is_in_changed_ = false;
  for (size_t layer = 0; layer < feeds_.size(); ++layer) {
    LayerNews& one = news.emplace_back(feeds_[layer].news());
    one.publisher = publisher_.id;
    one.track = id_;
    one.layer = static_cast<uint8_t>(layer);
    // Of interest only while it is to be borrowed.
    if (!feeds_[layer].is_lent() && feeds_[layer].is_watched()) {
      one.by_key_frame = std::ranges::any_of(
          slots_, [&one](const Slot* slot) { return slot->changes_to(one.layer); });
    }
    if (!microphone_) continue;
    one.is_speaking = sent_ && microphone_->levels.is_speaking();
    one.loudness = microphone_->levels.loudness();
  }
}

void Track::receive_news(const LayerNews& news, TimePoint now) {
  if (feeds_[news.layer].receive_news(news, now)) choose_layers(now);
  note_look();
}

// Who comes in the middle of a round begins behind it: it is not among those who are given what is
// due there, and must not be given that by any other.
void Track::attach(Slot& slot) {
  slots_.push_back(&slot);
  if (round != 0) slot.subscriber().round = round;
}

void Track::set_lent(uint8_t layer, bool lent, TimePoint now) {
  feeds_[layer].set_lent(lent, now);
  options_.forget();
  note_look();
  schedule_.note_change(*publisher_.room);
}

std::array<LayerView, kLayersMax> Track::views() const {
  std::array<LayerView, kLayersMax> views{};
  for (size_t i = 0; i < feeds_.size(); ++i) views[i] = feeds_[i].view();
  return views;
}

void Track::choose_layers(TimePoint now) {
  note_change();
  const auto all = views();
  const auto layers = std::span(all).first(feeds_.size());
  sent_ = std::ranges::any_of(layers, &LayerView::active);
  for (size_t choice = 0; choice < layer_for_.size(); ++choice) {
    layer_for_[choice] = choose_layer(layers, static_cast<LayerChoice>(choice));
  }
  options_.forget();
  for (Slot* slot : slots_) {
    slot->choose_layer(now);
    schedule_.note_allotment(slot->subscriber());
  }
  schedule_.note_change(*publisher_.room);
}

TrackState Track::state(TimePoint now) const {
  TrackState state{.id = id_, .kind = kind_, .codec = codec_, .layers = {}};
  if (microphone_) state.is_speaking = microphone_->levels.is_speaking();
  for (const Feed& feed : feeds_) state.layers.push_back(feed.state(now));
  return state;
}

LayerTarget Track::layers_for(LayerChoice choice, uint8_t encoding) const {
  LayerTarget target{.encoding = encoding};
  if (feeds_.size() > 1) return target;
  target.spatial = spatial_layer_for(feeds_[encoding].meters().spatial_layers(), choice);
  return target;
}

}  // namespace simpul::relay
