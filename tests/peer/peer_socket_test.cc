#include "bench/peer/peer_socket.h"

#include <gtest/gtest.h>

namespace simpul::peer {
namespace {

using namespace std::chrono_literals;

class PeerSocketTest : public ::testing::Test {
 protected:
  // Datagrams to where the peer is now, without its reading any, until there is no room.
  void overflow() {
    const std::vector<uint8_t> bytes(1'000);
    constexpr int kMoreThanFit = 30'000;
    for (int i = 0; i < kMoreThanFit; ++i) sender_->send(bytes, viewer_.local());
  }
  // The kernel tells of overflows with what it hands over afterwards.
  bool read_until(const std::function<bool()>& done) {
    const TimePoint limit = net::EventLoop::clock_now() + 60s;
    bool result = false;
    net::Timer* again = nullptr;
    net::Timer timer(loop_, [&] {
      sender_->send(std::vector<uint8_t>(10), viewer_.local());
      result = done();
      if (result || net::EventLoop::clock_now() > limit) return loop_.stop();
      again->set(loop_.now() + 1ms);
    });
    again = &timer;
    timer.set(loop_.now());
    loop_.run();
    return result;
  }

  net::EventLoop loop_;
  SocketSet set_{loop_};
  Identity identity_{std::chrono::seconds(1'800'000'000)};
  std::unique_ptr<SocketSet::Socket> sender_ =
      std::move(*set_.open(Address::v4({127, 0, 0, 1}, 0),
                           {.on_datagram = [](auto&&...) {}, .on_read = [](TimePoint) {}}));
  PeerSocket viewer_{set_, {}, identity_, {}};
};

TEST_F(PeerSocketTest, OverflowsOfSocketsThatItLeftStillCount) {
  overflow();
  ASSERT_TRUE(read_until([&] { return viewer_.overflows() > 0; }));
  const uint64_t first = viewer_.overflows();
  const Address anywhere = Address::v4({127, 0, 0, 1}, 0);
  viewer_.move(anywhere);
  EXPECT_EQ(viewer_.overflows(), first) << "beside the new one";
  viewer_.move(anywhere);
  EXPECT_EQ(viewer_.overflows(), first) << "closed";
  overflow();
  EXPECT_TRUE(read_until([&] { return viewer_.overflows() > first; }));
}

}  // namespace
}  // namespace simpul::peer
