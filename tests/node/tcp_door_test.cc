// The TCP port over real sockets on the loopback interface.
#include "node/tcp_door.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>

#include "ice/stun_message.h"
#include "node/worker_tag.h"
#include "tests/support/run_until.h"

namespace simpul::node {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

std::vector<uint8_t> greeting(const std::string& fragment) {
  const auto check = ice::make_binding_request(
      {.username = fragment + ":theirs", .controlling = 1, .key = "password"});
  std::vector<uint8_t> bytes = {0, static_cast<uint8_t>(check.size())};
  bytes.insert(bytes.end(), check.begin(), check.end());
  return bytes;
}

class TcpDoorTest : public ::testing::Test {
 protected:
  void open(size_t budget = 4'000,
            const std::vector<Address>& addresses = {Address::v4({127, 0, 0, 1}, 0)}) {
    budget_ = std::make_unique<net::TcpBudget>(budget);
    auto door = TcpDoor::open(loop_, addresses, 0, *budget_, [this](TcpArrival arrival) {
      if (worker_of(arrival.username_fragment) != 3u) return false;
      arrivals_.push_back(std::move(arrival));
      return true;
    });
    ASSERT_TRUE(door.has_value()) << door.error();
    door_ = std::move(*door);
  }
  net::TcpDescriptor& knock(uint8_t host = 1) {
    auto connecting = net::TcpDescriptor::connect(Address::v4({127, 0, 0, 1}, door_->port()),
                                                  outside_, Address::v4({127, 0, 0, host}, 0));
    EXPECT_TRUE(connecting.has_value());
    return knocking_.emplace_back(std::move(*connecting));
  }
  // All who knocked are known at the door, or were refused.
  void let_in() {
    ASSERT_TRUE(run_until(
        [this] { return door_->waiting() + arrivals_.size() + refused() == knocking_.size(); }));
  }
  uint64_t refused() {
    uint64_t count = 0;
    for (const auto& [reason, number] : door_->refused()) count += number;
    return count;
  }
  uint64_t refused(const std::string& reason) { return door_->refused().at(reason); }
  static bool is_closed(net::TcpDescriptor& descriptor) {
    std::array<uint8_t, 16> room;
    return !descriptor.receive(room).has_value();
  }
  bool run_until(const std::function<bool()>& done) {
    return simpul::testing::run_until(loop_, done);
  }

