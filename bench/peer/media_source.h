#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "bench/peer/frame.h"
#include "bench/peer/frame_maker.h"
#include "bench/peer/media_profile.h"
#include "bench/peer/peer.h"
#include "bench/peer/sound_clip.h"
#include "rtp/rtcp.h"

namespace simpul::peer {

// The plainest picture: VP8 whose frames are all of one size and leave when they are taken, key
// frames four times as large; without RTX, reports and numbers for the path.
struct VideoShape {
  uint32_t bitrate_bps = 1'500'000;
  uint32_t frames_per_second = 30;
  uint16_t width = 1280;
  uint16_t height = 720;
  std::string rid = {};  // empty without simulcast
  size_t payload_max = 1100;
};

// One RTP stream of a publisher: a microphone, or one encoding of a camera. Makes packets as a
// browser would, with right descriptors around bytes that mean nothing and a stamp in each payload
// (media_stamp.h); answers requests for key frames and for lost packets. Pure: time is an argument.
class MediaSource {
 public:
  using Datagrams = std::vector<std::vector<uint8_t>>;

  // Packets of 80 bytes that no decoder would take.
  static MediaSource audio(std::string mid);
  static MediaSource video(std::string mid, const VideoShape& shape);
  // The clip outlives the source.
  static MediaSource audio(std::string mid, const SoundClip& clip, const SourceSetup& setup);
  // One of the profile's layers.
  static MediaSource video(std::string mid, const VideoProfile& profile, size_t layer,
                           const SourceSetup& setup);

  // Appends the sealed datagrams that are due at `now`.
  void send_due(TimePoint now, Peer& peer, Datagrams& datagrams);
  TimePoint next_deadline() const;
  // The first frame that is taken from `now` on becomes a key frame.
  void request_key_frame(TimePoint now = {});
  // Sends again what it still knows of (RFC 4585 §6.2.1, RFC 4588).
  void repair(const rtp::Nack& nack, TimePoint now, Peer& peer, Datagrams& datagrams);

  rtp::Ssrc ssrc() const { return ssrc_; }
  // Of what is due at next_deadline().
  uint32_t timestamp() const { return timestamp_of(ticks_); }
  uint64_t packets() const { return packets_; }
  uint64_t key_frames() const { return key_frames_; }
  uint64_t retransmissions() const { return retransmissions_; }

 private:
  // What it has of a camera.
  struct Camera {
    Camera(const VideoProfile& of_profile, size_t layer, uint64_t seed)
        : profile(of_profile), maker(of_profile, layer, seed) {}

    VideoProfile profile;
    FrameMaker maker;
    FrameFormat format = {};
    std::string rid = {};
    std::vector<Frame> history = {};  // a ring, when it retransmits
    Frame current = {};
    size_t sent = 0;  // packets of `current`
    TimePoint next_burst{};
    std::optional<TimePoint> key_frame_asked = TimePoint{};
  };

  MediaSource(std::string mid, const SourceSetup& setup, bool is_plain);
  void begin(TimePoint now);
  TimePoint tick_at(uint64_t ticks) const;
  uint32_t timestamp_of(uint64_t ticks) const;
  TimePoint next_tick() const;
  bool is_sending() const { return camera_ && camera_->sent < camera_->current.packets; }
  void take_frame(TimePoint now, Peer& peer);
  // What distinguishes packets of a frame in their headers, and where that is written down.
  struct Extensions {
    std::array<uint8_t, kDependencyDescriptorMax> descriptor{};
    std::array<KnownExtension, 4> all{};
    size_t count = 0;
  };
  void reduce(Frame& frame, TimePoint now, Peer& peer) const;
  void write_extensions(const Frame& frame, size_t packet, Extensions& extensions) const;
  size_t header_size(const Frame& frame, size_t packet, TimePoint now, Peer& peer) const;
  void send_burst(TimePoint now, Peer& peer, Datagrams& datagrams);
  void send_packet_of(const Frame& frame, size_t packet, bool is_repair, TimePoint now, Peer& peer,
                      Datagrams& datagrams);
  void send_sound(TimePoint now, Peer& peer, Datagrams& datagrams);
  void send_plain_sound(TimePoint now, Peer& peer, Datagrams& datagrams);
  void send_report(TimePoint now, Peer& peer, Datagrams& datagrams);
  void count(size_t payload_size);
  const Frame* frame_with(rtp::SequenceNumber number) const;

  std::string mid_;
  SourceSetup setup_;
  bool is_plain_;
  std::optional<Camera> camera_;
  const SoundClip* clip_ = nullptr;
  size_t clip_at_ = 0;
  bool was_silent_ = true;
  rtp::Ssrc ssrc_;
  uint64_t index_;
  rtp::Ssrc rtx_ssrc_;
  uint64_t rtx_index_ = 0;
  uint32_t timestamp_base_ = 0;
  uint32_t clock_rate_ = 48'000;
  uint32_t ticks_per_second_ = 50;  // frames
  uint64_t ticks_ = 0;              // of what is due next, since `began_`
  TimePoint began_{};
  TimePoint next_report_ = kNever;
  uint64_t packets_ = 0;
  uint64_t octets_ = 0;
  uint64_t key_frames_ = 0;
  uint64_t retransmissions_ = 0;
};

// The time inside a payload that a MediaSource made; nothing when it is not as it was made.
std::optional<TimePoint> made_at(Bytes payload);

}  // namespace simpul::peer
