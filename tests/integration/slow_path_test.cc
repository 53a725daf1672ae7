// Paths that take less than we have for them: send buffers fill, and routes refuse runs.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <stdexcept>

#include "net/egress.h"
#include "net/event_loop.h"
#include "net/udp_socket.h"
#include "tests/integration/live_node.h"
#include "tests/integration/network.h"
#include "tests/support/run_until.h"

namespace simpul::testing {
namespace {

Address ip(const char* text, uint16_t port = 0) { return *Address::parse(text, port); }

// Queues as much as anybody gives it, and lets it out slowly.
void make_slow(const Network& network, const std::string& interface, const std::string& rate) {
  network.tc("qdisc replace dev " + interface + " root tbf rate " + rate +
             " burst 100kb limit 1gb");
}

// Packets that found a thousand others before a processor that was late: a veth's are among them,
// and no fault of who sent them. The second column, a line for each processor.
uint64_t dropped_by_kernel() {
  std::ifstream lines("/proc/net/softnet_stat");
  uint64_t sum = 0;
  for (std::string line; std::getline(lines, line);) {
    sum += std::stoull(line.substr(line.find(' ')), nullptr, 16);
  }
  return sum;
}

std::unique_ptr<net::UdpSocket> bound(const Network& network, const char* address) {
  const Network::Inside inside(network);
  auto socket = net::UdpSocket::bind(ip(address));
  if (!socket) throw std::runtime_error(socket.error());
  return std::move(*socket);
}

// Datagrams that begin with their number, by way of a real socket.
class NumberedDatagrams {
 public:
  explicit NumberedDatagrams(net::UdpSocket& socket) : egress_(socket) {}

  // False when the send memory is full.
  bool put(size_t size, const Address& to) {
    const MutableBytes room = egress_.reserve(size);
    if (room.empty()) return false;
    std::ranges::fill(room, uint8_t{0});
    store_be32(room.first<4>(), count_++);
    egress_.commit(size, to);
    return true;
  }
  uint32_t count() const { return count_; }
  net::Egress& egress() { return egress_; }

 private:
  net::Egress egress_;
  uint32_t count_ = 0;
};

// Two machines with two cables between them.
class SendingOverACable : public ::testing::Test {
 protected:
  SendingOverACable() {
    for (const char* number : {"1", "2"}) {
      const std::string n = number;
      here_.link("here" + n, there_, "there" + n);
      here_.add_address("here" + n, "10." + n + ".0.1/24");
      there_.add_address("there" + n, "10." + n + ".0.2/24");
    }
    socket_ = bound(here_, "0.0.0.0");
    receiver_ = bound(there_, "10.1.0.2");
    other_receiver_ = bound(there_, "10.2.0.2");
    receiver_->watch(loop_, {.on_readable = [this] { read(*receiver_, numbers_); }});
    other_receiver_->watch(loop_,
                           {.on_readable = [this] { read(*other_receiver_, other_numbers_); }});
  }
  void read(net::UdpSocket& socket, std::vector<uint32_t>& numbers) {
    socket.receive(pool_, received_, 256);
    for (const auto& datagram : received_) {
      numbers.push_back(load_be32(datagram.packet->data().first<4>()));
    }
    received_.clear();
  }
  bool run_until(const std::function<bool()>& done) { return testing::run_until(loop_, done); }
  static std::vector<uint32_t> all_up_to(uint32_t count) {
    std::vector<uint32_t> all(count);
    for (uint32_t i = 0; i < count; ++i) all[i] = i;
    return all;
  }

