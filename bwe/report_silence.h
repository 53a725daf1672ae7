#pragma once

#include <algorithm>
#include <optional>

#include "base/time.h"

namespace simpul::bwe {

// Decides whether a receiver who used to report on what it is sent does so no longer: the path may
// carry nothing, or the receiver may want to be sent more than it can take. Nobody is silent who
// never reported, or who is sent nothing to report on. In the manner of RFC 8083 §4.1 and §4.2,
// with reports that come many times a second.
class ReportSilence {
 public:
  // So long without a report while packets leave: a receiver sends one each 250 ms or more often,
  // and the first packet after a pause has to go there and its report to come back. Who lets
  // packets wait for longer as a rule (sound alone, with GStreamer) is waited for twice as long as
  // that, up to kAfterMax.
  static constexpr Duration kAfter = std::chrono::milliseconds(1'500);
  static constexpr Duration kAfterMax = std::chrono::seconds(8);
  // The same of who only tells an estimate of its own, as a rule once a second: two of those that
  // were lost are no silence.
  static constexpr Duration kAfterOwn = std::chrono::seconds(4);
  // Where nothing leaves for longer than that, nothing is waited for.
  static constexpr Duration kPause = std::chrono::milliseconds(500);
  // A silence in which nothing leaves for so long tells nothing any more.
  static constexpr Duration kForgottenAfter = std::chrono::seconds(5);
  // How often it is looked at.
  static constexpr Duration kStep = std::chrono::milliseconds(500);

  // A packet left that is to be reported on.
  void on_sent(TimePoint now) {
    if (!waiting_since_ || (now - last_sent_ > kPause && !lasts(now))) waiting_since_ = now;
    last_sent_ = now;
  }
  // One that was sent was spoken of. The next report is waited for so long at least.
  void on_report(TimePoint now, Duration least = kAfter) {
    const Duration waited = has_reported_ && waiting_since_ ? now - *waiting_since_ : Duration{};
    usual_ =
        std::max(waited, usual_ - usual_ / 8);  // what was once a pause of the path is forgotten
    after_ = std::clamp(2 * usual_, least, kAfterMax);
    waiting_since_.reset();
    has_reported_ = true;
    next_look_ = now + after_;
  }

  bool lasts(TimePoint now) const {
    return has_reported_ && waiting_since_ && last_sent_ - *waiting_since_ >= after_ &&
           now - last_sent_ <= kForgottenAfter;
  }
  // Nothing has left for so long that nobody could report on anything.
  bool is_mutual(TimePoint now) const { return now - last_sent_ >= kPause; }

  // When it may have begun, or goes on.
  TimePoint next_look() const { return next_look_; }
  void on_look(TimePoint now) {
    if (next_look_ <= now) next_look_ = now + (waiting_since_ ? kStep : after_);
  }

 private:
  bool has_reported_ = false;
  std::optional<TimePoint> waiting_since_;  // for a report
  Duration usual_{};                        // for so long, of late
  Duration after_ = kAfter;
  TimePoint last_sent_{};
  TimePoint next_look_ = kNever;
};

}  // namespace simpul::bwe
