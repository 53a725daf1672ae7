#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/deadlines.h"
#include "base/time.h"
#include "relay/clock_mapping.h"
#include "relay/layer_stream.h"
#include "relay/layer_target.h"
#include "relay/redundancy.h"
#include "relay/relay.h"
#include "relay/replay.h"
#include "relay/retransmissions.h"
#include "relay/track.h"

namespace simpul::relay {

struct Subscriber;

// One receiving m-line: which layer of the assigned track it carries, which one it waits for, and
// what leaves it. Who is assigned to it is decided by the seating.
class Slot {
 public:
  // A slot's first sequence numbers, random, from 1 to this (RFC 3711 §3.3.1: the receiver takes
  // the rollover counter to be 0, which a wrap soon after the start could make wrong).
  static constexpr uint16_t kFirstSequenceNumberMax = 0x3FFF;
  static constexpr Duration kReportInterval = std::chrono::milliseconds(900);
  static constexpr int64_t kReportSpread = 200'000;  // µs; so that slots do not report together
  static constexpr Duration kMeterInterval = std::chrono::seconds(1);
  static constexpr size_t kRetransmissionsMax = 256;  // that wait in one subscriber
  // Padding at once, whoever asks for more; and the packets that are repeated are the last so many.
  static constexpr size_t kPaddingPacketsMax = 32;
  static constexpr uint64_t kRepeatedMax = 32;

  struct FirstNumbers {
    uint16_t sequence_number = 1;
    uint16_t rtx_sequence_number = 1;
    uint32_t timestamp = 0;
  };
  Slot(Subscriber& subscriber, const SlotConfig& config, LayerChoice choice,
       const FirstNumbers& first);

  rtp::MediaKind kind() const { return kind_; }
  rtp::Ssrc ssrc() const { return stream_.ssrc(); }
  Subscriber& subscriber() const { return *subscriber_; }
  Track* track() const { return track_; }
  bool is_from(const Publisher& publisher) const {
    return track_ != nullptr && &track_->publisher() == &publisher;
  }
  LayerChoice choice() const { return choice_; }
  const Viewing& viewing() const { return viewing_; }
  // It is for somebody who was named (pins.h).
  bool is_pinned() const { return is_pinned_; }
  void set_pinned(bool pinned) { is_pinned_ = pinned; }
  // Carries nothing, by wish or for want of room.
  bool is_paused() const { return is_paused_; }
  void set_viewing(const Viewing& viewing) { viewing_ = viewing; }
  uint64_t bitrate_bps() const { return bitrate_bps_; }  // of payloads
  uint64_t plain_bps() const { return plain_bps_; }      // of them, without what is repeated
  // What leaves now.
  std::optional<LayerTarget> carried() const;
  // Whether it could send what the layer consists of now.
  bool carries(uint8_t layer) const;

  // Carries another track from now on, or none. Its numbers go on.
  void assign(Track* track, TimePoint now);
  // Packets may leave from now on.
  void start(TimePoint now);

  // What it should carry at most, in place of its choice; nothing: the choice counts again. An
  // encoding that is not being sent is stood in for, with all of its layers.
  void set_target(const std::optional<LayerTarget>& target, TimePoint now);
  // Nothing leaves while it is paused; afterwards it begins with a key frame.
  void set_paused(bool paused, TimePoint now);
  // What it should no longer carry ends before the key frame of what it should.
  void end_carried(TimePoint now);
  // What the track tells: the layers that are being sent are others; a layer began anew.
  void choose_layer(TimePoint now);
  void lose_layer(uint8_t layer, TimePoint now);
  // From another layer, which goes on until a key frame comes.
  bool changes_to(uint8_t layer) const {
    return target_ == layer && current_ != layer && !has_nothing_to_lose();
  }
  // What another worker kept of it has come.
  void begin_with_past(uint8_t layer, TimePoint now);

