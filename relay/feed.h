#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "relay/clock_mapping.h"
#include "relay/feed_numbering.h"
#include "relay/feed_packet.h"
#include "relay/frame_references.h"
#include "relay/gop_cache.h"
#include "relay/h264_starts.h"
#include "relay/history.h"
#include "relay/key_frame_requests.h"
#include "relay/layer_choice.h"
#include "relay/layer_meters.h"
#include "relay/layer_rate.h"
#include "relay/relay.h"
#include "rtp/rate_meter.h"
#include "rtp/vp9_references.h"

namespace simpul::relay {

// One layer of a track as it is available here: numbers its packets, keeps them until their frame
// is complete, then shows them as due to all slots at once, and keeps them for retransmission.
// Packets of a layer that no slot watches are counted and let go.
class Feed {
 public:
  // A layer without media for so long is not being sent.
  static constexpr Duration kSilence = std::chrono::milliseconds(1'100);
  // Packets that wait to be collected; more are dropped.
  static constexpr size_t kWaitingMax = 1'024;
  // How far the timestamps may go back (frames out of order, as some encoders send them), and how
  // much faster than time they may run. More is another stream: receivers could not play both.
  static constexpr Duration kStepBackMax = std::chrono::seconds(1);
  static constexpr Duration kStepAheadMax = std::chrono::seconds(10);
  // A packet that has been missing for so long is taken as lost.
  static constexpr Duration kMissingMax = std::chrono::milliseconds(200);
  // So long a publisher has to tell what its timestamps mean: browsers tell those of sound after
  // 2.5 s, and again 2.5 to 7.5 s later.
  static constexpr Duration kClockPatience = std::chrono::seconds(10);

  Feed(std::string rid, const TrackConfig& track, const Limits& limits);

  struct Taken {
    std::optional<FeedPacket> packet;  // nothing: there is nothing to forward
    bool is_late = false;              // newer ones came before it
    bool too_old = false;
    bool layers_changed = false;  // it came to life, or has another size
    bool new_generation = false;  // no slot can go on with what it sent of this feed
  };
  // Numbers and counts a packet. The caller queues it when it has dealt with the rest.
  Taken take(rtp::MediaPacket media, TimePoint now);
  // The same of what had come to another worker before packets of the layer came here, in the order
  // of its numbers: the caller keeps it, for slots to begin with, or lets it go.
  Taken take_past(rtp::MediaPacket media, TimePoint arrival, TimePoint now);
  void keep_past(FeedPacket packet);
  // That was all.
  void end_past(TimePoint now);
  // More is to come: what there is yet is no beginning.
  bool is_past_awaited() const { return past_awaited_; }
  // What take_past() of another worker is to get: the key frame that is kept, and all that came
  // since. Empty where there is none. Holds until the next call that is not const.
  std::vector<const FeedPacket*> past(TimePoint now) const;
  // False when too many wait.
  bool queue(FeedPacket packet);
  // Nobody watches: the packet goes.
  void let_go(const FeedPacket& packet) { gone_ = std::max(gone_, packet.number); }
  // Packets have been lost for good on the way here: the next one begins a generation.
  void begin_anew() {
    numbering_.begin_anew();
    past_awaited_ = false;
  }

  // Makes due what is complete or has waited for `hold`. False when that is nothing.
  bool release(TimePoint now, Duration hold);
  // In the order of their numbers; until the next release() or end_round().
  const std::vector<FeedPacket>& due() const { return due_; }
  void end_round() {
    due_.clear();
    history_.free_retired();
  }
  // When release() has something; kNever when nothing waits.
  TimePoint due_at(Duration hold) const;
  bool is_waiting() const { return !waiting_.empty(); }

  // A layer of another worker's publisher whose packets do not come here, because nobody here
  // watches it: silence means nothing, and what is being sent is told. True when that changed.
  void set_lent(bool lent, TimePoint now);
  bool is_lent() const { return lent_; }
  bool receive_news(const LayerNews& news, TimePoint now);
  LayerNews news() const;

  void watch() { ++watchers_; }
  void unwatch();
  bool is_watched() const { return watchers_ > 0; }
  // Slots that would carry it if it were being sent.
  void add_waiter() { ++waiters_; }
  void remove_waiter() { --waiters_; }
  bool is_wanted() const { return is_watched() || waiters_ > 0; }
  // It is not sent because nobody watches it, and comes when it is asked for.
  void set_suspended(bool suspended) { suspended_ = suspended; }

  // Slots that carry something of it from its next key frame on.
  void add_starter() { ++starters_; }
  void remove_starter() { --starters_; }

  // The number of the packet that a slot can begin with now, all that followed being in the
  // history or still to come.
  std::optional<int64_t> cached_start(TimePoint now) const;
  // Slots that are being sent what the history keeps.
  void add_replay() { ++replays_; }
  void remove_replay() { --replays_; }

  // Lets go of what is too old, and repeats the wish of slots that wait although the request was
  // met; true when the layer has just fallen silent.
  bool advance(TimePoint now);
  // When advance() has something to do, or earlier; kNever when it has nothing. Packets put it off,
  // and need not be told to whoever keeps the time.
  TimePoint next_look() const;
  // Nothing that is too old is left in the history.
  void expire(TimePoint now) {
    keep_gop(now);
    history_.expire(now);
  }
  LayerView view() const;
  LayerState state(TimePoint now) const;

  const std::string& rid() const { return rid_; }
  // What its packets are; nothing before the first. A sender may change it.
  const std::optional<rtp::CodecFormat>& format() const { return format_; }
  uint32_t generation() const { return generation_; }
  const rtp::DependencyReader& dependencies() const { return dependencies_; }
  const FrameReferences& frames() const { return frames_; }
  const LayerMeters& meters() const { return meters_; }
  // Of its spatial layers, as far as its last key frame told.
  const rtp::SpatialSizes& spatial_sizes() const { return spatial_sizes_; }
  // Over a few seconds, headers included; 0 before it was measured.
  uint64_t bitrate_bps() const { return rate_.bits_per_second(); }
  // kNever while it comes to another worker only.
  TimePoint last_media() const { return active_ && !lent_ ? kNever : last_media_; }
  const History& history() const { return history_; }
  KeyFrameRequests& key_frames() { return key_frames_; }
  const KeyFrameRequests& key_frames() const { return key_frames_; }
  void set_clock(const ClockMapping& clock) { clock_ = clock; }
  const std::optional<ClockMapping>& clock() const { return clock_; }
  // While none is known, one may still come until then.
  TimePoint clock_awaited_until() const { return clock_ ? TimePoint{} : begun_ + kClockPatience; }

 private:
  // Numbers a packet; begins a generation where that has to be.
  Taken place(rtp::MediaPacket media, TimePoint arrival);
  // True when the packet is the first of another format.
  bool read_payload(FeedPacket& packet);
  // A structure came that packets which wait may be read by; one that is late, those that left too.
  void read_dependencies_again(bool in_history);
  bool timestamps_jump(const rtp::MediaPacket& media, TimePoint now) const;
  bool note_media(const FeedPacket& packet, TimePoint now);  // true when the layers changed
  bool note_size(const FeedPacket& packet);                  // so, too
  // Of a packet that would be the start of something, whether what belongs behind it is there.
  bool is_start(const FeedPacket& packet) const;
  void keep_gop(TimePoint now);
  void forget_packets();  // but not what is due: a batch may borrow from it

  std::string rid_;
  rtp::MediaKind kind_;
  uint32_t clock_rate_;
  std::optional<rtp::CodecFormat> format_;
  FeedNumbering numbering_;
  uint32_t generation_ = 0;
  TimePoint begun_{};                   // with its first packet
  rtp::DependencyReader dependencies_;  // of this generation
  FrameReferences frames_;              // of what is or was in the history
  rtp::Vp9References vp9_references_;   // of it, too
  H264Starts h264_starts_;
  std::vector<FeedPacket> waiting_;  // as they came
  size_t complete_ = 0;              // of them, how many are due at once
  int64_t ended_ = 0;  // what is below is due at once: its frame is complete or has left
  std::vector<FeedPacket> due_;
  History history_;
  GopCache gop_;
  size_t replays_ = 0;
  int64_t gone_ = -1;  // the highest number that did not get into the history
  size_t watchers_ = 0;
  size_t starters_ = 0;  // of them
  size_t waiters_ = 0;
  KeyFrameRequests key_frames_;
  std::optional<ClockMapping> clock_;

  bool active_ = false;
  bool seen_ = false;
  bool lent_ = true;
  bool past_awaited_ = false;
  bool suspended_ = false;
  TimePoint last_media_{};
  // Of the newest packet of this generation with media.
  std::optional<uint32_t> last_timestamp_;
  int64_t last_number_ = 0;
  uint16_t width_ = 0;
  uint16_t height_ = 0;
  rtp::SpatialSizes spatial_sizes_{};
  uint64_t packets_ = 0;
  rtp::RateMeter bits_;
  rtp::RateMeter frame_rate_;  // a byte each
  LayerRate rate_;
  double frames_told_ = 0;  // a second, while its packets do not come here
  LayerMeters meters_;
};

}  // namespace simpul::relay
