#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/time.h"
#include "relay/feed_packet.h"

namespace simpul::relay {

// The packets of one feed that can be sent again: references in a ring by number, for all slots
// that carry the feed. Holds at most `packets_max`, none older than `age_max`; those that are kept,
// `kept_age_max`.
class History {
 public:
  static constexpr int64_t kNoNumber = INT64_MAX;

  struct Limits {
    size_t packets_max = 0;
    Duration age_max{};
    Duration kept_age_max{};
  };
  explicit History(const Limits& limits) : limits_(limits) {}

  // Takes no memory before the first packet. What is older than the ring reaches is not kept.
  void put(const FeedPacket& packet);
  // Null when it was never there or is gone. Holds until the next call that is not const.
  const FeedPacket* find(int64_t number) const;
  void expire(TimePoint now);
  // The packets from this number on are kept.
  void keep_from(int64_t number) { kept_from_ = number; }
  int64_t kept_from() const { return kept_from_; }
  void clear();
  // Gives up all packets, but they stay in memory until free_retired(): a batch may borrow from
  // them.
  void retire();
  void free_retired() {
    if (!retired_.empty()) retired_ = {};
  }
  bool has_retired() const { return !retired_.empty(); }
  // Visits what is there, in no order; all but the numbers may be changed.
  template <class Visit>
  void visit(const Visit& visit) {
    for (int64_t number = begin_; number < end_; ++number) {
      if (at(number).media.packet) visit(at(number));
    }
  }
  // What put() of this number will need, and expire(); see base/prefetch.h.
  void prefetch(int64_t number) const;

  bool is_empty() const { return begin_ == end_; }
  Duration age_max() const { return limits_.age_max; }
  int64_t newest() const { return end_ - 1; }
  // The highest number that was here and is gone.
  int64_t gone() const { return gone_; }

 private:
  void drop(int64_t number);
  FeedPacket& at(int64_t number) { return ring_[static_cast<size_t>(number) % ring_.size()]; }

  Limits limits_;
  std::vector<FeedPacket> ring_;
  std::vector<FeedPacket> retired_;
  // Everything that is kept has begin_ <= number < end_.
  int64_t begin_ = 0;
  int64_t end_ = 0;
  int64_t gone_ = -1;
  int64_t kept_from_ = kNoNumber;
};

}  // namespace simpul::relay
