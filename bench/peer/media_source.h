#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "bench/peer/peer.h"

namespace simpul::peer {

struct VideoShape {
  uint32_t bitrate_bps = 1'500'000;
  uint32_t frames_per_second = 30;
  uint16_t width = 1280;
  uint16_t height = 720;
  std::string rid = {};  // empty without simulcast
  size_t payload_max = 1100;
  // Packets that leave together, each burst 5 ms behind the last; 0: a frame at once.
  uint32_t burst_packets = 0;
};

// Makes one stream's packets as an encoder would: Opus every 20 ms, or frames of VP8 with right
// descriptors and key-frame headers around bytes that mean nothing. Every payload carries a stamp
// (media_stamp.h). Pure: time is an argument.
class MediaSource {
 public:
  static MediaSource audio(std::string mid);
  static MediaSource video(std::string mid, const VideoShape& shape);

  static constexpr Duration kBurstInterval = std::chrono::milliseconds(5);

  // Appends the sealed datagrams that are due at `now`.
  void send_due(TimePoint now, Peer& peer, std::vector<std::vector<uint8_t>>& datagrams);
  TimePoint next_deadline() const { return paced_.empty() ? next_ : std::min(next_, next_burst_); }
  // The next frame becomes a key frame.
  void request_key_frame() { key_frame_wanted_ = true; }

  rtp::Ssrc ssrc() const { return ssrc_; }
  // Of what is due at next_deadline().
  uint32_t timestamp() const { return timestamp_; }
  uint64_t packets() const { return packets_; }
  uint64_t key_frames() const { return key_frames_; }

 private:
  MediaSource(bool is_video, std::string mid, VideoShape shape);
  void send_packet(Peer& peer, Bytes payload, bool marker,
                   std::vector<std::vector<uint8_t>>& datagrams);
  void send_frame(TimePoint now, Peer& peer, std::vector<std::vector<uint8_t>>& datagrams);
  void send_bursts(TimePoint now, std::vector<std::vector<uint8_t>>& datagrams);

  bool is_video_;
  std::string mid_;
  VideoShape shape_;
  rtp::Ssrc ssrc_;
  uint64_t index_;
  uint32_t timestamp_ = 0;
  uint16_t picture_id_ = 0;
  bool key_frame_wanted_ = true;
  uint64_t packets_ = 0;
  uint64_t key_frames_ = 0;
  TimePoint next_{};
  std::deque<std::vector<uint8_t>> paced_;  // of a frame, that wait for their burst
  TimePoint next_burst_{};
};

// The time inside a payload that a MediaSource made; nothing when it is not as it was made.
std::optional<TimePoint> made_at(Bytes payload, bool is_video);

}  // namespace simpul::peer
