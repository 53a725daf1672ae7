#include "relay/feed.h"

#include <algorithm>
#include <utility>

#include "relay/replay.h"

namespace simpul::relay {
namespace {

// How long a slot may take to catch up.
constexpr Duration kReplayMax = std::chrono::seconds(1);
static_assert(Limits{}.gop_age + kReplayMax <= Replay::kLateMax);

}  // namespace

Feed::Feed(std::string rid, const TrackConfig& track, const Limits& limits)
    : rid_(std::move(rid)),
      kind_(track.kind),
      clock_rate_(std::clamp(track.clock_rate, uint32_t{1}, kClockRateMax)),
      history_({.packets_max = limits.history_packets_per_layer,
                .age_max = limits.history_age,
                .kept_age_max = limits.gop_age + kReplayMax}),
      gop_(limits.gop_age, limits.gop_bytes) {}

Feed::Taken Feed::place(rtp::MediaPacket media, TimePoint arrival) {
  Taken taken;
  FeedPacket packet{.media = std::move(media), .arrival = arrival};
  const bool is_newest = numbering_.is_newest(packet.media.ssrc, packet.media.sequence_number);
  if (is_newest && timestamps_jump(packet.media, arrival)) numbering_.begin_anew();
  const bool new_format = read_payload(packet);
  const auto numbered = numbering_.take(packet.media.ssrc, packet.media.sequence_number,
                                        packet.media.payload_size == 0);
  taken.is_late = !is_newest && !numbered.new_generation;
  taken.too_old = numbered.too_old;
  taken.new_generation = numbered.new_generation || new_format;
  if (numbered.new_generation && generation_ > 0) clock_.reset();
  if (taken.new_generation) {
    format_ = packet.media.format;
    if (++generation_ == 1) begun_ = arrival;
    meters_.clear();
    key_frames_.begin_anew();
    h264_starts_ = {};
    spatial_sizes_ = {};
    last_timestamp_.reset();
    forget_packets();
    due_.clear();
  }
  if (!numbered.number) return taken;
  packet.number = *numbered.number;
  if (packet.payload.key_part != rtp::KeyPart::kNone) h264_starts_.note(packet);
  taken.packet = std::move(packet);
  return taken;
}

Feed::Taken Feed::take(rtp::MediaPacket media, TimePoint now) {
  Taken taken = place(std::move(media), now);
  if (!taken.packet || taken.packet->media.payload_size == 0) return taken;
  FeedPacket& packet = *taken.packet;
  const bool is_of_other_frame = packet.media.timestamp != last_timestamp_;
  const bool is_newest = !taken.is_late;
  if (is_newest && is_of_other_frame && !packet.starts_stream) {
    key_frames_.on_other_frame();
    // What was lost in front of it may be of its frame.
    const bool opens_frame = !last_timestamp_ || packet.number == last_number_ + 1;
    packet.may_start_stream = key_frames_.are_hidden() && opens_frame;
  }
  if (is_newest) {
    last_timestamp_ = packet.media.timestamp;
    last_number_ = packet.number;
  }
  taken.layers_changed = note_media(packet, now);
  return taken;
}

bool Feed::read_payload(FeedPacket& packet) {
  rtp::MediaPacket& media = packet.media;
  if (media.payload_size == 0) return false;
  // A sender may go over to another format in mid-stream: that is like another source. What is
  // late of the one before is of no use any more.
  const bool is_other = kind_ == rtp::MediaKind::kVideo && format_ && media.format != *format_;
  const bool is_late = !numbering_.is_newest(media.ssrc, media.sequence_number);
  const bool is_unrelated = numbering_.is_unrelated(media.ssrc, media.sequence_number);
  if (is_unrelated || (is_other && !is_late)) {
    dependencies_ = {};
    vp9_references_ = {};
  }
  const uint8_t structure_count = dependencies_.structure_count();
  const auto info =
      rtp::read_payload(media.format.codec, media.payload(),
                        media.extension(rtp::ExtensionKind::kDependencyDescriptor), dependencies_);
  if (info && !(is_other && is_late)) {
    packet.payload = *info;
    auto* vp9 = std::get_if<rtp::Vp9Descriptor>(&packet.payload.descriptor);
    if (vp9 != nullptr) vp9_references_.correct(*vp9);
    packet.starts_stream = info->key_frame;
    if (dependencies_.structure_count() != structure_count) read_dependencies_again(is_late);
    return is_other;
  }
  // It counts as padding, so that it leaves no hole.
  media.payload_size = 0;
  return false;
}

void Feed::read_dependencies_again(bool in_history) {
  const auto read = [this](FeedPacket& packet) {
    rtp::LayerInfo& layers = packet.payload.layers;
    if (layers.layering != rtp::Layering::kUnknown) return false;
    (void)dependencies_.read(packet.media.extension(rtp::ExtensionKind::kDependencyDescriptor),
                             layers);
    return layers.layering != rtp::Layering::kUnknown;
  };
  std::ranges::for_each(waiting_, read);
  if (!in_history) return;
  history_.visit([this, &read](FeedPacket& packet) {
    if (read(packet)) frames_.note(packet);
  });
}

bool Feed::timestamps_jump(const rtp::MediaPacket& media, TimePoint now) const {
  if (!last_timestamp_ || media.payload_size == 0) return false;
  const int64_t step = static_cast<int32_t>(media.timestamp - *last_timestamp_);
  const int64_t ahead = ticks_of(now - last_media_ + kStepAheadMax, clock_rate_);
  return step < -ticks_of(kStepBackMax, clock_rate_) || step > ahead;
}

bool Feed::note_media(const FeedPacket& packet, TimePoint now) {
  bool changed = !active_;
  if (changed) rate_.begin(now);
  active_ = true;
  seen_ = true;
  last_media_ = now;
  ++packets_;
  bits_.add(packet.media.payload_size, now);
  rate_.add(packet.media.payload_size, now);
  if (packet.media.marker) frame_rate_.add(1, now);
  if (packet.media.format.codec != format_->codec) format_ = packet.media.format;  // RED and Opus
  const rtp::PayloadInfo& payload = packet.payload;
  changed |= meters_.add(payload.layers, packet.media.payload_size, now);
  changed |= note_size(packet);
  return changed;
}

bool Feed::note_size(const FeedPacket& packet) {
  const rtp::PayloadInfo& payload = packet.payload;
  const bool tells = packet.starts_stream || payload.key_part != rtp::KeyPart::kNone;
  if (payload.width == 0 || !tells) return false;
  bool changed = std::exchange(width_, payload.width) != payload.width;
  changed |= std::exchange(height_, payload.height) != payload.height;
  const auto sizes = rtp::read_spatial_sizes(payload, packet.media.payload(), dependencies_);
  changed |= std::exchange(spatial_sizes_, sizes) != sizes;
  return changed;
}

bool Feed::queue(FeedPacket packet) {
  if (waiting_.size() == kWaitingMax) return false;
  // A late packet belongs to a frame that is due or has left; audio has no frames to wait for.
  const bool at_once =
      kind_ == rtp::MediaKind::kAudio || packet.media.marker || packet.number < ended_;
  if (at_once) ended_ = std::max(ended_, packet.number);
  if (packet.starts_stream) {
    history_.expire(packet.arrival);
    packet.starts_stream = is_start(packet);
  }
  if (packet.starts_stream) key_frames_.on_key_frame();
  if (kind_ == rtp::MediaKind::kVideo) history_.prefetch(packet.number);
  waiting_.push_back(std::move(packet));
  if (at_once) complete_ = waiting_.size();
  return true;
}

// A late start is none when what belongs behind it has been let go.
bool Feed::is_start(const FeedPacket& packet) const {
  const int64_t gone = kind_ == rtp::MediaKind::kAudio ? ended_ - 1 : history_.gone();
  return packet.start() > std::max(gone_, gone);
}

bool Feed::release(TimePoint now, Duration hold) {
  end_round();
  if (due_at(hold) > now) return false;
  const size_t count = complete_ > 0 ? complete_ : waiting_.size();
  for (size_t i = 0; i < count; ++i) due_.push_back(std::move(waiting_[i]));
  waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<ptrdiff_t>(count));
  complete_ = 0;
  // Nearly always sorted already.
  for (size_t i = 1; i < due_.size(); ++i) {
    for (size_t k = i; k > 0 && due_[k].number < due_[k - 1].number; --k) {
      std::swap(due_[k], due_[k - 1]);
    }
  }
  ended_ = std::max(ended_, due_.back().number);
  if (kind_ == rtp::MediaKind::kVideo) {
    expire(now);
    for (const FeedPacket& packet : due_) {
      frames_.note(packet);
      history_.put(packet);
      gop_.note(packet, history_);
    }
  }
  return true;
}

