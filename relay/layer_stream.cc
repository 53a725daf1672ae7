#include "relay/layer_stream.h"

#include <algorithm>
#include <variant>

namespace simpul::relay {
namespace {

constexpr uint16_t kPictureIdMask = 0x7FFF;
constexpr uint8_t kKeyIdxMask = 0x1F;

// Of a packet of a stream of which nothing is left out.
Placement whole(const FeedPacket& packet) {
  return {.place = packet.number, .marker = packet.media.marker};
}

}  // namespace

rtp::PictureNumbers Segment::shifted(const rtp::PictureNumbers& source,
                                     const Placement& placement) const {
  const int picture_id = source.picture_id + picture_id_offset - placement.pictures_left_out;
  return {.picture_id = static_cast<uint16_t>(picture_id & kPictureIdMask),
          .tl0_pic_idx = static_cast<uint8_t>(source.tl0_pic_idx + tl0_pic_idx_offset),
          .key_idx = static_cast<uint8_t>((source.key_idx + key_idx_offset) & kKeyIdxMask)};
}

void Segment::rewrite(const FeedPacket& packet, const Placement& placement,
                      rtp::OutgoingPacket& out) const {
  const rtp::MediaPacket& media = packet.media;
  out.index = first_index + static_cast<uint64_t>(placement.place - first_number);
  out.timestamp = media.timestamp + timestamp_offset;
  out.payload_type = payload_type;
  out.csrc = track.value();
  out.source = Bytes(media.packet->data());
  out.extensions = &media.extensions;
  out.packet = &media.packet;
  if (placement.is_filler) return;
  out.marker = placement.marker;
  out.body = media.payload();
  out.active_targets = placement.active;
  if (packet.payload.frame_number) {
    out.frame_number = static_cast<uint16_t>(*packet.payload.frame_number + frame_number_offset);
  }
  rewrite_payload(packet, placement, out);
}

void Segment::rewrite_payload(const FeedPacket& packet, const Placement& placement,
                              rtp::OutgoingPacket& out) const {
  if (const auto* red = std::get_if<rtp::RedPayload>(&packet.payload.descriptor)) {
    // Receivers look the blocks' type up in their own table, where ours may mean something else.
    if (red_payload_type && red->block_type == payload_type) {
      out.payload_type = *red_payload_type;
    } else {
      out.body = out.body.subspan(red->primary_offset);
    }
    return;
  }
  const auto numbers = packet.payload.numbers();
  if (!numbers) return;
  const rtp::PayloadHead head = packet.payload.with_numbers(shifted(*numbers, placement));
  out.head = head.bytes;
  out.head_size = head.size;
  out.body = out.body.subspan(head.replaced);
}

void LayerStream::begin(const Segment& source, const FeedPacket& first, uint32_t ticks,
                        const LayerTarget& target) {
  if (has_begun_) {
    if (past_.size() == kPastMax) past_.erase(past_.begin());
    auto map = filter_ ? std::make_unique<LayerMap>(filter_->map()) : nullptr;
    past_.push_back({segment_, std::move(map)});
  }
  filter_.reset();
  if (!target.has_all()) filter_ = std::make_unique<LayerFilter>(target, first.number);
  segment_ = source;
  segment_.first_number = first.number;
  segment_.first_index = last_.index + 1;
  segment_.timestamp_offset = last_.timestamp + ticks - first.media.timestamp;
  if (const auto numbers = first.payload.numbers()) {
    const rtp::PictureNumbers& last = last_.picture;
    segment_.picture_id_offset =
        static_cast<uint16_t>((last.picture_id + 1 - numbers->picture_id) & kPictureIdMask);
    segment_.tl0_pic_idx_offset = static_cast<uint8_t>(last.tl0_pic_idx + 1 - numbers->tl0_pic_idx);
    segment_.key_idx_offset =
        static_cast<uint8_t>((last.key_idx + 1 - numbers->key_idx) & kKeyIdxMask);
  }
  segment_.frame_number_offset =
      static_cast<uint16_t>(last_.frame_number + 1 - first.payload.frame_number.value_or(0));
  newest_number_ = first.number - 1;
  has_begun_ = true;
}

void LayerStream::set_target(const LayerTarget& target) {
  if (filter_) return filter_->want(target);
  if (!has_begun_ || target.has_all()) return;
  const uint32_t timestamp =
      segment_.speed == 1 ? last_.timestamp - segment_.timestamp_offset : replayed_;
  filter_ = std::make_unique<LayerFilter>(target, newest_number_ + 1, timestamp);
}

void LayerStream::write(const FeedPacket& packet, std::vector<rtp::OutgoingPacket>& out) {
  if (packet.number < segment_.first_number) return write_late(packet, out);
  const auto placement = filter_ ? filter_->place(packet) : whole(packet);
  newest_number_ = std::max(newest_number_, packet.number);
  if (!placement) return;
  rtp::OutgoingPacket& outgoing = out.emplace_back();
  outgoing.ssrc = ssrc_;
  segment_.rewrite(packet, *placement, outgoing);
  // What goes on from it, another segment or a sender report, takes it for a live one.
  TimePoint arrival = packet.arrival;
  if (segment_.speed != 1) arrival += time_replayed(packet, outgoing);
  ++packets_;
  octets_ += outgoing.payload_size();
  const auto frame_number = outgoing.frame_number.value_or(last_.frame_number);
  // Late padding, which has none, may have left before the frame in front of it.
  const bool is_newer_frame = static_cast<int16_t>(frame_number - last_.frame_number) > 0;
  if (outgoing.index > last_.index || is_newer_frame) last_.frame_number = frame_number;
  if (outgoing.index <= last_.index) return;
  last_.index = outgoing.index;
  last_.timestamp = outgoing.timestamp;
  last_.arrival = arrival;
  if (const auto numbers = packet.payload.numbers()) {
    last_.picture = segment_.shifted(*numbers, *placement);
  }
}

void LayerStream::write_late(const FeedPacket& packet, std::vector<rtp::OutgoingPacket>& out) {
  const Segment* next = &segment_;
  for (auto past = past_.rbegin(); past != past_.rend() && next->goes_on; ++past) {
    const Segment& segment = past->segment;
    if (packet.number < segment.first_number) {
      next = &segment;
      continue;
    }
    rtp::OutgoingPacket late;
    late.ssrc = ssrc_;
    segment.rewrite(packet, whole(packet), late);
    if (late.index >= next->first_index) return;  // that was left out
    ++packets_;
    octets_ += late.payload_size();
    out.push_back(late);
    return;
  }
}

void LayerStream::begin_replay(uint32_t live_from, int64_t speed, uint32_t clock_rate) {
  segment_.live_from = live_from;
  segment_.speed = static_cast<int32_t>(speed);
  replayed_ = live_from;
  clock_rate_ = clock_rate;
  replay_late_until_ = kNever;
}

// Returns how much later it leaves than a live one.
Duration LayerStream::time_replayed(const FeedPacket& packet, rtp::OutgoingPacket& outgoing) {
  if (packet.arrival > replay_late_until_) {
    segment_.speed = 1;
    return Duration{};
  }
  const uint32_t timestamp = segment_.timestamp_of(packet.media.timestamp);
  const int64_t later = static_cast<int32_t>(timestamp - outgoing.timestamp);
  outgoing.timestamp = timestamp;
  if (outgoing.index > last_.index) replayed_ = packet.media.timestamp;
  return Duration(later * 1'000'000 / clock_rate_);
}

std::optional<uint64_t> LayerStream::sent_index(rtp::SequenceNumber sequence_number) const {
  const auto distance = static_cast<int16_t>(sequence_number.value() - last_.index);
  if (!has_begun_ || distance > 0 || static_cast<int64_t>(last_.index) + distance < 0) {
    return std::nullopt;
  }
  return last_.index + static_cast<uint64_t>(int64_t{distance});
}

std::optional<int64_t> LayerStream::Origin::number_of(uint64_t index) const {
  const int64_t place = segment->place_of(index);
  return map != nullptr ? map->number_at(place) : place;
}

std::optional<Placement> LayerStream::Origin::placement_of(const FeedPacket& packet) const {
  return map != nullptr ? map->find(packet) : whole(packet);
}

std::optional<int64_t> LayerStream::newest_of(const Segment& source) const {
  if (!has_begun_) return std::nullopt;
  if (segment_.is_of_same(source)) return newest_number_;
  uint64_t end = segment_.first_index;
  for (auto past = past_.rbegin(); past != past_.rend(); ++past) {
    if (past->segment.is_of_same(source)) {
      return Origin{&past->segment, past->map.get()}.number_of(end - 1);
    }
    end = past->segment.first_index;
  }
  return std::nullopt;
}

std::optional<LayerStream::Origin> LayerStream::origin_of(uint64_t index) const {
  if (!has_begun_) return std::nullopt;
  if (index >= segment_.first_index) {
    return Origin{&segment_, filter_ ? &filter_->map() : nullptr};
  }
  const auto past = std::find_if(past_.rbegin(), past_.rend(),
                                 [&](const Past& one) { return index >= one.segment.first_index; });
  if (past == past_.rend()) return std::nullopt;
  return Origin{&past->segment, past->map.get()};
}

}  // namespace simpul::relay
