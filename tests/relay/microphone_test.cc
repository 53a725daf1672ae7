// What is kept of a microphone for those who are to hear it from the onset of speech on.
#include "relay/microphone.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace simpul::relay {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class AnOnset : public ::testing::Test {
 protected:
  // A packet `at` some milliseconds, captured then too.
  FeedPacket packet(int64_t number, int at) const {
    FeedPacket made;
    made.number = number;
    made.arrival = at_ms(at);
    made.media.timestamp = static_cast<uint32_t>(at * 48);
    return made;
  }
  static TimePoint at_ms(int at) { return TimePoint{100s} + at * 1ms; }
  static std::vector<int64_t> numbers(std::span<const FeedPacket> packets) {
    std::vector<int64_t> found;
    for (const FeedPacket& one : packets) found.push_back(one.number);
    return found;
  }
  // Every 20 ms up to then.
  void fill(int64_t first, int64_t end, TimePoint began) {
    for (int64_t number = first; number < end; ++number) {
      onset_.note(packet(number, static_cast<int>(number) * 20), began);
    }
  }

  Onset onset_{48'000};
};

TEST_F(AnOnset, BeginsALittleBeforeSpeechWasHeard) {
  fill(0, 14, at_ms(200));
  EXPECT_THAT(numbers(onset_.before(packet(14, 280), at_ms(200), -1)),
              ElementsAre(8, 9, 10, 11, 12, 13));
}

TEST_F(AnOnset, IsNoneOfSpeechThatBeganLongBefore) {
  fill(0, 40, at_ms(200));
  EXPECT_THAT(onset_.before(packet(21, 401), at_ms(200), -1), IsEmpty());
  EXPECT_THAT(onset_.fresh(at_ms(200), at_ms(401)), IsEmpty());
}

TEST_F(AnOnset, IsNotHeardTwice) {
  fill(0, 14, at_ms(200));
  EXPECT_THAT(numbers(onset_.before(packet(14, 280), at_ms(200), 11)), ElementsAre(12, 13));
  EXPECT_THAT(onset_.before(packet(14, 280), at_ms(200), 13), IsEmpty());
  EXPECT_EQ(onset_.fresh(at_ms(200), at_ms(260)).size(), 6u) << "by who gets all of it";
}

TEST_F(AnOnset, HoldsNoPause) {
  onset_.note(packet(1, 0), at_ms(0));
  onset_.note(packet(2, 61), at_ms(0));
  onset_.note(packet(3, 121), at_ms(0));  // as long as a packet may be
  EXPECT_THAT(numbers(onset_.before(packet(4, 141), at_ms(0), -1)), ElementsAre(2, 3));
  EXPECT_THAT(onset_.before(packet(4, 190), at_ms(0), -1), IsEmpty());
}

TEST_F(AnOnset, GoesOnBehindWhatWasLost) {
  onset_.note(packet(1, 0), at_ms(0));
  onset_.note(packet(2, 20), at_ms(0));
  onset_.note(packet(6, 100), at_ms(0));
  EXPECT_THAT(numbers(onset_.before(packet(7, 120), at_ms(0), -1)), ElementsAre(1, 2, 6));
}

TEST_F(AnOnset, HasLatePacketsInTheirPlaces) {
  onset_.note(packet(1, 0), at_ms(0));
  onset_.note(packet(3, 40), at_ms(0));
  onset_.note_late(packet(2, 20));
  EXPECT_THAT(numbers(onset_.before(packet(4, 60), at_ms(0), -1)), ElementsAre(1, 2, 3));
}

TEST_F(AnOnset, DoesNotBeginWithALatePacketWhoseSuccessorsItNeverHad) {
  onset_.note_late(packet(1, 0));  // 2 and 3 came before anything was kept
  onset_.note(packet(4, 60), at_ms(0));
  EXPECT_THAT(numbers(onset_.before(packet(5, 80), at_ms(0), -1)), ElementsAre(4));
}

TEST_F(AnOnset, KeepsNoMoreThanItsLimits) {
  fill(0, 30, {});
  EXPECT_EQ(onset_.size(), 3u) << "the last moments of silence";
  for (int i = 0; i < 100; ++i) onset_.note(packet(100 + i, 600 + i), at_ms(600));
  EXPECT_EQ(onset_.size(), Onset::kPacketsMax) << "however short its packets are";
  fill(300, 330, at_ms(600));
  EXPECT_EQ(onset_.size(), 3u) << "of who has spoken for long";
  onset_.clear();
  EXPECT_EQ(onset_.size(), 0u);
}

}  // namespace
}  // namespace simpul::relay
