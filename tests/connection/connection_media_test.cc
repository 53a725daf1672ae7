#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rtp/rtcp_writer.h"
#include "tests/connection/receiving.h"
#include "tests/support/connection_pair.h"

namespace simpul::connection {
namespace {

using namespace testing;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr rtp::Ssrc kSlot(11);
constexpr rtp::Ssrc kSlotRtx(12);

MediaConfig both_ways() {
  return {.receiving = {video_line("v")},
          .sending = {{.mid = "s", .ssrc = kSlot, .rtx_ssrc = kSlotRtx}},
          .extensions = usual_extensions(),
          .cname = "us",
          .reduced_size_rtcp = true};
}

class ConnectionMediaTest : public ::testing::Test {
 protected:
  std::vector<uint8_t> video(uint16_t number, uint32_t ssrc = 100) {
    const auto plain =
        make_packet({.sequence_number = number, .ssrc = rtp::Ssrc(ssrc), .payload = {1, 2, 3}});
    return pair_.seal(plain, 12, number);
  }
  template <class Write>
  std::vector<uint8_t> feedback(Write write) {
    std::array<uint8_t, 256> room{};
    rtp::RtcpWriter writer(room);
    write(writer);
    return pair_.seal_rtcp(writer.written());
  }
  template <class Kind>
  size_t heard() const {
    size_t count = 0;
    for (const auto& compound : pair_.rtcp) {
      rtp::RtcpReader reader(compound);
      while (const auto part = reader.next()) count += std::holds_alternative<Kind>(*part);
    }
    return count;
  }

