#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/time.h"
#include "relay/feed_packet.h"
#include "relay/layer_filter.h"
#include "relay/relay.h"
#include "rtp/media_packet.h"
#include "rtp/picture_numbers.h"

namespace simpul::relay {

// Where a slot's packets come from, from some packet on, and what makes their numbers its own.
struct Segment {
  TrackId track;
  uint8_t layer = 0;
  uint32_t generation = 0;  // of the feed
  rtp::PayloadType payload_type;
  std::optional<rtp::PayloadType> rtx_payload_type;
  // For RED packets as they are; without it their primary block leaves under `payload_type`.
  std::optional<rtp::PayloadType> red_payload_type;

  int64_t first_number = 0;  // in the feed
  uint64_t first_index = 0;  // the index that it got
  uint32_t timestamp_offset = 0;
  uint16_t picture_id_offset = 0;
  uint8_t tl0_pic_idx_offset = 0;
  uint8_t key_idx_offset = 0;
  uint16_t frame_number_offset = 0;  // of the dependency descriptor
  // What was captured before this leaves later than it came, so many times as fast: the numbers of
  // a Replay.
  uint32_t live_from = 0;
  int32_t speed = 1;
  // It is the one before without what was left out between them: what comes late of that one still
  // has its place in it.
  bool goes_on = false;

  bool is_of_same(const Segment& other) const {
    return track == other.track && layer == other.layer && generation == other.generation;
  }
  // Where in the feed an index stands when nothing was left out.
  int64_t place_of(uint64_t index) const {
    return first_number + static_cast<int64_t>(index - first_index);
  }
  // The timestamp that a publisher's one leaves with. rewrite() takes all for live ones.
  uint32_t timestamp_of(uint32_t timestamp) const {
    const auto ahead = static_cast<int32_t>(live_from - timestamp);
    if (speed == 1 || ahead <= 0) return timestamp + timestamp_offset;
    return live_from + timestamp_offset - static_cast<uint32_t>(ahead / speed);
  }
  // The numbers that `packet` leaves with: the same whenever it is sent.
  void rewrite(const FeedPacket& packet, const Placement& placement,
               rtp::OutgoingPacket& out) const;
  rtp::PictureNumbers shifted(const rtp::PictureNumbers& source, const Placement& placement) const;

 private:
  void rewrite_payload(const FeedPacket& packet, const Placement& placement,
                       rtp::OutgoingPacket& out) const;
};

// The numbers of one slot: makes one valid stream of the segments that follow one another
// (sequence numbers without holes of our making, growing timestamps, picture ids, TL0PICIDX, KEYIDX
// and frame numbers that go on; RFC 7741 §4.2, RFC 9628 §4.2). No index leaves twice: it is a nonce
// of the cipher. What the receiver does not get of a stream's layers is left out by a LayerFilter.
class LayerStream {
 public:
  // Segments that a retransmission can still be asked of.
  static constexpr size_t kPastMax = 8;

  struct Last {
    uint64_t index = 0;
    uint32_t timestamp = 0;
    TimePoint arrival{};
    rtp::PictureNumbers picture{};
    uint16_t frame_number = 0;
  };

  // The first index has to be below 2^15, or the receiver cannot tell the rollover counter.
  LayerStream(rtp::Ssrc ssrc, uint64_t first_index, uint32_t first_timestamp)
      : ssrc_(ssrc), last_{.index = first_index - 1, .timestamp = first_timestamp} {}

  // From `first` on the packets come from `source` (whose numbers are set here). `ticks` is how
  // much later than the last packet it was, by the RTP clock.
  void begin(const Segment& source, const FeedPacket& first, uint32_t ticks,
             const LayerTarget& target);
  // What follows is a replay, up to the publisher's timestamp `live_from`. When it has ended, what
  // arrives until `late_until` may still be part of it.
  void begin_replay(uint32_t live_from, int64_t speed, uint32_t clock_rate);
  void end_replay(TimePoint late_until) { replay_late_until_ = late_until; }
  // Which layers of the segment leave from the next picture on where that is legal.
  void set_target(const LayerTarget& target);
  // Whether the packet is the first of a picture that open() has to see before it is written.
  bool opens_picture(const FeedPacket& packet) const {
    return filter_ != nullptr && filter_->opens_picture(packet);
  }
  void open(const PictureView& picture, const rtp::DependencyReader& dependencies,
            const FrameReferences& frames) {
    filter_->open(picture, dependencies, frames);
  }
  // What came before the segment's first packet is left out, unless the segment goes on.
  void write(const FeedPacket& packet, std::vector<rtp::OutgoingPacket>& out);

  // The index that was sent with it; nothing when none can have been.
  std::optional<uint64_t> sent_index(rtp::SequenceNumber sequence_number) const;
  // Which segment an index was sent in, and what was left out there (null: nothing).
  struct Origin {
    const Segment* segment;
    const LayerMap* map;

    // The number in the feed.
    std::optional<int64_t> number_of(uint64_t index) const;
    std::optional<Placement> placement_of(const FeedPacket& packet) const;
  };
  // Nothing when that is too long ago.
  std::optional<Origin> origin_of(uint64_t index) const;
  // The number of the last packet that left of what `source` names; nothing when none did lately.
  std::optional<int64_t> newest_of(const Segment& source) const;

  // The target cannot be met without a key frame.
  bool needs_key_frame() const { return filter_ && filter_->selector().needs_key_frame(); }
  LayerTarget target() const { return filter_ ? filter_->selector().wanted() : LayerTarget{}; }
  // What leaves; null when it is everything.
  const LayerSelection* selection() const {
    return filter_ ? &filter_->selector().current() : nullptr;
  }

  rtp::Ssrc ssrc() const { return ssrc_; }
  bool has_begun() const { return has_begun_; }
  const Segment& segment() const { return segment_; }
  const Last& last() const { return last_; }
  uint32_t packets() const { return packets_; }
  uint64_t octets() const { return octets_; }
  // What was written has been made longer since.
  void note_more(size_t octets) { octets_ += octets; }

 private:
  void write_late(const FeedPacket& packet, std::vector<rtp::OutgoingPacket>& out);
  Duration time_replayed(const FeedPacket& packet, rtp::OutgoingPacket& outgoing);

  struct Past {
    Segment segment;
    std::unique_ptr<LayerMap> map;
  };

  rtp::Ssrc ssrc_;
  bool has_begun_ = false;
  Segment segment_;
  int64_t newest_number_ = 0;  // sent in this segment
  Last last_;                  // the packet with the highest index
  uint32_t packets_ = 0;
  uint64_t octets_ = 0;
  std::unique_ptr<LayerFilter> filter_;  // null: everything leaves
  std::vector<Past> past_;               // oldest first
  // In a replay, whose segment has a speed.
  uint32_t replayed_ = 0;  // the publisher's timestamp of the last packet
  uint32_t clock_rate_ = 0;
  TimePoint replay_late_until_ = kNever;
};

}  // namespace simpul::relay
