#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "relay/clock_mapping.h"
#include "relay/feed.h"
#include "tests/relay/scene.h"

namespace simpul::relay {
namespace {

using namespace testing;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr uint64_t kNodeNtp = uint64_t{3'900'000'000} << 32;
constexpr uint64_t kTheirNtp = uint64_t{3'800'000'000} << 32;

class SenderReportTest : public ::testing::Test {
 protected:
  SenderReportTest() {
    scene_.relay.set_wall_clock(scene_.now, kNodeNtp);
    began_ = scene_.now;
    ana_ = scene_.publish("ana", {audio_track(1), video_track(2)});
    scene_.watch({}, {audio_slot(1), video_slot(10)});
  }
  std::vector<Sent> voice() {
    std::vector<rtp::MediaPacket> packets;
    packets.push_back(voice_.audio());
    return scene_.pass(1, std::move(packets));
  }
  std::vector<Sent> picture() { return scene_.pass(2, source_.frame({.key = true})); }
  static const SlotReport& of(const Output& out, uint32_t ssrc) {
    return *std::ranges::find(out.reports, rtp::Ssrc(ssrc), &SlotReport::ssrc);
  }
  // When a receiver that was told so plays what has a timestamp.
  static uint64_t moment(const SlotReport& report, uint32_t timestamp, uint32_t rate) {
    const ClockMapping mapping{.ntp_time = report.ntp_time, .rtp_timestamp = report.rtp_timestamp};
    return mapping.ntp_of(timestamp, rate);
  }
  void report_of_picture() {
    scene_.relay.receive_sender_report(TrackId(2), 0, kTheirNtp, 9'000, scene_.now);
  }
  // The publisher's clock, and the two RTP clocks, at a moment of ours.
  void their_reports() {
    const Duration since = scene_.now - began_;
    const uint64_t ntp = kTheirNtp + static_cast<uint64_t>(ntp_span(since));
    scene_.relay.receive_sender_report(
        TrackId(1), 0, ntp, 1'000 + static_cast<uint32_t>(ticks_of(since, 48'000)), scene_.now);
    scene_.relay.receive_sender_report(
        TrackId(2), 0, ntp, 9'000 + static_cast<uint32_t>(ticks_of(since, 90'000)), scene_.now);
  }

