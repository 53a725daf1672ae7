#include "relay/slot.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "relay/microphone.h"
#include "relay/publisher.h"
#include "relay/schedule.h"
#include "relay/subscriber.h"

namespace simpul::relay {

Slot::Slot(Subscriber& subscriber, const SlotConfig& config, LayerChoice choice,
           const FirstNumbers& first)
    : stream_(config.ssrc, first.sequence_number, first.timestamp),
      subscriber_(&subscriber),
      kind_(config.kind),
      choice_(choice),
      codecs_(config.codecs),
      rtx_ssrc_(config.rtx_ssrc),
      rtx_index_(first.rtx_sequence_number) {}

const SlotCodec* Slot::codec_for(const rtp::CodecFormat& format) const {
  // RED goes to everybody with Opus: as it is, or its primary block.
  const bool is_red = format.codec == rtp::Codec::kRed;
  const rtp::CodecFormat sent = is_red ? rtp::CodecFormat{rtp::Codec::kOpus} : format;
  const SlotCodec* nearest = nullptr;
  int least = 0;
  for (const SlotCodec& codec : codecs_) {
    const auto distance = rtp::distance(sent, codec.format);
    if (!distance || (nearest != nullptr && *distance >= least)) continue;
    nearest = &codec;
    least = *distance;
  }
  return nearest;
}

bool Slot::carries(uint8_t layer) const {
  const auto& format = feed(layer).format();
  return format && codec_for(*format) != nullptr;
}

Segment Slot::segment_for(const SlotCodec& codec, uint8_t layer) const {
  Segment segment{.track = track_->id(),
                  .layer = layer,
                  .generation = feed(layer).generation(),
                  .payload_type = codec.payload_type,
                  .rtx_payload_type = codec.rtx_payload_type,
                  .red_payload_type = {}};
  const auto red = std::ranges::find(codecs_, rtp::Codec::kRed,
                                     [](const SlotCodec& one) { return one.format.codec; });
  if (codec.format.codec == rtp::Codec::kOpus && red != codecs_.end()) {
    segment.red_payload_type = red->payload_type;
  }
  return segment;
}

void Slot::assign(Track* track, TimePoint now) {
  if (track == track_) return;
  if (track_ != nullptr && started_) {
    set_layers({}, {});
    wait_for({});
    track_->detach(*this);
  }
  track_ = track;
  if (track_ == nullptr) return;
  track_->schedule().note_allotment(*subscriber_);
  if (!started_) return;
  track_->attach(*this);
  choose_layer(now);
}

void Slot::start(TimePoint now) {
  if (started_) return;
  started_ = true;
  metered_at_ = now;
  if (track_ == nullptr) return;
  track_->attach(*this);
  choose_layer(now);
}

void Slot::set_target(const std::optional<LayerTarget>& target, TimePoint now) {
  if (target == allotted_) return;
  allotted_ = target;
  if (track_ != nullptr && started_) choose_layer(now);
}

void Slot::set_paused(bool paused, TimePoint now) {
  if (paused == std::exchange(is_paused_, paused) || track_ == nullptr || !started_) return;
  if (paused) {
    set_layers({}, {});
    wait_for({});
  } else {
    choose_layer(now);
  }
}

// Where key frames cannot be told apart, or are not sent when asked for, it goes on: one may be
// long in coming.
void Slot::end_carried(TimePoint now) {
  if (!current_ || !waits_for_key_frame() || feed(*target_).key_frames().are_missing()) return;
  set_layers({}, target_);
  repair_from(stream_.last().index + 1);
  ask_for_start(now);
}

std::optional<LayerTarget> Slot::carried() const {
  if (!current_) return std::nullopt;
  LayerTarget target{.encoding = *current_};
  const LayerSelection* selection = stream_.selection();
  if (selection != nullptr && !selection->has_all) {
    target.spatial = selection->spatial;
    target.temporal = selection->temporal;
  }
  return target;
}

LayerTarget Slot::layers_of(uint8_t encoding) const {
  if (!allotted_) return track_->layers_for(choice_, encoding);
  if (allotted_->encoding == encoding) return *allotted_;
  return {.encoding = encoding};
}

void Slot::limit_layers(TimePoint now) {
  if (!current_ || current_ != target_) return;
  const LayerTarget wanted = layers_of(*current_);
  const LayerSelection* selection = stream_.selection();
  const bool rises = selection != nullptr && wanted.spatial > selection->spatial &&
                     wanted.spatial > stream_.target().spatial;
  stream_.set_target(wanted);
  // Seldom does a stream let anybody up without one.
  if (!rises) return;
  feed(*current_).key_frames().ask(KeyFrameRequests::Cause::kAssignment, now);
  track_->note_request();
}

void Slot::lose_layer(uint8_t layer, TimePoint now) {
  if (current_ == layer) set_layers({}, target_);
  choose_layer(now);  // what it consists of now may be for this slot, or no longer
  if (target_ == layer) ask_for_start(now);
}

void Slot::set_layers(Layer current, Layer target) {
  if (current != current_) end_replay();
  // Watches before it lets go, so that a feed that is in both keeps its packets.
  for (const Layer layer : {current, target}) {
    if (layer) feed(*layer).watch();
  }
  for (const Layer layer : {current_, target_}) {
    if (layer) feed(*layer).unwatch();
  }
  current_ = current;
  target_ = target;
  count_starter();
  track_->note_look();
  track_->note_change();
}

// Its feed asks for key frames as long as somebody there needs one.
void Slot::count_starter() {
  const Layer starting = waits_for_key_frame()      ? target_
                         : stream_needs_key_frame() ? current_
                                                    : Layer();
  if (starting == starting_) return;
  if (starting_) feed(*starting_).remove_starter();
  if (starting) feed(*starting).add_starter();
  starting_ = starting;
  track_->note_look();
}

void Slot::begin_with_past(uint8_t layer, TimePoint now) {
  if (target_ == layer) ask_for_start(now);
}

void Slot::ask_for_start(TimePoint now) {
  if (!waits_for_key_frame() || feed(*target_).is_past_awaited() || start_from_cache(now)) return;
  feed(*target_).key_frames().ask(KeyFrameRequests::Cause::kAssignment, now);
  track_->note_request();
}

void Slot::ask_for_repair(TimePoint now) {
  const Layer layer = current_ ? current_ : target_;
  if (!layer || kind_ != rtp::MediaKind::kVideo) return;
  feed(*layer).key_frames().ask(KeyFrameRequests::Cause::kRepair, now);
  track_->note_request();
}

void Slot::forward(std::vector<rtp::OutgoingPacket>& out) {
  if (track_ == nullptr) return;
  const size_t first = out.size();
  if (replay_) {
    replay(out);
  } else if (current_) {
    go_on(out);
  }
  if (target_ && target_ != current_) begin(out);
  count_starter();
  if (begins_anew_) tell_beginning(std::span(out).subspan(first));
  if (redundancy_) add_redundancy(std::span(out).subspan(first));
  const auto clock_ahead = track_->publisher().clock.ahead();
  for (size_t i = first; i < out.size(); ++i) out[i].clock_ahead = clock_ahead;
  if (out.size() > first && !look.is_set()) {
    metered_at_ = std::max(metered_at_, stream_.last().arrival);
    track_->schedule().slots.set(*this, next_look());
  }
}

// To whoever still has repairs of what was before.
void Slot::tell_beginning(std::span<rtp::OutgoingPacket> packets) {
  const auto begin = std::ranges::find_if(
      packets, [this](const rtp::OutgoingPacket& one) { return one.index >= repaired_from_; });
  if (begin == packets.end()) return;
  begin->begins_anew = true;
  begins_anew_ = false;
}

void Slot::go_on(std::vector<rtp::OutgoingPacket>& out) {
  const Feed& source = feed(*current_);
  const auto& due = source.due();
  const auto packet_at = [&due](size_t i) -> const FeedPacket& { return due[i]; };
  for (size_t i = 0; i < due.size(); ++i) {
    if (stream_.opens_picture(due[i])) {
      stream_.open(picture_at(i, due.size(), packet_at), source.dependencies(), source.frames());
    }
    if (behind_ > 0 && !catch_up(due[i])) continue;
    stream_.write(due[i], out);
  }
}

void Slot::begin(std::vector<rtp::OutgoingPacket>& out) {
  const Feed& source = feed(*target_);
  const auto& due = source.due();
  const bool takes_any = has_nothing_to_lose();
  auto next = std::ranges::find_if(due, [takes_any](const FeedPacket& packet) {
    return packet.starts_stream || (takes_any && packet.may_start_stream);
  });
  if (next == due.end()) return;
  const History& history = source.history();
  const FeedPacket* start = next->back_to_start > 0 ? history.find(next->start()) : &*next;
  const SlotCodec* codec = codec_for(next->media.format);
  if (codec == nullptr || start == nullptr) return;

  auto& packets = track_->schedule().packets;
  packets.clear();
  add_onset_before(*start, packets);
  const FeedPacket& first = packets.empty() ? *start : *packets.front();
  const Step step = step_to(source, first, start->arrival - first.arrival);
  stream_.begin(segment_for(*codec, *target_), first, step.ticks, layers_of(*target_));
  const bool is_of_onset = step.behind <= ticks_of(Onset::kBehindMax, track_->clock_rate());
  behind_ = is_of_onset ? step.behind : 0;  // else the reports say how it is
  behind_since_ = start->arrival;
  left_out_ = kNoneLeftOut;
  if (next->starts_stream) begin_repairs_anew();
  // When the first packet comes late (it was lost once), the rest of its frame and what followed
  // has been due already: it is in the history, and leaves now.
  const int64_t newest = std::max(due.back().number, history.newest());
  next = std::ranges::lower_bound(due, start->number, {}, &FeedPacket::number);
  for (int64_t number = start->number; number <= newest; ++number) {
    if (next != due.end() && next->number == number) {
      packets.push_back(&*next++);
    } else if (const FeedPacket* earlier = history.find(number)) {
      packets.push_back(earlier);
    }
  }
  const auto packet_at = [&](size_t i) -> const FeedPacket& { return *packets[i]; };
  for (size_t i = 0; i < packets.size(); ++i) {
    if (stream_.opens_picture(*packets[i])) {
      stream_.open(picture_at(i, packets.size(), packet_at), source.dependencies(),
                   source.frames());
    }
    stream_.write(*packets[i], out);
  }
  set_layers(target_, target_);
  if (look.is_set()) track_->schedule().slots.set(*this, next_look());
}

SlotState Slot::state() const {
  SlotState state;
  state.ssrc = ssrc();
  state.kind = kind_;
  state.bitrate_bps = bitrate_bps_;
  state.packets = stream_.packets();
  state.is_paused = is_paused_;
  state.repeated_frames = repeated_frames();
  state.is_pinned = is_pinned_;
  if (track_ == nullptr) return state;
  // Nothing of the track that this receiver could decode.
  if (started_ && !is_paused_ && !current_ && !target_ && track_->is_sent()) return state;
  state.track = track_->id();
  state.participant = track_->publisher().participant;
  if (current_ && kind_ == rtp::MediaKind::kVideo) state.layer = feed(*current_).rid();
  state.sublayers = sublayers();
  return state;
}

}  // namespace simpul::relay
