#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/strong_id.h"
#include "base/time.h"
#include "relay/key_frame_requests.h"
#include "relay/layer_target.h"
#include "rtp/codec_format.h"
#include "rtp/media_packet.h"
#include "rtp/types.h"

namespace simpul::relay {

// A track's 32-bit id: unique on the node, never 0, carried as CSRC in every forwarded packet.
using TrackId = StrongId<struct TrackTag, uint32_t>;
using PublisherId = StrongId<struct PublisherTag, uint32_t>;
using SubscriberId = StrongId<struct SubscriberTag, uint32_t>;

struct TrackConfig {
  TrackId id;
  rtp::MediaKind kind = rtp::MediaKind::kAudio;
  rtp::Codec codec = rtp::Codec::kOpus;  // the preferred one, shown until packets tell
  uint32_t clock_rate = 48000;
  std::vector<std::string> layers = {
      ""};  // rids in the offer's order; one empty name without simulcast
};

struct SlotCodec {
  rtp::CodecFormat format;
  rtp::PayloadType payload_type;
  std::optional<rtp::PayloadType> rtx_payload_type;
};

// One receiving m-line. Its SSRCs are given by the node, random and unique within the connection.
struct SlotConfig {
  rtp::MediaKind kind = rtp::MediaKind::kAudio;
  rtp::Ssrc ssrc;
  std::optional<rtp::Ssrc> rtx_ssrc;
  std::vector<SlotCodec> codecs;
};

enum class LayerChoice : uint8_t { kHighest, kLow, kMid, kHigh };

// Whom a subscriber watches: the named participant, else the one who published last. It holds
// for as long as the subscriber stays: a publisher who returns is seen again.
struct Wish {
  std::string participant;  // empty: anybody
  LayerChoice layer = LayerChoice::kHighest;
};

// How far ahead a batch tells who else is served: enough for their memory to be fetched.
inline constexpr size_t kLaterBy = 3;

// What is due for one subscriber.
struct SubscriberBatch : rtp::OutgoingBatch {
  SubscriberId subscriber;
  std::optional<SubscriberId> later = {};  // whose turn is likely to be kLaterBy batches from now
};

struct KeyFrameRequest {
  PublisherId publisher;
  TrackId track;
  uint8_t layer = 0;
  KeyFrameRequests::Cause cause = KeyFrameRequests::Cause::kAssignment;
};

// The numbers of a sender report (RFC 3550 §6.4.1) for one slot.
struct SlotReport {
  SubscriberId subscriber;
  rtp::Ssrc ssrc;
  uint64_t ntp_time = 0;
  uint32_t rtp_timestamp = 0;
  uint32_t packets = 0;
  uint32_t octets = 0;
};

// A subscriber whose path should be tried for so much, because that would be of use to it.
struct ProbeWish {
  SubscriberId subscriber;
  uint64_t bps = 0;  // 0: no more is of use
};

// Other layers of a track than before are suspended: its publisher is to be told which.
struct SuspensionChange {
  PublisherId publisher;
  TrackId track;
};

struct Output {
  std::vector<KeyFrameRequest> key_frame_requests;
  std::vector<SlotReport> reports;
  std::vector<ProbeWish> probe_wishes;
  std::vector<SuspensionChange> suspension_changes;
};

// One choice among the spatial and temporal layers of an encoding: these and what they need.
struct LayerOptionState {
  uint8_t spatial = 0;
  uint8_t temporal = 0;
  uint64_t bitrate_bps = 0;      // of all that leaves then
  double frames_per_second = 0;  // of the spatial layer
  bool active = false;           // its own part is being sent
};

struct LayerState {
  std::string rid;
  uint16_t width = 0;  // 0 until a key frame told
  uint16_t height = 0;
  double frames_per_second = 0;
  uint64_t bitrate_bps = 0;
  uint64_t packets = 0;
  bool active = false;
  bool suspended = false;                      // is not sent because nobody watches it
  std::vector<LayerOptionState> options = {};  // of an encoding with several layers
};

struct TrackState {
  TrackId id;
  rtp::MediaKind kind = rtp::MediaKind::kAudio;
  rtp::Codec codec = rtp::Codec::kOpus;
  std::vector<LayerState> layers;
  std::optional<bool> is_speaking = {};  // of a microphone; nothing where nobody has to know
};

struct SlotState {
  rtp::Ssrc ssrc;
  rtp::MediaKind kind = rtp::MediaKind::kAudio;
  std::optional<TrackId> track;
  std::string participant;
  std::optional<std::string> layer;  // rid of the layer that it carries; absent for audio
  // Of that the highest layers that leave; absent when it has one.
  std::optional<LayerTarget> sublayers = {};
  uint64_t bitrate_bps = 0;
  uint64_t packets = 0;
  bool is_paused = false;      // by request, or because the path does not carry even the least
  size_t repeated_frames = 0;  // of sound, in each packet, because the receiver loses some
  bool is_pinned = false;      // is for somebody who was named
};

// What somebody who watches wants of a slot.
struct Viewing {
  std::optional<uint32_t> wanted_pixels = {};  // as large as it is shown; unknown: as it is sent
  uint8_t priority = 1;                        // of 255 that count so much more
  bool is_paused = false;
  // Whom it carries in any case; "": whoever is chosen; nothing: as the subscriber's wish is.
  std::optional<std::string> participant = {};

