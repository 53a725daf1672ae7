#include "rtp/congestion_feedback.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <variant>

#include "rtp/rtcp_reader.h"

namespace simpul::rtp {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

using Buffer = std::vector<uint8_t>;

// At ten seconds of the reporter's clock.
std::optional<std::vector<PacketReport>> read(const Buffer& blocks, uint32_t seconds = 10) {
  std::vector<PacketReport> reports;
  const CongestionFeedback feedback{
      .sender = Ssrc(1), .timestamp = seconds << 16, .blocks = blocks};
  if (feedback.append_reports(reports)) return reports;
  EXPECT_THAT(reports, IsEmpty());
  return std::nullopt;
}

PacketReport report(uint32_t ssrc, uint16_t number, std::optional<Duration> at = {}) {
  return {.ssrc = Ssrc(ssrc), .sequence = SequenceNumber(number), .arrived_at = at};
}

TEST(CongestionFeedback, TellsWhatCameWhenAndWhatDidNot) {
  // 512 and 256 units of 1/1,024 s ago.
  EXPECT_THAT(*read({0, 0, 0, 7, 0xff, 0xff, 0, 3, 0x82, 0, 0, 0, 0x81, 0, 0, 0}),
              ElementsAre(report(7, 65535, 9500ms), report(7, 0), report(7, 1, 9750ms)));
}

TEST(CongestionFeedback, ReadsOneStreamAfterTheOther) {
  EXPECT_THAT(*read({0, 0, 0, 7, 0, 1, 0, 2, 0x80, 0, 0, 0, 0, 0, 0, 8, 0, 5, 0, 1, 0x84, 0, 0, 0}),
              ElementsAre(report(7, 1, 10s), report(7, 2), report(8, 5, 9s)));
}

TEST(CongestionFeedback, AStreamMayHaveNoReports) {
  EXPECT_THAT(*read({0, 0, 0, 7, 0, 1, 0, 0}), IsEmpty());
  EXPECT_THAT(*read({}), IsEmpty());
}

TEST(CongestionFeedback, LeavesOutWhatCameAtATimeThatIsNotTold) {
  EXPECT_THAT(*read({0, 0, 0, 7, 0, 1, 0, 2, 0x9f, 0xff, 0x9f, 0xfe}), IsEmpty());
  EXPECT_THAT(*read({0, 0, 0, 7, 0, 1, 0, 1, 0x9f, 0xfd, 0, 0}), SizeIs(1));
}

TEST(CongestionFeedback, IgnoresTheMarksOfEcn) {
  EXPECT_THAT(*read({0, 0, 0, 7, 0, 1, 0, 1, 0xe4, 0, 0, 0}), ElementsAre(report(7, 1, 9s)));
}

TEST(CongestionFeedback, ItsClockWraps) {
  EXPECT_THAT(*read({0, 0, 0, 7, 0, 1, 0, 1, 0x84, 0, 0, 0}, 0),
              ElementsAre(report(7, 1, kCongestionClockPeriod - 1s)));
}

TEST(CongestionFeedback, RefusesBlocksThatAreNotWhole) {
  EXPECT_FALSE(read({0, 0, 0, 7, 0, 1, 0}));
  EXPECT_FALSE(read({0, 0, 0, 7, 0, 1, 0, 1}));
  EXPECT_FALSE(read({0, 0, 0, 7, 0, 1, 0, 1, 0x84, 0}));
  EXPECT_FALSE(read({0, 0, 0, 7, 0, 1, 0xff, 0xff, 0x84, 0, 0, 0}));
  EXPECT_FALSE(read({0, 0, 0, 7, 0, 1, 0, 1, 0x84, 0, 0, 0, 0, 0, 0, 8}));
}

TEST(CongestionFeedback, IsOneOfTheMessagesOfACompound) {
  const Buffer compound = {0x8b, 205, 0, 5, 0,    0, 0, 9, 0, 0,  0, 7,
                           0,    1,   0, 1, 0x84, 0, 0, 0, 0, 10, 0, 0};
  RtcpReader reader(compound);
  const auto packet = reader.next();
  ASSERT_TRUE(packet && std::holds_alternative<CongestionFeedback>(*packet));
  const auto& feedback = std::get<CongestionFeedback>(*packet);
  EXPECT_EQ(feedback.sender, Ssrc(9));
  std::vector<PacketReport> reports;
  ASSERT_TRUE(feedback.append_reports(reports));
  EXPECT_THAT(reports, ElementsAre(report(7, 1, 9s)));
  EXPECT_FALSE(reader.next());
  EXPECT_FALSE(reader.error());
}

TEST(CongestionFeedback, WithoutATimeIsNoMessage) {
  const Buffer compound = {0x8b, 205, 0, 1, 0, 0, 0, 9};
  RtcpReader reader(compound);
  EXPECT_FALSE(reader.next());
  EXPECT_EQ(reader.error(), ParseError::kTooShort);
}

}  // namespace
}  // namespace simpul::rtp
