// What an operator sees of the sockets' buffers, of the program as it is installed.
#include <gtest/gtest.h>

#include "net/event_loop.h"
#include "net/udp_socket.h"
#include "tests/integration/served_process.h"
#include "tests/support/run_until.h"

namespace simpul::testing {
namespace {

constexpr const char* kConfiguration =
    "[http]\nlisten = \"127.0.0.1:0\"\n[media]\nlisten = [\"127.0.0.1\"]\nport = 0\n"
    "tcp_port = 0\nworkers = 1\n";

TEST(FloodedSocket, IsCountedInTheMetrics) {
  const ServedProcess process(SIMPUL_SIMPULD, kConfiguration);
  EXPECT_EQ(process.metric("simpul_socket_overflow_total"), 0);
  const auto sender = net::UdpSocket::bind(Address::v4({127, 0, 0, 1}, 0));
  ASSERT_TRUE(sender);
  // More than its buffer holds, while it reads nothing.
  size_t runs = 1'000;
  const std::vector<uint8_t> bytes(64 * 64);
  const net::OutgoingMessage run{
      .bytes = bytes, .segment_size = 64, .to = process.media(), .from = 0};
  process.suspend();
  for (size_t i = 0; i < runs; ++i) ASSERT_EQ((*sender)->send_messages({&run, 1}), 1);
  process.resume();
  // The kernel tells how many with the next datagram that finds room.
  const TimePoint limit = net::EventLoop::clock_now() + kHang;
  while (process.metric("simpul_socket_overflow_total") == 0) {
    ASSERT_LT(net::EventLoop::clock_now(), limit);
    ASSERT_EQ((*sender)->send_messages({&run, 1}), 1);
    ++runs;
  }
  EXPECT_LT(process.metric("simpul_socket_overflow_total"), 64 * runs);
}

TEST(SocketBuffers, AreToldInTheMetrics) {
  const ServedProcess process(SIMPUL_SIMPULD, kConfiguration);
  const auto socket = net::UdpSocket::bind(Address::v4({127, 0, 0, 1}, 0));
  ASSERT_TRUE(socket);
  const TimePoint limit = net::EventLoop::clock_now() + kHang;
  const std::string name = "simpul_socket_buffer_bytes";
  while (process.metric(name) == 0) ASSERT_LT(net::EventLoop::clock_now(), limit);
  EXPECT_EQ(process.metric(name), (*socket)->receive_buffer_size() + (*socket)->send_buffer_size());
  EXPECT_GT((*socket)->send_buffer_size(), 100'000);
}

}  // namespace
}  // namespace simpul::testing