  // Appends what is due of the layer that it carries, or begins with the one it waits for.
  void forward(std::vector<rtp::OutgoingPacket>& out);
  // The next burst of its replay is due.
  void go_on_replaying(TimePoint now);

  void ask_for_repair(TimePoint now);
  // Appends what can be sent again of `missing`, and counts the rest as refused.
  struct Nack {
    std::span<const rtp::SequenceNumber> missing;
    Duration round_trip{};
    size_t times_max = 0;
  };
  void retransmit(const Nack& nack, const TrackIndex& tracks, TimePoint now,
                  std::vector<Retransmission>& out, Counters& counters);
  // One that did not leave counts no longer as sent.
  void give_back(const rtp::UnsentRepair& unsent);
  void write(const Retransmission& retransmission, std::vector<rtp::OutgoingPacket>& out);
  // Its receiver has begun anew since, with a key frame, and has no use for what was before.
  bool is_of_no_use(uint64_t index) const { return index < repaired_from_; }

  // Sound for receivers that lose packets: slot_redundancy.cc. How many earlier frames each packet
  // repeats from now on; none where the receiver has no RED.
  void set_redundancy(size_t frames);
  size_t repeated_frames() const;
  // How many packets left since this was asked last.
  uint32_t take_packets_to_report();

  // Padding: slot_padding.cc. When media last left; nothing before any did.
  std::optional<TimePoint> last_sent() const;
  bool can_pad() const;
  // Appends what was sent lately, once more, and returns how many bytes are missing then.
  size_t repeat(const PaddingWish& wish, std::vector<Retransmission>& out);
  void write_padding(size_t bytes, std::vector<rtp::OutgoingPacket>& out);

  // Keeps the meter running; appends a report when it is due. Once the publisher has told the clock
  // of another track none goes by the times of arrival while this one's may still come: receivers
  // draw a line through many reports, and one that is beside it keeps sound and picture apart.
  void advance(TimePoint now, const WallClock& clock, std::vector<SlotReport>& reports);
  // The publisher has told for the first time what a layer's timestamps mean.
  void learn_clock(uint8_t layer, TimePoint now);
  TimePoint next_look() const;  // kNever when nothing has left since
  SlotState state() const;

  DeadlinePlace look;  // Schedule's, both
  DeadlinePlace burst;

 private:
  using Layer = std::optional<uint8_t>;