  const Network here_;
  const Network there_;
  PacketPool pool_{1024};
  std::vector<net::ReceivedDatagram> received_;
  std::vector<uint32_t> numbers_;
  std::vector<uint32_t> other_numbers_;
  net::EventLoop loop_;
  std::unique_ptr<net::UdpSocket> socket_;
  std::unique_ptr<net::UdpSocket> receiver_;
  std::unique_ptr<net::UdpSocket> other_receiver_;
};

TEST_F(SendingOverACable, LosesNothingOfWhatFitsTheMemoryWhileTheSocketIsFull) {
  make_slow(here_, "here1", "1mbit");  // no machine is too slow to fill that
  NumberedDatagrams sent(*socket_);
  socket_->watch(loop_, {.on_readable = {}, .on_writable = [&] { sent.egress().on_writable(); }});
  // In frames of eight, until the kernel takes no more; then until there is no memory either.
  while (sent.put(1'200, receiver_->local_address())) {
    if (sent.count() % 8 != 0) continue;
    sent.egress().flush();
    read(*receiver_, numbers_);  // so that nothing is lost there
  }
  const net::EgressStatistics& statistics = sent.egress().statistics();
  EXPECT_GE(statistics.would_block, 1u);
  EXPECT_EQ(statistics.dropped_arena_full, 1u);  // the one that put() gave up
  ASSERT_GT(sent.count(), net::SendArena::kCapacity / 1'200);
  make_slow(here_, "here1", "40mbit");  // nor to take that
  ASSERT_TRUE(run_until([&] { return numbers_.size() >= sent.count(); }))
      << numbers_.size() << " of " << sent.count();
  EXPECT_EQ(numbers_, all_up_to(sent.count()));
  EXPECT_TRUE(sent.egress().empty());
  EXPECT_FALSE(sent.egress().blocked());
}

TEST_F(SendingOverACable, SendsPlainlyWhereARouteTakesNoRunsAndByRunsElsewhere) {
  here_.set_mtu("here1", 1'000);
  NumberedDatagrams sent(*socket_);
  NumberedDatagrams sent_elsewhere(*socket_);
  for (int frame = 0; frame < 2; ++frame) {
    for (int i = 0; i < 8; ++i) ASSERT_TRUE(sent.put(1'200, receiver_->local_address()));
    sent.egress().flush();
    for (int i = 0; i < 8; ++i) {
      ASSERT_TRUE(sent_elsewhere.put(1'200, other_receiver_->local_address()));
    }
    sent_elsewhere.egress().flush();
  }
  ASSERT_TRUE(run_until([&] { return numbers_.size() >= 16 && other_numbers_.size() >= 16; }));
  EXPECT_EQ(numbers_, all_up_to(16));  // each was cut, and none was lost
  EXPECT_EQ(other_numbers_, all_up_to(16));
  const net::EgressStatistics& plain = sent.egress().statistics();
  EXPECT_EQ(plain.refused_runs, 1u);  // the second frame was not tried
  EXPECT_EQ(plain.messages, 16u);
  EXPECT_EQ(plain.dropped_too_large, 0u);
  EXPECT_EQ(sent_elsewhere.egress().statistics().refused_runs, 0u);
  EXPECT_EQ(sent_elsewhere.egress().statistics().messages, 2u);
}

TEST_F(SendingOverACable, SharesAMessageCallBetweenRoutesThatRefuseRunsAndThoseThatTakeThem) {
  here_.set_mtu("here1", 1'000);
  NumberedDatagrams sent(*socket_);
  for (int viewer = 0; viewer < 20; ++viewer) {
    const bool refused = viewer % 2 == 0;
    const Address& to = refused ? receiver_->local_address() : other_receiver_->local_address();
    for (int i = 0; i < 8; ++i) ASSERT_TRUE(sent.put(1'200, to));
  }
  sent.egress().flush();
  ASSERT_TRUE(run_until([&] { return numbers_.size() + other_numbers_.size() >= 160; }));
  EXPECT_TRUE(std::ranges::is_sorted(numbers_));
  EXPECT_TRUE(std::ranges::is_sorted(other_numbers_));
  EXPECT_EQ(numbers_.size(), 80u);
  EXPECT_EQ(sent.egress().statistics().dropped_too_large, 0u);
}

// A device without checksum offload: kernels before 6.11 refuse runs there (EIO), later ones make
// the checksums themselves. Nothing is lost on either.
TEST(SendingThroughATunnel, LosesNothing) {
  const Network network;
  const Network::Inside inside(network);
  const int tunnel = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
  ASSERT_GE(tunnel, 0) << "/dev/net/tun";
  ifreq request{};
  std::strcpy(request.ifr_name, "tunnel0");
  request.ifr_flags = IFF_TUN | IFF_NO_PI;
  ASSERT_EQ(ioctl(tunnel, TUNSETIFF, &request), 0);
  network.set("net/ipv6/conf/tunnel0/disable_ipv6", "1");  // it would say something itself
  network.ip("link set tunnel0 up");
  network.add_address("tunnel0", "10.8.0.1/24");
  const auto socket = bound(network, "10.8.0.1");
  NumberedDatagrams sent(*socket);
  for (int i = 0; i < 16; ++i) ASSERT_TRUE(sent.put(1'200, ip("10.8.0.2", 7'700)));
  sent.egress().flush();
  constexpr size_t kHeaders = 28;
  std::vector<uint32_t> numbers;
  std::array<uint8_t, 2'048> bytes{};
  while (numbers.size() < 16) {
    pollfd ready{.fd = tunnel, .events = POLLIN, .revents = 0};
    ASSERT_EQ(poll(&ready, 1, 20'000), 1);
    ASSERT_EQ(read(tunnel, bytes.data(), bytes.size()), ssize_t{kHeaders + 1'200});
    numbers.push_back(load_be32(Bytes(bytes).subspan(kHeaders).first<4>()));
  }
  close(tunnel);
  std::vector<uint32_t> all(16);
  for (uint32_t i = 0; i < 16; ++i) all[i] = i;
  EXPECT_EQ(numbers, all);
  EXPECT_EQ(sent.egress().statistics().dropped_unreachable, 0u);
}

// Viewers behind a slow interface of the relay's machine, and one behind another.
class SlowInterface : public ::testing::Test {
 protected:
  static constexpr int kSlowViewers = 10;

  SlowInterface() {
    relay_.link("slow0", slow_, "guest0");
    relay_.link("fast0", fast_, "guest0");
    relay_.add_address("slow0", "10.1.0.1/24");
    slow_.add_address("guest0", "10.1.0.2/24");
    relay_.add_address("fast0", "10.2.0.1/24");
    fast_.add_address("guest0", "10.2.0.2/24");
  }
  LiveGuest& watch(const Network& network, const std::string& name, const char* from,
                   const char* to) {
    const Network::Inside inside(network);
    node_->set_guest_address(ip(from));
    return node_->watch("stage", name, ip(to, port_));
  }
  void begin() {
    const Network::Inside inside(relay_);
    config::Config config = LiveNode::test_config();
    config.media.listen = {ip("0.0.0.0")};
    config.limits.bitrate_per_track = 100'000'000;
    node_ = std::make_unique<LiveNode>(config);
    alice_ = &node_->publish("stage", "alice");
    port_ = alice_->socket->remote().port;
    alice_->socket->sources().pop_back();
    // Enough to fill a socket in seconds, and a rate that slow machines carry for all of them: on
    // a veth, what waits for the receiver's processor is dropped at a thousand packets.
    alice_->socket->add_source(peer::MediaSource::video("1", {.bitrate_bps = 4'000'000}));
  }
  uint64_t times_full() {
    node_->refresh();
    return node_->node().report().workers.front().socket_send_full;
  }

  const Network relay_;
  const Network slow_;
  const Network fast_;
  std::unique_ptr<LiveNode> node_;
  LiveGuest* alice_ = nullptr;
  uint16_t port_ = 0;
};

TEST_F(SlowInterface, FillsAndNobodyElseIsHurt) {
  const uint64_t dropped_before = dropped_by_kernel();
  begin();
  std::vector<LiveGuest*> slow;
  for (int i = 0; i < kSlowViewers; ++i) {
    slow.push_back(&watch(slow_, "slow" + std::to_string(i), "10.1.0.2", "10.1.0.1"));
  }
  LiveGuest& bob = watch(fast_, "bob", "10.2.0.2", "10.2.0.1");
  ASSERT_TRUE(node_->run_until([&] {
    return bob.video > 100 &&
           std::ranges::all_of(slow, [](const LiveGuest* guest) { return guest->video > 100; });
  }));
  make_slow(relay_, "slow0", "1mbit");
  ASSERT_TRUE(node_->ask_until([&] { return times_full() > 0; }));
  // The queue before the slow interface now holds more than it lets out in the whole test.
  const uint64_t before = slow.front()->video;
  const uint64_t bob_before = bob.video;
  ASSERT_TRUE(node_->run_until([&] { return bob.video > bob_before + 1'500; }));
  EXPECT_LE(bob.missed(), dropped_by_kernel() - dropped_before);
  EXPECT_LT(slow.front()->video, before + 1'000);
  // What the full one has no memory for is lost to its own viewers, and counted.
  EXPECT_TRUE(node_->ask_until([&] { return node_->dropped("send_full") > 0; }));
}

}  // namespace
}  // namespace simpul::testing
