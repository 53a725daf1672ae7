#include "bwe/acknowledged_rate.h"

#include <algorithm>
#include <utility>

namespace simpul::bwe {
namespace {

constexpr Duration kDurationMin = std::chrono::milliseconds(1);
constexpr size_t kRingStart = 64;  // a multiple of kBlock
constexpr double kDropped = 0.75;
constexpr int kPausesInBusy = 3;

uint64_t rate_of(uint64_t bytes, Duration duration) {
  const auto microseconds = static_cast<uint64_t>(std::max(duration, kDurationMin).count());
  return bytes * 8 * 1'000'000 / microseconds;
}

int32_t pause_of(Duration duration) {
  return static_cast<int32_t>(std::min(duration, AcknowledgedRate::kWindowMax).count());
}

}  // namespace

inline void AcknowledgedRate::Pauses::add(int32_t pause) {
  second = std::max(second, std::min(longest, pause));
  longest = std::max(longest, pause);
}

void AcknowledgedRate::make_room() {
  shrink();
  if (count_ < packets_.size()) return;
  std::vector<Packet> larger(std::max(kRingStart, count_ * 2));
  for (size_t i = 0; i < count_; ++i) larger[i] = at(i);
  packets_ = std::move(larger);
  first_ = 0;
  blocks_.resize(packets_.size() / kBlock);
  note_pauses(0);
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

// A block begins anew with its first slot.
void AcknowledgedRate::note_pause(size_t slot) {
  Pauses& block = blocks_[slot / kBlock];
  if (slot % kBlock == 0) block = {};
  block.add(packets_[slot].pause);
}

// From the packet at `begin` on, and of what is in its block before it.
void AcknowledgedRate::note_pauses(size_t begin) {
  for (size_t i = begin - std::min(begin, slot_of(begin) % kBlock); i < count_; ++i) {
    const Duration pause = i == 0 ? Duration{} : at(i).arrived_at - at(i - 1).arrived_at;
    at(i).pause = pause_of(pause);
    note_pause(slot_of(i));
  }
}

// Of which others that are here already came behind it.
void AcknowledgedRate::sort_last() {
  const Packet packet = at(count_ - 1);
  size_t place = count_ - 1;
  for (; place > 0 && packet.arrived_at < at(place - 1).arrived_at; --place) {
    at(place) = at(place - 1);
  }
  at(place) = packet;
  note_pauses(place);
}

void AcknowledgedRate::add(std::span<const PacketResult> results) {
  for (const PacketResult& result : results) {
    if (result.arrived_at) add(result.sent_at, *result.arrived_at, result.size);
  }
  shrink();
}

void AcknowledgedRate::add(TimePoint sent_at, Duration arrived_at, uint32_t size) {
  if (count_ == packets_.size()) make_room();
  const Duration pause = count_ == 0 ? Duration{} : arrived_at - at(count_ - 1).arrived_at;
  const size_t slot = slot_of(count_++);
  // Written where it stays: what is made elsewhere in parts is waited for when it is copied.
  Packet& packet = packets_[slot];
  packet.sent_at = sent_at;
  packet.arrived_at = arrived_at;
  packet.size = size;
  packet.pause = pause_of(pause);
  bytes_ += size;
  note_pause(slot);
  if (pause < Duration{}) sort_last();
}

AcknowledgedRate::Pauses AcknowledgedRate::pauses() const {
  Pauses found;
  for (size_t i = 1; i < count_;) {
    const size_t slot = slot_of(i);
    const size_t end = slot - slot % kBlock + kBlock;
    if (slot % kBlock == 0) {
      found.add(blocks_[slot / kBlock].longest);
      found.add(blocks_[slot / kBlock].second);
    } else {  // the first one: a part of it lies before the first packet
      const size_t last = std::min(end, slot + count_ - i);
      for (size_t each = slot; each < last; ++each) found.add(packets_[each].pause);
    }
    i += end - slot;
  }
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
