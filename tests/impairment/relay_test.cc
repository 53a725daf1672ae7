#include "tests/impairment/relay.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <set>

namespace simpul::impairment {
namespace {

using ::testing::SizeIs;

constexpr size_t kReadMax = 1024;
const Address kLoopback = Address::v4({127, 0, 0, 1}, 0);

// A server that sends back what it gets, and clients, all on one loop with the relay.
class RelayTest : public ::testing::Test {
 protected:
  void SetUp() override {
    server_ = bound();
    server_->watch(loop_, {.on_readable = [this] {
                     std::vector<net::ReceivedDatagram> received;
                     server_->receive(pool_, received, kReadMax);
                     for (const auto& datagram : received) {
                       seen_by_server_.insert(datagram.from);
                       send(*server_, datagram.packet->data(), datagram.from);
                     }
                   }});
  }
  void start(RelayOptions options) {
    options.to = server_->local_address();
    auto relay = Relay::start(loop_, options);
    ASSERT_TRUE(relay.has_value()) << relay.error();
    relay_ = std::move(*relay);
  }
  static std::unique_ptr<net::UdpSocket> bound() {
    auto socket = net::UdpSocket::bind(kLoopback);
    EXPECT_TRUE(socket.has_value()) << socket.error();
    return std::move(*socket);
  }
  static void send(net::UdpSocket& from, Bytes bytes, const Address& to) {
    const net::OutgoingMessage message{bytes, 0, to};
    ASSERT_EQ(from.send_messages({&message, 1}), 1);
  }
  void send_to_relay(net::UdpSocket& from, uint8_t number) {
    send(from, std::vector<uint8_t>{number, 1, 2, 3}, relay_->local_address());
  }
  // Calls back with the first byte of each answer.
  void on_answers(net::UdpSocket& client, std::function<void(uint8_t)> callback) {
    client.watch(loop_, {.on_readable = [this, &client, callback] {
                   std::vector<net::ReceivedDatagram> received;
                   client.receive(pool_, received, kReadMax);
                   for (const auto& datagram : received) {
                     EXPECT_EQ(datagram.from, relay_->local_address());
                     callback(datagram.packet->data()[0]);
                   }
                 }});
  }

