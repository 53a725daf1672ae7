#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "base/time.h"

namespace simpul::relay {

// When one layer's publisher is asked for a key frame: a token bucket, coalesced over all slots.
// A wish is never swallowed: it waits for the bucket, whose last token is for assignments, and the
// request is repeated until a key frame comes or nobody wants it any more. Also finds out when key
// frames cannot be told apart: then a request is repeated for those alone who say that they still
// wait.
class KeyFrameRequests {
 public:
  enum class Cause : uint8_t { kRepair, kAssignment };  // the greater goes first

  static constexpr int kBurst = 2;
  static constexpr Duration kInterval = std::chrono::seconds(1);  // a token each
  static constexpr Duration kRepeatMin = std::chrono::milliseconds(200);
  static constexpr Duration kRepeatMax = std::chrono::seconds(1);
  // Intervals of which each began with a request and brought other frames only, after which key
  // frames are taken to be hidden: the frames are encrypted end to end.
  static constexpr int kUnansweredMax = 2;
  // The same of one whose key frames did show: more likely these were lost, their beginnings at
  // least, than that somebody has begun to hide them.
  static constexpr int kUnansweredOfShownMax = 6;
  static constexpr Duration kUnansweredAfter = std::chrono::seconds(1);
  // Where they are hidden: each request costs a key frame that may be of no use to who waits.
  static constexpr Duration kRepeatHiddenAfter = std::chrono::seconds(4);
  // Between two requests of a burst: who comes in between is served by the second, where both
  // spent at once would leave everybody after them waiting for the next token.
  static constexpr Duration kSpacing = std::chrono::milliseconds(300);

  // After how long a request to a publisher so far away is repeated: where nothing is known of
  // that, as if it were far.
  static Duration repeat_after(std::optional<Duration> round_trip) {
    return round_trip ? std::clamp(2 * *round_trip, kRepeatMin, kRepeatMax) : kRepeatMax;
  }

  void ask(Cause cause, TimePoint now);
  // Whoever ask()ed still waits, as far as can be seen.
  void keep_asking(Cause cause, TimePoint now);
  // For somebody who repeats the wish until it is met (another worker).
  void ask_once(Cause cause);
  // A key frame begins to arrive: whoever asked until now is served by it.
  void on_key_frame();
  // A frame begins to arrive that is no key frame as far as can be seen.
  void on_other_frame() { other_frames_ = true; }
  // What comes from here on is another stream: what was seen of the one before says nothing of it,
  // but that whoever hid key frames goes on to.
  void begin_anew();
  // Whoever ask()ed is gone.
  void cancel() {
    wanted_ = false;
    outstanding_ = false;
  }

  // A key frame would not be recognised: a request may have been met without a sign of it. Ends
  // with the first key frame that shows.
  bool are_hidden() const {
    return unanswered_ >= (have_shown_ ? kUnansweredOfShownMax : kUnansweredMax);
  }

  // Requests bring none, be they hidden or not sent.
  bool are_missing() const { return unanswered_ >= kUnansweredMax; }

  // True when a request is to be sent now; it is taken as sent, and repeated after that.
  bool take(TimePoint now, Duration repeat_after = kRepeatMax);
  TimePoint next_due() const;  // kNever when nobody asks
  Cause cause() const { return cause_; }

 private:
  // When the bucket has a token for that: full_at_ is when all would be back. Somebody new has
  // nothing to see until then; who lost something has, and leaves one for whoever comes next.
  TimePoint token_at() const {
    const int needed = cause_ == Cause::kAssignment ? 1 : 2;
    return full_at_ - kInterval * (kBurst - needed);
  }
  void note_unanswered(TimePoint now);

  bool is_wanted() const { return wanted_ || wanted_once_; }

  bool wanted_ = false;
  bool wanted_once_ = false;
  Cause cause_ = Cause::kRepair;
  TimePoint due_{};
  TimePoint sent_at_{};
  TimePoint full_at_{};
  TimePoint spaced_until_{};
  int unanswered_ = 0;        // intervals; the last one is not counted yet
  bool have_shown_ = false;   // a key frame came, ever
  bool outstanding_ = false;  // a request was sent, and no key frame came
  TimePoint unanswered_since_{};
  bool other_frames_ = false;  // since then
};

}  // namespace simpul::relay
