#include "bwe/acknowledged_rate.h"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

namespace simpul::bwe {
namespace {

constexpr Duration kDurationMin = std::chrono::milliseconds(1);
constexpr size_t kRingStart = 64;
constexpr double kDropped = 0.75;
constexpr int kPausesInBusy = 3;

uint64_t rate_of(uint64_t bytes, Duration duration) {
  const auto microseconds = static_cast<uint64_t>(std::max(duration, kDurationMin).count());
  return bytes * 8 * 1'000'000 / microseconds;
}

}  // namespace

void AcknowledgedRate::append(const Packet& packet) {
  if (count_ == packets_.size()) {
    std::vector<Packet> larger(std::max(kRingStart, count_ * 2));
    for (size_t i = 0; i < count_; ++i) larger[i] = at(i);
    std::vector<int32_t> larger_pauses(larger.size());
    for (size_t i = 0; i < count_; ++i) {
      larger_pauses[i] = pauses_[(first_ + i) & (packets_.size() - 1)];
    }
    packets_ = std::move(larger);
    pauses_ = std::move(larger_pauses);
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
  size_t place = count_ - 1;
  for (; place > 0 && at(place).arrived_at < at(place - 1).arrived_at; --place) {
    std::swap(at(place), at(place - 1));
  }
  for (size_t i = std::max<size_t>(place, 1); i < count_; ++i) {
    const Duration pause = std::min(at(i).arrived_at - at(i - 1).arrived_at, kWindowMax);
    pauses_[(first_ + i) & (packets_.size() - 1)] = static_cast<int32_t>(pause.count());
  }
  shrink();
}

AcknowledgedRate::Pauses AcknowledgedRate::pauses() const {
  // The ring in two pieces, without what lies before the first packet.
  const size_t begin = (first_ + 1) & (packets_.size() - 1);
  const size_t until_end = std::min(count_ - 1, packets_.size() - begin);
  const std::array pieces = {std::span(pauses_).subspan(begin, until_end),
                             std::span(pauses_).first(count_ - 1 - until_end)};
  // In passes that a compiler makes vectors of.
  Pauses found;
  for (const auto piece : pieces) {
    for (const int32_t pause : piece) found.longest = std::max(found.longest, pause);
  }
  int32_t longest_count = 0;
  for (const auto piece : pieces) {
    for (const int32_t pause : piece) {
      longest_count += pause == found.longest ? 1 : 0;
      found.second = std::max(found.second, pause == found.longest ? 0 : pause);
    }
  }
  if (longest_count > 1) found.second = found.longest;
  return found;
}

std::optional<uint64_t> AcknowledgedRate::bits_per_second() const {
  if (count_ < kPacketsNeeded) return std::nullopt;
  const Pauses longest = pauses();
  // N packets have N - 1 distances: one end of each is left out. Who overtakes on the way is near.
  const Packet& first = at(0);
  const Packet& last = at(count_ - 1);
  const Duration arrived =
      last.arrived_at - first.arrived_at - Duration(longest.longest) + Duration(longest.second);
  return std::min(rate_of(bytes_ - first.size, arrived),
                  rate_of(bytes_ - last.size, last.sent_at - first.sent_at));
}

std::optional<uint64_t> AcknowledgedRate::busy_bits_per_second(Duration waited) const {
  if (waited < kBusyMin || count_ == 0) return std::nullopt;
  const Duration busy = std::min(waited, kRecent);
  const Duration begin = at(count_ - 1).arrived_at - busy;
  uint64_t bytes = 0;
  for (size_t i = count_; i > 0 && at(i - 1).arrived_at > begin; --i) {
    const Duration before = i > 1 ? std::max(at(i - 2).arrived_at, begin) : begin;
    if (at(i - 1).arrived_at - before > busy / kPausesInBusy) return std::nullopt;
    bytes += at(i - 1).size;
  }
  return rate_of(bytes, busy);
}

std::optional<uint64_t> AcknowledgedRate::dropped_bits_per_second(Duration waited) const {
  const auto whole = bits_per_second();
  if (!whole) return whole;
  uint64_t bytes = 0;
  for (size_t i = count_; i > 0 && at(count_ - 1).arrived_at - at(i - 1).arrived_at < kRecent;
       --i) {
    bytes += at(i - 1).size;
  }
  const uint64_t recent = busy_bits_per_second(waited).value_or(rate_of(bytes, kRecent));
  return static_cast<double>(recent) < kDropped * static_cast<double>(*whole) ? recent : *whole;
}

}  // namespace simpul::bwe
