// What is left of the attacks (O5 of docs/attacks.md): one process, a series of them, and then the
// same memory and descriptors as before. Sanitizers keep memory back, so this is for the release.
#include <gmock/gmock.h>

#include <algorithm>
#include <limits>

#include "bench/peer/http_client.h"
#include "crypto/random.h"
#include "ice/stun_message.h"
#include "tests/integration/flood.h"
#include "tests/integration/live_node.h"
#include "tests/integration/served_process.h"
#include "tests/support/loopback_client.h"
#include "tests/support/run_until.h"

namespace simpul::testing {
namespace {

class AttackOnProcess : public ::testing::Test {
 protected:
  struct Guest {
    std::unique_ptr<peer::PeerSocket> socket;
    std::string location;
  };

  std::optional<Guest> join(const std::string& target, peer::Options options, bool comes = true) {
    const bool publishes = options.publishes;
    Guest guest{.socket = std::make_unique<peer::PeerSocket>(loop_, std::move(options), identity_,
                                                             peer::PeerSocket::Handlers{}),
                .location = {}};
    const auto answer = peer::request(process_.http(), "POST", target, "application/sdp",
                                      guest.socket->peer().offer());
    if (!answer || answer->status != 201) return std::nullopt;
    guest.location = answer->location;
    ++sessions_;
    if (comes && publishes) {
      guest.socket->add_source(peer::MediaSource::audio("0"));
      guest.socket->add_source(peer::MediaSource::video("1", {.bitrate_bps = 300'000}));
    }
    if (comes ? !guest.socket->start(answer->body) : !guest.socket->peer().accept(answer->body)) {
      return std::nullopt;
    }
    return guest;
  }

  // Two hundred join and never come.
  void leave_doors_open() {
    for (int i = 0; i < 200; ++i) {
      ASSERT_TRUE(join("/whip/empty" + std::to_string(i % 20), {.publishes = true}, false));
    }
  }
  // Calls that begin, and end by a word or without one; of some the certificate is wrong.
  void call() {
    std::vector<Guest> guests;
    const auto other = dtls::Certificate::make(std::chrono::seconds(1'700'000'000)).fingerprint();
    for (int i = 0; i < 5; ++i) {
      const std::string room = "room" + std::to_string(i);
      guests.push_back(*join("/whip/" + room, {.publishes = true}));
      guests.push_back(*join("/whep/" + room, {}));
      guests.push_back(*join("/whep/" + room, {}));
    }
    ASSERT_TRUE(run_until(loop_, [&] {
      return std::ranges::all_of(
          guests, [](const Guest& guest) { return guest.socket->peer().connected(); });
    }));
    const auto liar = join("/whip/liars", {.publishes = true, .fingerprint = other.to_string()});
    flood_call(*guests.front().socket);
    for (size_t i = 0; i < guests.size(); i += 2) {
      peer::request(process_.http(), "DELETE", guests[i].location, "", "");
    }
  }
  // Forged checks, paths that come and go, and garbage from the right address.
  void flood_call(peer::PeerSocket& victim) {
    const auto& ours = victim.peer().server();
    std::vector<std::vector<uint8_t>> junk;
    for (int i = 0; i < 200; ++i) {
      const std::string name =
          i % 2 == 0 ? crypto::random_ice_text(8) + ":x"
                     : ours.username_fragment + ":" + victim.peer().local().username_fragment;
      junk.push_back(ice::make_binding_request({.username = name, .key = "wrong password"}));
      junk.emplace_back(static_cast<size_t>(100 + i));
      crypto::random_bytes(junk.back());
    }
    Flood(victim.remote()).send(junk, 50'000);
    for (int i = 0; i < 40; ++i) {
      const std::string ip = "127.0.1." + std::to_string(1 + i);
      Flood(victim.remote(), ip.c_str()).send({victim.peer().make_check(true)}, 5);
    }
    for (int i = 0; i < 2000; ++i) victim.send(junk[static_cast<size_t>(i) % junk.size()]);
  }
  void knock_at_http() {
    std::vector<std::unique_ptr<LoopbackClient>> clients;
    for (int i = 0; i < 300; ++i) {
      clients.push_back(std::make_unique<LoopbackClient>(process_.http()));
      std::string text(200, 'x');
      if (i % 3 == 0) crypto::random_bytes({reinterpret_cast<uint8_t*>(text.data()), text.size()});
      if (i % 3 == 1) {
        text = "POST /whip/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 200000\r\n\r\n";
      }
      clients.back()->send(text);
    }
  }
  void attack() {
    leave_doors_open();
    call();
    knock_at_http();
    const auto all_gone = [&] {
      return process_.metric("simpul_participants") == 0 &&
             process_.metric("simpul_connections") == 0;
    };
    ASSERT_TRUE(run_until(loop_, all_gone, std::chrono::milliseconds(10)));  // it asks by HTTP
  }

  uint64_t sessions_ = 0;
  net::EventLoop loop_;
  peer::Identity identity_{std::chrono::seconds(net::EventLoop::wall_clock_unix_us() / 1'000'000)};
  ServedProcess process_{SIMPUL_SIMPULD,
                         "[http]\nlisten = \"127.0.0.1:0\"\n[media]\nlisten = [\"127.0.0.1\"]\n"
                         "port = 0\ntcp_port = 0\nworkers = 2\nidle_timeout = \"3s\"\n"};
};

TEST_F(AttackOnProcess, O5_MemoryAndDescriptorsAreBackAfterTheAttacks) {
  const size_t descriptors = process_.descriptors();
  // Pools and the allocator's own memory grow to what the first ones need.
  for (int i = 0; i < 5; ++i) ASSERT_NO_FATAL_FAILURE(attack());
  const uint64_t memory = process_.resident_bytes();
  const uint64_t sessions = sessions_;
  // A session is some 40 KB. What stays of it is less than one: the pools' own ups and downs, of
  // which three readings show the least.
  double kept_bytes = std::numeric_limits<double>::infinity();
  for (int i = 0; i < 5; ++i) {
    ASSERT_NO_FATAL_FAILURE(attack());
    const auto more = static_cast<double>(process_.resident_bytes()) - static_cast<double>(memory);
    const double of_each = more / static_cast<double>(sessions_ - sessions);
    if (i >= 2) kept_bytes = std::min(kept_bytes, of_each);
  }
  EXPECT_TRUE(run_until(loop_, [&] { return process_.descriptors() == descriptors; }))
      << process_.descriptors() << " descriptors instead of " << descriptors;
  const uint64_t after = process_.resident_bytes();
  std::printf("# figure O5: %.1f MB before, %.1f MB after %llu more sessions\n",
              static_cast<double>(memory) / 1e6, static_cast<double>(after) / 1e6,
              static_cast<unsigned long long>(sessions_ - sessions));
  EXPECT_LE(kept_bytes, 1024);
  EXPECT_EQ(process_.stop(), 0);
}

}  // namespace
}  // namespace simpul::testing
