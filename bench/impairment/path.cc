#include "bench/impairment/path.h"

#include <algorithm>

#include "base/protocol_core.h"

namespace simpul::impairment {

static_assert(ProtocolCore<Path>);

PathCounts& PathCounts::operator+=(const PathCounts& other) {
  received += other.received;
  passed += other.passed;
  passed_bytes += other.passed_bytes;
  lost += other.lost;
  queue_drops += other.queue_drops;
  duplicated += other.duplicated;
  reordered += other.reordered;
  return *this;
}

Path::Path(const PathOptions& options, uint64_t seed)
    : options_(options), random_(seed), chain_random_(seed) {}

// 0 to 1, the same on every standard library.
double Path::random() { return static_cast<double>(random_() >> 11) * 0x1.0p-53; }

// Takes the chain's step for one datagram.
double Path::loss_of_next() {
  if (chain_random_.share() < (is_bad_ ? options_.burst.to_good : options_.burst.to_bad)) {
    is_bad_ = !is_bad_;
  }
  return is_bad_ ? options_.burst.loss : options_.loss;
}

void Path::receive(Bytes datagram, TimePoint now, Output& out) {
  const Draw draw{random(), random(), random(), random()};
  ++counts_.received;
  if (draw.loss < loss_of_next()) {
    ++counts_.lost;
    return;
  }
  TimePoint at = now;
  if (in_flight_.size() >= kInFlightMax || !passes_bottleneck(datagram.size(), now, at)) {
    ++counts_.queue_drops;
    return;
  }
  at += options_.delay + std::chrono::duration_cast<Duration>(options_.jitter * draw.jitter);
  at = std::max(at, last_departure_);
  if (draw.reorder < options_.reorder) {
    at += options_.reorder_hold;
  } else {
    last_departure_ = at;
  }
  add(datagram, at);
  if (draw.duplicate < options_.duplicate && in_flight_.size() < kInFlightMax) {
    ++counts_.duplicated;
    add(datagram, at);
  }
  advance(now, out);
}

// False when the queue is full. Otherwise the datagram has left the bottleneck at `at`.
bool Path::passes_bottleneck(size_t size, TimePoint now, TimePoint& at) {
  if (options_.rate_bps == 0) return true;
  const TimePoint start = std::max(now, bottleneck_free_);
  if (start - now > options_.queue) return false;
  const uint64_t bits = uint64_t{size} * 8;
  bottleneck_free_ = start + Duration(bits * 1'000'000 / options_.rate_bps);
  at = bottleneck_free_;
  return true;
}

void Path::add(Bytes datagram, TimePoint departure) {
  in_flight_.emplace(std::pair(departure, next_number_++),
                     std::vector<uint8_t>(datagram.begin(), datagram.end()));
}

void Path::advance(TimePoint now, Output& out) {
  while (!in_flight_.empty() && in_flight_.begin()->first.first <= now) {
    auto first = in_flight_.extract(in_flight_.begin());
    const uint64_t number = first.key().second;
    if (number < last_number_out_) ++counts_.reordered;
    last_number_out_ = std::max(last_number_out_, number);
    ++counts_.passed;
    counts_.passed_bytes += first.mapped().size();
    out.push_back(std::move(first.mapped()));
  }
}

Duration Path::waiting(TimePoint now) const {
  return bottleneck_free_ > now ? bottleneck_free_ - now : Duration{0};
}

TimePoint Path::next_deadline() const {
  return in_flight_.empty() ? kNever : in_flight_.begin()->first.first;
}

}  // namespace simpul::impairment
