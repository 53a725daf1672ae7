#include "bench/peer/picture_watch.h"

#include <algorithm>

namespace simpul::peer {
namespace {

// Wrapping numbers: how far `number` is ahead of `of`.
int16_t ahead(uint16_t number, uint16_t of) {
  return static_cast<int16_t>(static_cast<uint16_t>(number - of));
}

}  // namespace

void PictureWatch::on_packet(const MediaStamp& stamp, uint32_t track, TimePoint now) {
  if (!waiting_since_) waiting_since_ = now;
  if (track != track_) {
    track_ = track;
    track_began_ = now;
  }
  if (stamp.source != source_) {
    source_ = stamp.source;
    newest_ = stamp.frame;
  }
  if (ahead(stamp.frame, newest_) <= -static_cast<int>(kFrames)) return;
  if (ahead(stamp.frame, newest_) > 0) newest_ = stamp.frame;
  Frame& frame = at(stamp.frame);
  if (frame.source != stamp.source || frame.number != stamp.frame) {
    frame = {.source = stamp.source,
             .number = stamp.frame,
             .packets = stamp.frame_packets,
             .depends_on = stamp.depends_on,
             .key_frame = stamp.key_frame};
  }
  ++frame.came;
  // What it completes may be what others wait for.
  for (uint16_t number = stamp.frame; ahead(number, newest_) <= 0; ++number) {
    Frame& next = at(number);
    if (next.source != source_ || next.number != number) continue;
    if (can_be_shown(next)) {
      show(next, now);
    } else if (number == stamp.frame) {
      return;
    }
  }
}

bool PictureWatch::can_be_shown(const Frame& frame) {
  if (frame.shown || frame.packets == 0 || frame.came < frame.packets) return false;
  const bool is_other = frame.source != shown_source_ || !first_frame_at_;
  if (frame.key_frame) return is_other || ahead(frame.number, shown_number_) > 0;
  if (is_other || ahead(frame.number, shown_number_) <= 0) return false;
  const auto needed = static_cast<uint16_t>(frame.number - frame.depends_on);
  const Frame& base = at(needed);
  return base.source == frame.source && base.number == needed && base.shown;
}

void PictureWatch::show(Frame& frame, TimePoint now) {
  frame.shown = true;
  if (first_frame_at_) measure_interval(now);
  if (first_frame_at_ && track_ != shown_track_) {
    ++changes_;
    last_change_ = Change{.from = shown_track_,
                          .to = track_,
                          .first_packet_at = track_began_,
                          .first_frame_at = now,
                          .gap = now - last_frame_at_};
  }
  if (!first_frame_at_) first_frame_at_ = now;
  shown_track_ = track_;
  shown_source_ = frame.source;
  shown_number_ = frame.number;
  last_frame_at_ = now;
  waiting_since_ = now;
  ++counts_.frames;
}

void PictureWatch::measure_interval(TimePoint now) {
  const Duration interval = now - last_frame_at_;
  const auto interval_us = static_cast<uint32_t>(std::min<int64_t>(interval.count(), UINT32_MAX));
  uint32_t& oldest = intervals_us_[interval_count_ % kIntervals];
  interval_sum_us_ += interval_us;
  interval_sum_us_ -= oldest;
  oldest = interval_us;
  ++interval_count_;
  counts_.longest_gap = std::max(counts_.longest_gap, interval);
  const size_t known = std::min(interval_count_, kIntervals);
  if (known < kIntervalsMin) return;
  const Duration mean(static_cast<int64_t>(interval_sum_us_ / known));
  if (interval < std::max(3 * mean, mean + kFrozenAfter)) return;
  ++counts_.freezes;
  counts_.frozen += interval;
}

}  // namespace simpul::peer
