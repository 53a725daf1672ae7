// Which of a client's codecs an answer keeps, and under which parameters.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sdp/negotiation.h"
#include "tests/sdp/answer_parameters.h"
#include "tests/sdp/minimal_offer.h"
#include "tests/support/sample_offers.h"

namespace simpul::sdp {
namespace {

using simpul::testing::replaced;
using simpul::testing::sample_offer;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;

NegotiatedMedia media_of(const std::string& offer, PeerRole role, size_t index = 0) {
  const auto negotiated = negotiate(offer, default_policy(role));
  EXPECT_TRUE(negotiated) << negotiated.error().detail;
  return negotiated ? negotiated->media[index] : NegotiatedMedia{};
}

// "96 VP8 97", "102 H264/66/1 103": payload type, codec, profile and mode, RTX.
std::vector<std::string> formats_of(const NegotiatedMedia& media) {
  std::vector<std::string> texts;
  for (const auto& codec : media.codecs) {
    std::string text = std::to_string(codec.payload_type.value()) + ' ';
    text += rtp::to_string(codec.format.codec);
    if (codec.format.profile > 0) text += '/' + std::to_string(codec.format.profile);
    if (codec.format.packetization_mode > 0) text += "/1";
    if (codec.rtx_payload_type) text += ' ' + std::to_string(codec.rtx_payload_type->value());
    texts.push_back(text);
  }
  return texts;
}

std::vector<std::string> answer_lines(const std::string& offer, PeerRole role) {
  return simpul::testing::lines_of(answer_to(offer, role));
}

TEST(CodecChoice, KeepsEveryH264ProfileAndPacketizationMode) {
  const auto formats =
      formats_of(media_of(sample_offer("chromium-offer-h264"), PeerRole::kPublisher));
  // 42e01f is what 42001f means to encoders: the first of each profile and mode counts.
  EXPECT_THAT(formats, ElementsAre("102 H264/66/1 103", "104 H264/66 107", "116 H264/77/1 117",
                                   "39 H264/77 40"));
  const auto lines = answer_lines(sample_offer("chromium-offer-h264"), PeerRole::kPublisher);
  EXPECT_THAT(lines, Contains("a=fmtp:102 level-asymmetry-allowed=1;packetization-mode=1;"
                              "profile-level-id=42001f"));
  EXPECT_THAT(lines, Contains("a=rtpmap:102 H264/90000"));
}

TEST(CodecChoice, ABrowserThatPublishesGetsItsCodecsInTheOrderOfThePolicy) {
  AnswerPolicy policy = default_policy(PeerRole::kPublisher);
  policy.video_codecs = {rtp::Codec::kAv1, rtp::Codec::kVp9, rtp::Codec::kVp8};
  const auto firefox = negotiate(sample_offer("firefox-offer-default"), policy);
  ASSERT_TRUE(firefox);
  EXPECT_THAT(formats_of(firefox->media[1]),
              ElementsAre("99 AV1 100", "121 VP9 125", "120 VP8 124"));
  const auto chromium = negotiate(sample_offer("chromium-offer-default"), policy);
  ASSERT_TRUE(chromium);
  EXPECT_THAT(formats_of(chromium->media[1]),
              ElementsAre("45 AV1 46", "98 VP9 99", "100 VP9/2 101", "96 VP8 97"));
}

TEST(CodecChoice, AWatcherKeepsAllThatBothKnow) {
  const auto pion =
      formats_of(media_of(sample_offer("pion-offer-recvonly"), PeerRole::kWatcher, 1));
  EXPECT_THAT(pion, ElementsAre("96 VP8 97", "102 H264/66/1 121", "127 H264/66 120",
                                "123 H264/100/1 118", "98 VP9 99", "100 VP9/1 101"));
  EXPECT_THAT(formats_of(media_of(sample_offer("aiortc-offer-default"), PeerRole::kWatcher, 1)),
              ElementsAre("97 VP8 98", "99 H264/66/1 100"));
  EXPECT_THAT(formats_of(media_of(sample_offer("gst-offer-default"), PeerRole::kWatcher)),
              ElementsAre("96 VP8"));
}

TEST(CodecChoice, KeepsTheParametersThatTellFormatsApart) {
  const auto lines = answer_lines(sample_offer("chromium-offer-default"), PeerRole::kPublisher);
  EXPECT_THAT(lines, Contains("a=fmtp:98 profile-id=0"));
  EXPECT_THAT(lines, Contains("a=fmtp:100 profile-id=2"));
  EXPECT_THAT(lines, Contains("a=fmtp:45 level-idx=5;profile=0;tier=0"));
  const auto firefox = answer_lines(sample_offer("firefox-offer-default"), PeerRole::kPublisher);
  EXPECT_THAT(firefox, Contains("a=rtpmap:121 VP9/90000"));
  EXPECT_THAT(firefox, Not(Contains(::testing::StartsWith("a=fmtp:121"))));
}

TEST(CodecChoice, TakesParityPacketsOfVideoToAWatcherWhoReportsOnEachPacket) {
  const auto offer = sample_offer("chromium-offer-recvonly");
  EXPECT_EQ(media_of(offer, PeerRole::kWatcher, 1).flexfec, rtp::PayloadType(49));
  EXPECT_FALSE(media_of(offer, PeerRole::kWatcher, 0).flexfec) << "audio";
  const auto flexfec_of = [&](std::string_view from, std::string_view to) {
    return media_of(replaced(offer, from, to), PeerRole::kWatcher, 1).flexfec;
  };
  EXPECT_FALSE(flexfec_of("transport-cc", "other-cc"));
  EXPECT_FALSE(flexfec_of("a=rtpmap:49 flexfec-03/90000", "a=rtpmap:49 flexfec/90000"));
  EXPECT_FALSE(flexfec_of("a=rtpmap:49 flexfec-03/90000", "a=rtpmap:49 flexfec-03/8000"));
  const auto sender = replaced(offer, "a=recvonly", "a=sendonly");
  EXPECT_FALSE(media_of(sender, PeerRole::kPublisher, 1).flexfec);
}

TEST(CodecChoice, KeepsRedOfTheOpusThatItKeeps) {
  const auto offer = sample_offer("chromium-offer-audio-red");
  EXPECT_THAT(formats_of(media_of(offer, PeerRole::kPublisher)),
              ElementsAre("111 opus", "63 red/111"));
  const auto lines = answer_lines(offer, PeerRole::kPublisher);
  EXPECT_THAT(lines, Contains("a=rtpmap:63 red/48000/2"));
  EXPECT_THAT(lines, Contains("a=fmtp:63 111/111"));
  EXPECT_THAT(formats_of(media_of(sample_offer("chromium-offer-recvonly"), PeerRole::kWatcher)),
              ElementsAre("111 opus", "63 red/111"));
}

TEST(CodecChoice, ThePolicyMayPreferRed) {
  AnswerPolicy policy = default_policy(PeerRole::kPublisher);
  policy.audio_codecs = {rtp::Codec::kRed, rtp::Codec::kOpus};
  const auto negotiated = negotiate(sample_offer("chromium-offer-audio-red"), policy);
  ASSERT_TRUE(negotiated);
  EXPECT_THAT(formats_of(negotiated->media[0]), ElementsAre("63 red/111", "111 opus"));
}

TEST(CodecChoice, RedOfAnythingElseIsLeftOut) {
  const auto offer = sample_offer("chromium-offer-audio-red");
  for (const auto* blocks : {"111/63", "63/63", "9/9", "", "111//111", "111/111x"}) {
    const auto changed = replaced(offer, "a=fmtp:63 111/111", std::string("a=fmtp:63 ") + blocks);
    EXPECT_THAT(formats_of(media_of(changed, PeerRole::kPublisher)), ElementsAre("111 opus"))
        << blocks;
  }
  AnswerPolicy policy = default_policy(PeerRole::kPublisher);
  policy.audio_codecs = {rtp::Codec::kRed};
  EXPECT_FALSE(negotiate(offer, policy));
}

TEST(CodecChoice, H264ThatCannotBeForwardedIsLeftOut) {
  const auto offer = replaced(kMinimalOffer, "a=rtpmap:96 VP8/90000", "a=rtpmap:96 H264/90000");
  EXPECT_THAT(formats_of(media_of(offer, PeerRole::kPublisher, 1)), ElementsAre("96 H264/66 97"))
      << "without parameters: baseline, single units";
  for (const auto* parameters : {"packetization-mode=2;profile-level-id=42e01f",
                                 "packetization-mode=1;profile-level-id=42e01",
                                 "packetization-mode=x", "profile-level-id=zzzzzz"}) {
    const auto media =
        media_of(offer + "a=fmtp:96 " + parameters + "\r\n", PeerRole::kPublisher, 1);
    EXPECT_EQ(media.refusal, Refusal::kNoCodec) << parameters;
  }
}

TEST(CodecChoice, ProfilesThatDoNotExistAreLeftOut) {
  for (const auto& [codec, parameters] :
       {std::pair("VP9", "profile-id=4"), std::pair("VP9", "profile-id="),
        std::pair("AV1", "profile=3")}) {
    const auto offer = replaced(kMinimalOffer, "VP8/90000", std::string(codec) + "/90000");
    EXPECT_TRUE(media_of(offer, PeerRole::kPublisher, 1).accepted()) << codec;
    const auto media =
        media_of(offer + "a=fmtp:96 " + parameters + "\r\n", PeerRole::kPublisher, 1);
    EXPECT_EQ(media.refusal, Refusal::kNoCodec) << parameters;
  }
}

TEST(CodecChoice, ANumberMeansOneFormatInTheWholeGroup) {
  const auto video = replaced(kVideoLines, "VP8/90000", "VP9/90000") + "a=fmtp:96 profile-id=0\r\n";
  const auto other =
      replaced(replaced(video, "a=mid:v", "a=mid:w"), "profile-id=0", "profile-id=2");
  const auto offer =
      replaced(kSessionLines, "BUNDLE a v", "BUNDLE a v w") + kAudioLines + video + other;
  EXPECT_TRUE(media_of(offer, PeerRole::kPublisher, 1).accepted());
  EXPECT_EQ(media_of(offer, PeerRole::kPublisher, 2).refusal, Refusal::kNoCodec);
}

TEST(CodecChoice, TheDependencyDescriptorIsTakenWhereItIsOffered) {
  const auto media = media_of(sample_offer("chromium-offer-av1-L3T3_KEY"), PeerRole::kPublisher);
  const auto map = media.extension_map();
  EXPECT_NE(map.id(rtp::ExtensionKind::kDependencyDescriptor), 0);
  EXPECT_NE(map.id(rtp::ExtensionKind::kVideoLayersAllocation), 0);
  EXPECT_THAT(media.rids, IsEmpty());
}

TEST(CodecChoice, IdsOfTheTwoByteFormAreTakenOnlyWithBothForms) {
  const auto offer =
      replaced(sample_offer("chromium-offer-vp9-L3T3_KEY"), "a=extmap:13 ", "a=extmap:33 ");
  const auto kind = rtp::ExtensionKind::kDependencyDescriptor;
  const auto mixed = negotiate(offer, default_policy(PeerRole::kPublisher));
  ASSERT_TRUE(mixed);
  EXPECT_TRUE(mixed->mixes_extension_forms());
  EXPECT_EQ(mixed->extension_map().id(kind), 33);
  const auto plain = negotiate(simpul::testing::without_lines(offer, "a=extmap-allow-mixed"),
                               default_policy(PeerRole::kPublisher));
  ASSERT_TRUE(plain);
  EXPECT_FALSE(plain->mixes_extension_forms());
  EXPECT_EQ(plain->extension_map().id(kind), 0);
}

}  // namespace
}  // namespace simpul::sdp
