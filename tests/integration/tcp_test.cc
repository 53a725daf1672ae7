// Calls of guests whose network lets no UDP out.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/integration/live_node.h"

namespace simpul::testing {
namespace {

const peer::Options kTcp = {.tcp = true};

class OverTcp : public ::testing::TestWithParam<uint16_t> {
 protected:
  static bool sees(const LiveGuest& guest) {
    return guest.key_frames > 0 && guest.video > 100 && guest.audio > 30;
  }
  LiveGuest& watch(const std::string& name, bool tcp) {
    return live_.watch("stage", name, {}, relay::LayerChoice::kHighest, {}, {.tcp = tcp});
  }
  bool goes_on(LiveGuest& guest) {
    guest.video = guest.audio = 0;
    return live_.run_until([&] { return guest.video > 60 && guest.audio > 20; });
  }

  // A worker takes two guests before the next one has its turn.
  LiveNode live_{GetParam(), 30s, 2};
};

TEST_P(OverTcp, PublishesAndWatches) {
  LiveGuest& alice = live_.publish("stage", "alice", kTcp);
  std::vector<LiveGuest*> viewers;
  for (const char* name : {"bob", "carol", "dave"}) viewers.push_back(&watch(name, true));
  ASSERT_TRUE(live_.run_until([&] {
    return std::ranges::all_of(viewers, [](const LiveGuest* viewer) { return sees(*viewer); });
  }));
  for (const LiveGuest* viewer : viewers) EXPECT_EQ(viewer->missed(), 0u);
  EXPECT_EQ(live_.tcp_streams(), 4u);
  EXPECT_EQ(live_.dropped("tcp_slow"), 0u);
  for (const LiveGuest* guest : {&alice, viewers.front()}) {
    const auto report = live_.report_of(*guest);
    ASSERT_TRUE(report);
    EXPECT_TRUE(report->over_tcp);
    EXPECT_EQ(report->local, guest->socket->remote());
  }
}

TEST_P(OverTcp, MeetsThoseWhoUseUdp) {
  LiveGuest& alice = live_.publish("stage", "alice");
  LiveGuest& zoe = live_.publish("other", "zoe", kTcp);
  LiveGuest& bob = watch("bob", true);
  LiveGuest& carol = watch("carol", false);
  LiveGuest& yan = live_.watch("other", "yan");
  ASSERT_TRUE(live_.run_until([&] { return sees(bob) && sees(carol) && sees(yan); }));
  EXPECT_EQ(bob.missed() + carol.missed() + yan.missed(), 0u);
  EXPECT_FALSE(live_.report_of(alice)->over_tcp);
  EXPECT_TRUE(live_.report_of(zoe)->over_tcp);
  EXPECT_TRUE(live_.report_of(bob)->over_tcp);
  EXPECT_FALSE(live_.report_of(carol)->over_tcp);
}

TEST_P(OverTcp, ComesBackByAnotherStream) {
  LiveGuest& alice = live_.publish("stage", "alice", kTcp);
  LiveGuest& bob = watch("bob", true);
  ASSERT_TRUE(live_.run_until([&] { return sees(bob); }));
  const auto before = live_.report_of(bob);
  bob.socket->connect();
  EXPECT_TRUE(goes_on(bob));
  alice.socket->disconnect();
  alice.socket->connect();
  EXPECT_TRUE(goes_on(bob));
  const auto after = live_.report_of(bob);
  ASSERT_TRUE(before && after);
  EXPECT_EQ(after->id, before->id);
  EXPECT_TRUE(after->over_tcp);
  EXPECT_NE(after->remote, before->remote);
  EXPECT_TRUE(live_.ask_until([&] { return live_.tcp_streams() == 2; }));
}

TEST_P(OverTcp, GoesOnByUdpWhenItsStreamHasEnded) {
  LiveGuest& alice = live_.publish("stage", "alice");
  LiveGuest& bob = watch("bob", true);
  ASSERT_TRUE(live_.run_until([&] { return sees(bob); }));
  RawSocket elsewhere(live_.loop());
  bob.socket->disconnect();
  ASSERT_TRUE(live_.ask_until([&] { return live_.tcp_streams() == 0; }));
  const auto report = live_.report_of(bob);
  ASSERT_TRUE(report);
  EXPECT_EQ(report->phase, node::ConnectionPhase::kConnected);
  EXPECT_EQ(report->remote, std::nullopt);
  // Workers have ports of their own; the viewer's is the one whose answer is more than a check's.
  ASSERT_EQ(report->worker, live_.report_of(alice)->worker);
  elsewhere.send(bob.socket->peer().make_check(true), alice.socket->remote());
  EXPECT_TRUE(live_.run_until([&] { return elsewhere.received() > 60; }));
}

TEST_P(OverTcp, GivesEveryDescriptorBack) {
  const auto open_descriptors = [] {
    using std::filesystem::directory_iterator;
    return std::distance(directory_iterator("/proc/self/fd"), directory_iterator{});
  };
  LiveGuest& alice = live_.publish("stage", "alice", kTcp);
  ASSERT_TRUE(live_.run_until([&] { return alice.connected(); }));
  const auto before = open_descriptors();
  for (int round = 0; round < 3; ++round) {
    LiveGuest& bob = watch("bob" + std::to_string(round), true);
    LiveGuest& carol = watch("carol" + std::to_string(round), true);
    ASSERT_TRUE(live_.run_until([&] { return bob.connected() && carol.connected(); }));
    bob.socket->close();                                      // says good-bye
    EXPECT_TRUE(live_.node().leave("stage", carol.session));  // is told to go
    EXPECT_TRUE(live_.run_until([&] { return carol.socket->peer().closed(); }));
    EXPECT_TRUE(live_.ask_until([&] { return live_.tcp_streams() == 1; }));
    bob.socket.reset();
    carol.socket.reset();
  }
  EXPECT_EQ(open_descriptors(), before);
}

TEST_P(OverTcp, EndsWhileCallsAreRunning) {
  LiveGuest& alice = live_.publish("stage", "alice", kTcp);
  std::vector<LiveGuest*> viewers;
  for (const char* name : {"bob", "carol", "dave"}) viewers.push_back(&watch(name, true));
  ASSERT_TRUE(live_.run_until([&] {
    return std::ranges::all_of(viewers, [](const LiveGuest* viewer) { return sees(*viewer); });
  }));
  live_.stop();
  EXPECT_TRUE(live_.run_until([&] {
    return alice.socket->peer().closed() && !alice.socket->has_stream() &&
           std::ranges::all_of(viewers, [](const LiveGuest* viewer) {
             return viewer->socket->peer().closed() && !viewer->socket->has_stream();
           });
  }));
}

TEST_P(OverTcp, EndsWhileGuestsAreOnTheirWayIn) {
  for (const int milliseconds : {0, 1, 3, 6, 10}) {
    LiveNode live(GetParam());
    for (int i = 0; i < 8; ++i) live.publish("room" + std::to_string(i), "alice", kTcp);
    const TimePoint until = net::EventLoop::clock_now() + std::chrono::milliseconds(milliseconds);
    live.run_until([&] { return net::EventLoop::clock_now() >= until; });
    live.stop();
  }
}

INSTANTIATE_TEST_SUITE_P(Workers, OverTcp, ::testing::Values(1, 2));

TEST(OverTcpAndIpv6, PublishesAndWatches) {
  config::Config config = LiveNode::test_config();
  config.media.listen = {*Address::parse("::1", 0)};
  LiveNode live(config);
  LiveGuest& alice = live.publish("stage", "alice", kTcp);
  LiveGuest& bob = live.watch("stage", "bob", {}, relay::LayerChoice::kHighest, {}, kTcp);
  EXPECT_TRUE(live.run_until([&] { return bob.video > 60 && bob.audio > 20; }));
  EXPECT_EQ(alice.socket->remote().ip_text(), "::1");
  EXPECT_TRUE(live.report_of(bob)->over_tcp);
}

TEST(TcpCandidatesOfAnAnswer, ComeBehindThoseOverUdp) {
  LiveNode live;
  peer::Peer peer({.publishes = true}, live.identity());
  const auto join = live.join({.role = node::Role::kPublisher,
                               .room = "stage",
                               .participant = "alice",
                               .offer = peer.offer()});
  ASSERT_TRUE(join);
  const size_t udp = join->answer.find(" udp ");
  const size_t tcp = join->answer.find(" tcp ");
  ASSERT_NE(udp, std::string::npos);
  ASSERT_NE(tcp, std::string::npos);
  EXPECT_LT(udp, tcp);
  EXPECT_NE(join->answer.find(" typ host tcptype passive\r\n", tcp), std::string::npos);
  EXPECT_THAT(live.node().media_text(), ::testing::MatchesRegex("udp:[0-9]+,tcp:[0-9]+"));
}

}  // namespace
}  // namespace simpul::testing