TimePoint Feed::due_at(Duration hold) const {
  if (waiting_.empty()) return kNever;
  const TimePoint oldest = waiting_.front().arrival;
  return complete_ > 0 ? oldest : oldest + hold;
}

void Feed::unwatch() {
  if (--watchers_ > 0) return;
  past_awaited_ = false;
  forget_packets();
  key_frames_.cancel();
}

void Feed::forget_packets() {
  for (const FeedPacket& packet : waiting_) let_go(packet);
  waiting_.clear();
  complete_ = 0;
  history_.retire();
  gop_.clear();
  frames_.clear();
}

// While slots are being sent what is kept, all of it stays.
void Feed::keep_gop(TimePoint now) {
  const int64_t first = gop_.first(now).value_or(History::kNoNumber);
  history_.keep_from(replays_ == 0 ? first : std::min(first, history_.kept_from()));
}

std::optional<int64_t> Feed::cached_start(TimePoint now) const {
  const auto first = gop_.first(now);
  if (!first || history_.find(*first) == nullptr) return std::nullopt;
  bool is_missing = false;
  for (int64_t number = *first; number <= history_.newest(); ++number) {
    const FeedPacket* packet = history_.find(number);
    if (packet != nullptr && is_missing && now - packet->arrival > kMissingMax) return std::nullopt;
    is_missing = packet == nullptr;
  }
  return first;
}

