#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/connection/receiving.h"

namespace simpul::connection {
namespace {

using namespace testing;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

PacketFields video(uint32_t ssrc, uint16_t number = 1) {
  return {.sequence_number = number, .ssrc = rtp::Ssrc(ssrc), .payload = {1, 2, 3}};
}

PacketFields numbered(uint32_t ssrc, uint16_t number, uint16_t transport_sequence) {
  const std::string value = {static_cast<char>(transport_sequence >> 8),
                             static_cast<char>(transport_sequence)};
  return with_extensions(video(ssrc, number), {{kTransportSequenceId, value}});
}

TEST(MediaReceiverRtcp, HasNothingToSayBeforeTheFirstPacket) {
  Receiving peer({video_line("v")});
  EXPECT_EQ(peer.receiver.next_deadline(), kNever);
  peer.written_after<rtp::Pli>(10s);
  EXPECT_THAT(peer.compounds, IsEmpty());
}

TEST(MediaReceiverRtcp, AsksForALostPacketAndAsksAgain) {
  Receiving peer({video_line("v")});
  peer.receive(video(100, 7));
  peer.receive(video(100, 10));
  EXPECT_THAT(peer.written_after<rtp::Nack>(1ms), IsEmpty());  // it may only be out of order
  const auto nacks = peer.written_after<rtp::Nack>(5ms);
  ASSERT_EQ(nacks.size(), 1u);
  EXPECT_EQ(nacks[0].sender, rtp::Ssrc(7));
  EXPECT_EQ(nacks[0].media, rtp::Ssrc(100));
  EXPECT_THAT(Receiving::missing_in(nacks), ElementsAre(8, 9));
  EXPECT_THAT(peer.written_after<rtp::Nack>(10ms), IsEmpty());
  EXPECT_LE(peer.receiver.next_deadline(), peer.now + 150ms);
  EXPECT_THAT(Receiving::missing_in(peer.written_after<rtp::Nack>(150ms)), ElementsAre(8, 9));
}

TEST(MediaReceiverRtcp, AsksAgainSoonerOverAShortPath) {
  Receiving peer({video_line("v")});
  peer.receive(video(100, 7));
  peer.receiver.set_round_trip(20ms);
  peer.receive(video(100, 9));
  EXPECT_THAT(Receiving::missing_in(peer.written_after<rtp::Nack>(5ms)), ElementsAre(8));
  EXPECT_THAT(Receiving::missing_in(peer.written_after<rtp::Nack>(30ms)), ElementsAre(8));
}

TEST(MediaReceiverRtcp, AsksNoLongerForWhatWasRepaired) {
  Receiving peer({video_line("v")});
  peer.receive(video(100, 7));
  peer.receive(video(100, 9));
  peer.receive(Receiving::rtx(101, 1, 8));
  EXPECT_THAT(peer.written_after<rtp::Nack>(50ms), IsEmpty());
}

TEST(MediaReceiverRtcp, AsksForNothingWhereNackWasNotNegotiated) {
  Receiving peer({audio_line("a")});
  auto packet = video(100, 7);
  packet.payload_type = 111;
  peer.receive(packet);
  packet.sequence_number = 10;
  peer.receive(packet);
  EXPECT_THAT(peer.written_after<rtp::Nack>(100ms), IsEmpty());
}

TEST(MediaReceiverRtcp, AsksForAKeyFrameWhenAPacketIsGivenUp) {
  Receiving peer({video_line("v")});
  peer.receive(video(100, 7));
  peer.receive(video(100, 9));
  size_t key_frames = 0;
  for (int i = 0; i < 120; ++i) key_frames += peer.written_after<rtp::Pli>(10ms).size();
  EXPECT_EQ(key_frames, 1u);
}

TEST(MediaReceiverRtcp, AsksForAKeyFrameWhenMoreIsMissingThanCanBeRepaired) {
  Receiving peer({video_line("v")});
  peer.receive(video(100, 7));
  peer.receive(video(100, 7 + 900));
  peer.receive(video(100, 7 + 1800));
  EXPECT_EQ(peer.receiver.next_deadline(), TimePoint::min());
  EXPECT_EQ(peer.written_after<rtp::Pli>(0ms).size(), 1u);
}

TEST(MediaReceiverRtcp, AsksForAKeyFrameWhenTheNumberingStartsAnew) {
  Receiving peer({video_line("v")});
  peer.receive(video(100, 7));
  peer.receive(video(100, 30'000));
  EXPECT_EQ(peer.written_after<rtp::Pli>(0ms).size(), 1u);
}

TEST(MediaReceiverRtcp, ReportsEachSecond) {
  Receiving peer({video_line("v")});
  peer.receive(video(100, 7));
  peer.receive(video(100, 10));
  EXPECT_THAT(peer.written_after<rtp::ReceiverReport>(999ms), IsEmpty());
  const auto reports = peer.written_after<rtp::ReceiverReport>(1ms);
  ASSERT_EQ(reports.size(), 1u);
  EXPECT_EQ(reports[0].sender, rtp::Ssrc(7));
  ASSERT_EQ(reports[0].blocks.size(), 1u);
  EXPECT_EQ(reports[0].blocks[0].ssrc, rtp::Ssrc(100));
  EXPECT_EQ(reports[0].blocks[0].extended_highest & 0xffffu, 10u);
  EXPECT_EQ(reports[0].blocks[0].cumulative_lost, 2);
  EXPECT_DOUBLE_EQ(peer.receiver.loss_of({0, 0}), 0.5);
  ASSERT_EQ(peer.written<rtp::Sdes>().size(), 1u);
  EXPECT_EQ(peer.written<rtp::Sdes>()[0].cname, "us");
  EXPECT_EQ(peer.written_after<rtp::ReceiverReport>(1s).size(), 1u);
}

TEST(MediaReceiverRtcp, ReportsOnRetransmissionsToo) {
  Receiving peer({video_line("v")});
  peer.receive(video(100, 7));
  peer.receive(Receiving::rtx(101, 1, 6));
  const auto reports = peer.written_after<rtp::ReceiverReport>(1s);
  ASSERT_EQ(reports.size(), 1u);
  EXPECT_EQ(reports[0].blocks.size(), 2u);
}

TEST(MediaReceiverRtcp, NamesTheLayerOfASenderReportAndRefersToIt) {
  Receiving peer({video_line("v", {"q", "h"})});
  peer.receive(with_extensions(video(100), {{kRidId, "h"}, {kMidId, "v"}}));
  EXPECT_FALSE(peer.receiver.receive_sender_report({.ssrc = rtp::Ssrc(5)}, peer.now));
  const auto seen = peer.receiver.receive_sender_report(
      {.ssrc = rtp::Ssrc(100), .ntp_time = 0x1122334455667788, .rtp_timestamp = 900}, peer.now);
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->id, (LayerId{0, 1}));
  EXPECT_EQ(seen->rtp_timestamp, 900u);
  const auto reports = peer.written_after<rtp::ReceiverReport>(1s);
  ASSERT_EQ(reports.size(), 1u);
  EXPECT_EQ(reports[0].blocks[0].last_sender_report, 0x33445566u);
  EXPECT_EQ(reports[0].blocks[0].delay_since_last_sender_report, 65536u);
}

TEST(MediaReceiverRtcp, TellsTheSenderWhichPacketsOfTheTransportCame) {
  Receiving peer({video_line("v")});
  peer.receive(numbered(100, 7, 41));
  peer.receive(numbered(100, 8, 43));
  const auto feedback = peer.written_after<rtp::TransportFeedback>(50ms);
  ASSERT_EQ(feedback.size(), 1u);
  EXPECT_EQ(feedback[0].media, rtp::Ssrc(100));
  EXPECT_THAT(peer.written_after<rtp::TransportFeedback>(50ms), IsEmpty());
}

TEST(MediaReceiverRtcp, GivesNoTransportFeedbackWhereItWasNotNegotiated) {
  auto line = video_line("v");
  line.transport_feedback = false;
  Receiving peer({line});
  peer.receive(numbered(100, 7, 41));
  EXPECT_THAT(peer.written_after<rtp::TransportFeedback>(200ms), IsEmpty());
}

TEST(MediaReceiverRtcp, WritesOneKeyFrameRequestForManyWishes) {
  Receiving peer({video_line("v")});
  peer.receive(video(100));
  peer.receiver.request_key_frame({0, 0});
  peer.receiver.request_key_frame({0, 0});
  EXPECT_EQ(peer.receiver.next_deadline(), TimePoint::min());
  const auto requests = peer.written_after<rtp::Pli>(0ms);
  ASSERT_EQ(requests.size(), 1u);
  EXPECT_EQ(requests[0].media, rtp::Ssrc(100));
  EXPECT_THAT(peer.written_after<rtp::Pli>(0ms), IsEmpty());
  EXPECT_GT(peer.receiver.next_deadline(), peer.now);
}

TEST(MediaReceiverRtcp, AsksByFirWhereOnlyThatWasNegotiatedAndCountsTheRequests) {
  auto line = video_line("v");
  line.codecs[0].pli = false;
  Receiving peer({line});
  peer.receive(video(100));
  std::vector<uint8_t> numbers;
  for (int i = 0; i < 2; ++i) {
    peer.receiver.request_key_frame({0, 0});
    for (const auto& fir : peer.written_after<rtp::Fir>(10ms)) {
      EXPECT_EQ(fir.entries[0].ssrc, rtp::Ssrc(100));
      numbers.push_back(fir.entries[0].sequence_number);
    }
    EXPECT_THAT(peer.written<rtp::Pli>(), IsEmpty());
  }
  EXPECT_THAT(numbers, ElementsAre(0, 1));
}

TEST(MediaReceiverRtcp, AsksForNoKeyFrameWhereNoWayWasNegotiated) {
  auto line = video_line("v");
  line.codecs[0].pli = line.codecs[0].fir = false;
  Receiving peer({line});
  peer.receive(video(100));
  peer.receiver.request_key_frame({0, 0});
  peer.written_after<rtp::Pli>(0ms);
  EXPECT_THAT(peer.compounds, IsEmpty());
  EXPECT_GT(peer.receiver.next_deadline(), peer.now);
}

TEST(MediaReceiverRtcp, KeepsAKeyFrameRequestUntilTheSourceIsKnown) {
  Receiving peer({video_line("v")});
  peer.receiver.request_key_frame({0, 0});
  EXPECT_EQ(peer.receiver.next_deadline(), kNever);
  EXPECT_THAT(peer.written_after<rtp::Pli>(1s), IsEmpty());
  peer.receive(video(100));
  EXPECT_EQ(peer.written_after<rtp::Pli>(0ms).size(), 1u);
}

TEST(MediaReceiverRtcp, BeginsEachCompoundWithAReportWhereReducedSizeWasNotNegotiated) {
  Receiving peer({video_line("v")});
  peer.config.reduced_size_rtcp = false;
  peer.receive(numbered(100, 7, 41));
  peer.receive(numbered(100, 9, 42));
  peer.receiver.request_key_frame({0, 0});
  EXPECT_EQ(peer.written_after<rtp::Pli>(50ms).size(), 1u);
  EXPECT_EQ(peer.written<rtp::Nack>().size(), 1u);
  EXPECT_EQ(peer.written<rtp::TransportFeedback>().size(), 1u);
  ASSERT_EQ(peer.compounds.size(), 3u);
  for (const auto& compound : peer.compounds) {
    rtp::RtcpReader reader(compound);
    const auto first = reader.next();
    ASSERT_TRUE(first);
    EXPECT_TRUE(std::holds_alternative<rtp::ReceiverReport>(*first));
  }
}

TEST(MediaReceiverRtcp, WritesNoDatagramThatIsTooLarge) {
  Receiving peer({video_line("v")});
  peer.receive(video(100, 0));
  // One of 18 comes: two numbers for which one entry has no room.
  size_t lost = 0;
  for (uint16_t number = 18; number < 18 * 58; number = static_cast<uint16_t>(number + 18)) {
    peer.receive(video(100, number));
    lost += 17;
  }
  EXPECT_EQ(Receiving::missing_in(peer.written_after<rtp::Nack>(10ms)).size(), lost);
  // Two numbers of the transport that are far from each other.
  std::vector<uint16_t> arrived;
  for (int i = 0; i < 900; ++i) arrived.push_back(static_cast<uint16_t>(2 * i));
  for (const uint16_t number : arrived) {
    peer.now += 1ms;
    peer.receive(numbered(100, 5000, number));
  }
  peer.written_after<rtp::TransportFeedback>(100ms);
  EXPECT_GT(peer.compounds.size(), 1u);
  std::vector<rtp::ReportedArrival> reported;
  for (const auto& feedback : peer.written<rtp::TransportFeedback>()) {
    ASSERT_TRUE(feedback.append_arrivals(reported));
  }
  EXPECT_EQ(reported.size(), arrived.size());
  for (const auto& compound : peer.compounds) EXPECT_LE(compound.size(), rtp::kRtcpSizeMax);
}

TEST(MediaReceiverRtcp, TellsTheRoundTripByARetransmissionThatAnswersARequest) {
  Receiving peer({video_line("v")});
  peer.receive(video(100, 7));
  peer.receive(video(100, 10));
  peer.written_after<rtp::Nack>(5ms);
  peer.now += 42ms;
  peer.receive(Receiving::rtx(101, 1, 8));
  EXPECT_EQ(peer.receiver.take_round_trip_sample(), 42ms);
  EXPECT_FALSE(peer.receiver.take_round_trip_sample());
  // The other one comes after a second request: nobody knows which of them it answers.
  peer.written_after<rtp::Nack>(200ms);
  peer.receive(Receiving::rtx(101, 2, 9));
  EXPECT_FALSE(peer.receiver.take_round_trip_sample());
}

TEST(MediaReceiverRtcp, TellsNoRoundTripByWhatNobodyAskedFor) {
  Receiving peer({video_line("v")});
  peer.receive(video(100, 7));
  peer.receive(video(100, 9));
  peer.receive(Receiving::rtx(101, 1, 8));   // before it was asked for
  peer.receive(Receiving::rtx(101, 2, 7));   // had been there
  peer.receive(Receiving::rtx(101, 3, 60));  // of the future
  EXPECT_FALSE(peer.receiver.take_round_trip_sample());
}

TEST(MediaReceiverRtcp, AsksByTheRoundTripOfThePeerForStreamsThatComeLater) {
  Receiving peer({video_line("v")});
  peer.receiver.set_round_trip(20ms);
  peer.receive(video(100, 7));
  peer.receive(video(100, 9));
  EXPECT_THAT(Receiving::missing_in(peer.written_after<rtp::Nack>(5ms)), ElementsAre(8));
  EXPECT_THAT(Receiving::missing_in(peer.written_after<rtp::Nack>(30ms)), ElementsAre(8));
}

TEST(MediaReceiverRtcp, DropsWhatIsAboveTheRateAndAsksForNoneOfIt) {
  Receiving peer({video_line("v"), audio_line("a")}, 1'000'000);
  uint64_t passed = 0;
  constexpr uint16_t kCount = 2'000;
  for (uint16_t i = 1; i <= kCount; ++i) passed += peer.receive(video(100, i)).has_value();
  EXPECT_LT(passed, 700u);  // 625 of 200 bytes at least are a second's worth
  EXPECT_GT(passed, 600u);
  EXPECT_EQ(peer.receiver.over_rate(), kCount - passed);
  EXPECT_THAT(peer.written_after<rtp::Nack>(20ms), IsEmpty());
  // The other line has a rate of its own.
  auto audio = video(200, 1);
  audio.payload_type = 111;
  EXPECT_TRUE(peer.receive(audio));
}

}  // namespace
}  // namespace simpul::connection
