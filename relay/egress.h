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
//
// A round for thousands lasts tens of milliseconds. So that a table need not wait for a stage, what
// there is for a few is given in a short round before, and what comes for them meanwhile between
// its visits: of tracks with no more than kFewSlots slots, whose subscribers have no part in the
// long round. After each short one come kVisitsBetween visits of the long one, if there is one.
class Egress {
 public:
  static constexpr size_t kFewSlots = 32;
  static constexpr size_t kVisitsBetween = 32;

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
  static constexpr uint64_t kNoRound = ~uint64_t{0};

  struct Round {
    uint64_t number = kNoRound;
    std::vector<Track*> due;
    std::vector<Subscriber*> subscribers;  // null who has gone
    size_t visited = 0;                    // of them
    size_t first = 0;                      // where it began

    bool is_over() const { return visited == subscribers.size(); }
    Subscriber* ahead(size_t count) const;  // null when the round is over before
  };

  // False when there is nothing for it.
  bool begin_round(TimePoint now, Duration hold);
  bool begin_short(TimePoint now, Duration hold);
  bool begin(Round& round);
  // Takes what is due of a track that no round is for.
  bool release(Track& track, Round& round, TimePoint now, Duration hold);
  void end_round();
  void end(Round& round);
  void visit(Subscriber& subscriber, Round& round);
  // False when it is over.
  bool go_on(Round& round, SubscriberBatch& batch, Counters& counters);
  bool is_for_others(const Track& track) const;
  static std::optional<SubscriberId> look_ahead(const Round& round);

  Schedule& schedule_;
  std::vector<Track*> waiting_;
  std::vector<Subscriber*> repaired_;

  uint64_t rounds_ = 0;
  Round round_;
  Round short_;
  size_t next_short_ = 0;                     // visits of round_ before which there is none
  std::vector<rtp::OutgoingPacket> packets_;  // of the last batch
};

}  // namespace simpul::relay
