#include "relay/key_frame_requests.h"

#include <algorithm>
#include <utility>

namespace simpul::relay {

void KeyFrameRequests::ask(Cause cause, TimePoint now) {
  if (!is_wanted()) {
    cause_ = cause;
    due_ = now;
  }
  // Not behind the slow repetition for somebody else.
  if (are_hidden()) due_ = std::min(due_, now);
  wanted_ = true;
  cause_ = std::max(cause_, cause);
}

void KeyFrameRequests::keep_asking(Cause cause, TimePoint now) {
  if (is_wanted() && are_hidden()) return;
  ask(cause, now);
  if (are_hidden()) due_ = std::max(now, sent_at_ + kRepeatHiddenAfter);
}

// A request that is under way is waited for, so that several workers cost the publisher no more
// than one.
void KeyFrameRequests::ask_once(Cause cause) {
  cause_ = is_wanted() ? std::max(cause_, cause) : cause;
  if (are_hidden()) due_ = std::min(due_, sent_at_ + kRepeatMax);
  wanted_once_ = true;
}

void KeyFrameRequests::on_key_frame() {
  wanted_ = false;
  wanted_once_ = false;
  due_ = {};
  unanswered_ = 0;
  have_shown_ = true;
  outstanding_ = false;
}

void KeyFrameRequests::begin_anew() {
  if (are_hidden()) return;
  have_shown_ = false;
  unanswered_ = 0;
  outstanding_ = false;
}

// However soon requests are repeated: a publisher may need longer than that for a key frame, and
// several may be lost together.
void KeyFrameRequests::note_unanswered(TimePoint now) {
  if (std::exchange(outstanding_, true)) {
    if (!other_frames_ || now - unanswered_since_ < kUnansweredAfter) return;
    if (!are_hidden()) ++unanswered_;
  }
  unanswered_since_ = now;
  other_frames_ = false;
}

bool KeyFrameRequests::take(TimePoint now, Duration repeat_after) {
  if (next_due() > now) return false;
  note_unanswered(now);
  wanted_once_ = false;
  if (are_hidden()) wanted_ = false;
  full_at_ = std::max(full_at_, now) + kInterval;
  due_ = now + repeat_after;
  sent_at_ = now;
  spaced_until_ = now + kSpacing;
  return true;
}

TimePoint KeyFrameRequests::next_due() const {
  return is_wanted() ? std::max({due_, token_at(), spaced_until_}) : kNever;
}

}  // namespace simpul::relay