  // The receiver's payload type that comes nearest to a format; null when it has none for it.
  const SlotCodec* codec_for(const rtp::CodecFormat& format) const;
  Segment segment_for(const SlotCodec& codec, uint8_t layer) const;
  Feed& feed(uint8_t layer) const { return track_->feeds()[layer]; }
  bool waits_for_key_frame() const {
    return target_ && target_ != current_ && kind_ == rtp::MediaKind::kVideo;
  }
  LayerTarget layers_of(uint8_t encoding) const;
  // The highest layers that leave of an encoding that has several.
  std::optional<LayerTarget> sublayers() const;
  // What left under an index, while it is there.
  std::optional<Retransmission> sent_under(uint64_t index, const TrackIndex& tracks, TimePoint now);
  // Begins to carry the layers that it should of the encoding that it carries.
  void limit_layers(TimePoint now);
  bool stream_needs_key_frame() const {
    return current_ && target_ == current_ && stream_.needs_key_frame();
  }
  void count_starter();
  void set_layers(Layer current, Layer target);
  void wait_for(Layer layer);
  void ask_for_start(TimePoint now);
  // True when it carries its target from now on.
  bool start_from_cache(TimePoint now);
  bool replay_from(uint8_t layer, TimePoint now);
  // The fastest that the path carries; nothing where none is.
  std::optional<int64_t> replay_speed(uint8_t layer, int64_t first, int64_t age) const;
  // What leaves takes of the path, as far as that is known.
  uint64_t load_bps() const;
  // Receivers show a key frame, whatever they miss of what was before. What they ask for of that
  // would take from the key frame's rate; they stop asking when they have it.
  void begin_repairs_anew() {
    if (kind_ == rtp::MediaKind::kVideo) repair_from(stream_.segment().first_index);
  }
  void repair_from(uint64_t index) {
    repaired_from_ = index;
    begins_anew_ = true;
  }
  void tell_beginning(std::span<rtp::OutgoingPacket> packets);
  void replay(std::vector<rtp::OutgoingPacket>& out);
  void end_replay();
  bool has_nothing_to_lose() const { return !current_ || !feed(*current_).view().active; }
  void go_on(std::vector<rtp::OutgoingPacket>& out);
  void begin(std::vector<rtp::OutgoingPacket>& out);
  // Appends what of a microphone's speech goes before the first live packet, and was in none of
  // the subscriber's slots.
  void add_onset_before(const FeedPacket& live, std::vector<const FeedPacket*>& packets) const;
  // Sound that is behind because of an onset makes up for it in pauses. False when the packet is
  // left out for that.
  bool catch_up(const FeedPacket& packet);
  bool catches_up(const FeedPacket& packet) const;
  // So long after the last packet that left, of which only `ticks` are played.
  void go_on_from(const FeedPacket& packet, int64_t ticks, int64_t late);
  // What time it tells: slot_clock.cc. How much later than the last packet a frame leaves, in
  // ticks, and how much of that is more than the reports say.
  struct Step {
    uint32_t ticks = 0;
    int64_t behind = 0;
  };
  int64_t ticks_min() const;  // between frames of two sources
  Step step_to(const Feed& source, const FeedPacket& first, Duration late = {}) const;
  // The first by the clocks alone.
  std::optional<int64_t> ticks_told(const Feed& source, uint32_t timestamp) const;
  uint32_t timestamp_at(TimePoint now, const WallClock& clock) const;
  std::optional<Redundancy::Types> redundancy_types() const;
  void add_redundancy(std::span<rtp::OutgoingPacket> packets);

  Track* track_ = nullptr;
  Layer current_;   // what it carries
  Layer target_;    // what it should carry; it does from a key frame on
  Layer starting_;  // which needs a key frame for it
  Layer awaited_;   // what it should carry and what is suspended
  LayerStream stream_;
  std::unique_ptr<Replay> replay_;  // of what it carries
  std::unique_ptr<Redundancy> redundancy_;

  Subscriber* subscriber_;
  rtp::MediaKind kind_;
  LayerChoice choice_;
  std::optional<LayerTarget> allotted_;  // in place of the choice
  Viewing viewing_;
  bool is_paused_ = false;
  bool is_pinned_ = false;
  bool started_ = false;
  std::vector<SlotCodec> codecs_;
  std::optional<rtp::Ssrc> rtx_ssrc_;
  uint64_t rtx_index_;                                         // of the next retransmission
  uint64_t repaired_from_ = 0;                                 // index; nothing below it
  bool begins_anew_ = false;                                   // and nobody has been told yet
  uint64_t repeat_next_ = 0;                                   // index; 0: the newest
  std::unique_ptr<RetransmissionLimit> retransmission_limit_;  // since the first was asked for

  TimePoint report_due_{};
  std::optional<ClockMapping> told_;  // by the last report, of the node's clock
  int64_t behind_ = 0;                // of what they tell: ticks
  TimePoint behind_since_{};
  static constexpr int64_t kNoneLeftOut = std::numeric_limits<int64_t>::min();
  int64_t left_out_ = kNoneLeftOut;  // the last number that was, since the source began
  uint32_t packets_reported_ = 0;
  uint32_t packets_judged_ = 0;  // up to the last reception report
  TimePoint metered_at_{};
  uint64_t octets_metered_ = 0;
  uint64_t bitrate_bps_ = 0;
  uint64_t plain_bps_ = 0;
  uint64_t octets_repeated_ = 0;  // since it was metered
};

}  // namespace simpul::relay
