#include "connection/probe_sender.h"

#include <algorithm>

namespace simpul::connection {

void ProbeSender::add(const bwe::Probe& probe) {
  if (probe.bps <= 0) return;
  const auto not_begun = waiting_.begin() + (began_ ? 1 : 0);
  const auto same = std::find_if(not_begun, waiting_.end(), [&](const bwe::Probe& one) {
    return one.id == bwe::ProbeId() && probe.id == bwe::ProbeId();
  });
  if (same != waiting_.end()) {
    *same = probe;
  } else if (waiting_.size() < kWaitingMax) {
    waiting_.push_back(probe);
  }
}

void ProbeSender::end() {
  waiting_.erase(waiting_.begin());
  began_.reset();
}

bool ProbeSender::is_complete() const {
  return sent_ >= waiting_.front().bytes && packets_ >= waiting_.front().packets;
}

Duration ProbeSender::time_for(size_t bytes) const {
  const double seconds = static_cast<double>(bytes) * 8 / waiting_.front().bps;
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
}

// Packets have distances: the next one is due when those before it have passed, or what is measured
// would be a packet less than the rate.
size_t ProbeSender::due(TimePoint now) {
  if (waiting_.empty() || now < next_) return 0;
  next_ = now + kStep;
  if (!began_) {
    began_ = now;
    sent_ = packets_ = 0;
    return 1;  // the first packet, from which the time counts
  }
  const bwe::Probe& probe = waiting_.front();
  const Duration elapsed = now - *began_;
  if (is_complete() || elapsed >= length_max()) {
    end();
    return 0;
  }
  const auto passed =
      static_cast<size_t>(probe.bps / 8 * std::chrono::duration<double>(elapsed).count());
  if (sent_ == 0) return 1;  // nothing could leave, or not on a numbered line
  return passed >= sent_ ? passed - sent_ + 1 : 0;
}

}  // namespace simpul::connection
