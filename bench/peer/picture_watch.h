#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/time.h"
#include "bench/peer/freeze_meter.h"
#include "bench/peer/media_stamp.h"

namespace simpul::peer {

// What somebody sees of one video slot: puts frames together by the stamps of their packets, shows
// each when it and what it builds on are whole, and measures what shows. Fixed memory; time is an
// argument.
class PictureWatch {
 public:
  // Frames further behind the newest are given up.
  static constexpr size_t kFrames = 64;

  // The slot shows somebody else, by the CSRC of what it shows, or another encoding of the same
  // one.
  struct Change {
    uint32_t from = 0;
    uint32_t to = 0;
    TimePoint first_packet_at{};
    TimePoint first_frame_at{};
    Duration gap{};  // in which nothing new was seen
  };

  // A packet that came for the first time; `track` is its CSRC, 0 without one.
  void on_packet(const MediaStamp& stamp, uint32_t track, TimePoint now);

  std::optional<TimePoint> first_frame_at() const { return first_frame_at_; }
  // Since when it has waited for a frame that can be shown; nothing before the first packet.
  std::optional<TimePoint> waiting_since() const { return waiting_since_; }
  const FreezeMeter& freezes() const { return freezes_; }
  FreezeMeter& freezes() { return freezes_; }
  uint64_t frames() const { return shown_; }
  uint64_t changes() const { return changes_; }
  const std::optional<Change>& last_change() const { return last_change_; }

 private:
  struct Frame {
    uint32_t source = 0;
    uint16_t number = 0;
    uint16_t packets = 0;  // of which it consists; 0: there is none
    uint16_t came = 0;
    uint8_t depends_on = 0;
    bool key_frame = false;
    bool shown = false;
  };

  Frame& at(uint16_t number) { return frames_[number % kFrames]; }
  bool can_be_shown(const Frame& frame);
  void show(Frame& frame, TimePoint now);

  std::array<Frame, kFrames> frames_{};
  uint32_t source_ = 0;  // of the packets that come
  uint16_t newest_ = 0;
  uint32_t track_ = 0;
  TimePoint source_began_{};  // its first packet
  uint32_t shown_track_ = 0;
  uint32_t shown_source_ = 0;
  uint16_t shown_number_ = 0;
  std::optional<TimePoint> first_frame_at_;
  std::optional<TimePoint> waiting_since_;
  FreezeMeter freezes_;
  uint64_t shown_ = 0;  // frames
  uint64_t changes_ = 0;
  std::optional<Change> last_change_;
};

}  // namespace simpul::peer
