// What a connection costs in memory by what is allocated for it, OpenSSL's part included. What the
// process as a whole has of it is measured in tests/integration/resident_memory_test.cc.
#include <gtest/gtest.h>

#include "node/directory.h"
#include "node/ice_sessions.h"
#include "tests/node/virtual_node.h"
#include "tests/support/memory_in_use.h"

namespace simpul::node {
namespace {

using testing::Guest;
using testing::memory_in_use;
using testing::VirtualNode;
using namespace std::chrono_literals;

// Resident, an idle connection may cost 48 KiB and a watching one 80; these are what is allocated.
constexpr size_t kIdleMax = 14 * 1024;
constexpr size_t kWatchingMax = 24 * 1024;
constexpr size_t kControlMax = 4 * 1024;
// Debug builds remember nonces: of each of a viewer's two streams, and of theirs for RTX.
#ifdef NDEBUG
constexpr size_t kNoncesMax = 0;
#else
constexpr size_t kNoncesMax = 4 * 16 * 1024;
#endif

class ConnectionMemory : public ::testing::Test {
 protected:
  static constexpr size_t kViewers = 100;

  void publish(bool silent) {
    Guest& alice = node_.publish("stage", "alice");
    if (silent) alice.sources.clear();
    ASSERT_TRUE(node_.run_until([&] { return alice.peer.connected(); }));
  }
  void watch() {
    for (size_t i = 0; i < kViewers; ++i) {
      viewers_.push_back(&node_.watch("stage", "viewer" + std::to_string(i)));
    }
    ASSERT_TRUE(node_.run_until([&] {
      return std::ranges::all_of(viewers_, [](Guest* viewer) { return viewer->peer.connected(); });
    }));
  }
  // What is given back by ending them, each. The guests have theirs beside it, and keep it.
  size_t bytes_of_each() {
    const size_t with = memory_in_use();
    for (Guest* viewer : viewers_) node_.switchboard().end(viewer->key, node_.now());
    return (with - memory_in_use()) / kViewers;
  }

  VirtualNode node_;
  std::vector<Guest*> viewers_;
};

TEST_F(ConnectionMemory, OfOneThatWaitsForSomebodyIsBounded) {
  publish(true);
  watch();
  node_.run(2s);
  const size_t bytes = bytes_of_each();
  RecordProperty("bytes", static_cast<int>(bytes));
  std::printf("# figure: %zu bytes for a connection that waits\n", bytes);
  EXPECT_LE(bytes, kIdleMax);
  EXPECT_GE(bytes, 1024u) << "that it is what is given back at all";
}

TEST_F(ConnectionMemory, OfOneThatWatchesIsBoundedWithItsShareOfTheHistory) {
  publish(false);
  watch();
  node_.run(2s);
  for (const Guest* viewer : viewers_) ASSERT_GT(viewer->packets.size(), 100u);
  const size_t history = node_.packets_in_use() * (sizeof(Packet) + kPacketCapacity) / kViewers;
  const size_t bytes = bytes_of_each() + history;
  RecordProperty("bytes", static_cast<int>(bytes));
  std::printf("# figure: %zu bytes for a connection that watches, history %zu\n", bytes, history);
  EXPECT_LE(bytes, kWatchingMax + kNoncesMax);
}

// Who says how large the picture is shown is decided upon, and the memory of that is bounded, too.
TEST_F(ConnectionMemory, OfOneThatWishesForASizeIsBounded) {
  publish(false);
  watch();
  for (const Guest* viewer : viewers_) {
    const ViewingChange change{.wanted_pixels = std::optional<uint32_t>(320 * 180)};
    node_.switchboard().answer({.key = viewer->key, .mid = "1", .change = change}, node_.now());
  }
  node_.run(2s);
  EXPECT_LE(bytes_of_each(), kWatchingMax + kNoncesMax);
}

// A viewer whose network is bad asks for everything again, and the memory of that is bounded, too.
TEST_F(ConnectionMemory, OfOneThatAsksForPacketsAgainIsBounded) {
  publish(false);
  watch();
  uint64_t number = 0;
  node_.lose_downwards = [&](const Guest&, Bytes) { return ++number % 10 == 0; };
  node_.run(2s);
  EXPECT_LE(bytes_of_each(), kWatchingMax + kNoncesMax);
}

TEST(ControlMemory, OfAConnectionIsBounded) {
  config::Config config;
  SessionSetup setup(config, dtls::Certificate::make(1'800'000'000s).fingerprint());
  peer::Identity identity(1'800'000'000s);
  peer::Peer publisher({.publishes = true}, identity);
  const std::string offer = publisher.offer();
  const size_t before = memory_in_use();
  {
    Directory directory(config.limits);
    IceSessions sessions(ice::make_credentials);
    constexpr size_t kConnections = 1000;
    for (size_t i = 0; i < kConnections; ++i) {
      const auto prepared = setup.prepare(
          {.room = "stage", .participant = "guest" + std::to_string(i), .offer = offer},
          {{.address = Address::v4({203, 0, 113, 1}, 7700), .priority = 1}},
          sessions.make_credentials(0));
      ASSERT_TRUE(prepared);
      sessions.add(*prepared, 0);
      const Session& session = prepared->session;
      directory.add({.key = session.key,
                     .session = session.id,
                     .room = session.room,
                     .participant = session.participant,
                     .role = session.role,
                     .worker = 0,
                     .report = {},
                     .has_connected = false},
                    0);
    }
    const size_t bytes = (memory_in_use() - before) / kConnections;
    RecordProperty("bytes", static_cast<int>(bytes));
    std::printf("# figure: %zu bytes for a connection on the control thread\n", bytes);
    EXPECT_LE(bytes, kControlMax);
  }
  EXPECT_LE(memory_in_use(), before + 1024);
}

}  // namespace
}  // namespace simpul::node
