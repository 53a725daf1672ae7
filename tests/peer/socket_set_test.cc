#include "bench/peer/socket_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#include <map>

#include "net/socket_address.h"

namespace simpul::peer {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

const Address kLoopback = Address::v4({127, 0, 0, 1}, 0);

class SocketSetTest : public ::testing::Test {
 protected:
  // One that counts what it gets of whom.
  std::unique_ptr<SocketSet::Socket> open(std::map<uint16_t, size_t>& got,
                                          size_t* reads = nullptr) {
    auto socket = set_.open(kLoopback, {.on_datagram = [&got](MutableBytes, const Address& from,
                                                              TimePoint) { ++got[from.port]; },
                                        .on_read =
                                            [reads](TimePoint) {
                                              if (reads != nullptr) ++*reads;
                                            }});
    EXPECT_TRUE(socket);
    return std::move(*socket);
  }
  bool run_until(const std::function<bool()>& done) {
    const TimePoint limit = net::EventLoop::clock_now() + 60s;
    bool result = false;
    net::Timer* again = nullptr;
    net::Timer timer(loop_, [&] {
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
};

TEST_F(SocketSetTest, EachSocketGetsItsOwn) {
  std::map<uint16_t, size_t> got_first;
  std::map<uint16_t, size_t> got_second;
  const auto first = open(got_first);
  const auto second = open(got_second);
  EXPECT_NE(first->local_address().port, second->local_address().port);
  const std::vector<uint8_t> bytes(100);
  for (int i = 0; i < 100; ++i) first->send(bytes, second->local_address());
  second->send(bytes, first->local_address());
  EXPECT_TRUE(run_until([&] {
    return got_second[first->local_address().port] == 100 &&
           got_first[second->local_address().port] == 1;
  }));
  EXPECT_EQ(second->statistics().datagrams, 100u);
  EXPECT_EQ(second->statistics().bytes, 10'000u);
  EXPECT_LT(second->statistics().system_calls, 20u) << "many at a time";
}

TEST_F(SocketSetTest, HandsOverTheBytesThatCame) {
  std::vector<uint8_t> got;
  auto receiver = set_.open(
      kLoopback, {.on_datagram = [&](MutableBytes bytes, const Address&,
                                     TimePoint) { got.assign(bytes.begin(), bytes.end()); },
                  .on_read = [](TimePoint) {}});
  std::map<uint16_t, size_t> none;
  const auto sender = open(none);
  const std::vector<uint8_t> sent = {1, 2, 3, 4, 5};
  sender->send(sent, (*receiver)->local_address());
  EXPECT_TRUE(run_until([&] { return got == sent; }));
}

TEST_F(SocketSetTest, DropsAndCountsWhatIsTooLong) {
  std::map<uint16_t, size_t> got;
  const auto receiver = open(got);
  const auto sender = open(got);
  sender->send(std::vector<uint8_t>(4'000), receiver->local_address());
  EXPECT_TRUE(run_until([&] { return receiver->statistics().dropped_truncated == 1; }));
  EXPECT_TRUE(got.empty());
}

TEST_F(SocketSetTest, ASocketMayBeClosedByTheHandlerOfAnother) {
  std::map<uint16_t, size_t> got;
  const auto sender = open(got);
  std::unique_ptr<SocketSet::Socket> first;
  std::unique_ptr<SocketSet::Socket> second;
  size_t datagrams = 0;
  const auto open_with = [&](std::unique_ptr<SocketSet::Socket>& other) {
    auto socket = set_.open(kLoopback, {.on_datagram =
                                            [&](MutableBytes, const Address&, TimePoint) {
                                              ++datagrams;
                                              other.reset();
                                            },
                                        .on_read = [](TimePoint) {}});
    return std::move(*socket);
  };
  first = open_with(second);
  second = open_with(first);
  sender->send(std::vector<uint8_t>(10), first->local_address());
  sender->send(std::vector<uint8_t>(10), second->local_address());
  EXPECT_TRUE(run_until([&] { return datagrams > 0; }));
  EXPECT_EQ(datagrams, 1u);
  EXPECT_EQ(set_.size(), 2u);
}

TEST_F(SocketSetTest, PlacesAreUsedAgain) {
  std::map<uint16_t, size_t> got;
  const auto receiver = open(got);
  for (int i = 0; i < 100; ++i) {
    const auto sender = open(got);
    EXPECT_EQ(set_.size(), 2u);
    sender->send(std::vector<uint8_t>(10), receiver->local_address());
  }
  EXPECT_TRUE(run_until([&] { return receiver->statistics().datagrams == 100; }));
}

// The kernel begins to note times a little after the first socket has asked for them.
TEST_F(SocketSetTest, TellsWhenADatagramCameHoweverLateItIsRead) {
  std::optional<TimePoint> came_at;
  auto receiver = set_.open(
      kLoopback,
      {.on_datagram = [&](MutableBytes, const Address&, TimePoint time) { came_at = time; },
       .on_read = [&](TimePoint now) { EXPECT_LE(*came_at, now); }});
  std::map<uint16_t, size_t> none;
  const auto sender = open(none);
  const TimePoint limit = net::EventLoop::clock_now() + 20s;
  bool told = false;
  while (!told && net::EventLoop::clock_now() < limit) {
    came_at.reset();
    const TimePoint before = net::EventLoop::clock_now();
    sender->send(std::vector<uint8_t>(10), (*receiver)->local_address());
    const TimePoint after = net::EventLoop::clock_now();
    while (net::EventLoop::clock_now() < after + 20ms) {
    }
    ASSERT_TRUE(run_until([&] { return came_at.has_value(); }));
    told = *came_at >= before - 1ms && *came_at <= after + 1ms;
  }
  EXPECT_TRUE(told);
}

// The descriptor in this process that is bound to an address.
int descriptor_of(const Address& address) {
  for (int fd = 0; fd < 1'000; ++fd) {
    net::SocketAddress name;
    socklen_t size = sizeof name;
    if (getsockname(fd, reinterpret_cast<sockaddr*>(&name), &size) != 0) continue;
    if (name.v4.sin_family == AF_INET && net::load_address(name) == address) return fd;
  }
  return -1;
}

int option_of(int fd, int level, int name) {
  int value = -1;
  socklen_t size = sizeof value;
  EXPECT_EQ(getsockopt(fd, level, name, &value, &size), 0);
  return value;
}

TEST_F(SocketSetTest, TellsTheOptionsThatTheKernelHas) {
  EXPECT_EQ(set_.options_text(), "no socket");
  std::map<uint16_t, size_t> got;
  const auto socket = open(got);
  const int fd = descriptor_of(socket->local_address());
  ASSERT_GE(fd, 0);
  const std::string buffer = "SO_RCVBUF " + std::to_string(option_of(fd, SOL_SOCKET, SO_RCVBUF));
  EXPECT_EQ(option_of(fd, SOL_SOCKET, SO_RXQ_OVFL), 1);
  EXPECT_EQ(option_of(fd, SOL_SOCKET, SO_TIMESTAMPNS), 1);
  EXPECT_EQ(option_of(fd, SOL_UDP, UDP_GRO), 0);
  EXPECT_EQ(set_.options_text(), buffer + ", SO_RXQ_OVFL, SO_TIMESTAMPNS, no UDP_GRO");
  const int on = 1;
  ASSERT_EQ(setsockopt(fd, SOL_UDP, UDP_GRO, &on, sizeof on), 0);
  EXPECT_EQ(set_.options_text(), buffer + ", SO_RXQ_OVFL, SO_TIMESTAMPNS, UDP_GRO");
}

TEST_F(SocketSetTest, SaysWhyAnAddressCannotBeBound) {
  std::map<uint16_t, size_t> got;
  const auto taken = open(got);
  const auto second = set_.open(taken->local_address(), {});
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error(), HasSubstr("in use"));
}

}  // namespace
}  // namespace simpul::peer
