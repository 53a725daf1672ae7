#include "node/feed_exchange.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <vector>

namespace simpul::node {
namespace {

constexpr FeedLayer kVideo{relay::TrackId(7), 1};

class FeedExchangeTest : public ::testing::Test {
 protected:
  rtp::MediaPacket media(uint16_t number) {
    rtp::MediaPacket packet;
    packet.packet = pool_.allocate();
    packet.packet->size = 100;
    packet.packet->bytes[0] = static_cast<uint8_t>(number);
    packet.payload_size = 100;
    packet.sequence_number = rtp::SequenceNumber(number);
    return packet;
  }
  static FeedPublisher publisher(uint64_t key) {
    return {.key = ConnectionKey(key),
            .home = 0,
            .room = "stage",
            .participant = "alice",
            .tracks = {{.id = kVideo.track}}};
  }
  bool lend(uint16_t number) {
    const bool lent = home_.lend(1, kVideo, media(number), interrupted_);
    home_.publish();
    return lent;
  }
  // The next packet at the borrower, which keeps it.
  std::optional<FeedMedia> next_media() {
    auto event = borrower_.take();
    if (!event || !std::holds_alternative<FeedMedia>(*event)) return std::nullopt;
    return std::move(std::get<FeedMedia>(*event));
  }

  PacketPool pool_{65'536};
  FeedLanes lanes_{2};
  std::vector<uint32_t> woken_;
  bool can_wake_ = true;
  FeedExchange::Options options(uint32_t worker) {
    return {.worker = worker, .packets_lent_max = 8, .wake = [this](uint32_t other) {
              if (can_wake_) woken_.push_back(other);
              return can_wake_;
            }};
  }
  FeedExchange home_{options(0), lanes_};
  FeedExchange borrower_{options(1), lanes_};
  bool interrupted_ = false;
};

TEST_F(FeedExchangeTest, TellsInOrderWhatWasOpenedSentAndClosed) {
  home_.open(1, publisher(5));
  home_.lend(1, kVideo, media(9), interrupted_);
  home_.report(1, {.from = kVideo, .ntp_time = 33, .rtp_timestamp = 44, .arrival = {}});
  home_.close(1, ConnectionKey(5));
  EXPECT_FALSE(borrower_.take());
  home_.publish();

  auto event = borrower_.take();
  ASSERT_TRUE(event && std::holds_alternative<FeedOpened>(*event));
  EXPECT_EQ(std::get<FeedOpened>(*event).publisher->participant, "alice");
  EXPECT_EQ(std::get<FeedOpened>(*event).publisher->home, 0u);
  const auto packet = next_media();
  ASSERT_TRUE(packet);
  EXPECT_EQ(packet->from.track, kVideo.track);
  EXPECT_EQ(packet->from.layer, kVideo.layer);
  EXPECT_EQ(packet->media.payload()[0], 9);
  EXPECT_FALSE(packet->interrupted);
  event = borrower_.take();
  ASSERT_TRUE(event && std::holds_alternative<FeedReport>(*event));
  EXPECT_EQ(std::get<FeedReport>(*event).ntp_time, 33u);
  event = borrower_.take();
  ASSERT_TRUE(event && std::holds_alternative<FeedClosed>(*event));
  EXPECT_EQ(std::get<FeedClosed>(*event).key, ConnectionKey(5));
  EXPECT_FALSE(borrower_.take());
}

TEST_F(FeedExchangeTest, WakesOnceUntilTheOtherHasLooked) {
  for (uint16_t i = 0; i < 3; ++i) lend(i);
  EXPECT_EQ(woken_, (std::vector<uint32_t>{1}));
  while (borrower_.take()) {
  }
  lend(3);
  EXPECT_EQ(woken_, (std::vector<uint32_t>{1, 1}));
}

TEST_F(FeedExchangeTest, WakesLaterWhomItCannotWakeNow) {
  can_wake_ = false;
  lend(1);
  EXPECT_TRUE(home_.has_unsent());
  can_wake_ = true;
  home_.publish();
  EXPECT_FALSE(home_.has_unsent());
  EXPECT_EQ(woken_, (std::vector<uint32_t>{1}));
}

TEST(FeedExchange, TakesOfEachWorkerInTurnHoweverMuchTheFirstOneHas) {
  FeedLanes lanes(4);
  const auto awake = [](uint32_t) { return true; };
  std::vector<std::unique_ptr<FeedExchange>> workers;
  for (uint32_t worker = 0; worker < lanes.workers(); ++worker) {
    workers.push_back(std::make_unique<FeedExchange>(
        FeedExchange::Options{.worker = worker, .packets_lent_max = 8, .wake = awake}, lanes));
  }
  const auto report = [&](uint32_t from, size_t count) {
    const FeedReport of{.from = {relay::TrackId(from), 0}};
    for (size_t i = 0; i < count; ++i) workers[from]->report(3, of);
    workers[from]->publish();
  };
  // The first one has more than is ever taken of it, and goes on.
  std::map<uint32_t, size_t> taken;
  report(0, FeedLane::kItemsMax);
  report(1, 10);
  report(2, 100);
  for (int i = 0; i < 300; ++i) {
    const auto event = workers[3]->take();
    ASSERT_TRUE(event);
    ++taken[std::get<FeedReport>(*event).from.track.value()];
    report(0, 1);
  }
  EXPECT_EQ(taken[1], 10u);
  EXPECT_EQ(taken[2], 100u);
  EXPECT_EQ(taken[0], 190u);
}

TEST_F(FeedExchangeTest, TakesAllOfOneWorkerWhoIsAlone) {
  constexpr size_t kCount = 3 * FeedExchange::kTakenInARow + 1;
  for (size_t i = 0; i < kCount; ++i) home_.report(1, {.from = kVideo});
  home_.publish();
  for (size_t i = 0; i < kCount; ++i) EXPECT_TRUE(borrower_.take()) << i;
  EXPECT_FALSE(borrower_.take());
}

TEST_F(FeedExchangeTest, KeepsAPacketForAsLongAsTheOtherWorkerHoldsIt) {
  lend(1);
  EXPECT_EQ(pool_.in_use(), 1u);
  auto held = next_media();
  EXPECT_EQ(borrower_.borrowed(0), 1u);
  held.reset();
  EXPECT_EQ(borrower_.borrowed(0), 0u);
  EXPECT_EQ(pool_.in_use(), 1u);
  borrower_.publish();
  home_.publish();
  EXPECT_EQ(pool_.in_use(), 0u);
}

TEST_F(FeedExchangeTest, LendsNoMoreThanItMayAndSaysSoLater) {
  std::vector<FeedMedia> held;
  for (uint16_t i = 0; i < 8; ++i) ASSERT_TRUE(lend(i));
  EXPECT_FALSE(lend(8));
  EXPECT_FALSE(lend(9));
  EXPECT_EQ(home_.dropped(), 2u);
  while (auto packet = next_media()) held.push_back(std::move(*packet));
  EXPECT_EQ(held.size(), 8u);
  EXPECT_FALSE(lend(10));  // held, if not in the ring
  held.clear();
  borrower_.publish();
  EXPECT_TRUE(lend(11));
  EXPECT_TRUE(lend(12));
  EXPECT_TRUE(next_media()->interrupted);
  EXPECT_FALSE(next_media()->interrupted);
  EXPECT_EQ(home_.dropped(), 3u);
}

TEST_F(FeedExchangeTest, TellsWhatIsOfThePast) {
  const FeedMedia::Past told{.arrival = TimePoint(std::chrono::seconds(3)), .is_last = true};
  home_.lend(1, kVideo, media(1), interrupted_, told);
  ASSERT_TRUE(lend(2));
  const auto past = next_media();
  ASSERT_TRUE(past && past->past);
  EXPECT_EQ(past->past->arrival, told.arrival);
  EXPECT_TRUE(past->past->is_last);
  const auto live = next_media();
  ASSERT_TRUE(live);
  EXPECT_FALSE(live->past);
}

TEST_F(FeedExchangeTest, HasRoomForThePastAndAsMuchBehindIt) {
  EXPECT_TRUE(home_.has_room(1, 4));
  EXPECT_FALSE(home_.has_room(1, 5)) << "eight may be lent";
  ASSERT_TRUE(lend(1));
  EXPECT_FALSE(home_.has_room(1, 4));
  ASSERT_TRUE(next_media());  // and gone again
  borrower_.publish();
  EXPECT_TRUE(home_.has_room(1, 4));
}

TEST_F(FeedExchangeTest, HasNoRoomInARingThatFills) {
  for (size_t i = 0; i < FeedLane::kItemsMax - 7; ++i) home_.tell(1, {});
  EXPECT_TRUE(home_.has_room(1, 3));
  EXPECT_FALSE(home_.has_room(1, 4));
}

TEST_F(FeedExchangeTest, DropsWhatAFullRingCannotTakeButLosesNoPublisher) {
  // Reports fill the ring, without packets on loan.
  for (size_t i = 0; i < FeedLane::kItemsMax + 10; ++i) home_.report(1, {.from = kVideo});
  home_.open(1, publisher(5));
  home_.open(1, publisher(6));
  home_.close(1, ConnectionKey(6));  // before the other one heard of it
  home_.publish();
  EXPECT_TRUE(home_.has_unsent());
  EXPECT_FALSE(lend(1));
  EXPECT_TRUE(interrupted_);
  EXPECT_EQ(home_.lent(1), 0u);
  size_t taken = 0;
  while (borrower_.take()) ++taken;
  EXPECT_EQ(taken, FeedLane::kItemsMax);
  home_.publish();
  EXPECT_FALSE(home_.has_unsent());
  const auto event = borrower_.take();
  ASSERT_TRUE(event && std::holds_alternative<FeedOpened>(*event));
  EXPECT_EQ(std::get<FeedOpened>(*event).publisher->key, ConnectionKey(5));
  EXPECT_FALSE(borrower_.take());
}

TEST_F(FeedExchangeTest, ReturnsALoanThatFoundNoPlaceInTheRing) {
  for (size_t i = 0; i < FeedLane::kItemsMax; ++i) home_.report(1, {.from = kVideo});
  EXPECT_FALSE(lend(1));
  EXPECT_EQ(home_.lent(1), 0u);
  EXPECT_EQ(pool_.in_use(), 0u);
}

TEST_F(FeedExchangeTest, CarriesWishesForKeyFramesHome) {
  using Cause = relay::KeyFrameRequests::Cause;
  borrower_.request_key_frame(0, {.of = kVideo, .cause = Cause::kRepair});
  borrower_.publish();
  EXPECT_EQ(woken_, (std::vector<uint32_t>{0}));
  const auto event = home_.take();
  ASSERT_TRUE(event && std::holds_alternative<FeedKeyFrameRequest>(*event));
  EXPECT_EQ(std::get<FeedKeyFrameRequest>(*event).of.track, kVideo.track);
  EXPECT_EQ(std::get<FeedKeyFrameRequest>(*event).of.layer, kVideo.layer);
  EXPECT_EQ(std::get<FeedKeyFrameRequest>(*event).cause, Cause::kRepair);
}

TEST_F(FeedExchangeTest, GoesRoundItsRingWithoutLosingALoan) {
  for (int round = 0; round < 10'000; ++round) {
    ASSERT_TRUE(lend(static_cast<uint16_t>(round)));
    auto packet = next_media();
    ASSERT_TRUE(packet);
    ASSERT_EQ(packet->media.payload()[0], static_cast<uint8_t>(round));
    packet.reset();
    borrower_.publish();
    home_.publish();
  }
  EXPECT_EQ(pool_.in_use(), 0u);
}

}  // namespace
}  // namespace simpul::node
