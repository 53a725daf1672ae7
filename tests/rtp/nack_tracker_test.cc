#include "rtp/nack_tracker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

namespace simpul::rtp {
namespace {

using namespace std::chrono_literals;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::vector<SequenceNumber> numbers(std::initializer_list<int> values) {
  std::vector<SequenceNumber> result;
  for (const int value : values) result.emplace_back(static_cast<uint16_t>(value));
  return result;
}

class NackTrackerTest : public ::testing::Test {
 protected:
  Arrival receive(int number) {
    return tracker_.on_packet(SequenceNumber(static_cast<uint16_t>(number)), now_);
  }
  void receive_all(std::initializer_list<int> values) {
    for (const int value : values) receive(value);
  }
  std::vector<SequenceNumber> due_after(Duration elapsed) {
    now_ += elapsed;
    std::vector<SequenceNumber> due;
    given_up_ += tracker_.collect_due(now_, due);
    return due;
  }

  TimePoint now_{};
  size_t given_up_ = 0;
  NackTracker tracker_{{.attempts_max = 3, .reorder_tolerance = 0ms}};
};

TEST_F(NackTrackerTest, AsksForNothingInOrder) {
  receive_all({1, 2, 3});
  EXPECT_EQ(tracker_.next_deadline(), kNever);
  EXPECT_THAT(due_after(1s), IsEmpty());
}

TEST_F(NackTrackerTest, AsksForAGap) {
  receive_all({1, 4});
  EXPECT_EQ(tracker_.next_deadline(), now_);
  EXPECT_EQ(due_after(0ms), numbers({2, 3}));
}

TEST_F(NackTrackerTest, AsksForAGapAcrossTheWrap) {
  receive_all({65534, 1});
  EXPECT_EQ(due_after(0ms), numbers({65535, 0}));
}

TEST_F(NackTrackerTest, WaitsForReorderedPackets) {
  tracker_ = NackTracker(NackTracker::Limits{.reorder_tolerance = 5ms});
  receive_all({1, 3});
  EXPECT_EQ(tracker_.next_deadline(), now_ + 5ms);
  EXPECT_THAT(due_after(4ms), IsEmpty());
  EXPECT_EQ(receive(2), Arrival::kRecovered);
  EXPECT_EQ(tracker_.next_deadline(), kNever);
  EXPECT_THAT(due_after(10ms), IsEmpty());
}

TEST_F(NackTrackerTest, StopsAskingWhenThePacketArrives) {
  receive_all({1, 5});
  EXPECT_THAT(due_after(0ms), SizeIs(3));
  EXPECT_EQ(receive(3), Arrival::kRecovered);
  EXPECT_EQ(due_after(1s - 1ms), numbers({2, 4}));
  receive_all({2, 4});
  EXPECT_EQ(tracker_.missing(), 0u);
  EXPECT_EQ(tracker_.next_deadline(), kNever);
}

TEST_F(NackTrackerTest, TellsDuplicatesFromRepairs) {
  EXPECT_EQ(receive(10), Arrival::kNew);
  EXPECT_EQ(receive(12), Arrival::kNew);
  EXPECT_EQ(receive(12), Arrival::kDuplicate);
  EXPECT_EQ(receive(10), Arrival::kDuplicate);
  EXPECT_EQ(receive(11), Arrival::kRecovered);
  EXPECT_EQ(receive(11), Arrival::kDuplicate);
  EXPECT_EQ(receive(9), Arrival::kRecovered);  // before the first that came: out of order
}

TEST_F(NackTrackerTest, ForgetsDuplicatesOnlyBeyondItsHistory) {
  receive(10);
  for (int number = 11; number < 10 + 2048; ++number) receive(number);
  EXPECT_EQ(receive(10), Arrival::kDuplicate);
  receive(10 + 2048);
  EXPECT_EQ(receive(10), Arrival::kTooOld);
}

TEST_F(NackTrackerTest, RetriesAfterOneAndAHalfRoundTripsALittleLaterEachTime) {
  tracker_.set_round_trip(40ms);
  receive_all({1, 3});
  EXPECT_EQ(due_after(0ms), numbers({2}));
  EXPECT_EQ(tracker_.next_deadline(), now_ + 60ms);
  EXPECT_THAT(due_after(59ms), IsEmpty());
  EXPECT_EQ(due_after(1ms), numbers({2}));
  EXPECT_EQ(tracker_.next_deadline(), now_ + 75ms);
  EXPECT_EQ(due_after(75ms), numbers({2}));
  EXPECT_EQ(tracker_.next_deadline(), now_ + 90ms);
}

TEST_F(NackTrackerTest, RetriesNoFasterThanItsMinimum) {
  tracker_.set_round_trip(1ms);
  receive_all({1, 3});
  EXPECT_EQ(due_after(0ms), numbers({2}));
  EXPECT_EQ(tracker_.next_deadline(), now_ + NackTracker::kRetryMin);
}

TEST_F(NackTrackerTest, GivesUpAfterItsLastAttempt) {
  tracker_.set_round_trip(0ms);
  receive_all({1, 3});
  for (int attempt = 0; attempt < 3; ++attempt) {
    EXPECT_EQ(due_after(30ms), numbers({2})) << attempt;
    EXPECT_EQ(given_up_, 0u);
  }
  EXPECT_THAT(due_after(30ms), IsEmpty());
  EXPECT_EQ(given_up_, 1u);
  EXPECT_EQ(tracker_.next_deadline(), kNever);
}

TEST_F(NackTrackerTest, GivesUpWhatIsTooOldWhateverTheRoundTrip) {
  tracker_.set_round_trip(10s);
  receive_all({1, 4});
  EXPECT_THAT(due_after(0ms), SizeIs(2));
  EXPECT_EQ(tracker_.next_deadline(), now_ + 1s);
  EXPECT_THAT(due_after(1s), IsEmpty());
  EXPECT_EQ(given_up_, 2u);
}

TEST_F(NackTrackerTest, TakesALateRepairOfWhatItGaveUp) {
  receive_all({1, 3});
  due_after(2s);
  EXPECT_EQ(given_up_, 1u);
  EXPECT_EQ(receive(2), Arrival::kRecovered);
  EXPECT_EQ(receive(2), Arrival::kDuplicate);
}

TEST_F(NackTrackerTest, KeepsALimitedListAndPrefersAKeyFrameToMore) {
  receive(0);
  receive(1000);  // 999 missing
  EXPECT_EQ(tracker_.missing(), 999u);
  receive(1002);
  EXPECT_EQ(tracker_.missing(), 1000u);
  EXPECT_FALSE(tracker_.wants_key_frame());
  receive(1004);
  EXPECT_EQ(tracker_.missing(), 0u);
  EXPECT_TRUE(tracker_.wants_key_frame());
  EXPECT_FALSE(tracker_.wants_key_frame());
  EXPECT_THAT(due_after(0ms), IsEmpty());
  EXPECT_EQ(tracker_.next_deadline(), kNever);
}

TEST_F(NackTrackerTest, NeverKeepsMoreThanItsLimitUnderHeavyLoss) {
  receive(0);
  for (int number = 2; number < 40'000; number += 2) {
    receive(number);
    ASSERT_LE(tracker_.missing(), 1000u);
  }
}

TEST_F(NackTrackerTest, StartsAnewAfterAJump) {
  receive_all({1, 3});
  EXPECT_EQ(receive(20'000), Arrival::kNew);
  EXPECT_TRUE(tracker_.wants_key_frame());
  EXPECT_THAT(due_after(0ms), IsEmpty());
  receive(20'002);
  EXPECT_EQ(due_after(0ms), numbers({20'001}));
}

TEST_F(NackTrackerTest, StartsAnewAfterTwoInSequenceFromFarBack) {
  receive(30'000);
  EXPECT_EQ(receive(5), Arrival::kTooOld);
  EXPECT_EQ(receive(30'001), Arrival::kNew);
  EXPECT_EQ(receive(6), Arrival::kTooOld);  // what came between breaks the sequence
  EXPECT_EQ(receive(7), Arrival::kNew);
  EXPECT_TRUE(tracker_.wants_key_frame());
  EXPECT_EQ(receive(8), Arrival::kNew);
  EXPECT_EQ(tracker_.missing(), 0u);
}

// What the tracker promises, said without its data structures: a packet may be asked for when it
// is missing, not too often, not too late, and it is asked for at all.
class Model {
 public:
  explicit Model(const NackTracker::Limits& limits) : limits_(limits) {}

  void on_packet(int64_t number, TimePoint now) {
    if (highest_ < 0) highest_ = number;
    for (int64_t lost = highest_ + 1; lost < number; ++lost) missing_[lost] = {now, 0, {}};
    highest_ = std::max(highest_, number);
    missing_.erase(number);
  }

  void on_due(int64_t number, TimePoint now) {
    ASSERT_TRUE(missing_.contains(number)) << number;
    auto& lost = missing_[number];
    ASSERT_LT(lost.attempts, limits_.attempts_max);
    ASSERT_GE(now, lost.since + limits_.reorder_tolerance);
    ASSERT_LT(now, lost.since + limits_.age_max);
    if (lost.attempts > 0) {
      ASSERT_GE(now - lost.last, NackTracker::kRetryMin);
    }
    ++lost.attempts;
    lost.last = now;
  }

  // Drops what is too old and tells how many were never asked for in their time.
  size_t forget(TimePoint now) {
    size_t unasked = 0;
    std::erase_if(missing_, [&](const auto& entry) {
      if (now < entry.second.since + limits_.age_max) return false;
      unasked += entry.second.attempts == 0;
      return true;
    });
    return unasked;
  }

 private:
  struct Lost {
    TimePoint since;
    int attempts = 0;
    TimePoint last;
  };
  NackTracker::Limits limits_;
  int64_t highest_ = -1;
  std::map<int64_t, Lost> missing_;
};

TEST(NackTrackerProperty, AgreesWithANaiveModelOverALossyReorderedStream) {
  for (unsigned seed = 1; seed <= 20; ++seed) {
    std::mt19937 random(seed);
    const NackTracker::Limits limits;
    NackTracker tracker(limits);
    Model model(limits);
    tracker.set_round_trip(Duration(random() % 200'000));
    TimePoint now{};
    int64_t next = random() % 65536;
    std::vector<int64_t> delayed;
    std::set<int64_t> received;
    const auto arrive = [&](int64_t number) {
      const auto arrival = tracker.on_packet(SequenceNumber(static_cast<uint16_t>(number)), now);
      EXPECT_EQ(arrival == Arrival::kDuplicate, !received.insert(number).second);
      model.on_packet(number, now);
    };
    for (int step = 0; step < 5000; ++step, ++next) {
      now += Duration(random() % 4000);
      const auto fate = random() % 20;
      if (fate == 0) {
        delayed.push_back(next);
      } else if (fate > 1) {
        arrive(next);
      }
      std::erase_if(delayed, [&](int64_t number) { return next - number > 1500; });
      if (!delayed.empty() && random() % 8 == 0) {
        arrive(delayed.back());
        if (random() % 2 == 0) delayed.pop_back();
      }
      if (tracker.next_deadline() > now) continue;
      std::vector<SequenceNumber> due;
      tracker.collect_due(now, due);
      for (const SequenceNumber number : due) model.on_due(unwrap_near(next, number), now);
      ASSERT_FALSE(::testing::Test::HasFatalFailure()) << seed;
      ASSERT_GT(tracker.next_deadline(), now);
      ASSERT_EQ(model.forget(now), 0u);
    }
    EXPECT_FALSE(tracker.wants_key_frame());
  }
}

TEST_F(NackTrackerTest, KnowsWhenWhatIsMissingWasAskedForOnce) {
  receive_all({1, 4});
  EXPECT_FALSE(tracker_.asked_at(SequenceNumber(2)));  // not yet
  due_after(0ms);
  EXPECT_EQ(tracker_.asked_at(SequenceNumber(2)), now_);
  EXPECT_EQ(tracker_.asked_at(SequenceNumber(3)), now_);
  EXPECT_FALSE(tracker_.asked_at(SequenceNumber(1)));
  EXPECT_FALSE(tracker_.asked_at(SequenceNumber(9)));
  receive(2);
  EXPECT_FALSE(tracker_.asked_at(SequenceNumber(2)));
  EXPECT_EQ(due_after(1s - 1us).size(), 1u);
  EXPECT_FALSE(tracker_.asked_at(SequenceNumber(3)));  // asked for twice
}

}  // namespace
}  // namespace simpul::rtp
