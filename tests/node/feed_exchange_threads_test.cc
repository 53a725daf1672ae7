// Three workers' ends of the lanes on three threads, each doing what chance says. Under
// ThreadSanitizer this is what shows that nothing but the rings is shared.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <random>
#include <thread>
#include <vector>

#include "node/feed_exchange.h"

namespace simpul::node {
namespace {

constexpr uint64_t kSeeds = 2'000;
constexpr uint32_t kWorkers = 3;
constexpr int kSteps = 120;

// A worker as the exchange sees it: publishers that come and go, and a history of what it got.
class Party {
 public:
  Party(uint32_t worker, FeedLanes& lanes, uint64_t seed, size_t packets_lent_max)
      : worker_(worker),
        random_(seed * kWorkers + worker),
        exchange_({.worker = worker,
                   .packets_lent_max = packets_lent_max,
                   .wake = [](uint32_t) { return true; }},
                  lanes) {}

  void run() {
    for (int step = 0; step < steps_; ++step) {
      switch (chance(8)) {
        case 0:
          change_publisher();
          break;
        case 1:
        case 2:
          exchange_.publish();
          break;
        case 3:
          forget(chance(held_.size() + 1));
          break;
        case 4:
          take();
          break;
        default:
          send();
          break;
      }
    }
  }
  // Its thread has ended: what it held goes, and comes home only when it says so.
  void end_early() { steps_ = static_cast<int>(chance(kSteps)); }
  void let_go() { held_.clear(); }
  void close_all() {
    for (uint32_t to = 0; to < kWorkers; ++to) {
      if (open_[to]) exchange_.close(to, key());
      open_[to] = false;
    }
  }
  void take() {
    while (auto event = exchange_.take()) {
      if (auto* opened = std::get_if<FeedOpened>(&*event)) {
        ++opened_[opened->publisher->home];
        EXPECT_EQ(opened_[opened->publisher->home], 1);
      } else if (const auto* closed = std::get_if<FeedClosed>(&*event)) {
        EXPECT_EQ(--opened_[static_cast<uint32_t>(closed->key.value())], 0);
      } else if (auto* media = std::get_if<FeedMedia>(&*event)) {
        EXPECT_EQ(opened_[media->from.track.value()], 1);
        held_.push_back(std::move(*media));
      }
    }
    for (const FeedMedia& media : held_) check(media);
  }

  FeedExchange& exchange() { return exchange_; }
  bool all_is_closed() const {
    return std::ranges::all_of(opened_, [](const auto& entry) { return entry.second == 0; });
  }
  size_t packets_in_use() const { return pool_.in_use(); }

 private:
  ConnectionKey key() const { return ConnectionKey(worker_); }
  size_t chance(size_t count) { return random_() % count; }

  void change_publisher() {
    const auto to = static_cast<uint32_t>(chance(kWorkers));
    if (to == worker_) return;
    open_[to] = !open_[to];
    if (open_[to]) {
      exchange_.open(to, {.key = key(), .home = 0, .room = "r", .participant = "p", .tracks = {}});
    } else {
      exchange_.close(to, key());
    }
  }

  void send() {
    rtp::MediaPacket media;
    media.packet = pool_.allocate();
    if (!media.packet) return;
    media.packet->size = 64;
    media.sequence_number = rtp::SequenceNumber(++sequence_number_);
    std::ranges::fill(media.packet->data(), static_cast<uint8_t>(sequence_number_));
    for (uint32_t to = 0; to < kWorkers; ++to) {
      if (!open_[to]) continue;
      exchange_.lend(to, {relay::TrackId(worker_), 0}, media, interrupted_[to]);
    }
  }

  void forget(size_t count) {
    held_.erase(held_.begin(), held_.begin() + static_cast<ptrdiff_t>(count));
  }

  // The bytes are still those that were sent with this number.
  static void check(const FeedMedia& media) {
    const auto expected = static_cast<uint8_t>(media.media.sequence_number.value());
    EXPECT_TRUE(std::ranges::all_of(media.media.packet->data(),
                                    [&](uint8_t byte) { return byte == expected; }));
  }

