#include "connection/probe_sender.h"

#include <algorithm>

namespace simpul::connection {
namespace {

// After so many times its length a probe is given up: there was nothing to send.
constexpr int kLengthsMax = 3;

Duration length_of(const bwe::Probe& probe) {
  return std::chrono::duration_cast<Duration>(
      std::chrono::duration<double>(probe.bytes * 8.0 / probe.bps));
}

}  // namespace

void ProbeSender::add(const bwe::Probe& probe) {
  if (waiting_.size() < kWaitingMax && probe.bps > 0) waiting_.push_back(probe);
}

void ProbeSender::end() {
  waiting_.erase(waiting_.begin());
  began_.reset();
}

bool ProbeSender::is_complete() const {
  return sent_ >= waiting_.front().bytes && packets_ >= waiting_.front().packets;
}

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
  if (is_complete() || elapsed > kLengthsMax * length_of(probe)) {
    end();
    return 0;
  }
  const double seconds = std::chrono::duration<double>(elapsed).count();
  auto wanted = static_cast<size_t>(probe.bps / 8 * seconds);
  // Large packets make up its bytes before it has as many as it takes: it goes on at its rate.
  if (packets_ >= probe.packets) wanted = std::min<size_t>(wanted, probe.bytes);
  return wanted > sent_ ? wanted - sent_ : 0;
}

}  // namespace simpul::connection
