#include "bwe/acknowledged_rate.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <random>
#include <vector>

namespace simpul::bwe {
namespace {

using namespace std::chrono_literals;

const TimePoint kStart{1h};

// What AcknowledgedRate is to say, packet by packet and with a look at all of them each time.
class PlainRate {
 public:
  void add(const PacketResult& received) {
    const auto after =
        std::ranges::upper_bound(packets_, received.arrived_at, {}, &PacketResult::arrived_at);
    packets_.insert(after, received);
    const auto age = [&] { return *packets_.back().arrived_at - *packets_.front().arrived_at; };
    while (packets_.size() > AcknowledgedRate::kPacketsMin &&
           (packets_.size() > AcknowledgedRate::kPacketsMax || age() > AcknowledgedRate::kWindow)) {
      packets_.erase(packets_.begin());
    }
    while (age() > AcknowledgedRate::kWindowMax) packets_.erase(packets_.begin());
  }

  std::optional<uint64_t> bits_per_second() const {
    if (packets_.size() < AcknowledgedRate::kPacketsNeeded) return std::nullopt;
    std::vector<Duration> pauses = {0ms};
    uint64_t bytes = packets_[0].size;
    for (size_t i = 1; i < packets_.size(); ++i) {
      pauses.push_back(*packets_[i].arrived_at - *packets_[i - 1].arrived_at);
      bytes += packets_[i].size;
    }
    std::ranges::sort(pauses, std::greater());
    const PacketResult& first = packets_.front();
    const PacketResult& last = packets_.back();
    return std::min(
        rate_of(bytes - first.size, *last.arrived_at - *first.arrived_at - pauses[0] + pauses[1]),
        rate_of(bytes - last.size, last.sent_at - first.sent_at));
  }

  size_t count() const { return packets_.size(); }

 private:
  static uint64_t rate_of(uint64_t bytes, Duration duration) {
    return bytes * 8 * 1'000'000 / static_cast<uint64_t>(std::max<Duration>(duration, 1ms).count());
  }

  std::vector<PacketResult> packets_;
};

// Packets of a path with stalls, losses, reordering and a clock that jumps, in reports of any size.
class RandomPath {
 public:
  explicit RandomPath(uint32_t seed) : random_(seed), spacing_(below(15'000) + 1) {}

  std::vector<PacketResult> report() {
    std::vector<PacketResult> results(below(20) == 0 ? below(1'500) : below(60));
    for (PacketResult& result : results) {
      sent_ += Duration(below(2 * spacing_));
      arrived_ += Duration(below(2 * spacing_));
      if (below(200) == 0) arrived_ += Duration(below(400'000));
      if (below(3'000) == 0) arrived_ += Duration(below(20'000'000)) - 10s;
      result = {.sent_at = sent_, .size = 1 + below(1'200)};
      if (below(10) == 0) continue;
      const bool late = below(8) == 0;
      result.arrived_at = arrived_ - Duration(late ? below(40 * spacing_) : 0);
      // As the receiver says it, so that many pauses are equally long.
      *result.arrived_at -= *result.arrived_at % 250us;
    }
    return results;
  }

 private:
  uint32_t below(uint32_t limit) { return static_cast<uint32_t>(random_() % limit); }

  std::mt19937 random_;
  uint32_t spacing_;  // in µs
  TimePoint sent_ = kStart;
  Duration arrived_ = 20min;
};

TEST(AcknowledgedRateProperty, IsThatOfEveryPacketLookedAtAlone) {
  size_t longest = 0;
  for (uint32_t seed = 0; seed < 24; ++seed) {
    RandomPath path(seed);
    AcknowledgedRate rate;
    PlainRate plain;
    for (int report = 0; report < 60; ++report) {
      const auto results = path.report();
      rate.add(results);
      for (const PacketResult& result : results) {
        if (result.arrived_at) plain.add(result);
      }
      longest = std::max(longest, plain.count());
      ASSERT_EQ(rate.bits_per_second(), plain.bits_per_second()) << seed << ' ' << report;
    }
  }
  EXPECT_EQ(longest, AcknowledgedRate::kPacketsMax);
}

}  // namespace
}  // namespace simpul::bwe
