#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/time.h"
#include "relay/relay.h"

namespace simpul::relay {

class Track;
struct Schedule;
struct Subscriber;
struct PaddingWish;

// The order in which packets leave: rounds. A round takes what is due of all feeds, then visits
// each subscriber that it is for once, and gives all of its packets together. Every round begins
// with another subscriber, so that nobody is always last.
class Egress {
 public:
  // `schedule` outlives it, and tells whose replay goes on.
  explicit Egress(Schedule& schedule) : schedule_(schedule) {}

  // Has packets that wait; has retransmissions that wait.
  void enlist(Track& track);
  void enlist(Subscriber& subscriber) { repaired_.push_back(&subscriber); }
  // They are going; nothing of theirs leaves any more.
  void forget(Track& track);
  void forget(Subscriber& subscriber);

  bool collect(TimePoint now, Duration hold, SubscriberBatch& batch, Counters& counters);
  bool collect_padding(Subscriber& subscriber, const PaddingWish& wish, SubscriberBatch& batch);
  TimePoint next_collect(Duration hold) const;

 private:
  bool begin_round(TimePoint now, Duration hold);
  void end_round();
  void visit(Subscriber& subscriber);
  Subscriber* ahead(size_t count) const;  // null when the round is over before
  std::optional<SubscriberId> look_ahead() const;

  Schedule& schedule_;
  std::vector<Track*> waiting_;
  std::vector<Subscriber*> repaired_;

  uint64_t round_ = 0;
  std::vector<Track*> due_;                   // of this round
  std::vector<Subscriber*> subscribers_;      // of this round; null who has gone
  size_t visited_ = 0;                        // of them
  size_t first_ = 0;                          // where the round began
  std::vector<rtp::OutgoingPacket> packets_;  // of the last batch
};

}  // namespace simpul::relay
