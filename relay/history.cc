#include "relay/history.h"

#include <algorithm>
#include <utility>

#include "base/prefetch.h"

namespace simpul::relay {

void History::put(const FeedPacket& packet) {
  if (limits_.packets_max == 0) return;
  if (ring_.empty()) ring_.resize(limits_.packets_max);
  const auto size = static_cast<int64_t>(ring_.size());
  if (begin_ == end_ || packet.number >= end_ + size) {
    clear();
    begin_ = packet.number;
    end_ = packet.number + 1;
  }
  if (packet.number + size <= end_ - 1) return;
  for (; begin_ + size <= packet.number; ++begin_) drop(begin_);
  begin_ = std::min(begin_, packet.number);
  end_ = std::max(end_, packet.number + 1);
  at(packet.number) = packet;
}

const FeedPacket* History::find(int64_t number) const {
  if (number < begin_ || number >= end_) return nullptr;
  const FeedPacket& packet = ring_[static_cast<size_t>(number) % ring_.size()];
  return packet.media.packet && packet.number == number ? &packet : nullptr;
}

void History::expire(TimePoint now) {
  for (; begin_ < end_; ++begin_) {
    const FeedPacket& oldest = at(begin_);
    const Duration age_max = begin_ < kept_from_ ? limits_.age_max : limits_.kept_age_max;
    if (oldest.media.packet && oldest.arrival + age_max > now) return;
    drop(begin_);
  }
}

void History::prefetch(int64_t number) const {
  if (ring_.empty()) return;
  for (const int64_t needed : {number, begin_}) {
    simpul::prefetch(&ring_[static_cast<size_t>(needed) % ring_.size()], sizeof(FeedPacket));
  }
}

void History::drop(int64_t number) {
  FeedPacket& packet = at(number);
  if (!packet.media.packet) return;
  gone_ = std::max(gone_, number);
  packet.media.packet.reset();  // the rest says nothing without it
}

void History::retire() {
  visit([this](const FeedPacket& packet) { gone_ = std::max(gone_, packet.number); });
  begin_ = end_;
  if (!ring_.empty()) retired_ = std::exchange(ring_, {});
}

void History::clear() {
  for (; begin_ < end_; ++begin_) drop(begin_);
}

}  // namespace simpul::relay
