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
  track_ = track;
  if (stamp.source != source_) {
    source_began_ = now;
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
  if (first_frame_at_ && (track_ != shown_track_ || frame.source != shown_source_)) {
    ++changes_;
    last_change_ = Change{.from = shown_track_,
                          .to = track_,
                          .first_packet_at = source_began_,
                          .first_frame_at = now,
                          .gap = now - freezes_.last_frame_at().value_or(now)};
  }
  if (!first_frame_at_) first_frame_at_ = now;
  freezes_.frame(now);
  shown_track_ = track_;
  shown_source_ = frame.source;
  shown_number_ = frame.number;
  waiting_since_ = now;
  ++shown_;
}

}  // namespace simpul::peer
