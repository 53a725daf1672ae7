#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "tests/integration/live_node.h"

namespace simpul::testing {
namespace {

bool all_connected(const std::vector<LiveGuest*>& guests) {
  return std::ranges::all_of(guests, [](const LiveGuest* guest) { return guest->connected(); });
}

uint64_t connections(LiveNode& live) {
  uint64_t count = 0;
  const auto report = live.node().report();
  for (const auto& [state, number] : report.connections_by_state) count += number;
  return count;
}

TEST(Workers, ShareTheRoomsAndAllOfThemForward) {
  LiveNode live(2);
  std::vector<LiveGuest*> watchers;
  for (const char* room : {"one", "two", "three", "four"}) {
    live.publish(room, "alice");
    watchers.push_back(&live.watch(room, "bob"));
  }
  ASSERT_TRUE(live.run_until([&] {
    return std::ranges::all_of(watchers, [](const LiveGuest* bob) {
      return bob->audio > 10 && bob->video > 10 && bob->key_frames > 0;
    });
  }));
  live.refresh();
  std::map<uint32_t, size_t> rooms;
  for (const char* room : {"one", "two", "three", "four"}) {
    std::set<uint32_t> workers;
    const auto report = live.node().room(room);
    ASSERT_TRUE(report) << room;
    for (const auto& participant : report->participants) {
      workers.insert(participant.connections.front().worker);
    }
    ASSERT_EQ(workers.size(), 1u) << room;
    ++rooms[*workers.begin()];
  }
  EXPECT_EQ(rooms, (std::map<uint32_t, size_t>{{0, 2}, {1, 2}}));
  const auto report = live.node().report();
  for (const auto& worker : report.workers) EXPECT_GT(worker.packets_sent, 0u);
  EXPECT_TRUE(live.ask_until([&] { return live.node().healthy(); }));
}

TEST(Workers, ShareTheConnectionsOfOneRoomWhereRoomsAreSpread) {
  config::Config config = LiveNode::test_config(2);
  config.media.spread_rooms = true;
  LiveNode live(config);
  std::vector<LiveGuest*> guests = {&live.publish("pair", "alice")};
  // All of them on one worker: once in 2^40.
  for (int i = 0; i < 40; ++i) guests.push_back(&live.watch("pair", "bob-" + std::to_string(i)));
  ASSERT_TRUE(live.run_until([&] {
    return std::all_of(guests.begin() + 1, guests.end(),
                       [](const LiveGuest* bob) { return bob->key_frames > 0; });
  }));
  live.refresh();
  std::set<uint32_t> workers;
  for (const LiveGuest* guest : guests) workers.insert(live.report_of(*guest)->worker);
  EXPECT_EQ(workers, (std::set<uint32_t>{0, 1}));
}

TEST(Workers, EndWhileCallsAreRunning) {
  std::vector<LiveGuest*> guests;
  LiveNode live(2);
  for (const char* room : {"one", "two"}) {
    guests.push_back(&live.publish(room, "alice"));
    guests.push_back(&live.watch(room, "bob"));
  }
  ASSERT_TRUE(live.run_until([&] { return all_connected(guests); }));
  live.stop();
  // All of them were told.
  EXPECT_TRUE(live.run_until([&] {
    return std::ranges::all_of(
        guests, [](const LiveGuest* guest) { return guest->socket->peer().closed(); });
  }));
}

TEST(Workers, EndWhileHandshakesAreUnderWay) {
  for (int milliseconds : {0, 1, 3, 6}) {
    LiveNode live(2);
    for (int i = 0; i < 8; ++i) live.publish("room" + std::to_string(i), "alice");
    const TimePoint until = net::EventLoop::clock_now() + Duration(milliseconds * 1000);
    live.run_until([&] { return net::EventLoop::clock_now() >= until; });
    live.stop();
  }
}

TEST(Workers, EndAtOnce) {
  for (int i = 0; i < 5; ++i) LiveNode live(2);
}

TEST(Workers, EndWhatIsSentAway) {
  LiveNode live(2);
  LiveGuest& alice = live.publish("stage", "alice");
  LiveGuest& bob = live.watch("stage", "bob");
  LiveGuest& carol = live.watch("stage", "carol");
  LiveGuest& dave = live.publish("other", "dave");
  ASSERT_TRUE(live.run_until([&] { return all_connected({&alice, &bob, &carol, &dave}); }));

  EXPECT_FALSE(live.node().leave("stage", "c_unknown"));
  EXPECT_FALSE(live.node().leave("other", bob.session));
  EXPECT_TRUE(live.node().leave("stage", bob.session));
  EXPECT_FALSE(live.node().leave("stage", bob.session));
  EXPECT_TRUE(live.run_until([&] { return bob.socket->peer().closed(); }));

  EXPECT_TRUE(live.node().remove_participant("stage", "carol"));
  EXPECT_FALSE(live.node().remove_participant("stage", "carol"));
  EXPECT_TRUE(live.run_until([&] { return carol.socket->peer().closed(); }));

  EXPECT_TRUE(live.node().remove_room("stage"));
  EXPECT_FALSE(live.node().remove_room("stage"));
  EXPECT_TRUE(live.run_until([&] { return alice.socket->peer().closed(); }));
  EXPECT_THAT(live.node().room_names(), ::testing::ElementsAre("other"));
  EXPECT_TRUE(dave.connected());
}

TEST(Workers, LetARoomComeBackAfterItWasRemoved) {
  LiveNode live(2);
  LiveGuest& alice = live.publish("stage", "alice");
  ASSERT_TRUE(live.run_until([&] { return alice.connected(); }));
  EXPECT_TRUE(live.node().remove_room("stage"));
  live.publish("stage", "alice");
  LiveGuest& bob = live.watch("stage", "bob");
  EXPECT_TRUE(live.run_until([&] { return bob.video > 0; }));
}

TEST(Workers, ForgetGuestsWhoComeAndGo) {
  LiveNode live(2);
  std::vector<LiveGuest*> guests;
  for (int i = 0; i < 10; ++i) {
    const std::string room = "room" + std::to_string(i % 5);
    guests.push_back(&live.publish(room, "alice" + std::to_string(i)));
    guests.push_back(&live.watch(room, "bob" + std::to_string(i)));
    guests.push_back(&live.watch(room, "carol" + std::to_string(i)));
    // Some go at once, some by themselves when they are connected, some are sent away.
    if (i % 3 == 0) live.node().leave(room, guests[guests.size() - 1]->session);
    if (i % 3 == 1) {
      LiveGuest& leaver = *guests[guests.size() - 2];
      ASSERT_TRUE(live.run_until([&] { return leaver.connected(); }));
      leaver.socket->close();
    }
  }
  for (int i = 0; i < 5; ++i) live.node().remove_room("room" + std::to_string(i));
  EXPECT_EQ(connections(live), 0u);
  EXPECT_THAT(live.node().room_names(), ::testing::IsEmpty());
  live.refresh();
  EXPECT_EQ(connections(live), 0u);
  // And there is room for others.
  LiveGuest& alice = live.publish("room0", "alice");
  EXPECT_TRUE(live.run_until([&] { return alice.connected(); }));
}

TEST(Workers, NoticeAGuestWhoSaysGoodBye) {
  LiveNode live(1);
  LiveGuest& alice = live.publish("stage", "alice");
  ASSERT_TRUE(live.run_until([&] { return alice.connected(); }));
  alice.socket->close();
  EXPECT_TRUE(live.run_until([&] { return connections(live) == 0; }));
}

}  // namespace
}  // namespace simpul::testing