  ConnectionPair pair_{both_ways()};
};

TEST_F(ConnectionMediaTest, GivesMediaOnlyAfterTheKeysAreThere) {
  pair_.check();
  pair_.receive(make_packet({.payload = std::vector<uint8_t>(40)}));
  pair_.receive(make_rtcp(0, 201, std::vector<uint8_t>(40)));
  EXPECT_EQ(pair_.drops(Drop::kBeforeKeys), 2u);
  EXPECT_THAT(pair_.out.media, IsEmpty());
  ASSERT_TRUE(pair_.connect());
  pair_.receive(video(1));
  ASSERT_EQ(pair_.out.media.size(), 1u);
  EXPECT_THAT(pair_.out.media[0].packet.payload(), ElementsAre(1, 2, 3));
}

TEST_F(ConnectionMediaTest, DropsMediaFromAnAddressThatNoCheckProved) {
  ASSERT_TRUE(pair_.connect());
  pair_.receive(video(1), ConnectionPair::path(6000));
  pair_.receive(feedback([](auto& writer) { writer.receiver_report(rtp::Ssrc(1), {}); }),
                ConnectionPair::path(6000));
  EXPECT_EQ(pair_.drops(Drop::kPathNotValidated), 2u);
  EXPECT_THAT(pair_.out.media, IsEmpty());
}

TEST_F(ConnectionMediaTest, DropsForgeriesAndReplays) {
  ASSERT_TRUE(pair_.connect());
  const auto packet = video(1);
  auto forged = packet;
  forged.back() ^= 1;
  pair_.receive(forged);
  EXPECT_EQ(pair_.drops(Drop::kAuthentication), 1u);
  pair_.receive(packet);
  pair_.receive(packet);
  EXPECT_EQ(pair_.drops(Drop::kReplay), 1u);
  EXPECT_EQ(pair_.out.media.size(), 1u);
}

TEST_F(ConnectionMediaTest, AForgeryKeepsNothingAlive) {
  ASSERT_TRUE(pair_.connect());
  pair_.advance(29s);
  auto forged = video(1);
  forged.back() ^= 1;
  pair_.receive(forged);
  pair_.advance(1s);
  EXPECT_EQ(pair_.reason(), CloseReason::kIdle);
}

TEST_F(ConnectionMediaTest, AuthenticMediaKeepsItAlive) {
  ASSERT_TRUE(pair_.connect());
  pair_.advance(29s);
  pair_.receive(video(1));
  EXPECT_EQ(pair_.connection.last_heard(), pair_.now);
  pair_.advance(29s);
  EXPECT_EQ(pair_.state(), State::kConnected);
}

TEST_F(ConnectionMediaTest, CountsAuthenticPacketsThatAreMalformed) {
  ASSERT_TRUE(pair_.connect());
  // Padding that is longer than the packet.
  pair_.receive(pair_.seal(
      make_packet({.ssrc = rtp::Ssrc(100), .payload = {1}, .padding_count = 200}), 12, 1));
  EXPECT_EQ(pair_.drops(Drop::kMalformed), 1u);
  // A compound whose second packet is cut.
  auto compound = make_rtcp(0, 201, {0, 0, 0, 1});
  compound.insert(compound.end(), {0x80, 201, 0, 9});
  pair_.receive(pair_.seal_rtcp(compound));
  EXPECT_EQ(pair_.drops(Drop::kMalformed), 2u);
  // Too short to be SRTP at all.
  pair_.receive(std::vector<uint8_t>{0x80, 96, 0, 1});
  EXPECT_EQ(pair_.drops(Drop::kMalformed), 3u);
}

TEST_F(ConnectionMediaTest, CountsSourcesOfNobody) {
  ASSERT_TRUE(pair_.connect());
  const auto plain = make_packet({.payload_type = 50, .ssrc = rtp::Ssrc(5), .payload = {1}});
  pair_.receive(pair_.seal(plain, 12, 1));
  EXPECT_EQ(pair_.drops(Drop::kUnknownSource), 1u);
}

TEST_F(ConnectionMediaTest, CountsFeedbackThatNobodyReadsAndReadsTheRest) {
  ASSERT_TRUE(pair_.connect());
  auto compound = make_rtcp(3, 205, std::vector<uint8_t>(16));  // TMMBR (RFC 5104 §4.2.1)
  const auto pli = make_rtcp(1, 206, {0, 0, 0, 1, 0, 0, 0, kSlot.value()});
  compound.insert(compound.end(), pli.begin(), pli.end());
  pair_.receive(pair_.seal_rtcp(compound));
  EXPECT_EQ(pair_.drops(Drop::kUnknownRtcp), 1u);
  EXPECT_THAT(pair_.out.key_frame_requests, ElementsAre(kSlot));
}

TEST_F(ConnectionMediaTest, LooksIntoNoMoreSourcesThanItMay) {
  ASSERT_TRUE(pair_.connect());
  constexpr size_t kMax = dtls::SrtpReceiver::Limits{}.sources_max;
  for (uint32_t ssrc = 1; ssrc <= kMax + 3; ++ssrc) pair_.receive(video(1, ssrc));
  EXPECT_EQ(pair_.drops(Drop::kTooManySources), 3u);
}

TEST_F(ConnectionMediaTest, HandsOnWhatReceiversAskFor) {
  ASSERT_TRUE(pair_.connect());
  const rtp::SequenceNumber missing(77);
  pair_.receive(feedback([&](auto& writer) {
    writer.nack(rtp::Ssrc(1), kSlot, std::span(&missing, 1));
    writer.pli(rtp::Ssrc(1), kSlot);
    const rtp::FirEntry entry{kSlot, 3};
    writer.fir(rtp::Ssrc(1), std::span(&entry, 1));
  }));
  ASSERT_EQ(pair_.out.nacks.size(), 1u);
  EXPECT_EQ(pair_.out.nacks[0].ssrc, kSlot);
  EXPECT_THAT(pair_.out.nacks[0].missing, ElementsAre(missing));
  EXPECT_THAT(pair_.out.key_frame_requests, ElementsAre(kSlot, kSlot));
}

TEST_F(ConnectionMediaTest, HandsOnNothingAboutSourcesThatAreNotOurs) {
  ASSERT_TRUE(pair_.connect());
  const rtp::SequenceNumber missing(77);
  pair_.receive(feedback([&](auto& writer) {
    const rtp::ReportBlock block{.ssrc = rtp::Ssrc(99)};
    writer.receiver_report(rtp::Ssrc(1), std::span(&block, 1));
    writer.nack(rtp::Ssrc(1), rtp::Ssrc(99), std::span(&missing, 1));
    writer.pli(rtp::Ssrc(1), rtp::Ssrc(99));
    const rtp::FirEntry entry{rtp::Ssrc(99), 3};
    writer.fir(rtp::Ssrc(1), std::span(&entry, 1));
  }));
  EXPECT_THAT(pair_.out.nacks, IsEmpty());
  EXPECT_THAT(pair_.out.key_frame_requests, IsEmpty());
  EXPECT_THAT(pair_.out.receptions, IsEmpty());
}

TEST_F(ConnectionMediaTest, KnowsARoundTripFromTheHandshakeBeforeAnyReport) {
  EXPECT_FALSE(pair_.connection.round_trip());
  ASSERT_TRUE(pair_.connect());
  EXPECT_EQ(pair_.connection.round_trip(), RoundTrip::kMin);  // no time passes here
}

TEST_F(ConnectionMediaTest, MeasuresTheRoundTripByTheReportsOfReceivers) {
  ASSERT_TRUE(pair_.connect());
  const rtp::NtpClock clock(std::chrono::seconds(3'000'000'000));
  const uint64_t sent_at = clock.ntp_time(pair_.now);
  pair_.connection.send_report({.ssrc = kSlot, .ntp_time = sent_at}, pair_.out);
  pair_.advance(0ms);
  ASSERT_EQ(heard<rtp::SenderReport>(), 1u);
  pair_.advance(80ms);
  pair_.receive(feedback([&](auto& writer) {
    const rtp::ReportBlock block{.ssrc = kSlot,
                                 .fraction_lost = 128,
                                 .last_sender_report = rtp::compact_ntp(sent_at),
                                 .delay_since_last_sender_report = rtp::to_compact(30ms)};
    writer.receiver_report(rtp::Ssrc(1), std::span(&block, 1));
  }));
  ASSERT_TRUE(pair_.connection.round_trip());
  EXPECT_NEAR(static_cast<double>(pair_.connection.round_trip()->count()), 50'000, 100);
  ASSERT_EQ(pair_.out.receptions.size(), 1u);
  EXPECT_DOUBLE_EQ(pair_.out.receptions[0].loss, 0.5);
}

TEST_F(ConnectionMediaTest, SendsNoReportBeforeTheKeysAreThere) {
  pair_.check();
  pair_.connection.send_report({.ssrc = kSlot}, pair_.out);
  EXPECT_THAT(pair_.out.datagrams, IsEmpty());
}

TEST_F(ConnectionMediaTest, SendsFeedbackOnWhatItReceives) {
  ASSERT_TRUE(pair_.connect());
  pair_.receive(video(1));
  pair_.receive(video(3));
  pair_.advance(10ms);
  EXPECT_EQ(heard<rtp::Nack>(), 1u);
  pair_.connection.request_key_frame({0, 0});
  EXPECT_LE(pair_.connection.next_deadline(), pair_.now);
  pair_.advance(0ms);
  EXPECT_EQ(heard<rtp::Pli>(), 1u);
  pair_.advance(1s);
  EXPECT_EQ(heard<rtp::ReceiverReport>(), 1u);
}

TEST_F(ConnectionMediaTest, GivesTheTimesOfSenderReports) {
  ASSERT_TRUE(pair_.connect());
  pair_.receive(video(1));
  pair_.receive(feedback([](auto& writer) {
    writer.sender_report({.ssrc = rtp::Ssrc(100), .ntp_time = 5, .rtp_timestamp = 6}, {});
  }));
  ASSERT_EQ(pair_.out.sender_reports.size(), 1u);
  EXPECT_EQ(pair_.out.sender_reports[0].rtp_timestamp, 6u);
}

TEST_F(ConnectionMediaTest, KnowsASourceAgainThatSaidBye) {
  ASSERT_TRUE(pair_.connect());
  pair_.receive(video(1));
  const rtp::Ssrc source(100);
  pair_.advance(100ms);
  pair_.receive(feedback([&](auto& writer) { writer.bye(std::span(&source, 1)); }));
  pair_.advance(1s);
  EXPECT_EQ(heard<rtp::ReceiverReport>(), 0u) << "nothing is counted of it";
  pair_.receive(feedback([](auto& writer) {
    writer.sender_report({.ssrc = rtp::Ssrc(100), .ntp_time = 5, .rtp_timestamp = 6}, {});
  }));
  EXPECT_EQ(pair_.out.sender_reports.size(), 1u);
}

TEST_F(ConnectionMediaTest, SealsWhatGoesOutOnlyWhileItIsConnected) {
  const std::vector<uint8_t> payload(10);
  const rtp::OutgoingPacket packet{.index = 1,
                                   .ssrc = kSlot,
                                   .payload_type = rtp::PayloadType(96),
                                   .body = payload,
                                   .source = payload};
  std::vector<uint8_t> place;
  const auto seal = [&] {
    MediaSender::Scratch scratch;
    pair_.connection.seal(
        std::span(&packet, 1),
        [&](size_t size) -> MutableBytes {
          place.resize(size);
          return place;
        },
        scratch, pair_.now);
  };
  seal();
  EXPECT_THAT(place, IsEmpty());
  ASSERT_TRUE(pair_.connect());
  seal();
  ASSERT_FALSE(place.empty());
  dtls::RtpToOpen job{.packet = place};
  pair_.client_in->open(std::span(&job, 1));
  EXPECT_TRUE(job.opened);
  pair_.close();
  place.clear();
  seal();
  EXPECT_THAT(place, IsEmpty());
}

}  // namespace
}  // namespace simpul::connection
