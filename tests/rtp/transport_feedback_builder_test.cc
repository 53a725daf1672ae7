#include "rtp/transport_feedback_builder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <map>
#include <random>
#include <vector>

#include "rtp/rtcp_reader.h"
#include "tests/support/allocation_counter.h"

namespace simpul::rtp {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

struct Message {
  uint16_t base = 0;
  uint16_t count = 0;
  uint8_t feedback_count = 0;
  std::vector<uint16_t> received = {};
  std::vector<Duration> times = {};
};

TEST(TransportFeedbackBuilder, TakesItsMemoryWithItsFirstPacketOnly) {
  const size_t before = simpul::testing::allocations();
  TransportFeedbackBuilder builder;
  EXPECT_EQ(simpul::testing::allocations(), before);
  EXPECT_EQ(builder.next_deadline(), kNever);
  builder.on_packet(SequenceNumber(1), TimePoint(1s));
  EXPECT_GT(simpul::testing::allocations(), before);
}

class TransportFeedbackBuilderTest : public ::testing::Test {
 protected:
  void receive(int number, Duration after = 1ms) {
    now_ += after;
    builder_.on_packet(SequenceNumber(static_cast<uint16_t>(number)), now_);
  }

  std::vector<Message> due_after(Duration elapsed) {
    now_ += elapsed;
    std::vector<Message> messages;
    while (true) {
      std::array<uint8_t, 1500> room{};
      RtcpWriter writer(room);
      if (!builder_.write_due(now_, Ssrc(1), Ssrc(2), writer)) break;
      EXPECT_LE(writer.size(), kRtcpSizeMax);
      messages.push_back(read(writer.written()));
    }
    return messages;
  }

  static Message read(Bytes bytes) {
    RtcpReader reader(bytes);
    const auto feedback = std::get<TransportFeedback>(reader.next().value());
    Message message{.base = feedback.base.value(),
                    .count = feedback.status_count,
                    .feedback_count = feedback.feedback_count};
    std::vector<ReportedArrival> arrivals;
    EXPECT_TRUE(feedback.append_arrivals(arrivals));
    for (const auto& arrival : arrivals) {
      message.received.push_back(arrival.transport_sequence.value());
      message.times.push_back(arrival.time);
    }
    return message;
  }