  net::EventLoop loop_;
  net::TcpBudget outside_{100'000};
  std::unique_ptr<net::TcpBudget> budget_;
  std::vector<TcpArrival> arrivals_;
  std::deque<net::TcpDescriptor> knocking_;
  std::unique_ptr<TcpDoor> door_;
};

TEST_F(TcpDoorTest, HandsOverWhoNamesAConnectionOfAWorker) {
  open();
  net::TcpDescriptor& guest = knock();
  let_in();
  EXPECT_EQ(door_->waiting(), 1u);
  auto bytes = greeting(tag_with_worker("abcdefgh", 3));
  const size_t size = bytes.size() - 2;
  bytes.insert(bytes.end(), {0, 1, 42});  // the next frame is not the door's
  guest.send(bytes);
  ASSERT_TRUE(run_until([&] { return !arrivals_.empty(); }));
  TcpArrival& arrival = arrivals_.front();
  EXPECT_EQ(arrival.username_fragment, "abcdefghAD");
  EXPECT_EQ(arrival.frame.size(), size);
  EXPECT_EQ(door_->waiting(), 0u);
  std::array<uint8_t, 16> room;
  EXPECT_EQ(arrival.descriptor.receive(room), 3u);
  EXPECT_EQ(room[2], 42);
  EXPECT_EQ(budget_->open, 1u);
  arrivals_.clear();
  EXPECT_EQ(budget_->open, 0u);
}

TEST_F(TcpDoorTest, ClosesWhoNamesNoWorkerOrSaysSomethingElseOrGoes) {
  open();
  knock().send(greeting(tag_with_worker("abcdefgh", 4)));
  knock().send(as_bytes("GET / HTTP/1.1\r\n\r\n"));
  knock();
  let_in();
  ASSERT_TRUE(run_until([&] { return refused() == 2; }));
  knocking_.pop_back();
  ASSERT_TRUE(run_until([&] { return refused() == 3; }));
  EXPECT_EQ(refused("worker"), 1u);
  EXPECT_EQ(refused("greeting"), 1u);
  EXPECT_EQ(refused("ended"), 1u);
  EXPECT_EQ(budget_->open, 0u);
  ASSERT_TRUE(run_until([&] { return std::ranges::all_of(knocking_, is_closed); }));
}

TEST_F(TcpDoorTest, TakesItsAddressesOnOnePort) {
  open(10, {Address::v4({127, 0, 0, 1}, 0), Address::v4({127, 0, 0, 2}, 0)});
  for (const uint8_t host : {uint8_t{1}, uint8_t{2}}) {
    auto guest =
        net::TcpDescriptor::connect(Address::v4({127, 0, 0, host}, door_->port()), outside_);
    ASSERT_TRUE(guest.has_value());
    knocking_.push_back(std::move(*guest));
  }
  let_in();
  EXPECT_EQ(door_->waiting(), 2u);
}

TEST_F(TcpDoorTest, LetsTheOneWhoWaitsLongestMakeRoomForWhoComesFromTheSameHost) {
  open();
  for (size_t i = 0; i < TcpDoor::kWaitingPerHostMax; ++i) knock();
  let_in();
  EXPECT_EQ(refused(), 0u);
  knock();
  let_in();
  EXPECT_EQ(door_->waiting(), TcpDoor::kWaitingPerHostMax);
  EXPECT_EQ(refused("full"), 1u);
  ASSERT_TRUE(run_until([&] { return is_closed(knocking_.front()); }));
  EXPECT_FALSE(is_closed(knocking_.back()));
}

TEST_F(TcpDoorTest, LetsTheOneWhoWaitsLongestOfAllMakeRoomWhenTooManyWait) {
  open();
  uint8_t host = 1;
  for (size_t i = 0; i < TcpDoor::kWaitingMax; ++i) {
    if (i > 0 && i % TcpDoor::kWaitingPerHostMax == 0) ++host;
    knock(host);
    if (i % 100 == 0) let_in();
  }
  let_in();
  EXPECT_EQ(refused(), 0u);
  knock(200).send(greeting(tag_with_worker("abcdefgh", 3)));
  ASSERT_TRUE(run_until([&] { return arrivals_.size() == 1; }));
  EXPECT_EQ(refused("full"), 1u);
  EXPECT_EQ(door_->waiting(), TcpDoor::kWaitingMax - 1);
}

TEST_F(TcpDoorTest, NeverKeepsMoreDescriptorsThanItsBudget) {
  open(5);
  for (int i = 0; i < 20; ++i) knock();
  let_in();
  EXPECT_EQ(door_->waiting(), 5u);
  EXPECT_EQ(budget_->open, 5u);
  // All with workers: nobody else gets in.
  for (auto& guest : knocking_) guest.send(greeting(tag_with_worker("abcdefgh", 3)));
  ASSERT_TRUE(run_until([&] { return arrivals_.size() == 5; }));
  knock();
  let_in();
  EXPECT_EQ(door_->waiting(), 0u);
  EXPECT_EQ(budget_->open, 5u);
  arrivals_.pop_back();
  knock();
  EXPECT_TRUE(run_until([&] { return door_->waiting() == 1; }));
}

TEST_F(TcpDoorTest, SaysWhyItCannotOpen) {
  open();
  const auto again = TcpDoor::open(loop_, {Address::v4({127, 0, 0, 1}, 0)}, door_->port(), *budget_,
                                   [](const TcpArrival&) { return true; });
  ASSERT_FALSE(again.has_value());
  EXPECT_THAT(again.error(), HasSubstr("127.0.0.1:" + std::to_string(door_->port())));
}

}  // namespace
}  // namespace simpul::node
