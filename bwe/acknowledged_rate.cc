#include "bwe/acknowledged_rate.h"

#include <algorithm>

namespace simpul::bwe {
namespace {

constexpr Duration kDurationMin = std::chrono::milliseconds(1);
constexpr size_t kRingStart = 64;
constexpr double kDropped = 0.75;

uint64_t rate_of(uint64_t bytes, Duration duration) {
  const auto microseconds = static_cast<uint64_t>(std::max(duration, kDurationMin).count());
  return bytes * 8 * 1'000'000 / microseconds;
}

}  // namespace

void AcknowledgedRate::append(const Packet& packet) {
  if (count_ == packets_.size()) {
    std::vector<Packet> larger(std::max(kRingStart, count_ * 2));
    for (size_t i = 0; i < count_; ++i) larger[i] = at(i);
    packets_ = std::move(larger);
    first_ = 0;
  }
  ++count_;
  at(count_ - 1) = packet;
  bytes_ += packet.size;
}

void AcknowledgedRate::shrink() {
  while (count_ > kPacketsMin) {
    const Duration age = at(count_ - 1).arrived_at - at(0).arrived_at;
    if (count_ <= kPacketsMax && age <= kWindow) return;
    bytes_ -= at(0).size;
    first_ = (first_ + 1) & (packets_.size() - 1);
    --count_;
  }
  while (count_ > 0 && at(count_ - 1).arrived_at - at(0).arrived_at > kWindowMax) {
    bytes_ -= at(0).size;
    first_ = (first_ + 1) & (packets_.size() - 1);
    --count_;
  }
}

void AcknowledgedRate::add(const PacketResult& received) {
  append({.sent_at = received.sent_at, .arrived_at = *received.arrived_at, .size = received.size});
  for (size_t i = count_ - 1; i > 0 && at(i).arrived_at < at(i - 1).arrived_at; --i) {
    std::swap(at(i), at(i - 1));
  }
  shrink();
}

std::optional<uint64_t> AcknowledgedRate::bits_per_second() const {
  if (count_ < kPacketsNeeded) return std::nullopt;
  Duration longest{0};
  Duration second{0};
  Duration former = at(0).arrived_at;
  for (size_t i = 1; i < count_; ++i) {
    const Duration pause = at(i).arrived_at - former;
    former += pause;
    second = std::max(second, std::min(longest, pause));
    longest = std::max(longest, pause);
  }
  // N packets have N - 1 distances: one end of each is left out. Who overtakes on the way is near.
  const Packet& first = at(0);
  const Packet& last = at(count_ - 1);
  const Duration arrived = last.arrived_at - first.arrived_at - longest + second;
  return std::min(rate_of(bytes_ - first.size, arrived),
                  rate_of(bytes_ - last.size, last.sent_at - first.sent_at));
}

std::optional<uint64_t> AcknowledgedRate::dropped_bits_per_second() const {
  const auto whole = bits_per_second();
  if (!whole) return whole;
  uint64_t bytes = 0;
  for (size_t i = count_; i > 0 && at(count_ - 1).arrived_at - at(i - 1).arrived_at < kRecent;
       --i) {
    bytes += at(i - 1).size;
  }
  const uint64_t recent = rate_of(bytes, kRecent);
  return static_cast<double>(recent) < kDropped * static_cast<double>(*whole) ? recent : *whole;
}

}  // namespace simpul::bwe
