#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/time.h"
#include "bench/peer/media_stamp.h"

namespace simpul::peer {

// What somebody sees of one video slot: puts frames together by the stamps of their packets, shows
// each when it and what it builds on are whole, and measures what shows. Frozen is what browsers
// call so: the next frame comes max(3 x mean, mean + 150 ms) after the last one or later, where the
// mean is that of the last 30 intervals. Fixed memory; time is an argument.
class PictureWatch {
 public:
  // Frames further behind the newest are given up.
  static constexpr size_t kFrames = 64;
  static constexpr Duration kFrozenAfter = std::chrono::milliseconds(150);

  struct Counts {
    uint64_t frames = 0;  // shown
    uint64_t freezes = 0;
    Duration frozen{};  // in all of these, from the last frame to the next
    Duration longest_gap{};
  };
  // The slot shows somebody else, by the CSRC of what it shows.
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
  const Counts& counts() const { return counts_; }
  void reset_counts() { counts_ = {}; }
  uint64_t changes() const { return changes_; }
  const std::optional<Change>& last_change() const { return last_change_; }

 private:
  static constexpr size_t kIntervals = 30;
  static constexpr size_t kIntervalsMin = 5;

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
  void measure_interval(TimePoint now);

  std::array<Frame, kFrames> frames_{};
  uint32_t source_ = 0;  // of the packets that come
  uint16_t newest_ = 0;
  uint32_t track_ = 0;
  TimePoint track_began_{};  // its first packet
  uint32_t shown_track_ = 0;
  uint32_t shown_source_ = 0;
  uint16_t shown_number_ = 0;
  std::optional<TimePoint> first_frame_at_;
  std::optional<TimePoint> waiting_since_;
  TimePoint last_frame_at_{};
  std::array<uint32_t, kIntervals> intervals_us_{};
  size_t interval_count_ = 0;
  uint64_t interval_sum_us_ = 0;
  Counts counts_;
  uint64_t changes_ = 0;
  std::optional<Change> last_change_;
};

}  // namespace simpul::peer
