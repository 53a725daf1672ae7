#include "node/feed_plan.h"

#include <gtest/gtest.h>

#include <deque>
#include <random>
#include <set>

#include "node/feed_exchange.h"

namespace simpul::node {
namespace {

std::string text(const std::vector<FeedChange>& changes) {
  std::string result;
  for (const FeedChange& change : changes) {
    result += change.room + (change.lend ? "+" : "-") + std::to_string(change.home) + ">" +
              std::to_string(change.borrower) + " ";
  }
  return result;
}

class FeedPlanTest : public ::testing::Test {
 protected:
  std::string add(const std::string& room, Role role, uint32_t worker) {
    std::vector<FeedChange> changes;
    plan_.add({.room = room, .role = role, .worker = worker}, changes);
    return text(changes);
  }
  std::string remove(const std::string& room, Role role, uint32_t worker) {
    std::vector<FeedChange> changes;
    plan_.remove({.room = room, .role = role, .worker = worker}, changes);
    return text(changes);
  }

  FeedPlan plan_;
};

TEST_F(FeedPlanTest, NeedsNoFeedOnOneWorker) {
  EXPECT_EQ(add("stage", Role::kPublisher, 0), "");
  EXPECT_EQ(add("stage", Role::kWatcher, 0), "");
}

TEST_F(FeedPlanTest, LendsWithTheFirstWatcherElsewhereUntilTheLast) {
  add("stage", Role::kPublisher, 0);
  EXPECT_EQ(add("stage", Role::kWatcher, 1), "stage+0>1 ");
  EXPECT_EQ(add("stage", Role::kWatcher, 1), "");
  EXPECT_EQ(remove("stage", Role::kWatcher, 1), "");
  EXPECT_EQ(remove("stage", Role::kWatcher, 1), "stage-0>1 ");
}

TEST_F(FeedPlanTest, LendsWithTheFirstPublisherUntilTheLast) {
  add("stage", Role::kWatcher, 1);
  add("stage", Role::kWatcher, 2);
  EXPECT_EQ(add("stage", Role::kPublisher, 1), "stage+1>2 ");
  EXPECT_EQ(add("stage", Role::kPublisher, 1), "");
  EXPECT_EQ(add("stage", Role::kPublisher, 0), "stage+0>1 stage+0>2 ");
  EXPECT_EQ(remove("stage", Role::kPublisher, 0), "stage-0>1 stage-0>2 ");
}

TEST_F(FeedPlanTest, KeepsRoomsApart) {
  add("one", Role::kPublisher, 0);
  EXPECT_EQ(add("two", Role::kWatcher, 1), "");
}

// The whole way from joins to open feeds, without media: a plan, homes that are told about it
// late, lanes, and borrowers that look late. What is open in the end is what is needed.
class Rehearsal {
 public:
  static constexpr uint32_t kWorkers = 4;

  explicit Rehearsal(uint64_t seed) : random_(seed) {
    for (uint32_t worker = 0; worker < kWorkers; ++worker) {
      workers_.push_back(std::make_unique<Worker>(
          FeedExchange::Options{.worker = worker, .wake = [](uint32_t) { return true; }}, lanes_));
    }
  }

  void step() {
    const size_t what = chance(10);
    if (what < 3) return join();
    if (what < 5) return leave();
    Worker& worker = *workers_[chance(kWorkers)];
    if (what < 7) return hear(worker);
    if (what < 8) return worker.exchange.publish();
    take(worker);
  }
  void settle() {
    for (const auto& worker : workers_) {
      while (!worker->messages.empty()) hear(*worker);
      worker->exchange.publish();
    }
    for (const auto& worker : workers_) take(*worker);
  }
  // By borrower and connection.
  using Feeds = std::set<std::pair<uint32_t, uint64_t>>;
  Feeds open() const {
    Feeds feeds;
    for (uint32_t worker = 0; worker < kWorkers; ++worker) {
      for (const uint64_t key : workers_[worker]->feeds) feeds.insert({worker, key});
    }
    return feeds;
  }
  Feeds needed() const {
    Feeds feeds;
    for (const Member& watcher : members_) {
      if (watcher.connection.role != Role::kWatcher) continue;
      for (const Member& publisher : members_) {
        if (publisher.connection.role != Role::kPublisher) continue;
        if (publisher.connection.room != watcher.connection.room) continue;
        if (publisher.connection.worker == watcher.connection.worker) continue;
        feeds.insert({watcher.connection.worker, publisher.key});
      }
    }
    return feeds;
  }

