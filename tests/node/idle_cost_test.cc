// What connections cost that do nothing, counted in calls; and what is told about them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "tests/node/virtual_node.h"

namespace simpul::node {
namespace {

using testing::Guest;
using testing::VirtualNode;
using namespace std::chrono_literals;

class IdleCostTest : public ::testing::Test {
 protected:
  void add_viewers(size_t count) {
    Guest& alice = node_.publish("stage", "alice");
    alice.sources.clear();
    for (size_t i = 0; i < count; ++i) {
      viewers_.push_back(&node_.watch("stage", "viewer" + std::to_string(i)));
    }
    ASSERT_TRUE(node_.run_until([&] {
      return std::ranges::all_of(viewers_,
                                 [](const Guest* viewer) { return viewer->peer.connected(); });
    }));
  }
  WorkerSnapshot slice(size_t count) {
    WorkerSnapshot snapshot;
    node_.switchboard().report_connections(count, snapshot);
    return snapshot;
  }
  uint64_t reported_drops(const std::string& reason) {
    WorkerSnapshot snapshot;
    node_.switchboard().report_worker(snapshot.worker);
    return snapshot.worker.drops[reason];
  }

  VirtualNode node_;
  std::vector<Guest*> viewers_;
};

TEST_F(IdleCostTest, NoConnectionIsLookedAtBeforeSomethingOfItIsDue) {
  add_viewers(60);
  node_.run(2s);
  const uint64_t before = node_.switchboard().connections_advanced();
  node_.run(5s);
  // Each tick of 10 ms for each of them would be 30,000.
  EXPECT_LE(node_.switchboard().connections_advanced() - before, 5u * viewers_.size());
}

TEST_F(IdleCostTest, TheWorkerSleepsUntilSomethingIsDue) {
  add_viewers(5);
  node_.run(2s);
  size_t wake_ups = 0;
  for (Duration passed{}; passed < 1s; passed += 1ms) {
    wake_ups += node_.switchboard().next_deadline() <= node_.now();
    node_.run(1ms);
  }
  EXPECT_LE(wake_ups, 25u);  // the relay's own ten, and the viewers' checks; not a hundred
}

TEST_F(IdleCostTest, ARoundOfReportsHasEveryConnectionOnceInSlices) {
  add_viewers(25);
  const size_t count = node_.switchboard().begin_report();
  EXPECT_EQ(count, 26u);
  std::set<uint64_t> keys;
  std::vector<size_t> sizes;
  for (int i = 0; i < 4; ++i) {
    const WorkerSnapshot snapshot = slice(10);
    sizes.push_back(snapshot.connections.size());
    for (const auto& entry : snapshot.connections) keys.insert(entry.key.value());
  }
  EXPECT_EQ(sizes, (std::vector<size_t>{10, 10, 6, 0}));
  EXPECT_EQ(keys.size(), 26u);
}

TEST_F(IdleCostTest, ARoundGoesOnWhenConnectionsComeAndGoMeanwhile) {
  add_viewers(10);
  node_.switchboard().begin_report();
  EXPECT_EQ(slice(3).connections.size(), 3u);
  for (Guest* viewer : viewers_) node_.switchboard().end(viewer->key, node_.now());
  node_.watch("stage", "late");
  EXPECT_LE(slice(100).connections.size(), 1u);  // alice, if she was not among the three
  EXPECT_EQ(node_.switchboard().begin_report(), 2u);
}

TEST_F(IdleCostTest, DropsAreCountedOnceWhoeverLeavesBetweenTwoReports) {
  add_viewers(3);
  const std::array<uint8_t, 40> forged{0x80, 96};
  const auto attack = [&](Guest& viewer) {
    for (int i = 0; i < 7; ++i) node_.deliver(viewer.address, forged);
  };
  const auto report = [&] {
    slice(node_.switchboard().begin_report());
    return reported_drops("authentication");
  };
  for (Guest* viewer : viewers_) attack(*viewer);
  EXPECT_EQ(report(), 21u);
  node_.switchboard().end(viewers_[0]->key, node_.now());
  EXPECT_EQ(report(), 21u);
  attack(*viewers_[1]);
  node_.switchboard().end(viewers_[1]->key, node_.now());  // before anybody was told
  EXPECT_EQ(report(), 28u);
}

// A newer connection of the same participant on another worker.
class SupersededTest : public ::testing::Test {
 protected:
  SupersededTest() {
    connected_ = node_.run_until([this] { return alice_.peer.connected(); });
    node_.switchboard().supersede(alice_.key, true);
  }
  size_t connections() { return node_.switchboard().connections(); }

  VirtualNode node_;
  Guest& alice_ = node_.publish("stage", "alice");
  bool connected_ = false;
};

TEST_F(SupersededTest, EndsAConnectionWhenItIsSilent) {
  ASSERT_TRUE(connected_);
  node_.run(4s);
  EXPECT_EQ(connections(), 1u);
  node_.vanish(alice_);
  node_.run(4s);
  EXPECT_EQ(connections(), 0u);
}

TEST_F(SupersededTest, EndsNoConnectionAnyMoreWhenTheNewerOneHasGone) {
  ASSERT_TRUE(connected_);
  node_.switchboard().supersede(alice_.key, false);
  node_.vanish(alice_);
  node_.run(4s);
  EXPECT_EQ(connections(), 1u);
}

}  // namespace
}  // namespace simpul::node
