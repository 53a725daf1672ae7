#include "bench/load/listened_picture.h"

#include <algorithm>

namespace simpul::load {
namespace {

bool is_later(uint32_t timestamp, uint32_t than) {
  return static_cast<int32_t>(timestamp - than) > 0;
}

}  // namespace

void ListenedPicture::on_packet(int64_t number, uint32_t timestamp, bool marker, TimePoint now) {
  if (!newest_ || is_later(timestamp, *newest_)) {
    newest_ = timestamp;
    freezes_.frame(now);
  }
  if (!first_frame_at_) take_candidate(number, timestamp, marker, now);
}

void ListenedPicture::take_candidate(int64_t number, uint32_t timestamp, bool marker,
                                     TimePoint now) {
  const bool gives_up = candidate_ && is_later(timestamp, candidate_->timestamp) &&
                        now - candidate_->began > kFirstFrameLimit;
  if (!candidate_ || gives_up) {
    candidate_ = {.timestamp = timestamp, .first = number, .began = now};
  }
  if (timestamp != candidate_->timestamp) return;
  candidate_->first = std::min(candidate_->first, number);
  ++candidate_->came;
  if (marker) candidate_->last = number;
  const bool is_whole =
      candidate_->last && candidate_->came > *candidate_->last - candidate_->first;
  if (is_whole) first_frame_at_ = now;
}

}  // namespace simpul::load