  TimePoint now_{10s};
  TransportFeedbackBuilder builder_;
};

TEST_F(TransportFeedbackBuilderTest, HasNothingToSayBeforeTheFirstPacket) {
  EXPECT_EQ(builder_.next_deadline(), kNever);
  EXPECT_THAT(due_after(1h), IsEmpty());
}

TEST_F(TransportFeedbackBuilderTest, ReportsAnIntervalAfterTheFirstPacket) {
  receive(10);
  EXPECT_EQ(builder_.next_deadline(), now_ + TransportFeedbackBuilder::kInterval);
  receive(11);
  EXPECT_THAT(due_after(48ms), IsEmpty());
  const auto messages = due_after(1ms);
  ASSERT_THAT(messages, SizeIs(1));
  EXPECT_EQ(messages[0].base, 10);
  EXPECT_THAT(messages[0].received, ElementsAre(10, 11));
  EXPECT_THAT(messages[0].times, ElementsAre(10'001ms, 10'002ms));
  EXPECT_EQ(builder_.next_deadline(), kNever);
}

TEST_F(TransportFeedbackBuilderTest, SpeaksOfWhatWasLostInBetween) {
  receive(10);
  due_after(50ms);
  receive(14);
  const auto messages = due_after(50ms);
  ASSERT_THAT(messages, SizeIs(1));
  EXPECT_EQ(messages[0].base, 11);
  EXPECT_EQ(messages[0].count, 4);
  EXPECT_THAT(messages[0].received, ElementsAre(14));
}

TEST_F(TransportFeedbackBuilderTest, CountsItsMessagesAcrossTheWrapOfAByte) {
  for (int i = 0; i < 300; ++i) {
    receive(i);
    const auto messages = due_after(50ms);
    ASSERT_THAT(messages, SizeIs(1));
    EXPECT_EQ(messages[0].feedback_count, i % 256);
  }
}

TEST_F(TransportFeedbackBuilderTest, ReportsAcrossTheWrapOfTheNumbers) {
  for (const int number : {65534, 65535, 1}) receive(number);
  const auto messages = due_after(50ms);
  ASSERT_THAT(messages, SizeIs(1));
  EXPECT_EQ(messages[0].base, 65534);
  EXPECT_EQ(messages[0].count, 4);
  EXPECT_THAT(messages[0].received, ElementsAre(65534, 65535, 1));
}

TEST_F(TransportFeedbackBuilderTest, ReportsAcrossTheWrapOfTheReferenceTime) {
  now_ = TimePoint((1 << 24) * 64ms - 2ms);
  for (const int number : {1, 2, 3, 4}) receive(number);
  const auto messages = due_after(50ms);
  ASSERT_THAT(messages, SizeIs(1));
  EXPECT_THAT(messages[0].times, ElementsAre((1 << 24) * 64ms - 1ms, 0ms, 1ms, 2ms));
}

TEST_F(TransportFeedbackBuilderTest, SplitsAtASilenceLongerThanADelta) {
  receive(1);
  receive(2, 9s);
  const auto messages = due_after(50ms);
  ASSERT_THAT(messages, SizeIs(2));
  EXPECT_THAT(messages[0].received, ElementsAre(1));
  EXPECT_THAT(messages[1].received, ElementsAre(2));
  EXPECT_EQ(messages[1].base, 2);
}

TEST_F(TransportFeedbackBuilderTest, SplitsWhatOneDatagramCannotHold) {
  for (int number = 0; number < 1000; ++number) receive(number, 65ms);  // two-byte deltas
  std::vector<uint16_t> received;
  for (const auto& message : due_after(50ms)) {
    received.insert(received.end(), message.received.begin(), message.received.end());
  }
  ASSERT_THAT(received, SizeIs(1000));
  EXPECT_EQ(received.back(), 999);
}

TEST_F(TransportFeedbackBuilderTest, ReportsALatePacketAgainWithThoseAfterIt) {
  for (const int number : {1, 2, 4, 5}) receive(number);
  ASSERT_THAT(due_after(50ms), SizeIs(1));
  receive(3);
  const auto messages = due_after(50ms);
  ASSERT_THAT(messages, SizeIs(1));
  EXPECT_EQ(messages[0].base, 3);
  EXPECT_THAT(messages[0].received, ElementsAre(3, 4, 5));
  EXPECT_GT(messages[0].times[0], messages[0].times[1]);
}

TEST_F(TransportFeedbackBuilderTest, TakesNoNoticeOfDuplicates) {
  receive(1);
  const TimePoint first = now_;
  receive(1);
  const auto messages = due_after(50ms);
  ASSERT_THAT(messages, SizeIs(1));
  EXPECT_THAT(messages[0].times, ElementsAre(first.time_since_epoch()));
  receive(1);
  EXPECT_EQ(builder_.next_deadline(), kNever);
}

TEST_F(TransportFeedbackBuilderTest, TakesNoNoticeOfOneStragglerAndFollowsTwo) {
  receive(30'000);
  receive(5);
  EXPECT_THAT(due_after(50ms)[0].received, ElementsAre(30'000));
  receive(9);
  receive(10);
  EXPECT_THAT(due_after(50ms)[0].received, ElementsAre(10));
}

TEST_F(TransportFeedbackBuilderTest, StartsAnewAfterAJumpWithoutReportingIt) {
  receive(1);
  due_after(50ms);
  receive(20'000);
  const auto messages = due_after(50ms);
  ASSERT_THAT(messages, SizeIs(1));
  EXPECT_EQ(messages[0].base, 20'000);
  EXPECT_EQ(messages[0].count, 1);
}

TEST_F(TransportFeedbackBuilderTest, ReportsEarlierWhenItsMemoryFillsUp) {
  for (int number = 0; number < 1024; ++number) receive(number, 1us);
  EXPECT_GT(builder_.next_deadline(), now_);
  receive(1024, 1us);
  EXPECT_EQ(builder_.next_deadline(), now_);
}

TEST_F(TransportFeedbackBuilderTest, ForgetsTheOldestWhenNobodyCollects) {
  for (int number = 0; number < 20'000; ++number) receive(number, 1us);
  size_t received = 0;
  for (const auto& message : due_after(50ms)) received += message.received.size();
  EXPECT_EQ(received, static_cast<size_t>(TransportFeedbackBuilder::kHistory));
}

TEST_F(TransportFeedbackBuilderTest, WaitsForAWriterWithRoom) {
  receive(1);
  now_ += 50ms;
  std::array<uint8_t, 20> room{};
  RtcpWriter writer(room);
  EXPECT_FALSE(builder_.write_due(now_, Ssrc(1), Ssrc(2), writer));
  EXPECT_THAT(due_after(0ms), SizeIs(1));
}

TEST_F(TransportFeedbackBuilderTest, ReportsEveryArrivalOfALossyReorderedStream) {
  for (unsigned seed = 1; seed <= 20; ++seed) {
    std::mt19937 random(seed);
    builder_ = TransportFeedbackBuilder();
    std::map<uint16_t, Duration> sent;
    std::map<uint16_t, Duration> reported;
    const auto collect = [&](Duration elapsed) {
      for (const auto& message : due_after(elapsed)) {
        for (size_t i = 0; i < message.received.size(); ++i) {
          reported[message.received[i]] = message.times[i];
        }
      }
    };
    const auto base = static_cast<int>(random() % 65536);
    std::vector<int> held;
    for (int i = 0; i < 4000; ++i) {
      const auto fate = random() % 16;
      if (fate == 0) continue;
      int number = base + i;
      if (fate == 1 && held.size() < 4) {
        held.push_back(number);
        continue;
      }
      if (fate == 2 && !held.empty()) {
        number = held.back();
        held.pop_back();
        if (base + i - number > 1000) continue;
      }
      receive(number, Duration(random() % 4000));
      const Duration at = now_.time_since_epoch();
      sent[static_cast<uint16_t>(number)] = at - at % 250us;
      collect(0ms);
    }
    collect(50ms);
    ASSERT_EQ(reported, sent) << seed;
  }
}

}  // namespace
}  // namespace simpul::rtp
