// What the process as it is installed has resident for each connection. Sanitizers keep memory
// back, so this is for the release; what is allocated is counted in tests/memory.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "bench/peer/http_client.h"
#include "bench/peer/peer_socket.h"
#include "tests/integration/served_process.h"
#include "tests/support/run_until.h"

namespace simpul::testing {
namespace {

constexpr uint64_t kIdleMax = 48 * 1024;
constexpr uint64_t kWatchingMax = 80 * 1024;

class ResidentMemory : public ::testing::Test {
 protected:
  static constexpr size_t kFirst = 50;  // pools and the allocator's own memory grow with these
  static constexpr size_t kMore = 200;

  peer::PeerSocket& join(const std::string& target, peer::Options options) {
    guests_.push_back(std::make_unique<peer::PeerSocket>(
        sockets_, std::move(options), identity_,
        peer::PeerSocket::Handlers{.on_rtp = [this](const auto&, TimePoint) { ++received_; },
                                   .on_rtcp = {},
                                   .on_connected = {}}));
    peer::PeerSocket& guest = *guests_.back();
    const auto answer =
        peer::request(process_.http(), "POST", target, "application/sdp", guest.peer().offer());
    if (!answer || answer->status != 201 || !guest.start(answer->body)) {
      throw std::runtime_error("no join");
    }
    return guest;
  }
  // So many come, ten at a time, and have what there is. (A handshake takes 40 KiB while it is
  // under way; of a thousand at once the allocator keeps that for the next ones.)
  void watch(size_t count, bool silent) {
    for (size_t i = 0; i < count; ++i) {
      join("/whep/stage", {});
      if (i % 10 == 9) wait_for_all();
    }
    received_ = 0;
    const size_t packets = silent ? 0 : 50 * guests_.size();
    ASSERT_TRUE(run_until(loop_, [&] { return received_ >= packets; }));
  }
  void wait_for_all() {
    ASSERT_TRUE(run_until(loop_, [&] {
      return std::ranges::all_of(guests_,
                                 [](const auto& guest) { return guest->peer().connected(); });
    }));
  }
  uint64_t bytes_of_each(bool silent) {
    peer::PeerSocket& alice = join("/whip/stage", {.publishes = true});
    if (!silent) alice.add_source(peer::MediaSource::video("1", {.bitrate_bps = 200'000}));
    watch(kFirst, silent);
    const uint64_t before = process_.resident_bytes();
    watch(kMore, silent);
    const uint64_t after = process_.resident_bytes();
    std::printf("# figure: %.1f KiB resident for each connection\n",
                (static_cast<double>(after) - static_cast<double>(before)) / kMore / 1024);
    return after > before ? (after - before) / kMore : 0;
  }

  net::EventLoop loop_;
  peer::Identity identity_{std::chrono::seconds(net::EventLoop::wall_clock_unix_us() / 1'000'000)};
  peer::SocketSet sockets_{loop_};
  ServedProcess process_{SIMPUL_SIMPULD,
                         "[http]\nlisten = \"127.0.0.1:0\"\n[media]\nlisten = [\"127.0.0.1\"]\n"
                         "port = 0\ntcp_port = 0\nworkers = 2\n"};
  uint64_t received_ = 0;
  std::vector<std::unique_ptr<peer::PeerSocket>> guests_;
};

TEST_F(ResidentMemory, OfAnIdleConnectionIsBounded) { EXPECT_LE(bytes_of_each(true), kIdleMax); }

TEST_F(ResidentMemory, OfAWatchingConnectionIsBounded) {
  EXPECT_LE(bytes_of_each(false), kWatchingMax);
}

}  // namespace
}  // namespace simpul::testing