  uint32_t worker_;
  std::mt19937_64 random_;
  int steps_ = kSteps;
  PacketPool pool_{64};
  FeedExchange exchange_;
  bool open_[kWorkers] = {};
  bool interrupted_[kWorkers] = {};
  uint16_t sequence_number_ = 0;
  std::map<uint32_t, int> opened_;
  std::vector<FeedMedia> held_;  // before the exchange goes
};

// A publisher who leaves while its packets are on their way to another worker, and held there.
void leave_in_flight(uint64_t seed) {
  FeedLanes lanes(2);
  PacketPool pool(256);
  const auto options = [seed](uint32_t worker) {
    return FeedExchange::Options{
        .worker = worker, .packets_lent_max = 1 + seed % 60, .wake = [](uint32_t) { return true; }};
  };
  FeedExchange home(options(0), lanes);
  FeedExchange borrower(options(1), lanes);
  std::atomic<bool> all_returned{false};

  std::jthread borrowing([&] {
    std::mt19937_64 random(seed * 2 + 1);
    std::vector<FeedMedia> held;
    bool closed = false;
    size_t after_close = 0;
    while (!closed) {
      while (auto event = borrower.take()) {
        after_close += closed;
        closed = closed || std::holds_alternative<FeedClosed>(*event);
        if (auto* media = std::get_if<FeedMedia>(&*event)) held.push_back(std::move(*media));
      }
      for (const FeedMedia& media : held) {
        const auto bytes = media.media.packet->data();
        EXPECT_TRUE(std::ranges::all_of(bytes, [&](uint8_t byte) { return byte == bytes[0]; }));
      }
      held.erase(held.begin(), held.begin() + static_cast<ptrdiff_t>(random() % (held.size() + 1)));
      borrower.publish();
      std::this_thread::yield();
    }
    EXPECT_EQ(after_close, 0u);
    // It goes on showing what it holds for a while.
    while (!held.empty()) {
      held.pop_back();
      borrower.publish();
    }
    while (!all_returned) {
      borrower.publish();
      std::this_thread::yield();
    }
  });

  std::mt19937_64 random(seed * 2);
  home.open(1, {.key = ConnectionKey(1), .home = 0, .room = "r", .participant = "p", .tracks = {}});
  bool interrupted = false;
  const uint64_t packets = 1 + random() % 40;
  for (uint64_t i = 0; i < packets; ++i) {
    rtp::MediaPacket media;
    media.packet = pool.allocate();
    media.packet->size = 64;
    std::ranges::fill(media.packet->data(), static_cast<uint8_t>(i));
    home.lend(1, {relay::TrackId(1), 0}, media, interrupted);
    if (random() % 4 == 0) home.publish();
  }
  home.close(1, ConnectionKey(1));
  home.publish();
  while (pool.in_use() > 0) {
    std::this_thread::yield();
    home.publish();
  }
  all_returned = true;
}

TEST(FeedExchangeThreads, LetAPublisherLeaveWhileItsPacketsAreInFlight) {
  for (uint64_t seed = 0; seed < 2 * kSeeds; ++seed) {
    ASSERT_NO_FATAL_FAILURE(leave_in_flight(seed)) << seed;
    ASSERT_FALSE(::testing::Test::HasFailure()) << seed;
  }
}

TEST(FeedExchangeThreads, ShareNothingButTheRings) {
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    FeedLanes lanes(kWorkers);
    std::vector<std::unique_ptr<Party>> parties;
    for (uint32_t worker = 0; worker < kWorkers; ++worker) {
      parties.push_back(std::make_unique<Party>(worker, lanes, seed, 1 + seed % 40));
    }
    if (seed % 3 == 0) parties[seed % kWorkers]->end_early();
    {
      std::vector<std::jthread> threads;
      for (const auto& party : parties) threads.emplace_back([&party] { party->run(); });
    }
    if (seed % 2 == 0) continue;  // the node ends with packets in flight
    // Everybody leaves: in the end nothing is open, and every packet is at home.
    for (const auto& party : parties) party->close_all();
    for (int round = 0; round < 3; ++round) {
      for (const auto& party : parties) party->exchange().publish();
      for (const auto& party : parties) party->take();
      for (const auto& party : parties) party->let_go();
    }
    for (const auto& party : parties) {
      ASSERT_TRUE(party->all_is_closed()) << seed;
      ASSERT_EQ(party->packets_in_use(), 0u) << seed;
    }
  }
}

}  // namespace
}  // namespace simpul::node