bool Feed::advance(TimePoint now) {
  history_.free_retired();
  expire(now);
  // A request ends with the first packet of a key frame, which may not have got here; or, where
  // key frames are hidden, with the first attempt, which may have been lost.
  if (starters_ > 0 && !is_waiting()) {
    key_frames_.keep_asking(KeyFrameRequests::Cause::kAssignment, now);
  }
  if (!active_ || !lent_ || now - last_media_ <= kSilence) return false;
  active_ = false;
  return true;
}

TimePoint Feed::next_look() const {
  if (starters_ > 0 && key_frames_.next_due() == kNever) return TimePoint{};
  if (history_.has_retired()) return TimePoint{};
  const bool may_fall_silent = active_ && lent_;
  const TimePoint silent = may_fall_silent ? last_media_ + kSilence + Duration(1) : kNever;
  const bool has_packets = is_waiting() || !history_.is_empty();
  return has_packets ? std::min(silent, last_media_ + history_.age_max()) : silent;
}

void Feed::set_lent(bool lent, TimePoint now) {
  if (lent && !lent_) {
    last_media_ = now;  // it has a while to come
    rate_.begin(now);
  }
  if (!lent) {
    meters_.clear();  // what they told is of packets that came here
    seen_ = true;     // or nobody would know that nobody here watches it
  }
  lent_ = lent;
}

bool Feed::receive_news(const LayerNews& news, TimePoint now) {
  const bool was_suspended = view().suspended;
  suspended_ = news.suspended;
  if (lent_) return view().suspended != was_suspended;
  const bool changed = news.active != active_ || news.width != width_ || news.height != height_ ||
                       news.format != format_ || news.suspended != was_suspended;
  if (active_ && !news.active) last_media_ = now;
  active_ = news.active;
  seen_ = seen_ || news.seen;
  width_ = news.width;
  height_ = news.height;
  format_ = news.format;
  rate_.tell(news.bitrate_bps);
  frames_told_ = news.frames_per_second;
  return changed;
}

LayerNews Feed::news() const {
  return {
      .publisher = {},
      .track = {},
      .watched = is_wanted(),
      .seen = seen_,
      .active = active_,
      .suspended = view().suspended,
      .width = width_,
      .height = height_,
      .format = format_,
      .bitrate_bps = rate_.bits_per_second(),
      .frames_per_second =
          lent_ ? static_cast<double>(frame_rate_.bits_per_second(last_media_)) / 8 : frames_told_};
}

LayerView Feed::view() const {
  return {.active = active_,
          .seen = seen_,
          .pixels = uint32_t{width_} * height_,
          .suspended = suspended_ && !active_};
}

LayerState Feed::state(TimePoint now) const {
  return {.rid = rid_,
          .width = width_,
          .height = height_,
          .frames_per_second = static_cast<double>(frame_rate_.bits_per_second(now)) / 8,
          .bitrate_bps = bits_.bits_per_second(now),
          .packets = packets_,
          .active = active_,
          .suspended = view().suspended,
          .options = meters_.states(now)};
}

}  // namespace simpul::relay