  friend bool operator==(const Viewing&, const Viewing&) = default;
};

// Bit/s on the path to a subscriber.
struct PathEstimate {
  uint64_t bps = 0;           // that it carries
  uint64_t arriving_bps = 0;  // of what is sent now; 0: not known
  bool is_full = false;       // its queue is, so that what is too much is lost
  bool is_silent = false;     // its receiver says nothing any more: no layer was too much

  friend bool operator==(const PathEstimate&, const PathEstimate&) = default;
};

struct Explanation;  // relay/allocation.h

// A packet that one worker keeps of a layer, for another one that begins to get it.
struct PastPacket {
  rtp::MediaPacket media;
  TimePoint arrival{};
};

// A layer of a track, as other workers that have the track too need to know it.
struct LayerNews {
  PublisherId publisher;
  TrackId track;
  uint8_t layer = 0;
  bool watched = false;  // a slot here carries it, or waits to
  bool by_key_frame =
      false;            // one waits that cannot begin with what is kept: it carries another layer
  bool seen = false;    // was ever sent
  bool active = false;  // is being sent now
  bool suspended = false;  // is not, and comes when somebody wants it
  uint16_t width = 0;      // of its last key frame; 0 when unknown
  uint16_t height = 0;
  std::optional<rtp::CodecFormat> format = {};
  uint64_t bitrate_bps = 0;  // over a few seconds; 0 before it was measured
  double frames_per_second = 0;
  bool is_speaking = false;  // of a microphone
  uint8_t loudness = 0;      // AudioLevels
};

struct Counters {
  uint64_t packets_in = 0;
  uint64_t packets_out = 0;
  uint64_t retransmissions = 0;
  uint64_t retransmissions_refused = 0;  // asked for too often, over the budget, or not there
  uint64_t nacks_received = 0;           // sequence numbers asked for
  uint64_t key_frames_asked_by_subscribers = 0;
  uint64_t key_frames_asked_of_publishers = 0;
  uint64_t starts_from_cache = 0;     // slots that began with an earlier key frame
  uint64_t packets_dropped_old = 0;   // came after their history had gone, or twice
  uint64_t packets_dropped_full = 0;  // nobody collected what waited
};

struct Limits {
  size_t history_packets_per_layer = 512;
  Duration history_age = std::chrono::seconds(1);
  // What of a layer is kept for slots that begin, from its last key frame on. No bytes: nothing.
  Duration gop_age = std::chrono::seconds(2);
  size_t gop_bytes = 256 * 1024;
  size_t layers_per_track = 4;
  size_t tracks_per_publisher = 16;
  size_t slots_per_subscriber = 32;
  // Receivers ask for as long as they have use for it; each that is lost for good is a freeze.
  size_t retransmissions_per_packet = 10;
  size_t speakers_per_room = 3;  // microphones that are heard at once where there are more
};

// One worker's rooms: who publishes, who watches, which layer of which track each slot carries,
// and what leaves for whom. Knows no transport: media packets in, outgoing packets and requests
// out. Pure: time is an argument, nothing is sent. Overview in relay/README.md.
class Relay {
 public:
  explicit Relay(const Limits& limits, uint64_t seed);
  ~Relay();
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;

  // People. A publisher's tracks are seen by whoever's wish they meet, at once.
  PublisherId add_publisher(std::string_view room, std::string_view participant, TimePoint now);
  void add_track(PublisherId publisher, const TrackConfig& config, TimePoint now);
  void remove_publisher(PublisherId publisher, TimePoint now);
  SubscriberId add_subscriber(std::string_view room, const Wish& wish,
                              std::span<const SlotConfig> slots, TimePoint now);
  // From here on the subscriber gets packets (its transport is up). Asks for key frames.
  void start_subscriber(SubscriberId subscriber, TimePoint now);
  void remove_subscriber(SubscriberId subscriber);
  bool has_publisher(std::string_view room, std::string_view participant) const;

  // Media and reports of publishers.
  void receive(TrackId track, uint8_t layer, rtp::MediaPacket packet, TimePoint now);
  void receive_sender_report(TrackId track, uint8_t layer, uint64_t ntp_time,
                             uint32_t rtp_timestamp, TimePoint now);

  // Whether a report has told what the layer's timestamps mean.
  bool knows_clock(TrackId track, uint8_t layer) const;

  // Packets of the layer were lost for good before they came here: slots begin again with a key
  // frame, as if the layer had been replaced.
  void interrupt(TrackId track, uint8_t layer);
  // What another worker can begin with that gets the layer from here on: the last key frame and all
  // that came since; nothing where none is kept.
  std::vector<PastPacket> past_of(TrackId track, uint8_t layer) const;
  // That, at the other worker: packet by packet, before any that receive() is for.
  void receive_past(TrackId track, uint8_t layer, PastPacket past, bool is_last, TimePoint now);
  // Subscribers elsewhere want a key frame; they repeat the wish themselves.
  void request_key_frame(TrackId track, uint8_t layer, KeyFrameRequests::Cause cause,
                         TimePoint now);
  // How far away a publisher is, as far as is known: requests are repeated after that.
  void set_round_trip(PublisherId publisher, std::optional<Duration> round_trip);

