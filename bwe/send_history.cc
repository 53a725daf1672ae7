#include "bwe/send_history.h"

#include <algorithm>
#include <limits>

namespace simpul::bwe {
namespace {

// ReportedArrival::time wraps after so long.
constexpr Duration kFeedbackClockPeriod = std::chrono::milliseconds(64) * (int64_t{1} << 24);
// Between two arrivals that are reported; a clock that jumps further says nothing.
constexpr Duration kStepMax = std::chrono::minutes(10);

uint32_t low_bits(TimePoint time) { return static_cast<uint32_t>(time.time_since_epoch().count()); }

}  // namespace

Duration SendHistory::age_of(const Entry& entry, TimePoint now) const {
  return Duration(low_bits(now) - entry.sent_us);
}

// Before the oldest is overwritten: it is of use for as long as something may be said of it.
void SendHistory::make_room(TimePoint now) {
  if (entries_.empty()) entries_.resize(kSizeMin);
  const int64_t oldest = next_ - static_cast<int64_t>(entries_.size());
  if (entries_.size() == kSizeMax || oldest < 0) return;
  const Entry& entry = entry_of(oldest);
  const bool is_awaited = entry.state == State::kInFlight || entry.state == State::kLost;
  if (!is_awaited || age_of(entry, now) >= kAge) return;
  std::vector<Entry> larger(entries_.size() * 2);
  for (int64_t number = oldest; number < next_; ++number) {
    larger[static_cast<size_t>(number) & (larger.size() - 1)] = entry_of(number);
  }
  entries_ = std::move(larger);
}

void SendHistory::on_sent(rtp::SequenceNumber transport_sequence, size_t size, ProbeId probe,
                          TimePoint now) {
  if (next_ < 0) {
    // Room below, so that no number is ever negative.
    next_ = int64_t{transport_sequence.value()} + 0x1'0000;
  }
  const int64_t number = rtp::unwrap_near(next_, transport_sequence);
  if (number < next_) return;  // was sent already
  for (; next_ <= number; ++next_) {
    make_room(now);
    entry_of(next_) = {.sent_us = low_bits(now), .probe = {}, .state = State::kHole};
  }
  const auto kept_size =
      static_cast<uint16_t>(std::min<size_t>(size, std::numeric_limits<uint16_t>::max()));
  entry_of(number) = {
      .sent_us = low_bits(now), .size = kept_size, .probe = probe, .state = State::kInFlight};
}

inline Duration SendHistory::ReceiverClock::unwrap(Duration reported, Duration period) {
  if (!last) {
    last = time = reported;
    return time;
  }
  Duration step = reported - *last;
  if (step > period / 2) step -= period;
  if (step < -period / 2) step += period;
  last = reported;
  if (step <= kStepMax && step >= -kStepMax) time += step;
  return time;
}

inline void SendHistory::take(int64_t number, bool came, Duration reported, ReceiverClock& clock,
                              Duration clock_period, TimePoint now,
                              std::vector<PacketResult>& results) {
  Entry& entry = entry_of(number);
  const Duration age = age_of(entry, now);
  if (age >= kAge) return;
  switch (entry.state) {
    case State::kNone:
      return;
    case State::kHole:
      if (came) {
        entry.state = State::kNone;
        ++false_reports_;
      }
      return;
    case State::kLost:
      if (!came) return;  // was told already
      break;
    case State::kInFlight:
      break;
  }
  const bool was_lost = entry.state == State::kLost;
  entry.state = came ? State::kNone : State::kLost;
  // Written where it stays: what is made elsewhere in parts is waited for when it is copied.
  PacketResult& result = results.emplace_back();
  result.sent_at = now - age;
  if (came) result.arrived_at = clock.unwrap(reported, clock_period);
  result.size = entry.size;
  result.probe = entry.probe;
  result.was_lost = was_lost;
  result.number = rtp::SequenceNumber(static_cast<uint16_t>(number));
}

// Whether a packet left under one of those numbers of which nothing was said yet: what was left out
// is in no report.
bool SendHistory::is_any_awaited(int64_t begin, int64_t end) {
  end = std::min(end, next_);
  for (int64_t number = std::max(begin, first_kept()); number < end; ++number) {
    if (entry_of(number).state == State::kInFlight) return true;
  }
  return false;
}

bool SendHistory::on_feedback(const rtp::TransportFeedback& message, TimePoint now,
                              std::vector<PacketResult>& results) {
  arrivals_.clear();
  if (!message.append_arrivals(arrivals_)) return false;
  if (next_ < 0) return true;
  const int64_t base = rtp::unwrap_near(next_ - 1, message.base);
  missed_report_ = reported_until_ >= 0 && base > reported_until_;
  reported_until_ = std::max(reported_until_, std::min(base + message.status_count, next_));
  // A message may speak of 65,535 numbers in a few bytes: only those that are kept are looked at.
  const int64_t begin = std::max(base, first_kept());
  const int64_t end = std::min(base + message.status_count, next_);
  auto arrival = std::ranges::find_if(arrivals_, [&](const rtp::ReportedArrival& reported) {
    return rtp::unwrap_near(next_ - 1, reported.transport_sequence) >= begin;
  });
  ReceiverClock clock = clock_;
  for (int64_t number = begin; number < end; ++number) {
    const bool came = arrival != arrivals_.end() &&
                      arrival->transport_sequence.value() == static_cast<uint16_t>(number);
    const Duration reported = came ? (arrival++)->time : Duration{};
    take(number, came, reported, clock, kFeedbackClockPeriod, now, results);
  }
  clock_ = clock;
  return true;
}

void SendHistory::on_reports(std::span<NumberReport> reports, Duration clock_period, TimePoint now,
                             std::vector<PacketResult>& results) {
  missed_report_ = false;
  if (next_ < 0 || reports.empty()) return;
  const auto number_of = [this](const NumberReport& report) {
    return rtp::unwrap_near(next_ - 1, report.number);
  };
  std::ranges::stable_sort(reports, {}, number_of);
  missed_report_ =
      reported_until_ >= 0 && is_any_awaited(reported_until_, number_of(reports.front()));
  reported_until_ = std::max(reported_until_, std::min(number_of(reports.back()) + 1, next_));
  for (const NumberReport& report : reports) {
    const int64_t number = number_of(report);
    if (number < first_kept() || number >= next_) continue;
    const bool came = report.arrived_at.has_value();
    take(number, came, report.arrived_at.value_or(Duration{}), clock_, clock_period, now, results);
  }
}

}  // namespace simpul::bwe
