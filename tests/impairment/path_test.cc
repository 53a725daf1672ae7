#include "bench/impairment/path.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace simpul::impairment {
namespace {

using std::chrono::milliseconds;
using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr uint64_t kSeed = 7;
constexpr TimePoint kStart = TimePoint(std::chrono::hours(1));

struct Departure {
  uint32_t number;
  Duration at;

  friend bool operator==(const Departure&, const Departure&) = default;
};

// Sends numbered datagrams of one size at an even pace through a path, at virtual time.
std::vector<Departure> send(Path& path, uint32_t count, Duration interval, size_t size = 1000) {
  std::vector<Departure> departures;
  std::vector<uint8_t> datagram(size);
  const auto keep = [&](const Path::Output& out, TimePoint now) {
    for (const auto& bytes : out) {
      departures.push_back({load_be32(Bytes(bytes).first<4>()), now - kStart});
    }
  };
  const auto run_until = [&](TimePoint end) {
    while (path.next_deadline() < end) {
      const TimePoint now = path.next_deadline();
      Path::Output out;
      path.advance(now, out);
      keep(out, now);
    }
  };
  for (uint32_t number = 0; number < count; ++number) {
    const TimePoint now = kStart + number * interval;
    run_until(now);
    Path::Output out;
    store_be32(std::span(datagram).first<4>(), number);
    path.receive(datagram, now, out);
    keep(out, now);
  }
  run_until(kNever);
  return departures;
}

std::vector<uint32_t> numbers(const std::vector<Departure>& departures) {
  std::vector<uint32_t> all;
  for (const Departure& departure : departures) all.push_back(departure.number);
  return all;
}

TEST(Path, PassesEverythingAtOnceWithoutOptions) {
  Path path({}, kSeed);
  const auto departures = send(path, 3, milliseconds(10));
  EXPECT_THAT(departures, ElementsAre(Departure{0, milliseconds(0)}, Departure{1, milliseconds(10)},
                                      Departure{2, milliseconds(20)}));
  EXPECT_EQ(path.next_deadline(), kNever);
}

TEST(Path, LosesTheShareThatItIsTold) {
  Path path({.loss = 0.05}, kSeed);
  const auto departures = send(path, 20'000, milliseconds(1));
  EXPECT_THAT(static_cast<double>(departures.size()), DoubleNear(19'000, 150));
  EXPECT_EQ(path.counts().lost + path.counts().passed, 20'000u);
}

TEST(Path, LosesEverythingOrNothingAtTheEnds) {
  Path all({.loss = 1}, kSeed);
  EXPECT_THAT(send(all, 100, milliseconds(1)), IsEmpty());
  Path none({.loss = 0}, kSeed);
  EXPECT_THAT(send(none, 100, milliseconds(1)), SizeIs(100));
}

TEST(Path, LosesInBurstsAsLongAndAsOftenAsItIsTold) {
  // A tenth of all in the bad state, four at a time.
  Path path({.burst = {.to_bad = 0.25 / 9, .to_good = 0.25}}, kSeed);
  const auto came = numbers(send(path, 40'000, milliseconds(1)));
  EXPECT_THAT(static_cast<double>(path.counts().lost), DoubleNear(4'000, 400));
  size_t bursts = 0;
  for (size_t i = 1; i < came.size(); ++i) bursts += came[i] != came[i - 1] + 1;
  EXPECT_THAT(static_cast<double>(path.counts().lost) / static_cast<double>(bursts),
              DoubleNear(4, 0.3));
}

TEST(Path, LosesByTheStateThatItIsIn) {
  Path never({.burst = {.to_bad = 0.5, .to_good = 0.5, .loss = 0}}, kSeed);
  EXPECT_THAT(send(never, 1'000, milliseconds(1)), SizeIs(1'000));
  Path always({.loss = 1, .burst = {.to_bad = 0.5, .to_good = 0.5, .loss = 0}}, kSeed);
  EXPECT_THAT(static_cast<double>(send(always, 10'000, milliseconds(1)).size()),
              DoubleNear(5'000, 200));
  Path stuck({.burst = {.to_bad = 1, .to_good = 0}}, kSeed);
  EXPECT_THAT(send(stuck, 100, milliseconds(1)), IsEmpty());
}

TEST(Path, LosesTheSameBurstsWhateverTheOtherOptions) {
  const BurstLoss burst{.to_bad = 0.05, .to_good = 0.3, .loss = 0.9};
  Path plain({.burst = burst}, kSeed);
  Path varied({.burst = burst, .delay = milliseconds(30), .jitter = milliseconds(9)}, kSeed);
  EXPECT_EQ(numbers(send(varied, 500, milliseconds(3))),
            numbers(send(plain, 500, milliseconds(1))));
}

TEST(Path, DecidesAlikeForTheSameSeedAndOtherwiseForAnother) {
  const PathOptions options{.loss = 0.1, .jitter = milliseconds(5), .reorder = 0.1};
  Path first(options, kSeed);
  Path same(options, kSeed);
  Path other(options, kSeed + 1);
  const auto departures = send(first, 500, milliseconds(1));
  EXPECT_EQ(send(same, 500, milliseconds(1)), departures);
  EXPECT_NE(send(other, 500, milliseconds(1)), departures);
}

TEST(Path, LosesTheSameDatagramsWhateverTheOtherOptions) {
  Path plain({.loss = 0.1}, kSeed);
  Path varied({.loss = 0.1, .delay = milliseconds(30), .jitter = milliseconds(9), .reorder = 0.2},
              kSeed);
  auto late = numbers(send(varied, 500, milliseconds(3)));
  std::ranges::sort(late);
  EXPECT_EQ(late, numbers(send(plain, 500, milliseconds(1))));
}

TEST(Path, DelaysEachDatagram) {
  Path path({.delay = milliseconds(25)}, kSeed);
  EXPECT_THAT(send(path, 2, milliseconds(10)),
              ElementsAre(Departure{0, milliseconds(25)}, Departure{1, milliseconds(35)}));
}

TEST(Path, AddsJitterWithinItsBoundAndKeepsTheOrder) {
  Path path({.delay = milliseconds(25), .jitter = milliseconds(10)}, kSeed);
  const auto departures = send(path, 1000, milliseconds(20));
  std::vector<Duration> delays;
  for (const auto& [number, at] : departures) delays.push_back(at - number * milliseconds(20));
  EXPECT_GE(std::ranges::min(delays), milliseconds(25));
  EXPECT_LT(std::ranges::max(delays), milliseconds(35));
  EXPECT_GT(std::ranges::max(delays) - std::ranges::min(delays), milliseconds(8));

  Path dense({.jitter = milliseconds(10)}, kSeed);
  EXPECT_TRUE(std::ranges::is_sorted(numbers(send(dense, 1000, milliseconds(1)))));
  EXPECT_EQ(dense.counts().reordered, 0u);
}

TEST(Path, HoldsSomeBackSoThatLaterOnesOvertakeThem) {
  Path path({.delay = milliseconds(10), .reorder = 0.1, .reorder_hold = milliseconds(5)}, kSeed);
  const auto departures = send(path, 1000, milliseconds(2));
  EXPECT_THAT(departures, SizeIs(1000));
  EXPECT_FALSE(std::ranges::is_sorted(numbers(departures)));
  EXPECT_THAT(static_cast<double>(path.counts().reordered), DoubleNear(100, 30));
}

TEST(Path, SendsSomeTwiceOneRightBehindTheOther) {
  Path path({.duplicate = 0.5}, kSeed);
  const auto sent = numbers(send(path, 1000, milliseconds(1)));
  EXPECT_THAT(static_cast<double>(sent.size()), DoubleNear(1500, 60));
  EXPECT_TRUE(std::ranges::is_sorted(sent));
  EXPECT_EQ(path.counts().duplicated, sent.size() - 1000);
  EXPECT_EQ(path.counts().reordered, 0u);
}

TEST(Path, PassesNoMoreThanItsRate) {
  // 1,000 bytes at 1 Mbit/s take 8 ms.
  Path path({.rate_bps = 1'000'000, .queue = milliseconds(100)}, kSeed);
  EXPECT_THAT(send(path, 3, milliseconds(1)),
              ElementsAre(Departure{0, milliseconds(8)}, Departure{1, milliseconds(16)},
                          Departure{2, milliseconds(24)}));
}

TEST(Path, DropsWhatWouldWaitLongerThanTheQueue) {
  Path path({.rate_bps = 1'000'000, .queue = milliseconds(24)}, kSeed);
  // All at once: one is being sent and three wait up to 24 ms.
  EXPECT_THAT(numbers(send(path, 10, milliseconds(0))), ElementsAre(0, 1, 2, 3));
  EXPECT_EQ(path.counts().queue_drops, 6u);
}

TEST(Path, HasItsWholeRateAgainAfterAPause) {
  Path path({.rate_bps = 1'000'000, .queue = milliseconds(0)}, kSeed);
  EXPECT_THAT(send(path, 2, milliseconds(50)),
              ElementsAre(Departure{0, milliseconds(8)}, Departure{1, milliseconds(58)}));
}

TEST(Path, HoldsNoMoreThanItsLimit) {
  Path path({.delay = std::chrono::seconds(10)}, kSeed);
  const auto departures = send(path, Path::kInFlightMax + 5, milliseconds(0), 4);
  EXPECT_THAT(departures, SizeIs(Path::kInFlightMax));
  EXPECT_EQ(path.counts().queue_drops, 5u);
}

TEST(Path, NeverDuplicatesBeyondItsLimit) {
  Path path({.delay = std::chrono::seconds(10), .duplicate = 1}, kSeed);
  const auto departures = send(path, Path::kInFlightMax, milliseconds(0), 4);
  EXPECT_THAT(departures, SizeIs(Path::kInFlightMax));
}

TEST(Path, TakesAnotherRateForWhatComesFromThenOn) {
  Path path({.rate_bps = 8'000'000}, kSeed);
  Path::Output out;
  const std::vector<uint8_t> datagram(1000);
  path.receive(datagram, kStart, out);
  EXPECT_EQ(path.waiting(kStart), milliseconds(1));
  path.change({.rate_bps = 800'000});
  path.receive(datagram, kStart, out);
  EXPECT_EQ(path.waiting(kStart), milliseconds(11));
  EXPECT_EQ(path.next_deadline(), kStart + milliseconds(1));
  path.advance(kStart + milliseconds(11), out);
  EXPECT_THAT(out, SizeIs(2));
  EXPECT_EQ(path.counts().passed_bytes, 2000u);
  EXPECT_EQ(path.waiting(kStart + milliseconds(20)), Duration{0});
}

}  // namespace
}  // namespace simpul::impairment