  // Rooms of several workers. Appends all layers of the tracks of which something changed since the
  // last call; repeat_news() makes a track one of them.
  void take_news(std::vector<LayerNews>& news);
  void repeat_news(TrackId track);
  // Who speaks is of use elsewhere: the publisher's microphones are listened to, though there is no
  // other one here.
  void listen_to(PublisherId publisher);
  // Whether the publisher's first microphone is heard in any case, as long as there is a place.
  void set_pinned(PublisherId publisher, bool pinned, TimePoint now);
  // With what somebody has just begun to speak, oldest first, as far as it came after `heard`: for
  // somebody else who is to hear it.
  std::vector<rtp::MediaPacket> onset_of(TrackId track, TimePoint heard = {}) const;
  // Whether the packets of another worker's layer come here. While they do not, receive_news()
  // tells what is being sent of it. Does nothing for a layer that comes.
  void set_lent(TrackId track, uint8_t layer, bool lent, TimePoint now);
  void receive_news(const LayerNews& news, TimePoint now);

  // Whether a publisher is told which of its layers nobody needs. While it is, those are suspended
  // (LayerSuspension); afterwards all are taken to be sent again.
  void set_follows(PublisherId publisher, bool follows);
  // Subscribers elsewhere watch the layer of a track of ours, or want to.
  void set_wanted_elsewhere(TrackId track, uint8_t layer, bool wanted);
  // The layers that the publisher need not send, a bit each.
  uint8_t suspended_layers(TrackId track) const;

  // What the slot with this SSRC carries at most, in place of the subscriber's choice of layer;
  // nothing: the choice counts again.
  void set_target(SubscriberId subscriber, rtp::Ssrc ssrc, const std::optional<LayerTarget>& target,
                  TimePoint now);

  // What the path to a subscriber carries; nothing where nothing tells. From the first estimate or
  // wish on its video slots get what it can carry and they have use for (LayerAllocator), each
  // 100 ms at most, in advance().
  void set_estimate(SubscriberId subscriber, const std::optional<PathEstimate>& estimate,
                    TimePoint now);
  void set_viewing(SubscriberId subscriber, rtp::Ssrc ssrc, const Viewing& viewing, TimePoint now);
  // Why its video slots carry what they carry; nothing of a subscriber who is not there.
  Explanation explain(SubscriberId subscriber, TimePoint now);

  // Feedback of subscribers, by the SSRC of the slot. Unknown ones are ignored.
  void receive_nack(SubscriberId subscriber, rtp::Ssrc ssrc,
                    std::span<const rtp::SequenceNumber> missing, TimePoint now);
  void receive_key_frame_request(SubscriberId subscriber, rtp::Ssrc ssrc, TimePoint now);
  // What it was to be sent again did not leave after all: it may be asked for once more.
  void give_back(SubscriberId subscriber, const rtp::UnsentRepair& unsent);
  void set_round_trip(SubscriberId subscriber, Duration round_trip);
  // The share (0 to 1) of the slot's packets that were lost since the last such report. Sound
  // towards who has RED and loses packets repeats its earlier frames (RedundancyChoice).
  void receive_loss(SubscriberId subscriber, rtp::Ssrc ssrc, double loss, TimePoint now);
  // The node's clock, which sender reports tell: `ntp_now` is the NTP time at `now`. Told once,
  // before the first packet.
  void set_wall_clock(TimePoint now, uint64_t ntp_now);

  // Egress, subscriber-major. Gives the next subscriber with packets that are due, or false. What
  // `batch` borrows holds until the next call. A frame is due when its last packet came or when it
  // waited for `hold`; audio and retransmissions are due at once.
  bool collect(TimePoint now, Duration hold, SubscriberBatch& batch);
  // Gives about `bytes` that tell the subscriber nothing new, for a probe of its path: what it was
  // sent lately once more, as retransmissions, and where that is too large or gone padding alone
  // (RFC 4588, in the retransmissions' own numbers). False without RTX, before the first media, and
  // when nothing else was sent to it for kPaddedFor.
  bool collect_padding(SubscriberId subscriber, size_t bytes, TimePoint now,
                       SubscriberBatch& batch);
  static constexpr Duration kPaddedFor = std::chrono::seconds(1);
  // When the next frame is due for `hold` alone; kNever when nothing waits.
  TimePoint next_collect(Duration hold) const;

  // Runs what is due at `now`: sender reports, repeated key-frame requests, layer changes.
  void advance(TimePoint now, Output& out);
  TimePoint next_deadline() const;

  std::vector<TrackState> tracks_of(PublisherId publisher) const;
  std::vector<SlotState> slots_of(SubscriberId subscriber) const;
  const Counters& counters() const;
  // How often a track, a room or a slot was looked at because something of it was due.
  uint64_t looks() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace simpul::relay