 private:
  struct Member {
    uint64_t key = 0;
    FeedPlan::Connection connection;
  };
  struct Message {
    std::optional<FeedChange> change = {};
    std::optional<Member> started = {};
    std::optional<uint64_t> ended = {};
  };
  struct Worker {
    Worker(FeedExchange::Options options, FeedLanes& lanes) : exchange(std::move(options), lanes) {}
    FeedExchange exchange;
    std::deque<Message> messages;  // from the control thread
    std::map<uint64_t, std::string> publishers;
    std::map<std::string, std::set<uint32_t>> borrowers;
    std::set<uint64_t> feeds;
  };

  size_t chance(size_t count) { return random_() % count; }

  void join() {
    const Member member{.key = next_key_++,
                        .connection = {.room = chance(2) == 0 ? "one" : "two",
                                       .role = chance(2) == 0 ? Role::kPublisher : Role::kWatcher,
                                       .worker = static_cast<uint32_t>(chance(kWorkers))}};
    members_.push_back(member);
    change([&](auto& changes) { plan_.add(member.connection, changes); });
    workers_[member.connection.worker]->messages.push_back({.started = member});
  }
  void leave() {
    if (members_.empty()) return;
    const size_t at = chance(members_.size());
    const Member member = members_[at];
    members_.erase(members_.begin() + static_cast<ptrdiff_t>(at));
    workers_[member.connection.worker]->messages.push_back({.ended = member.key});
    change([&](auto& changes) { plan_.remove(member.connection, changes); });
  }
  template <class Do>
  void change(const Do& act) {
    std::vector<FeedChange> changes;
    act(changes);
    for (const FeedChange& made : changes) {
      workers_[made.home]->messages.push_back({.change = made});
    }
  }

  static FeedPublisher publisher(uint64_t key) {
    return {.key = ConnectionKey(key), .home = 0, .room = "", .participant = "", .tracks = {}};
  }

  // What the switchboard does with the messages.
  void hear(Worker& worker) {
    if (worker.messages.empty()) return;
    const Message message = std::move(worker.messages.front());
    worker.messages.pop_front();
    if (message.change) return hear_change(worker, *message.change);
    if (message.started && message.started->connection.role == Role::kPublisher) {
      worker.publishers[message.started->key] = message.started->connection.room;
      for (const uint32_t to : worker.borrowers[message.started->connection.room]) {
        worker.exchange.open(to, publisher(message.started->key));
      }
    }
    if (message.ended && worker.publishers.contains(*message.ended)) {
      for (const uint32_t to : worker.borrowers[worker.publishers[*message.ended]]) {
        worker.exchange.close(to, ConnectionKey(*message.ended));
      }
      worker.publishers.erase(*message.ended);
    }
  }
  static void hear_change(Worker& worker, const FeedChange& change) {
    if (change.lend) {
      EXPECT_TRUE(worker.borrowers[change.room].insert(change.borrower).second);
    } else {
      EXPECT_EQ(worker.borrowers[change.room].erase(change.borrower), 1u);
    }
    for (const auto& [key, room] : worker.publishers) {
      if (room != change.room) continue;
      if (change.lend) worker.exchange.open(change.borrower, publisher(key));
      if (!change.lend) worker.exchange.close(change.borrower, ConnectionKey(key));
    }
  }
  static void take(Worker& worker) {
    while (auto event = worker.exchange.take()) {
      if (const auto* opened = std::get_if<FeedOpened>(&*event)) {
        EXPECT_TRUE(worker.feeds.insert(opened->publisher->key.value()).second);
      } else if (const auto* closed = std::get_if<FeedClosed>(&*event)) {
        EXPECT_EQ(worker.feeds.erase(closed->key.value()), 1u);
      }
    }
  }

  std::mt19937_64 random_;
  FeedPlan plan_;
  FeedLanes lanes_{kWorkers};
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<Member> members_;
  uint64_t next_key_ = 1;
};

TEST(FeedPlanProperty, EndsWithExactlyTheFeedsThatAreNeeded) {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    Rehearsal rehearsal(seed);
    for (int i = 0; i < 300; ++i) rehearsal.step();
    rehearsal.settle();
    ASSERT_EQ(rehearsal.open(), rehearsal.needed()) << seed;
  }
}

}  // namespace
}  // namespace simpul::node