  Scene scene_;
  TimePoint began_;
  PublisherId ana_;
  Source source_{scene_.pool, {.timestamp = 9'000}};
  Source voice_{scene_.pool, {.ssrc = 7, .codec = rtp::Codec::kOpus, .timestamp = 1'000}};
};

TEST_F(SenderReportTest, TellsTheNodesClockAndWhatWasSent) {
  EXPECT_THAT(scene_.advance().reports, IsEmpty()) << "nothing was sent";
  const auto sent = picture();
  const auto out = scene_.advance(100ms);
  ASSERT_THAT(out.reports, SizeIs(1));
  const SlotReport& report = out.reports[0];
  EXPECT_EQ(report.ssrc, rtp::Ssrc(10));
  EXPECT_EQ(report.ntp_time, kNodeNtp + static_cast<uint64_t>(ntp_span(100ms)));
  EXPECT_EQ(report.rtp_timestamp, sent[0].timestamp + 9'000);
  EXPECT_EQ(report.packets, 3u);
  size_t octets = 0;
  for (const auto& packet : sent) octets += packet.payload.size();
  EXPECT_EQ(report.octets, octets);
}

TEST_F(SenderReportTest, ComesAboutOnceASecondWhilePacketsDo) {
  size_t reports = 0;
  for (int i = 0; i < 500; ++i) {
    voice();
    reports += scene_.advance(20ms).reports.size();
  }
  EXPECT_GE(reports, 9u);
  EXPECT_LE(reports, 12u);
  EXPECT_THAT(scene_.advance(1s).reports.size() + scene_.advance(1s).reports.size(),
              ::testing::Le(1u));
  EXPECT_THAT(scene_.advance(5s).reports, IsEmpty()) << "nothing was sent since";
}

TEST_F(SenderReportTest, KeepsAudioAndVideoOfOneMomentTogether) {
  their_reports();
  const auto first_voice = voice();
  const auto first_picture = picture();
  // What was captured 80 ms later arrives late, by other delays each.
  scene_.now += 80ms;
  their_reports();
  voice_.at().timestamp = 1'000 + 80 * 48;
  source_.at().timestamp = 9'000 + 80 * 90;
  scene_.now += 5ms;
  const auto later_voice = voice();
  scene_.now += 90ms;
  const auto later_picture = picture();
  const auto out = scene_.advance(40ms);
  ASSERT_THAT(out.reports, SizeIs(2));
  // When a receiver plays each, by the reports: the same moment.
  const auto heard = moment(of(out, 1), later_voice[0].timestamp, 48'000);
  const auto seen = moment(of(out, 10), later_picture[0].timestamp, 90'000);
  const auto apart = static_cast<int64_t>(heard - seen);
  EXPECT_LT(apart, ntp_span(1ms));
  EXPECT_GT(apart, -ntp_span(1ms));
}

TEST_F(SenderReportTest, WaitsForTheReportOfSoundOnceThereIsOneOfThePicture) {
  report_of_picture();
  for (int i = 0; i < 100; ++i) {
    voice();
    EXPECT_THAT(scene_.advance(20ms).reports, IsEmpty()) << "what they would say is a guess";
  }
  their_reports();
  const auto sent = voice();
  const auto out = scene_.advance(100ms);
  ASSERT_THAT(out.reports, SizeIs(1));
  const uint32_t captured = voice_.at().timestamp - 960;
  const auto shown = 1'000 + static_cast<uint32_t>(ticks_of(scene_.now - began_, 48'000));
  EXPECT_EQ(out.reports[0].rtp_timestamp, sent[0].timestamp + (shown - captured));
}

// Receivers draw their line through the reports of some twenty seconds.
TEST_F(SenderReportTest, WhatTheyToldHoldsForTheNextPublisherToo) {
  their_reports();
  voice();
  picture();
  const auto told = scene_.advance(100ms);
  ASSERT_THAT(told.reports, SizeIs(2));
  scene_.publish("ben", {audio_track(3), video_track(4)});
  Source sound{scene_.pool, {.ssrc = 8, .codec = rtp::Codec::kOpus, .timestamp = 77}};
  Source pictures{scene_.pool, {.ssrc = 9, .timestamp = 99}};
  // Ben's clock is another one; both are captured now, and come with different delays.
  scene_.relay.receive_sender_report(TrackId(3), 0, kTheirNtp / 2, 77, scene_.now);
  scene_.relay.receive_sender_report(TrackId(4), 0, kTheirNtp / 2, 99, scene_.now);
  const auto captured = kNodeNtp + static_cast<uint64_t>(ntp_span(scene_.now - began_));
  scene_.relay.remove_publisher(ana_, scene_.now);
  scene_.now += 5ms;
  std::vector<rtp::MediaPacket> packets;
  packets.push_back(sound.audio());
  const auto voice = scene_.pass(3, std::move(packets));
  scene_.now += 55ms;
  const auto picture = scene_.pass(4, pictures.frame({.key = true}));
  const auto heard =
      static_cast<int64_t>(moment(of(told, 1), voice[0].timestamp, 48'000) - captured);
  const auto seen =
      static_cast<int64_t>(moment(of(told, 10), picture[0].timestamp, 90'000) - captured);
  EXPECT_LT(std::abs(heard), ntp_span(1ms));
  EXPECT_LT(std::abs(seen), ntp_span(1ms));
  // And so do those that follow.
  const auto then = scene_.advance(2s);
  ASSERT_THAT(then.reports, SizeIs(2));
  const auto later =
      static_cast<int64_t>(moment(of(then, 1), voice[0].timestamp, 48'000) - captured);
  EXPECT_LT(std::abs(later), ntp_span(1ms));
}

// What comes at once is not kept back for as long as what came before took.
TEST_F(SenderReportTest, APictureThatCameFasterIsShownATenthOfASecondLaterAtMost) {
  their_reports();
  scene_.now += 700ms;
  const auto late = picture();
  ASSERT_THAT(scene_.advance(100ms).reports, SizeIs(1));
  scene_.publish("ben", {video_track(4)});
  Source pictures{scene_.pool, {.ssrc = 9, .timestamp = 99}};
  scene_.relay.receive_sender_report(TrackId(4), 0, kTheirNtp / 2, 99, scene_.now);
  scene_.relay.remove_publisher(ana_, scene_.now);
  const auto prompt = scene_.pass(4, pictures.frame({.key = true}));
  EXPECT_EQ(prompt[0].timestamp - late[0].timestamp, ticks_of(100ms + 100ms, 90'000));
}

TEST_F(SenderReportTest, WaitsForTheReportsOfTheNextPublisherToo) {
  their_reports();
  voice();
  EXPECT_THAT(scene_.advance(100ms).reports, SizeIs(1));
  scene_.publish("ben", {audio_track(3), video_track(4)});
  scene_.relay.remove_publisher(ana_, scene_.now);
  Source other{scene_.pool, {.ssrc = 8, .codec = rtp::Codec::kOpus, .timestamp = 7}};
  const auto say = [&] {
    std::vector<rtp::MediaPacket> packets;
    packets.push_back(other.audio());
    scene_.pass(3, std::move(packets));
    return scene_.advance(20ms).reports;
  };
  scene_.relay.receive_sender_report(TrackId(4), 0, kTheirNtp, 7, scene_.now);
  for (int i = 0; i < 100; ++i) EXPECT_THAT(say(), IsEmpty());
  scene_.relay.receive_sender_report(TrackId(3), 0, kTheirNtp, 7, scene_.now);
  size_t reports = 0;
  for (int i = 0; i < 20; ++i) reports += say().size();
  EXPECT_EQ(reports, 1u);
}

TEST_F(SenderReportTest, WaitsNoLongerForWhoHasLeft) {
  report_of_picture();
  voice();
  EXPECT_THAT(scene_.advance(100ms).reports, IsEmpty());
  scene_.publish("ben", {audio_track(3), video_track(4)});
  scene_.relay.remove_publisher(ana_, scene_.now);
  scene_.relay.receive_sender_report(TrackId(3), 0, kTheirNtp, 7, scene_.now);
  scene_.relay.receive_sender_report(TrackId(4), 0, kTheirNtp, 7, scene_.now);
  Source other{scene_.pool, {.ssrc = 8, .codec = rtp::Codec::kOpus, .timestamp = 7}};
  size_t reports = 0;
  for (int i = 0; i < 100; ++i) {
    std::vector<rtp::MediaPacket> packets;
    packets.push_back(other.audio());
    scene_.pass(3, std::move(packets));
    reports += scene_.advance(20ms).reports.size();
  }
  EXPECT_GE(reports, 1u);
}

TEST_F(SenderReportTest, GoesByTheArrivalsOfSoundThatIsNeverReported) {
  report_of_picture();
  TimePoint first = kNever;
  for (int i = 0; i < 600 && first == kNever; ++i) {
    const auto sent = voice();
    const auto out = scene_.advance(20ms);
    if (out.reports.empty()) continue;
    first = scene_.now;
    EXPECT_EQ(out.reports[0].rtp_timestamp, sent[0].timestamp + 960);
  }
  EXPECT_GE(first - began_, Feed::kClockPatience);
  EXPECT_LE(first - began_, Feed::kClockPatience + 1s);
}

TEST_F(SenderReportTest, DoesNotFollowAReportThatIsNonsense) {
  const auto sent = picture();
  scene_.relay.receive_sender_report(TrackId(2), 0, 0x1234'5678'9ABC'DEF0, 0xDEAD'BEEF, scene_.now);
  const auto out = scene_.advance(100ms);
  ASSERT_THAT(out.reports, SizeIs(1));
  EXPECT_EQ(out.reports[0].rtp_timestamp, sent[0].timestamp + 9'000);
}

}  // namespace
}  // namespace simpul::relay
