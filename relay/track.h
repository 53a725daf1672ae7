#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "base/deadlines.h"
#include "base/time.h"
#include "relay/feed.h"
#include "relay/layer_choice.h"
#include "relay/layer_options.h"
#include "relay/layer_suspension.h"
#include "relay/layer_target.h"
#include "relay/microphone.h"
#include "relay/relay.h"

namespace simpul::relay {

class Slot;
class Track;
struct Publisher;
struct Schedule;

using TrackIndex = std::unordered_map<TrackId, Track*>;

// How much padding a subscriber is to be sent now, in bytes.
struct PaddingWish {
  size_t bytes = 0;
  TimePoint now{};
  const TrackIndex& tracks;  // where its retransmissions come from
};

// One published source: its feeds, one a layer, and the slots that carry it or wait to.
class Track {
 public:
  // `publisher` and `schedule` outlive the track, which tells the latter what is due of it when.
  // Layers beyond the limit are left out.
  Track(Publisher& publisher, const TrackConfig& config, const Limits& limits, Schedule& schedule);

  TrackId id() const { return id_; }
  rtp::MediaKind kind() const { return kind_; }
  // Of the packets that came last.
  rtp::Codec codec() const { return codec_; }
  uint32_t clock_rate() const { return clock_rate_; }
  Publisher& publisher() const { return publisher_; }
  std::vector<Feed>& feeds() { return feeds_; }
  const std::vector<Feed>& feeds() const { return feeds_; }

  // Takes a packet for a layer, and moves the slots to other layers when that changes what is
  // being sent. True when it waits to be collected.
  bool receive(uint8_t layer, rtp::MediaPacket media, TimePoint now, Counters& counters);
  // The same of what another worker kept of it, for slots to begin with when the last has come.
  void receive_past(uint8_t layer, PastPacket past, bool is_last, TimePoint now,
                    Counters& counters);
  // Notices layers that fell silent, and lets go of what is too old.
  void advance(TimePoint now);
  // What advance() has to do is due at another time; somebody may have asked for a key frame.
  void note_look();
  void note_request();
  // Appends the requests for that reason that may be made now; they are taken as that.
  void take_requests(KeyFrameRequests::Cause cause, TimePoint now,
                     std::vector<KeyFrameRequest>& out);
  Schedule& schedule() const { return schedule_; }

  // News for other workers, and of them: written down once until take_news().
  void note_change();
  void take_news(std::vector<LayerNews>& news);
  void receive_news(const LayerNews& news, TimePoint now);
  void set_lent(uint8_t layer, bool lent, TimePoint now);

  // The layer that meets a choice now, suspended ones included; nothing before any was sent.
  std::optional<uint8_t> layer_for(LayerChoice choice) const {
    return layer_for_[static_cast<size_t>(choice)];
  }
  bool is_sent() const { return sent_; }
  // Whether a layer is being sent, or would be if somebody wanted it. A publisher who pauses
  // altogether is no reason to want another layer.
  bool has(uint8_t encoding) const {
    return encoding < feeds_.size() &&
           (feeds_[encoding].view().active || (sent_ && feeds_[encoding].view().suspended));
  }
  // What a slot that carries that (or nothing) shows until a suspended layer comes.
  std::optional<uint8_t> stand_in_for(uint8_t layer, std::optional<uint8_t> carried) const;
  // What of an encoding meets a choice: where the track has no other encodings, the choice is among
  // its spatial layers.
  LayerTarget layers_for(LayerChoice choice, uint8_t encoding) const;

  // Suspension (track_supply.cc). Whether its publisher is told which layers nobody needs.
  void set_follows(bool follows);
  void set_wanted_elsewhere(uint8_t layer, bool wanted);
  uint8_t suspended_layers() const;
  // True when the publisher is to be told something else than before.
  bool review_supply(TimePoint now);

  TrackState state(TimePoint now) const;
  // What there is to choose from.
  std::span<const LayerOption> options(TimePoint now) { return options_.of(feeds_, now); }

  // Of an audio track its levels and onset, since somebody has to know who speaks; else null.
  Microphone* microphone() const { return microphone_.get(); }
  void listen() {
    if (!microphone_) microphone_ = std::make_unique<Microphone>(clock_rate_);
  }
  void stop_listening() { microphone_.reset(); }

  // Slots of subscribers that have started.
  void attach(Slot& slot);
  void detach(Slot& slot) { std::erase(slots_, &slot); }
  const std::vector<Slot*>& slots() const { return slots_; }

  bool in_egress = false;  // Egress keeps its place in its list
  uint64_t round = 0;      // Egress's long one, while something of it is due there; 0: none
  DeadlinePlace look;      // Schedule's, all
  DeadlinePlace request;
  DeadlinePlace supply;

 private:
  bool queue(Feed& feed, FeedPacket packet, Counters& counters);
  void begin_generation(uint8_t layer, TimePoint now);
  void choose_layers(TimePoint now);
  std::array<LayerView, kLayersMax> views() const;
  void note_supply();

  Publisher& publisher_;
  TrackId id_;
  rtp::MediaKind kind_;
  rtp::Codec codec_;
  uint32_t clock_rate_;
  std::vector<Feed> feeds_;  // never resized
  std::vector<Slot*> slots_;
  std::array<std::optional<uint8_t>, 4> layer_for_{};  // by LayerChoice
  bool sent_ = false;                                  // any layer is active
  LayerOptions options_;
  std::unique_ptr<LayerSuspension> suspension_;  // since its publisher first followed
  bool follows_ = false;
  std::array<bool, kLayersMax> wanted_elsewhere_{};
  std::unique_ptr<Microphone> microphone_;
  Schedule& schedule_;
  bool is_in_changed_ = false;
};

}  // namespace simpul::relay
