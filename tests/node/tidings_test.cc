#include "node/tidings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace simpul::node {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Writes down what it is told.
struct FakeWorker {
  bool change_feeds(const FeedChange& change) {
    told.push_back(change.room + (change.lend ? " to " : " no more to ") +
                   std::to_string(change.borrower));
    return true;
  }
  bool supersede(ConnectionKey key, bool superseded) {
    told.push_back(std::to_string(key.value()) + (superseded ? " superseded" : " not superseded"));
    return true;
  }
  bool follow_layers(ConnectionKey key, bool follows) {
    told.push_back(std::to_string(key.value()) + (follows ? " followed" : " not followed"));
    return true;
  }
  bool pin(ConnectionKey key, bool pinned) {
    told.push_back(std::to_string(key.value()) + (pinned ? " pinned" : " not pinned"));
    return true;
  }

  std::vector<std::string> told = {};
};

class TidingsTest : public ::testing::Test {
 protected:
  TidingsTest() {
    tidings_.add_worker();
    tidings_.add_worker();
  }

  // Alice's.
  ConnectionKey join(Role role, uint32_t worker) {
    const ConnectionKey key(++keys_);
    const Directory::Record record{.key = key,
                                   .session = "c_" + std::to_string(keys_),
                                   .room = "stage",
                                   .participant = "alice",
                                   .role = role,
                                   .worker = worker,
                                   .report = {}};
    tidings_.add(record);
    directory_.add(record, 0);
    return key;
  }
  ConnectionKey publish(uint32_t worker) {
    const ConnectionKey key = join(Role::kPublisher, worker);
    directory_.set_phase(key, ConnectionPhase::kConnected);
    tidings_.compare_publications(directory_, "stage", "alice");
    return key;
  }
  void leave(ConnectionKey key) {
    tidings_.remove(*directory_.find(key));
    directory_.remove(key);
    tidings_.compare_publications(directory_, "stage", "alice");
  }
  std::vector<std::string> told(size_t worker) {
    FakeWorker fake;
    tidings_.tell(worker, fake);
    return fake.told;
  }

  Directory directory_{config::Limits{}};
  Tidings tidings_;
  uint64_t keys_ = 0;
};

TEST_F(TidingsTest, APublishersHomeIsToldWhoNeedsItsFeeds) {
  join(Role::kPublisher, 0);
  const ConnectionKey watcher = join(Role::kWatcher, 1);
  EXPECT_THAT(told(0), ElementsAre("stage to 1"));
  EXPECT_THAT(told(1), IsEmpty());
  leave(watcher);
  EXPECT_THAT(told(0), ElementsAre("stage no more to 1"));
}

TEST_F(TidingsTest, TheNewestOfAParticipantsPublicationsSupersedesThoseOfOtherWorkers) {
  publish(0);
  EXPECT_THAT(told(0), ElementsAre("1 not superseded"));
  const ConnectionKey second = publish(1);
  EXPECT_THAT(told(0), ElementsAre("1 superseded"));
  EXPECT_THAT(told(1), ElementsAre("2 not superseded"));
  leave(second);
  EXPECT_THAT(told(0), ElementsAre("1 not superseded"));
  EXPECT_THAT(told(1), IsEmpty()) << "it is gone";
}

TEST_F(TidingsTest, PublicationsOnOneWorkerAreItsOwnMatter) {
  publish(0);
  publish(0);
  EXPECT_THAT(told(0), ElementsAre("1 not superseded", "2 not superseded"));
}

TEST_F(TidingsTest, WhoIsNotConnectedYetSupersedesNobody) {
  publish(0);
  join(Role::kPublisher, 1);
  tidings_.compare_publications(directory_, "stage", "alice");
  EXPECT_THAT(told(0), ElementsAre("1 not superseded"));
  EXPECT_THAT(told(1), IsEmpty());
}

TEST_F(TidingsTest, AWorkerIsToldWhoseLayersAreFollowed) {
  const ConnectionKey publisher = publish(1);
  tidings_.follow(*directory_.find(publisher), true);
  EXPECT_THAT(told(0), IsEmpty());
  EXPECT_THAT(told(1), ElementsAre("1 not superseded", "1 followed"));
  tidings_.follow(*directory_.find(publisher), false);
  leave(publisher);
  EXPECT_THAT(told(1), IsEmpty()) << "of a connection that is no more";
}

TEST_F(TidingsTest, AllWorkersAreToldWhoIsPinnedAlsoWhenThatEndsWithTheConnection) {
  const ConnectionKey publisher = publish(1);
  const Directory::Record record = *directory_.find(publisher);
  told(1);
  tidings_.pin(record, true);
  for (const uint32_t worker : {0u, 1u}) EXPECT_THAT(told(worker), ElementsAre("1 pinned"));
  leave(publisher);
  tidings_.pin(record, false);
  for (const uint32_t worker : {0u, 1u}) EXPECT_THAT(told(worker), ElementsAre("1 not pinned"));
}

TEST_F(TidingsTest, NobodyIsToldOfAViewerWhoIsPinned) {
  const ConnectionKey viewer = join(Role::kWatcher, 0);
  tidings_.pin(*directory_.find(viewer), true);
  EXPECT_THAT(told(0), IsEmpty());
}

}  // namespace
}  // namespace simpul::node