  net::EventLoop loop_;
  PacketPool pool_{64 * net::UdpSocket::kBatch};
  std::unique_ptr<net::UdpSocket> server_;
  std::unique_ptr<Relay> relay_;
  std::set<Address> seen_by_server_;
};

TEST_F(RelayTest, CarriesDatagramsToTheServerAndBackToTheirClient) {
  start({});
  const auto first = bound();
  const auto second = bound();
  std::set<uint8_t> answers;
  const auto collect = [&](uint8_t number) {
    answers.insert(number);
    if (answers.size() == 2) loop_.stop();
  };
  on_answers(*first, [&](uint8_t number) {
    EXPECT_EQ(number, 1);
    collect(number);
  });
  on_answers(*second, [&](uint8_t number) {
    EXPECT_EQ(number, 2);
    collect(number);
  });
  send_to_relay(*first, 1);
  send_to_relay(*second, 2);
  loop_.run();
  EXPECT_THAT(seen_by_server_, SizeIs(2));
  EXPECT_EQ(relay_->counts().clients, 2u);
  EXPECT_EQ(relay_->counts().up.passed, 2u);
  EXPECT_EQ(relay_->counts().down.passed, 2u);
}

TEST_F(RelayTest, DelaysBothWays) {
  const PathOptions path{.delay = std::chrono::milliseconds(3)};
  start({.up = path, .down = path});
  const auto client = bound();
  const TimePoint sent = net::EventLoop::clock_now();
  TimePoint answered{};
  on_answers(*client, [&](uint8_t) {
    answered = net::EventLoop::clock_now();
    loop_.stop();
  });
  send_to_relay(*client, 1);
  loop_.run();
  EXPECT_GE(answered - sent, std::chrono::milliseconds(6));
}

TEST_F(RelayTest, LosesInTheDirectionThatItIsTold) {
  start({.down = {.loss = 0.5}});
  const auto client = bound();
  int answers = 0;
  on_answers(*client, [&](uint8_t) { ++answers; });
  for (int i = 0; i < 100; ++i) send_to_relay(*client, 1);
  // The relay has had all answers, whatever it did with them, and the client those that passed.
  loop_.before_sleep([&] {
    const PathCounts down = relay_->counts().down;
    if (down.received == 100 && static_cast<uint64_t>(answers) == down.passed) loop_.stop();
  });
  loop_.run();
  EXPECT_EQ(relay_->counts().up.lost, 0u);
  EXPECT_GT(relay_->counts().down.lost, 20u);
  EXPECT_LT(relay_->counts().down.lost, 80u);
}

TEST_F(RelayTest, TakesNothingFromAnyoneButTheServerForAClient) {
  start({});
  const auto client = bound();
  const auto stranger = bound();
  std::vector<uint8_t> answers;
  on_answers(*client, [&](uint8_t number) {
    answers.push_back(number);
    if (answers.size() == 2) loop_.stop();
    // Towards the address that the relay shows to the server.
    send(*stranger, std::vector<uint8_t>{99}, *seen_by_server_.begin());
    send_to_relay(*client, 2);
  });
  send_to_relay(*client, 1);
  loop_.run();
  EXPECT_EQ(answers, (std::vector<uint8_t>{1, 2}));
}

TEST_F(RelayTest, ShowsAClientAtAnotherAddressAfterItHasRebound) {
  start({});
  const auto client = bound();
  std::vector<uint8_t> answers;
  on_answers(*client, [&](uint8_t number) {
    answers.push_back(number);
    if (answers.size() == 2) return loop_.stop();
    loop_.post([&] {
      relay_->rebind();
      send_to_relay(*client, 2);
    });
  });
  send_to_relay(*client, 1);
  loop_.run();
  EXPECT_EQ(answers, (std::vector<uint8_t>{1, 2}));
  EXPECT_THAT(seen_by_server_, SizeIs(2));
  EXPECT_EQ(relay_->counts().clients, 1u);
}

TEST_F(RelayTest, ChangesThePathsOfClientsThatThereAreAndOfThoseToCome) {
  start({});
  const auto first = bound();
  const auto second = bound();
  std::vector<uint8_t> answers;
  on_answers(*first, [&](uint8_t number) {
    answers.push_back(number);
    RelayOptions changed = relay_->options();
    changed.up.loss = 1;
    relay_->change(changed);
    send_to_relay(*first, 2);
    send_to_relay(*second, 3);
  });
  on_answers(*second, [&](uint8_t number) { answers.push_back(number); });
  send_to_relay(*first, 1);
  loop_.before_sleep([&] {
    if (relay_->counts().up.lost == 2) loop_.stop();
  });
  loop_.run();
  EXPECT_EQ(answers, (std::vector<uint8_t>{1}));
  EXPECT_EQ(relay_->counts().clients, 2u);
}

TEST_F(RelayTest, CountsWhatDatagramsWaitForTheRate) {
  // 4 bytes at 320 bit/s: each waits for 100 ms longer than the one before.
  start({.up = {.rate_bps = 320, .queue = std::chrono::seconds(10)}});
  const auto client = bound();
  for (uint8_t i = 0; i < 10; ++i) send_to_relay(*client, i);
  loop_.before_sleep([&] {
    if (relay_->counts().up.received == 10) loop_.stop();
  });
  loop_.run();
  const RelayCounts counts = relay_->counts_afresh();
  EXPECT_GT(counts.up_waits.milliseconds(0.95), 0u);
  EXPECT_EQ(counts.down_waits.milliseconds(0.95), 0u);
  EXPECT_EQ(relay_->counts().up_waits.milliseconds(0.95), 0u);
}

TEST_F(RelayTest, RefusesMoreClientsThanItsLimit) {
  start({});
  std::vector<std::unique_ptr<net::UdpSocket>> clients;
  for (size_t i = 0; i < Relay::kClientsMax + 1; ++i) {
    clients.push_back(bound());
    send_to_relay(*clients.back(), 1);
  }
  loop_.before_sleep([&] {
    if (relay_->counts().refused == 1) loop_.stop();
  });
  loop_.run();
  EXPECT_EQ(relay_->counts().clients, Relay::kClientsMax);
}

TEST_F(RelayTest, SaysWhyItCannotStart) {
  const auto relay = Relay::start(loop_, {.listen = server_->local_address()});
  ASSERT_FALSE(relay.has_value());
  EXPECT_EQ(relay.error(),
            "bind " + server_->local_address().to_string() + ": address already in use");
}

}  // namespace
}  // namespace simpul::impairment
