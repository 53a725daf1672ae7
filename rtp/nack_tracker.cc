#include "rtp/nack_tracker.h"

#include <algorithm>
#include <utility>

namespace simpul::rtp {

Arrival NackTracker::on_packet(SequenceNumber sequence_number, TimePoint now) {
  if (!started_) {
    restart(sequence_number);
    return Arrival::kNew;
  }
  const int64_t number = unwrap_near(newest_, sequence_number);
  if (newest_ - number >= kHistory) return on_outdated(sequence_number);
  expected_after_old_.reset();
  if (number <= newest_) return on_older(number);
  if (number - newest_ > kJumpMax) {
    restart(sequence_number);
    wants_key_frame_ = true;
    return Arrival::kNew;
  }
  add_gap(number, now);
  newest_ = number;
  mark(number, true);
  return Arrival::kNew;
}

Arrival NackTracker::on_older(int64_t number) {
  if (received_.test(static_cast<size_t>(number & (kHistory - 1)))) return Arrival::kDuplicate;
  mark(number, true);
  const auto found = std::ranges::lower_bound(missing_, number, {}, &Missing::number);
  if (found != missing_.end() && found->number == number) missing_.erase(found);
  if (missing_.empty()) deadline_ = kNever;
  return Arrival::kRecovered;
}

// One is a straggler, two in sequence are a sender that began anew.
Arrival NackTracker::on_outdated(SequenceNumber sequence_number) {
  if (expected_after_old_ != sequence_number) {
    expected_after_old_ = SequenceNumber(static_cast<uint16_t>(sequence_number.value() + 1));
    return Arrival::kTooOld;
  }
  restart(sequence_number);
  wants_key_frame_ = true;
  return Arrival::kNew;
}

void NackTracker::add_gap(int64_t number, TimePoint now) {
  const int64_t first = newest_ + 1;
  for (int64_t lost = first; lost < number; ++lost) mark(lost, false);
  if (missing_.size() + static_cast<size_t>(number - first) > limits_.missing_max) {
    missing_.clear();
    deadline_ = kNever;
    wants_key_frame_ = true;
    return;
  }
  const TimePoint first_attempt = now + limits_.reorder_tolerance;
  for (int64_t lost = first; lost < number; ++lost) {
    missing_.push_back({.number = lost, .since = now, .next_attempt = first_attempt});
    deadline_ = std::min(deadline_, first_attempt);
  }
}

void NackTracker::restart(SequenceNumber sequence_number) {
  started_ = true;
  newest_ = sequence_number.value();
  received_.reset();
  mark(newest_, true);
  missing_.clear();
  expected_after_old_.reset();
  deadline_ = kNever;
}

size_t NackTracker::collect_due(TimePoint now, std::vector<SequenceNumber>& due) {
  deadline_ = kNever;
  return std::erase_if(missing_, [&](Missing& lost) {
    const TimePoint end = lost.since + limits_.age_max;
    const bool is_due = lost.next_attempt <= now;
    if (now >= end || (is_due && lost.attempts >= limits_.attempts_max)) return true;
    if (is_due) {
      due.push_back(SequenceNumber(static_cast<uint16_t>(lost.number)));
      ++lost.attempts;
      lost.asked = now;
      lost.next_attempt = now + retry_after(lost.attempts);
    }
    deadline_ = std::min({deadline_, lost.next_attempt, end});
    return false;
  });
}

std::optional<TimePoint> NackTracker::asked_at(SequenceNumber sequence_number) const {
  const int64_t number = unwrap_near(newest_, sequence_number);
  const auto found = std::ranges::lower_bound(missing_, number, {}, &Missing::number);
  if (found == missing_.end() || found->number != number || found->attempts != 1) {
    return std::nullopt;
  }
  return found->asked;
}

bool NackTracker::wants_key_frame() { return std::exchange(wants_key_frame_, false); }

Duration NackTracker::retry_after(int attempts) const {
  const Duration first = std::max(kRetryMin, round_trip_ * 3 / 2);
  return first + first * (attempts - 1) / 4;
}

}  // namespace simpul::rtp
