#include "relay/key_frame_requests.h"

#include <algorithm>

namespace simpul::relay {

void KeyFrameRequests::ask(Cause cause, TimePoint now) {
  if (!wanted_) {
    wanted_ = true;
    cause_ = cause;
    due_ = now;
  }
  cause_ = std::max(cause_, cause);
}

void KeyFrameRequests::on_key_frame() { wanted_ = false; }

bool KeyFrameRequests::take(TimePoint now) {
  if (next_due() > now) return false;
  full_at_ = std::max(full_at_, now) + kInterval;
  due_ = now + kRepeatAfter;
  spaced_until_ = now + kSpacing;
  return true;
}

TimePoint KeyFrameRequests::next_due() const {
  return wanted_ ? std::max({due_, token_at(), spaced_until_}) : kNever;
}

}  // namespace simpul::relay
