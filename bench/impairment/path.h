#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <random>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"
#include "bench/peer/random.h"

namespace simpul::impairment {

// Losses that come together (Gilbert-Elliott): a chain of two states that takes one step with each
// datagram. In its good state PathOptions::loss counts, in its bad one `loss`. On average
// to_bad / (to_bad + to_good) of the datagrams meet the bad state, 1 / to_good at a time.
struct BurstLoss {
  double to_bad = 0;  // 0: the path is always good
  double to_good = 1;
  double loss = 1;

  friend bool operator==(const BurstLoss&, const BurstLoss&) = default;
};

// How one direction of a network treats datagrams. Probabilities are 0 to 1.
struct PathOptions {
  double loss = 0;
  BurstLoss burst{};
  Duration delay{0};
  Duration jitter{0};  // added to the delay, anything from none to all of it
  double reorder = 0;  // held back by reorder_hold, so that later ones overtake it
  Duration reorder_hold = std::chrono::milliseconds(20);
  double duplicate = 0;
  uint64_t rate_bps = 0;  // 0: no limit; payload bits, headers are not counted
  Duration queue = std::chrono::milliseconds(200);  // what waits longer for the rate is dropped

  friend bool operator==(const PathOptions&, const PathOptions&) = default;
};

struct PathCounts {
  uint64_t received = 0;
  uint64_t passed = 0;  // left the path, duplicates included
  uint64_t passed_bytes = 0;
  uint64_t lost = 0;
  uint64_t queue_drops = 0;
  uint64_t duplicated = 0;
  uint64_t reordered = 0;  // left after one that came later

  PathCounts& operator+=(const PathCounts& other);
  friend bool operator==(const PathCounts&, const PathCounts&) = default;
};

// One direction of a bad network: decides for each datagram whether and when it leaves. First
// loss, then the queue and the rate of the bottleneck, then delay and jitter, which keep the
// order, then reordering. The same seed decides alike, whatever the times: each datagram takes the
// same number of random values under all options.
class Path {
 public:
  using Output = std::vector<std::vector<uint8_t>>;
  // Datagrams on their way; more are dropped as if the queue were full.
  static constexpr size_t kInFlightMax = 65'536;

  Path(const PathOptions& options, uint64_t seed);

  void receive(Bytes datagram, TimePoint now, Output& out);
  // Appends what leaves by `now`.
  void advance(TimePoint now, Output& out);
  TimePoint next_deadline() const;

  // For what comes from now on. What is on its way leaves when it would have left.
  void change(const PathOptions& options) { options_ = options; }
  // What a datagram that comes now would wait for the rate.
  Duration waiting(TimePoint now) const;

  const PathCounts& counts() const { return counts_; }

 private:
  struct Draw {
    double loss, jitter, reorder, duplicate;
  };

  double random();
  double loss_of_next();
  bool passes_bottleneck(size_t size, TimePoint now, TimePoint& at);
  void add(Bytes datagram, TimePoint departure);

  PathOptions options_;
  std::mt19937_64 random_;
  peer::Random chain_random_;  // the chain's own, so that it changes nothing else
  bool is_bad_ = false;
  PathCounts counts_;
  // By departure, then by arrival.
  std::map<std::pair<TimePoint, uint64_t>, std::vector<uint8_t>> in_flight_;
  uint64_t next_number_ = 0;
  uint64_t last_number_out_ = 0;
  TimePoint bottleneck_free_ = TimePoint::min();
  TimePoint last_departure_ = TimePoint::min();
};

}  // namespace simpul::impairment
