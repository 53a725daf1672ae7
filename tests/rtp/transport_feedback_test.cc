#include "rtp/transport_feedback.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <random>
#include <vector>

#include "rtp/rtcp_reader.h"

namespace simpul::rtp {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

using Buffer = std::vector<uint8_t>;
using Arrivals = std::vector<ReportedArrival>;

ReportedArrival arrival(int number, Duration time) {
  return {SequenceNumber(static_cast<uint16_t>(number)), time};
}

TransportFeedback message(uint16_t base, uint16_t count, const Buffer& body) {
  return {.sender = Ssrc(1),
          .media = Ssrc(2),
          .base = SequenceNumber(base),
          .status_count = count,
          .reference_time = 1,
          .body = body};
}

std::optional<Arrivals> read(uint16_t base, uint16_t count, const Buffer& body) {
  Arrivals arrivals;
  if (!message(base, count, body).append_arrivals(arrivals)) {
    EXPECT_THAT(arrivals, IsEmpty());
    return std::nullopt;
  }
  return arrivals;
}

TEST(TransportFeedback, ReadsARunOfSmallDeltas) {
  EXPECT_THAT(*read(65535, 2, {0x20, 2, 4, 8}),
              ElementsAre(arrival(65535, 65ms), arrival(0, 67ms)));
}

TEST(TransportFeedback, ReadsALargeNegativeDelta) {
  EXPECT_THAT(*read(5, 2, {0x40, 2, 0, 40, 0xff, 0xfc}),
              ElementsAre(arrival(5, 74ms), arrival(6, 73ms)));
}

TEST(TransportFeedback, ReadsAVectorOfOneBitSymbols) {
  EXPECT_THAT(*read(10, 14, {0xa0, 0x01, 4, 4}), ElementsAre(arrival(10, 65ms), arrival(23, 66ms)));
}

TEST(TransportFeedback, ReadsAVectorOfTwoBitSymbols) {
  EXPECT_THAT(*read(10, 7, {0xd0, 0x02, 4, 0, 4}),
              ElementsAre(arrival(10, 65ms), arrival(16, 66ms)));
}

TEST(TransportFeedback, IgnoresSymbolsBeyondItsCount) {
  EXPECT_THAT(*read(10, 1, {0xbf, 0xff, 4}), SizeIs(1));
  EXPECT_THAT(*read(10, 1, {0x3f, 0xff, 4}), SizeIs(1));
}

TEST(TransportFeedback, RefusesTheReservedSymbol) {
  EXPECT_FALSE(read(1, 1, {0x60, 1, 4, 4, 4, 4}));
  EXPECT_FALSE(read(1, 7, {0xc0, 0x03, 4, 4, 4, 4}));
}

TEST(TransportFeedback, RefusesFewerDeltasThanItReports) {
  EXPECT_FALSE(read(1, 2, {0x20, 2, 4}));
  EXPECT_FALSE(read(1, 1, {0x40, 1, 4}));
}

TEST(TransportFeedback, RefusesFewerChunksThanItsCountNeeds) {
  EXPECT_FALSE(read(1, 65535, {0x1f, 0xff, 0, 0}));
  EXPECT_FALSE(read(1, 1, {}));
  EXPECT_FALSE(read(1, 1, {0x20}));
  EXPECT_FALSE(read(1, 1, Buffer(1400, 0)));  // runs of none, to the end
}

TEST(TransportFeedback, ReadsSixtyFiveThousandLostPacketsInAFewSteps) {
  EXPECT_THAT(*read(1, 65535,
                    {0x1f, 0xff, 0x1f, 0xff, 0x1f, 0xff, 0x1f, 0xff, 0x1f, 0xff,  //
                     0x1f, 0xff, 0x1f, 0xff, 0x1f, 0xff, 0x1f, 0xff}),
              IsEmpty());
}

TEST(TransportFeedback, KeepsWhatWasInTheListBefore) {
  Arrivals arrivals = {arrival(9, 9ms)};
  EXPECT_FALSE(message(1, 2, {0x20, 2, 4}).append_arrivals(arrivals));
  EXPECT_THAT(arrivals, ElementsAre(arrival(9, 9ms)));
}

TEST(TransportFeedback, WrapsTheTimeWithTheReference) {
  TransportFeedback feedback = message(1, 1, {});
  feedback.reference_time = 0xffffff;
  const Buffer over = {0x40, 1, 0x01, 0x00};
  feedback.body = over;
  Arrivals arrivals;
  EXPECT_TRUE(feedback.append_arrivals(arrivals));
  EXPECT_EQ(arrivals[0].time, 0ms);
  feedback.reference_time = 0;
  const Buffer under = {0x40, 1, 0xff, 0xff};
  feedback.body = under;
  EXPECT_TRUE(feedback.append_arrivals(arrivals));
  EXPECT_EQ(arrivals[1].time, (1 << 24) * 64ms - 250us);
}

// Writes `arrivals` (kNever: lost) and reads the message back.
struct Written {
  FeedbackWritten written;
  TransportFeedback feedback;
  Arrivals read;
};

Written write(uint16_t base, const std::vector<TimePoint>& arrivals, MutableBytes room) {
  Written result;
  result.written = write_transport_feedback(
      {.sender = Ssrc(1), .media = Ssrc(2), .base = SequenceNumber(base), .feedback_count = 3},
      arrivals, room);
  if (result.written.statuses == 0) return result;
  RtcpReader reader(room.first(result.written.size));
  result.feedback = std::get<TransportFeedback>(reader.next().value());
  EXPECT_TRUE(result.feedback.append_arrivals(result.read));
  return result;
}

constexpr TimePoint at(Duration since_zero) { return TimePoint(since_zero); }

TEST(WriteTransportFeedback, WritesWhatReadsBack) {
  std::array<uint8_t, 1200> room{};
  const auto result = write(65534, {at(70ms), kNever, at(71ms), at(69ms), at(171ms)}, room);
  EXPECT_EQ(result.feedback.sender, Ssrc(1));
  EXPECT_EQ(result.feedback.media, Ssrc(2));
  EXPECT_EQ(result.feedback.feedback_count, 3);
  EXPECT_EQ(result.feedback.status_count, 5);
  EXPECT_EQ(result.written.size % 4, 0u);
  EXPECT_THAT(result.read, ElementsAre(arrival(65534, 70ms), arrival(0, 71ms), arrival(1, 69ms),
                                       arrival(2, 171ms)));
}

TEST(WriteTransportFeedback, TellsASteadyStreamInOneChunk) {
  std::array<uint8_t, 1200> room{};
  std::vector<TimePoint> arrivals(100);
  for (size_t i = 0; i < 100; ++i) arrivals[i] = at(1s + i * 1ms);
  EXPECT_EQ(write(0, arrivals, room).written.size, 20u + 2u + 100u + 2u);
}

TEST(WriteTransportFeedback, WritesNothingWhenNothingCame) {
  std::array<uint8_t, 1200> room{};
  EXPECT_EQ(write(1, {kNever, kNever}, room).written.statuses, 0u);
  EXPECT_EQ(write(1, {}, room).written.size, 0u);
}

TEST(WriteTransportFeedback, SplitsWhereADeltaWouldOverflow) {
  std::array<uint8_t, 1200> room{};
  EXPECT_EQ(write(1, {at(0ms), at(8191ms), at(8191ms)}, room).written.statuses, 3u);
  EXPECT_EQ(write(1, {at(0ms), kNever, at(8192ms), at(8192ms)}, room).written.statuses, 2u);
  EXPECT_EQ(write(1, {at(10s), at(1s)}, room).written.statuses, 1u);
}

TEST(WriteTransportFeedback, SplitsWhereTheRoomEnds) {
  std::vector<uint8_t> room(1500);
  std::vector<TimePoint> arrivals(3000);
  for (size_t i = 0; i < 3000; ++i) arrivals[i] = i % 3 == 0 ? kNever : at(i * 100ms);
  const auto result = write(7, arrivals, room);
  EXPECT_GT(result.written.statuses, 400u);
  EXPECT_LE(result.written.size, kRtcpSizeMax);
}

TEST(WriteTransportFeedback, NeedsRoomForTheFirstArrival) {
  std::array<uint8_t, 64> room{};
  for (size_t size = 0; size < 26; ++size) {
    EXPECT_EQ(write(1, {at(1ms)}, MutableBytes(room).first(size)).written.statuses, 0u) << size;
  }
  EXPECT_EQ(write(1, {at(1ms)}, MutableBytes(room).first(26)).written.statuses, 1u);
}

TEST(WriteTransportFeedback, SpeaksOfNoMoreNumbersThanItsLimit) {
  std::array<uint8_t, 1200> room{};
  std::vector<TimePoint> arrivals(10'000, kNever);
  arrivals[0] = at(1ms);
  const auto result = write(1, arrivals, room);
  EXPECT_EQ(result.written.statuses, kFeedbackStatusesMax);
  EXPECT_LE(result.written.size, 32u);
}

TEST(WriteTransportFeedback, WritesTimesBeforeTheZeroOfTheClock) {
  std::array<uint8_t, 1200> room{};
  const auto result = write(1, {at(-100ms), at(-50ms)}, room);
  ASSERT_THAT(result.read, SizeIs(2));
  EXPECT_EQ(result.read[1].time - result.read[0].time, 50ms);
}

TEST(WriteTransportFeedbackProperty, ReadsBackAnyArrivalsToTheQuarterMillisecond) {
  for (unsigned seed = 1; seed <= 300; ++seed) {
    std::mt19937 random(seed);
    std::vector<TimePoint> arrivals;
    TimePoint now = at(Duration(random()) * 1000);
    const auto base = static_cast<uint16_t>(random());
    const auto spread = 1u << random() % 20;  // µs between packets
    const auto loss = random() % 100;
    for (size_t i = 0; i < 1 + random() % 1500; ++i) {
      now += Duration(random() % spread) - Duration(random() % 8 == 0 ? spread / 2 : 0);
      arrivals.push_back(random() % 100 < loss ? kNever : now);
    }
    std::vector<uint8_t> room(24 + random() % 1300);
    const auto result = write(base, arrivals, room);
    size_t next = 0;
    for (size_t i = 0; i < result.written.statuses; ++i) {
      if (arrivals[i] == kNever) continue;
      ASSERT_LT(next, result.read.size()) << seed;
      EXPECT_EQ(result.read[next].transport_sequence,
                SequenceNumber(static_cast<uint16_t>(base + i)));
      const Duration period = (1 << 24) * 64ms;
      const Duration expected = arrivals[i].time_since_epoch() % period;
      EXPECT_EQ(result.read[next].time, expected - expected % 250us) << seed;
      ++next;
    }
    EXPECT_EQ(next, result.read.size());
  }
}

}  // namespace
}  // namespace simpul::rtp
