// Every order of the client's last flight, with messages left out and sent twice (row D18 of
// docs/attacks.md): nothing but the right one leads to keys.
#include <algorithm>
#include <numeric>

#include "tests/support/dtls_flight.h"

namespace simpul::dtls {
namespace {

using ::simpul::testing::renumbered;
using ::simpul::testing::StoppedHandshake;
using enum StoppedHandshake::Part;

using Order = std::vector<size_t>;

// All sequences of different numbers below `count`, the empty one too.
std::vector<Order> arrangements(size_t count) {
  std::vector<Order> all = {{}};
  for (size_t i = 0; i < all.size(); ++i) {  // grows while it is walked
    for (size_t next = 0; next < count; ++next) {
      Order longer = all[i];
      if (std::ranges::find(longer, next) != longer.end()) continue;
      longer.push_back(next);
      all.push_back(std::move(longer));
    }
  }
  return all;
}

size_t position(const Order& order, size_t part) {
  return static_cast<size_t>(std::ranges::find(order, part) - order.begin());
}

// Messages carry their numbers, so their order among each other does not matter; the change of
// ciphers has none and must come after them. A Finished that is early waits.
bool is_complete(const Order& order) {
  if (order.size() != StoppedHandshake::kParts) return false;
  const size_t change = position(order, kChange);
  return position(order, kCertificate) < change && position(order, kKeyExchange) < change &&
         position(order, kVerify) < change;
}

std::string text_of(const Order& order) {
  std::string text;
  for (const size_t part : order) text += "CKVXF"[part];
  return text;
}

TEST(OrderOfTheLastFlight, GivesKeysOnlyWhenItIsCompleteAndIsHealedByARepetition) {
  const auto orders = arrangements(StoppedHandshake::kParts);
  EXPECT_EQ(orders.size(), 326u);
  for (const Order& order : orders) {
    StoppedHandshake handshake;
    for (const size_t part : order) {
      handshake.send(handshake.flight()[part]);
    }
    ASSERT_EQ(handshake.connected(), is_complete(order)) << text_of(order);
    ASSERT_EQ(handshake.keys(), is_complete(order) ? 1u : 0u) << text_of(order);
    ASSERT_EQ(handshake.server().counters().restarts, 0u) << text_of(order);
    // What the client does when it hears nothing.
    for (const auto& record : handshake.flight()) handshake.send(record);
    ASSERT_TRUE(handshake.connected()) << text_of(order);
    ASSERT_EQ(handshake.listener().events_.size(), 1u) << text_of(order);
  }
}

TEST(OrderOfTheLastFlight, AllowsEveryPartToComeTwiceAnywhere) {
  for (size_t twice = 0; twice < StoppedHandshake::kParts; ++twice) {
    for (size_t at = 0; at <= StoppedHandshake::kParts; ++at) {
      Order order(StoppedHandshake::kParts);
      std::iota(order.begin(), order.end(), size_t{0});
      order.insert(order.begin() + static_cast<long>(at), twice);
      StoppedHandshake handshake;
      for (const size_t part : order) handshake.send(handshake.flight()[part]);
      EXPECT_TRUE(handshake.connected()) << text_of(order);
      EXPECT_EQ(handshake.listener().events_.size(), 1u) << text_of(order);
    }
  }
}

// As a client would number them that means to leave something out, or to say it in another order:
// what it proves at the end fits what it said.
TEST(OrderOfTheLastFlight, OfMessagesGivesNoKeysWhereItIsNotTheRightOne) {
  constexpr size_t kMessages = 3;  // certificate, key exchange, verify
  std::vector<Order> orders = arrangements(kMessages);
  for (size_t twice = 0; twice < kMessages; ++twice) {
    for (size_t at = 0; at <= kMessages; ++at) {
      Order order(kMessages);
      std::iota(order.begin(), order.end(), size_t{0});
      order.insert(order.begin() + static_cast<long>(at), twice);
      orders.push_back(std::move(order));
    }
  }
  for (const Order& order : orders) {
    StoppedHandshake handshake;
    std::vector<std::vector<uint8_t>> messages;
    for (const size_t part : order) {
      messages.push_back(
          renumbered(handshake.flight()[part], static_cast<uint16_t>(1 + messages.size())));
    }
    const auto finished = handshake.make_finished(messages);
    for (const auto& message : messages) handshake.send(message);
    handshake.send(handshake.part(kChange));
    handshake.send(finished);
    const bool right = order == Order{kCertificate, kKeyExchange, kVerify};
    ASSERT_EQ(handshake.connected(), right) << text_of(order);
    ASSERT_EQ(handshake.keys(), right ? 1u : 0u) << text_of(order);
  }
}

}  // namespace
}  // namespace simpul::dtls
