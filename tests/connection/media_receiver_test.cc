#include "connection/media_receiver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/connection/receiving.h"

namespace simpul::connection {
namespace {

using namespace testing;
using ::testing::ElementsAre;

constexpr LayerId kFirstLine{0, 0};
constexpr LayerId kSecondLine{1, 0};

PacketFields video(uint32_t ssrc, uint16_t number = 1) {
  return {.sequence_number = number, .ssrc = rtp::Ssrc(ssrc), .payload = {1, 2, 3}};
}

TEST(MediaReceiver, KnowsASourceThatTheOfferAnnounced) {
  auto line = video_line("v");
  line.sources = {{.ssrc = rtp::Ssrc(100), .rtx_ssrc = rtp::Ssrc(101)}};
  Receiving peer({video_line("other"), line});
  const auto media = peer.receive(video(100));
  ASSERT_TRUE(media);
  EXPECT_EQ(media->id, kSecondLine);
}

TEST(MediaReceiver, FindsTheLineByItsMid) {
  Receiving peer({video_line("a"), video_line("b")});
  const auto media = peer.receive(with_extensions(video(100), {{kMidId, "b"}}));
  ASSERT_TRUE(media);
  EXPECT_EQ(media->id, kSecondLine);
}

TEST(MediaReceiver, FindsTheLineByAMidInTheTwoByteForm) {
  Receiving peer({video_line("a"), video_line("b")});
  auto fields = video(100);
  fields.extension_profile = 0x1000;
  fields.extension_words = 1;
  fields.extension = {kMidId, 1, 'b', 0};
  const auto media = peer.receive(fields);
  ASSERT_TRUE(media);
  EXPECT_EQ(media->id, kSecondLine);
}

TEST(MediaReceiver, ForgetsTheAnnouncementForAMidThatSaysOtherwise) {
  auto line = video_line("a");
  line.sources = {{.ssrc = rtp::Ssrc(100), .rtx_ssrc = {}}};
  Receiving peer({line, video_line("b")});
  const auto media = peer.receive(with_extensions(video(100), {{kMidId, "b"}}));
  ASSERT_TRUE(media);
  EXPECT_EQ(media->id, kSecondLine);
}

TEST(MediaReceiver, FindsTheLayerByMidAndRid) {
  Receiving peer({video_line("a", {"q", "h"}), video_line("b", {"q", "h"})});
  const auto media = peer.receive(with_extensions(video(100), {{kMidId, "b"}, {kRidId, "h"}}));
  ASSERT_TRUE(media);
  EXPECT_EQ(media->id, (LayerId{1, 1}));
}

TEST(MediaReceiver, FindsTheLayerOfARetransmissionByItsRepairedRid) {
  Receiving peer({video_line("v", {"q", "h"})});
  peer.receive(with_extensions(video(100, 9), {{kMidId, "v"}, {kRidId, "h"}}));
  const auto media = peer.receive(
      with_extensions(Receiving::rtx(101, 1, 8), {{kMidId, "v"}, {kRepairedRidId, "h"}}));
  ASSERT_TRUE(media);
  EXPECT_EQ(media->id, (LayerId{0, 1}));
  EXPECT_EQ(media->packet.sequence_number, rtp::SequenceNumber(8));
}

TEST(MediaReceiver, FindsTheLineByAPayloadTypeThatNoOtherLineHas) {
  Receiving peer({audio_line("a"), video_line("v")});
  const auto media = peer.receive(video(100));
  ASSERT_TRUE(media);
  EXPECT_EQ(media->id, kSecondLine);
}

TEST(MediaReceiver, RefusesAPayloadTypeThatTwoLinesHave) {
  Receiving peer({video_line("a"), video_line("b")});
  EXPECT_FALSE(peer.receive(video(100)));
  EXPECT_EQ(peer.receiver.ignored(), 1u);
}

TEST(MediaReceiver, RefusesSimulcastThatDoesNotSayItsLayer) {
  Receiving peer({video_line("v", {"q", "h"})});
  EXPECT_FALSE(peer.receive(video(100)));
  EXPECT_FALSE(peer.receive(with_extensions(video(100), {{kMidId, "v"}})));
  EXPECT_FALSE(peer.receive(with_extensions(video(100), {{kMidId, "v"}, {kRidId, "x"}})));
  EXPECT_EQ(peer.receiver.ignored(), 3u);
}

TEST(MediaReceiver, RefusesAMidWithAPayloadTypeOfAnotherLine) {
  Receiving peer({audio_line("a"), video_line("v")});
  EXPECT_FALSE(peer.receive(with_extensions(video(100), {{kMidId, "a"}})));
  EXPECT_EQ(peer.receiver.ignored(), 1u);
}

TEST(MediaReceiver, NeedsNoExtensionOnceItKnowsTheSource) {
  Receiving peer({video_line("a", {"q", "h"}), video_line("b", {"q", "h"})});
  peer.receive(with_extensions(video(100, 1), {{kMidId, "b"}, {kRidId, "h"}}));
  const auto media = peer.receive(video(100, 2));
  ASSERT_TRUE(media);
  EXPECT_EQ(media->id, (LayerId{1, 1}));
}

TEST(MediaReceiver, DropsWhatAKnownSourceSendsWithAPayloadTypeOfNobody) {
  Receiving peer({video_line("v")});
  peer.receive(video(100, 1));
  auto odd = video(100, 2);
  odd.payload_type = 50;
  EXPECT_FALSE(peer.receive(odd));
  EXPECT_EQ(peer.receiver.ignored(), 1u);
}

TEST(MediaReceiver, UnwrapsARetransmissionToThePacketThatItRepairs) {
  Receiving peer({video_line("v")});
  peer.receive(video(100, 9));
  auto repair = Receiving::rtx(101, 500, 8, {4, 5});
  repair.marker = true;
  repair.timestamp = 12345;
  const auto media = peer.receive(repair);
  ASSERT_TRUE(media);
  EXPECT_EQ(media->packet.ssrc, rtp::Ssrc(100));
  EXPECT_EQ(media->packet.sequence_number, rtp::SequenceNumber(8));
  EXPECT_EQ(media->packet.timestamp, 12345u);
  EXPECT_EQ(media->packet.format.codec, rtp::Codec::kVp8);
  EXPECT_TRUE(media->packet.marker);
  EXPECT_THAT(media->packet.payload(), ElementsAre(4, 5));
}

TEST(MediaReceiver, DropsARetransmissionBeforeItKnowsWhatItRepairs) {
  Receiving peer({video_line("v")});
  EXPECT_FALSE(peer.receive(Receiving::rtx(101, 1, 8)));
  EXPECT_EQ(peer.receiver.ignored(), 0u);
  EXPECT_TRUE(peer.receive(video(100, 9)));
  EXPECT_TRUE(peer.receive(Receiving::rtx(101, 2, 8)));
}

TEST(MediaReceiver, DropsARetransmissionOfPaddingAlone) {
  Receiving peer({video_line("v")});
  peer.receive(video(100, 9));
  EXPECT_FALSE(peer.receive(
      {.payload_type = 97, .ssrc = rtp::Ssrc(101), .payload = {}, .padding_count = 1}));
  EXPECT_EQ(peer.receiver.ignored(), 0u);
}

TEST(MediaReceiver, GivesARepairedPacketOnce) {
  Receiving peer({video_line("v")});
  peer.receive(video(100, 7));
  peer.receive(video(100, 9));
  EXPECT_TRUE(peer.receive(Receiving::rtx(101, 1, 8)));
  EXPECT_FALSE(peer.receive(Receiving::rtx(101, 2, 8)));
  EXPECT_FALSE(peer.receive(video(100, 8)));
  EXPECT_FALSE(peer.receive(Receiving::rtx(101, 3, 9)));
}

TEST(MediaReceiver, LetsANewSourceTakeTheLayerOfTheOld) {
  Receiving peer({video_line("v"), video_line("w")});
  peer.receive(with_extensions(video(100, 1), {{kMidId, "v"}}));
  const auto other = with_extensions(video(200, 5000), {{kMidId, "v"}});
  peer.now += MediaReceiver::kSourceSilence;
  const auto media = peer.receive(other);
  ASSERT_TRUE(media);
  EXPECT_EQ(media->id, kFirstLine);
  EXPECT_EQ(media->packet.ssrc, rtp::Ssrc(200));
  EXPECT_FALSE(peer.receive(video(100, 2)));  // forgotten, and says nothing about itself
}

TEST(MediaReceiver, LetsNoNewSourceTakeALayerThatTheOldStillSends) {
  Receiving peer({video_line("v", {"q", "h"})});
  const auto layer = [](uint32_t ssrc, uint16_t number, const char* rid) {
    return with_extensions(video(ssrc, number), {{kMidId, "v"}, {kRidId, rid}});
  };
  ASSERT_TRUE(peer.receive(layer(100, 1, "q")));
  ASSERT_TRUE(peer.receive(layer(101, 1, "h"))) << "another layer is another source";
  size_t taken = 0;
  for (uint16_t i = 0; i < 100; ++i) {
    peer.now += 10ms;
    taken += peer.receive(layer(200, i, "q")).has_value();
    EXPECT_TRUE(peer.receive(layer(100, static_cast<uint16_t>(2 + i), "q")));
  }
  EXPECT_EQ(taken, 0u);
  EXPECT_EQ(peer.receiver.ignored(), 100u);
  peer.now += MediaReceiver::kSourceSilence - 1ms;
  EXPECT_FALSE(peer.receive(layer(200, 100, "q")));
  peer.now += 1ms;
  EXPECT_TRUE(peer.receive(layer(200, 101, "q")));
}

TEST(MediaReceiver, LetsANewSourceFollowAtOnceOneThatSaidBye) {
  Receiving peer({video_line("v"), video_line("w")});
  peer.receive(with_extensions(video(100, 1), {{kMidId, "v"}}));
  peer.receiver.receive_bye(rtp::Ssrc(100));
  const auto media = peer.receive(with_extensions(video(200, 1), {{kMidId, "v"}}));
  ASSERT_TRUE(media);
  EXPECT_EQ(media->packet.ssrc, rtp::Ssrc(200));
}

TEST(MediaReceiver, FollowsNoMoreStreamsThanItMay) {
  std::vector<ReceivingLine> lines;
  for (char line = 'a'; line < 'a' + 17; ++line) {
    lines.push_back(video_line(std::string(1, line), {"q", "h", "f", "x"}));
  }
  Receiving peer(lines);
  uint32_t taken = 0;
  uint32_t ssrc = 100;
  for (const auto& line : lines) {
    for (const auto& rid : line.rids) {
      taken += peer.receive(with_extensions(video(ssrc++), {{kMidId, line.mid}, {kRidId, rid}}))
                   .has_value();
      taken += peer.receive(with_extensions(Receiving::rtx(ssrc++, 1, 0),
                                            {{kMidId, line.mid}, {kRepairedRidId, rid}}))
                   .has_value();
    }
  }
  EXPECT_EQ(taken, MediaReceiver::kStreamsMax);
  EXPECT_EQ(peer.receiver.ignored(), 17 * 8 - MediaReceiver::kStreamsMax);
  // A sender that starts over needs no room.
  peer.now += MediaReceiver::kSourceSilence;
  EXPECT_TRUE(peer.receive(with_extensions(video(900), {{kMidId, "a"}, {kRidId, "h"}})));
}

TEST(MediaReceiver, GivesAPacketOfPaddingAloneWithNoPayload) {
  Receiving peer({video_line("v")});
  auto fields = video(100);
  fields.payload = {0, 0, 0};
  fields.padding_count = 4;
  const auto media = peer.receive(fields);
  ASSERT_TRUE(media);
  EXPECT_EQ(media->packet.payload_size, 0);
}

TEST(MediaReceiver, TakesPaddingOff) {
  Receiving peer({video_line("v")});
  auto fields = video(100);
  fields.payload = {1, 2, 3, 0, 0};
  fields.padding_count = 3;
  const auto media = peer.receive(fields);
  ASSERT_TRUE(media);
  EXPECT_THAT(media->packet.payload(), ElementsAre(1, 2, 3));
}

TEST(MediaReceiver, TellsWhereTheExtensionsAreThatArePassedOn) {
  Receiving peer({video_line("v")});
  auto fields = with_extensions(video(100), {{kMidId, "v"},
                                             {kAudioLevelId, "\x55"},
                                             {kTransportSequenceId, "ab"},
                                             {kOrientationId, "\x03"}});
  fields.csrcs = {1, 2};
  const auto media = peer.receive(fields);
  ASSERT_TRUE(media);
  const auto& passed = media->packet.extensions;
  ASSERT_EQ(passed.count, 2);
  EXPECT_EQ(passed.items[0].kind, rtp::ExtensionKind::kAudioLevel);
  EXPECT_EQ(passed.items[0].size, 1);
  EXPECT_EQ(media->packet.packet->bytes[passed.items[0].offset], 0x55);
  EXPECT_EQ(passed.items[1].kind, rtp::ExtensionKind::kVideoOrientation);
  EXPECT_EQ(media->packet.packet->bytes[passed.items[1].offset], 3);
}

TEST(MediaReceiver, PassesOnAnExtensionOnceHoweverOftenItComes) {
  Receiving peer({video_line("v")});
  Extensions many;
  for (char i = 0; i < 6; ++i) many.emplace_back(kOrientationId, std::string(1, i));
  const auto media = peer.receive(with_extensions(video(100), many));
  ASSERT_TRUE(media);
  EXPECT_EQ(media->packet.extensions.count, 1);
}

TEST(MediaReceiver, KnowsASourceAgainThatSaidBye) {
  Receiving peer({video_line("v", {"q", "h"}), video_line("w")});
  peer.receive(with_extensions(video(100, 1), {{kMidId, "v"}, {kRidId, "h"}}));
  peer.receive(video(100, 5));  // a gap
  peer.receiver.receive_bye(rtp::Ssrc(999));
  peer.receiver.receive_bye(rtp::Ssrc(100));
  EXPECT_THAT(peer.written_after<rtp::Nack>(50ms), ::testing::IsEmpty());
  // It says nothing about itself when it goes on: the peer takes its layer to be known.
  const auto media = peer.receive(video(100, 40));
  ASSERT_TRUE(media);
  EXPECT_EQ(media->id, (LayerId{0, 1}));
  EXPECT_THAT(peer.written_after<rtp::Nack>(50ms), ::testing::IsEmpty());
  const auto reports = peer.written_after<rtp::ReceiverReport>(1s);
  ASSERT_EQ(reports.size(), 1u);
  EXPECT_EQ(reports[0].blocks[0].cumulative_lost, 0) << "counted anew";
}

}  // namespace
}  // namespace simpul::connection
