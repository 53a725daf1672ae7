// Real sockets over the loopback interface: what the kernel makes of our batches.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "net/egress.h"
#include "net/event_loop.h"
#include "net/interfaces.h"
#include "net/socket_address.h"
#include "net/udp_socket.h"

namespace simpul::net {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr size_t kNoLimit = 1'000'000;
const Address kLoopback = Address::v4({127, 0, 0, 1}, 0);

std::unique_ptr<UdpSocket> bound(const Address& address = kLoopback) {
  auto socket = UdpSocket::bind(address);
  EXPECT_TRUE(socket.has_value()) << socket.error();
  return std::move(*socket);
}

Bytes numbered(std::vector<uint8_t>& bytes, uint32_t number) {
  store_be32(std::span(bytes).first<4>(), number);
  return bytes;
}

class UdpLoopback : public ::testing::Test {
 protected:
  void send_one(const Address& to, std::vector<uint8_t> bytes) {
    const OutgoingMessage message{bytes, 0, to};
    ASSERT_EQ(sender_->send_messages({&message, 1}), 1);
  }
  // Loopback delivers before the send returns, so there is nothing to wait for.
  bool receive(size_t max = kNoLimit) { return receiver_->receive(pool_, received_, max); }

  EventLoop loop_;
  PacketPool pool_{4096};
  std::unique_ptr<UdpSocket> sender_ = bound();
  std::unique_ptr<UdpSocket> receiver_ = bound();
  std::vector<ReceivedDatagram> received_;
};

TEST_F(UdpLoopback, TakesAFreePortAndTellsIt) {
  EXPECT_NE(sender_->local_address().port, 0);
  EXPECT_EQ(sender_->local_address().ip, kLoopback.ip);
}

TEST_F(UdpLoopback, SaysWhyAnAddressCannotBeBound) {
  const auto socket = UdpSocket::bind(sender_->local_address());
  ASSERT_FALSE(socket.has_value());
  EXPECT_EQ(socket.error(),
            "bind " + sender_->local_address().to_string() + ": address already in use");
  EXPECT_FALSE(UdpSocket::bind(Address::v4({192, 0, 2, 1}, 0)).has_value());
}

TEST_F(UdpLoopback, DeliversEveryDatagramOfManyRunsInOrder) {
  constexpr uint32_t kDatagrams = 2000;
  Egress egress(*sender_);
  sender_->watch(loop_, {.on_writable = [&] { egress.on_writable(); }});
  receiver_->watch(loop_, {.on_readable = [&] {
                     receive();
                     if (received_.size() == kDatagrams) loop_.stop();
                   }});
  std::vector<uint8_t> bytes(1200);
  for (uint32_t number = 0; number < kDatagrams; ++number) {
    // Every eighth ends a frame and is shorter.
    const size_t size = number % 8 == 7 ? 700 : 1200;
    const MutableBytes room = egress.reserve(size);
    ASSERT_EQ(room.size(), size);
    std::ranges::copy(numbered(bytes, number).first(size), room.begin());
    egress.commit(size, receiver_->local_address());
  }
  egress.flush();
  loop_.run();
  ASSERT_THAT(received_, SizeIs(kDatagrams));
  for (uint32_t number = 0; number < kDatagrams; ++number) {
    const Packet& packet = *received_[number].packet;
    ASSERT_EQ(load_be32(Bytes(packet.data()).first<4>()), number);
    ASSERT_EQ(packet.size, number % 8 == 7 ? 700u : 1200u);
    ASSERT_EQ(received_[number].from, sender_->local_address());
  }
  EXPECT_EQ(egress.statistics().messages, kDatagrams / 8);
  EXPECT_LE(egress.statistics().system_calls, kDatagrams / 8 / 64 + 2);
  EXPECT_EQ(receiver_->statistics().datagrams, kDatagrams);
  EXPECT_LE(receiver_->statistics().system_calls, uint64_t{kDatagrams});
}

// What the machine has is what it must be able to do; without IPv6 it must say so.
TEST_F(UdpLoopback, SendsAndReceivesOverIpv6WhereTheMachineHasIt) {
  const auto any_port = Address::parse("::1", 0);
  const auto addresses = local_addresses();
  const bool has_ipv6 =
      std::ranges::find(addresses, *any_port, &LocalAddress::address) != addresses.end();
  auto socket = UdpSocket::bind(*any_port);
  ASSERT_EQ(socket.has_value(), has_ipv6);
  if (!has_ipv6) {
    EXPECT_THAT(socket.error(), HasSubstr("bind [::1]:0: "));
    return;
  }
  const auto other = bound(*any_port);
  Egress egress(*other);
  for (int i = 0; i < 4; ++i) {
    ASSERT_FALSE(egress.reserve(100).empty());
    egress.commit(100, (*socket)->local_address());
  }
  egress.flush();
  (*socket)->receive(pool_, received_, kNoLimit);
  ASSERT_THAT(received_, SizeIs(4));
  EXPECT_EQ(received_[0].from, other->local_address());
}

class WildcardSocket : public UdpLoopback {
 protected:
  // Whatever the machine has besides, it has these.
  const std::vector<Address> addresses_ = {Address::v4({127, 0, 0, 1}, 0),
                                           Address::v4({127, 0, 0, 9}, 0),
                                           Address::v4({127, 8, 7, 6}, 0)};
  std::unique_ptr<UdpSocket> wildcard_ = bound(Address::v4({0, 0, 0, 0}, 0));
};

TEST_F(WildcardSocket, TellsToWhichAddressADatagramCame) {
  for (Address to : addresses_) {
    to.port = wildcard_->local_address().port;
    send_one(to, {1});
    received_.clear();
    wildcard_->receive(pool_, received_, kNoLimit);
    ASSERT_THAT(received_, SizeIs(1));
    EXPECT_NE(received_[0].at, 0);
    EXPECT_EQ(wildcard_->local_address(received_[0].at), to);
  }
}

TEST_F(WildcardSocket, SendsSingleDatagramsAndRunsFromTheAddressThatWasWrittenTo) {
  Egress egress(*wildcard_);
  for (Address to : addresses_) {
    to.port = wildcard_->local_address().port;
    send_one(to, {1});
    std::vector<ReceivedDatagram> asked;
    wildcard_->receive(pool_, asked, kNoLimit);
    ASSERT_THAT(asked, SizeIs(1));
    for (const size_t size : {100u, 100u, 100u, 200u}) {  // a run of three, and one
      ASSERT_FALSE(egress.reserve(size).empty());
      egress.commit(size, asked[0].from, asked[0].at);
    }
    egress.flush();
    received_.clear();
    sender_->receive(pool_, received_, kNoLimit);
    ASSERT_THAT(received_, SizeIs(4));
    for (const ReceivedDatagram& answer : received_) EXPECT_EQ(answer.from, to);
  }
  EXPECT_EQ(egress.statistics().messages, 2 * addresses_.size());
}

TEST_F(WildcardSocket, LetsTheRouteChooseWhenItIsToldNothing) {
  const std::vector<uint8_t> bytes = {1};
  const OutgoingMessage message{.bytes = bytes, .to = receiver_->local_address()};
  ASSERT_EQ(wildcard_->send_messages({&message, 1}), 1);
  receive();
  ASSERT_THAT(received_, SizeIs(1));
  EXPECT_EQ(received_[0].from.ip, kLoopback.ip);
}

TEST_F(WildcardSocket, GivesEachAddressOfTheMachineASocketAtItsPort) {
  const auto all_own = wildcard_->bind_own_addresses();
  EXPECT_LE(all_own.size(), UdpSocket::kOwnSocketsMax);
  const uint16_t port = wildcard_->local_address().port;
  const Address loopback = Address::v4({127, 0, 0, 1}, port);
  const auto own = std::ranges::find(all_own, loopback,
                                     [](const auto& socket) { return socket->local_address(); });
  ASSERT_NE(own, all_own.end());
  // What comes there is its own; what comes to an address that has none, the wildcard's.
  send_one(loopback, {1});
  EXPECT_FALSE((*own)->receive(pool_, received_, kNoLimit));
  EXPECT_THAT(received_, SizeIs(1));
  send_one(Address::v4({127, 0, 0, 9}, port), {2});
  (*own)->receive(pool_, received_, kNoLimit);
  EXPECT_THAT(received_, SizeIs(1));
  wildcard_->receive(pool_, received_, kNoLimit);
  EXPECT_THAT(received_, SizeIs(2));
}

TEST_F(WildcardSocket, SharesItsPortWithNobodyElse) {
  const auto own = wildcard_->bind_own_addresses();
  ASSERT_FALSE(own.empty());
  Address elsewhere = Address::v4({127, 0, 0, 9}, wildcard_->local_address().port);
  Address same = own.front()->local_address();
  for (const Address& wanted : {elsewhere, same}) {
    SocketAddress address{};
    const socklen_t length = store_address(wanted, address);
    const int other = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    ASSERT_EQ(setsockopt(other, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), 0);
    EXPECT_EQ(::bind(other, &address.any, length), -1) << wanted.to_string();
    EXPECT_EQ(errno, EADDRINUSE);
    ::close(other);
  }
}

TEST_F(UdpLoopback, HasNoNumbersForASocketOfOneAddress) {
  send_one(receiver_->local_address(), {1});
  receive();
  ASSERT_THAT(received_, SizeIs(1));
  EXPECT_EQ(received_[0].at, 0);
  EXPECT_EQ(receiver_->local_address(received_[0].at), receiver_->local_address());
}

TEST_F(UdpLoopback, DropsADatagramForTheOtherFamilyAndSendsTheRest) {
  Egress egress(*sender_);
  for (const Address& to : {*Address::parse("2001:db8::1", 9), receiver_->local_address()}) {
    ASSERT_FALSE(egress.reserve(100).empty());
    egress.commit(100, to);
  }
  egress.flush();
  receive();
  EXPECT_THAT(received_, SizeIs(1));
  EXPECT_EQ(egress.statistics().dropped_unreachable, 1u);
}

TEST_F(UdpLoopback, ReadsInBatchesUpToWhatItIsTold) {
  for (int i = 0; i < 70; ++i) send_one(receiver_->local_address(), {1, 2, 3});
  EXPECT_TRUE(receive(1));
  EXPECT_THAT(received_, SizeIs(UdpSocket::kBatch));
  EXPECT_FALSE(receive());
  EXPECT_THAT(received_, SizeIs(70));
  EXPECT_EQ(receiver_->statistics().system_calls, 3u);
  EXPECT_FALSE(receive());
}

TEST_F(UdpLoopback, ReadsAndDropsWhatFindsNoPacket) {
  constexpr size_t kPackets = 3;
  PacketPool small(kPackets);
  for (uint8_t i = 0; i < 5; ++i) send_one(receiver_->local_address(), {i});
  receiver_->receive(small, received_, kNoLimit);
  EXPECT_THAT(received_, SizeIs(kPackets));
  EXPECT_EQ(receiver_->statistics().dropped_no_packet, 2u);

  received_.clear();
  send_one(receiver_->local_address(), {9});
  receiver_->receive(small, received_, kNoLimit);
  ASSERT_THAT(received_, SizeIs(1));
  EXPECT_EQ(received_[0].packet->data()[0], 9);
  received_.clear();
  receiver_.reset();
}

TEST_F(UdpLoopback, DropsADatagramThatIsLargerThanAPacket) {
  send_one(receiver_->local_address(), std::vector<uint8_t>(kPacketCapacity + 1, 7));
  send_one(receiver_->local_address(), std::vector<uint8_t>(kPacketCapacity, 8));
  receive();
  ASSERT_THAT(received_, SizeIs(1));
  EXPECT_EQ(received_[0].packet->size, kPacketCapacity);
  EXPECT_EQ(receiver_->statistics().dropped_truncated, 1u);
}

TEST_F(UdpLoopback, HandsOverAnEmptyDatagram) {
  send_one(receiver_->local_address(), {});
  receive();
  ASSERT_THAT(received_, SizeIs(1));
  EXPECT_EQ(received_[0].packet->size, 0u);
}

TEST_F(UdpLoopback, CountsWhatTheKernelDroppedForWantOfRoom) {
  // Small datagrams fill the buffer by the kernel's bookkeeping, which is larger than they are.
  constexpr uint64_t kDatagrams = 40'000;
  constexpr uint64_t kBurst = 64;
  const std::vector<uint8_t> bytes(64 * kBurst);
  const OutgoingMessage run{bytes, 64, receiver_->local_address()};
  for (uint64_t sent = 0; sent < kDatagrams; sent += kBurst) {
    ASSERT_EQ(sender_->send_messages({&run, 1}), 1);
  }
  while (receiver_->receive(pool_, received_, UdpSocket::kBatch)) received_.clear();
  // The count comes with the next datagram that has room.
  send_one(receiver_->local_address(), {1});
  receive();
  const UdpStatistics& statistics = receiver_->statistics();
  EXPECT_GT(statistics.overflows, 0u);
  EXPECT_EQ(statistics.datagrams + statistics.overflows, kDatagrams + 1);
  EXPECT_EQ(statistics.dropped_no_packet, 0u);
}

TEST_F(UdpLoopback, CallsBackOnceWhenItIsWritable) {
  int calls = 0;
  sender_->watch(loop_, {.on_writable = [&] {
                   ++calls;
                   loop_.post([&] { loop_.post([&] { loop_.stop(); }); });
                 }});
  sender_->notify_when_writable();
  loop_.run();
  EXPECT_EQ(calls, 1);
}

TEST_F(UdpLoopback, RemembersThatItWasToldToWaitBeforeItWasWatched) {
  sender_->notify_when_writable();
  sender_->watch(loop_, {.on_writable = [&] { loop_.stop(); }});
  loop_.run();
  SUCCEED();
}

}  // namespace
}  // namespace simpul::net
