#include "sdp/negotiation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>
#include <sstream>

#include "tests/sdp/minimal_offer.h"
#include "tests/support/sample_offers.h"

namespace simpul::sdp {
namespace {

using rtp::ExtensionKind;
using rtp::PayloadType;
using rtp::Ssrc;
using simpul::testing::replaced;
using simpul::testing::sample_offer;
using simpul::testing::without_lines;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Kind = NegotiationError::Kind;

Negotiated accepted(const std::string& offer, PeerRole role = PeerRole::kPublisher) {
  const auto negotiated = negotiate(offer, default_policy(role));
  EXPECT_TRUE(negotiated) << negotiated.error().detail;
  return negotiated ? *negotiated : Negotiated{};
}

NegotiationError refused(const std::string& offer, PeerRole role = PeerRole::kPublisher) {
  const auto negotiated = negotiate(offer, default_policy(role));
  EXPECT_FALSE(negotiated);
  return negotiated ? NegotiationError{} : negotiated.error();
}

// What becomes of the video m-line when `from` stands as `to` in its section.
std::optional<Refusal> video_refusal(const std::string& from, const std::string& to) {
  return accepted(kSessionLines + kAudioLines + replaced(kVideoLines, from, to)).media[1].refusal;
}

TEST(Negotiation, AcceptsChromiumsSimulcastPublisher) {
  const auto negotiated = accepted(sample_offer("chromium-offer-simulcast-vp8"));
  EXPECT_EQ(negotiated.ice_ufrag, "uoCH");
  EXPECT_EQ(negotiated.ice_pwd, "JqPhfIA0mRQa1eokJO+pGNEO");
  EXPECT_THAT(negotiated.fingerprints, SizeIs(1));
  EXPECT_EQ(negotiated.setup, Setup::kPassive);
  EXPECT_TRUE(negotiated.extmap_allow_mixed);
  EXPECT_THAT(negotiated.bundle, ElementsAre(0, 1));

  const auto& audio = negotiated.media[0];
  EXPECT_EQ(audio.kind(), rtp::MediaKind::kAudio);
  ASSERT_THAT(audio.codecs, SizeIs(2));
  EXPECT_EQ(audio.codecs[0].format.codec, rtp::Codec::kOpus);
  EXPECT_EQ(audio.codecs[0].payload_type, PayloadType(111));
  EXPECT_EQ(audio.codecs[0].clock_rate, 48000u);
  EXPECT_EQ(audio.codecs[0].channels, 2);
  EXPECT_EQ(audio.codecs[0].parameters, "minptime=10;useinbandfec=1");
  EXPECT_EQ(audio.codecs[0].feedback, (Feedback{.transport_cc = true}));

  const auto& video = negotiated.media[1];
  EXPECT_EQ(video.kind(), rtp::MediaKind::kVideo);
  ASSERT_THAT(video.codecs, SizeIs(1));
  EXPECT_EQ(video.codecs[0].format.codec, rtp::Codec::kVp8);
  EXPECT_EQ(video.codecs[0].payload_type, PayloadType(96));
  EXPECT_EQ(video.codecs[0].rtx_payload_type, PayloadType(97));
  EXPECT_EQ(video.codecs[0].feedback,
            (Feedback{.nack = true, .nack_pli = true, .ccm_fir = true, .transport_cc = true}));
}

TEST(Negotiation, ReducesRtcpOnlyWhereEveryLineOffersIt) {
  EXPECT_TRUE(accepted(sample_offer("chromium-offer-recvonly"), PeerRole::kWatcher).rtcp_rsize());
  EXPECT_FALSE(accepted(sample_offer("firefox-offer-simulcast-vp8")).rtcp_rsize());
}

TEST(Negotiation, KeepsTheRidsInTheirOrder) {
  for (const auto* name : {"chromium-offer-simulcast-vp8", "firefox-offer-simulcast-vp8"}) {
    const auto negotiated = accepted(sample_offer(name));
    const auto& rids = negotiated.media[1].rids;
    ASSERT_THAT(rids, SizeIs(3)) << name;
    EXPECT_EQ(rids[0].rid + rids[1].rid + rids[2].rid, "qhf");
    EXPECT_FALSE(rids[0].paused);
    EXPECT_THAT(negotiated.media[0].rids, IsEmpty());
  }
}

TEST(Negotiation, KeepsPauseAndRestrictionsOfRids) {
  const auto offer = kMinimalOffer +
                     "a=extmap:10 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id\r\n"
                     "a=rid:q send max-width=320\r\na=rid:h send pt=96,97\r\n"
                     "a=rid:x send pt=97\r\na=rid:d send depend=q\r\n"
                     "a=simulcast:send f,~q;x;d;h\r\n";
  const auto rids = accepted(offer).media[1].rids;
  ASSERT_THAT(rids, SizeIs(2)) << "f is not declared, x has no codec, d depends";
  EXPECT_EQ(rids[0].rid, "q");
  EXPECT_TRUE(rids[0].paused);
  EXPECT_EQ(rids[0].restrictions, "max-width=320");
  EXPECT_EQ(rids[1].rid, "h");
  EXPECT_EQ(rids[1].restrictions, "pt=96");
}

TEST(Negotiation, LayersNeedTheExtensionThatNamesThem) {
  const auto offer = without_lines(
      replaced(sample_offer("chromium-offer-simulcast-vp8"), "sdes:rtp-stream-id", "sdes:other"),
      "a=nothing");
  const auto negotiated = accepted(offer);
  EXPECT_TRUE(negotiated.media[1].accepted());
  EXPECT_THAT(negotiated.media[1].rids, IsEmpty());
}

TEST(Negotiation, RemembersAnnouncedStreams) {
  const auto negotiated = accepted(sample_offer("firefox-offer-simulcast-vp8"));
  const auto& announced = negotiated.media[1].announced;
  ASSERT_THAT(announced, SizeIs(3));
  EXPECT_EQ(announced[0].primary, Ssrc(1111514939));
  EXPECT_EQ(announced[0].rtx, Ssrc(3107638085));
  ASSERT_THAT(negotiated.media[0].announced, SizeIs(1));
  EXPECT_EQ(negotiated.media[0].announced[0].rtx, std::nullopt);
}

TEST(Negotiation, WatchersReportOnEveryPacketThatTheyAreSent) {
  for (const auto* name : {"chromium-offer-recvonly", "firefox-offer-recvonly"}) {
    const auto negotiated = accepted(sample_offer(name), PeerRole::kWatcher);
    EXPECT_TRUE(negotiated.media[1].codecs[0].feedback.transport_cc) << name;
    EXPECT_FALSE(negotiated.media[1].codecs[0].feedback.remb) << name;
    EXPECT_NE(negotiated.extension_map().id(ExtensionKind::kTransportSequence), 0) << name;
    EXPECT_THAT(negotiated.media[1].announced, IsEmpty()) << name;
  }
}

TEST(Negotiation, TheReceiversOwnEstimateIsTakenFromWatchersThatHaveNothingBetter) {
  std::string offer = sample_offer("chromium-offer-recvonly");
  std::erase_if(offer, [](char c) { return c == '\r'; });
  std::string without;
  std::istringstream lines(offer);
  for (std::string line; std::getline(lines, line);) {
    if (line.find("transport-") == std::string::npos) without += line + "\r\n";
  }
  ASSERT_NE(without.find("goog-remb"), std::string::npos);
  const auto watcher = accepted(without, PeerRole::kWatcher);
  EXPECT_EQ(watcher.media[0].codecs[0].feedback, Feedback{}) << "audio alone is not estimated so";
  EXPECT_EQ(watcher.media[1].codecs[0].feedback,
            (Feedback{.nack = true, .nack_pli = true, .ccm_fir = true, .remb = true}));
}

TEST(Negotiation, ReportsBySourceAreTakenFromWatchersThatHaveNothingBetter) {
  const std::regex numbered("a=rtcp-fb:[0-9]+ transport-cc");
  const auto offer = sample_offer("chromium-offer-recvonly");
  const auto both = std::regex_replace(offer, numbered, "$&\r\na=rtcp-fb:* ack ccfb");
  EXPECT_FALSE(accepted(both, PeerRole::kWatcher).media[1].codecs[0].feedback.ccfb);
  const auto alone = std::regex_replace(offer, numbered, "a=rtcp-fb:* ack ccfb");
  const auto sent = std::regex_replace(alone, std::regex("a=recvonly"), "a=sendonly");
  EXPECT_FALSE(accepted(sent, PeerRole::kPublisher).media[1].codecs[0].feedback.ccfb);
  const auto watcher = accepted(alone, PeerRole::kWatcher);
  EXPECT_EQ(watcher.media[0].codecs[0].feedback, (Feedback{.ccfb = true}));
  EXPECT_EQ(watcher.media[1].codecs[0].feedback,
            (Feedback{.nack = true, .nack_pli = true, .ccm_fir = true, .ccfb = true}));
}

TEST(Negotiation, ThePathIsReportedOnByOneClock) {
  const auto offer = sample_offer("chromium-offer-recvonly");
  const size_t video = offer.find("m=video");
  ASSERT_NE(video, std::string::npos);
  const std::regex numbered("a=rtcp-fb:[0-9]+ transport-cc");
  const auto mixed = std::regex_replace(offer.substr(0, video), numbered, "a=rtcp-fb:* ack ccfb") +
                     offer.substr(video);
  const auto watcher = accepted(mixed, PeerRole::kWatcher);
  EXPECT_TRUE(watcher.media[1].codecs[0].feedback.transport_cc);
  EXPECT_EQ(watcher.media[0].codecs[0].feedback, Feedback{});
}

TEST(Negotiation, ALineThatMayNotReportBySourceIsLeftWithItsReceiversEstimate) {
  const auto offer = sample_offer("chromium-offer-recvonly");
  const size_t video = offer.find("m=video");
  ASSERT_NE(video, std::string::npos);
  const std::regex numbered("a=rtcp-fb:[0-9]+ transport-cc");
  const auto mixed = offer.substr(0, video) +
                     std::regex_replace(offer.substr(video), numbered, "a=rtcp-fb:* ack ccfb");
  ASSERT_TRUE(std::regex_search(offer.substr(0, video), numbered));
  const auto watcher = accepted(mixed, PeerRole::kWatcher);
  EXPECT_TRUE(watcher.media[0].codecs[0].feedback.transport_cc);
  EXPECT_EQ(watcher.media[1].codecs[0].feedback,
            (Feedback{.nack = true, .nack_pli = true, .ccm_fir = true, .remb = true}));
}

TEST(Negotiation, TransportFeedbackNeedsItsExtension) {
  const auto offer = sample_offer("gst-offer-default");
  const auto negotiated = accepted(offer);
  EXPECT_EQ(negotiated.media[0].codecs[0].feedback, (Feedback{.nack_pli = true, .ccm_fir = true}));
}

TEST(Negotiation, FindsCodecsInAnyCase) {
  const auto negotiated = accepted(sample_offer("gst-offer-default"));
  EXPECT_EQ(negotiated.media[1].codecs[0].format.codec, rtp::Codec::kOpus);
  EXPECT_EQ(negotiated.media[1].codecs[0].payload_type, PayloadType(97));
  EXPECT_EQ(negotiated.media[2].refusal, Refusal::kMediaType);
}

TEST(Negotiation, RefusesMediaLineByMediaLine) {
  EXPECT_EQ(video_refusal("m=video 9", "m=text 9"), Refusal::kMediaType);
  EXPECT_EQ(video_refusal("m=video 9 UDP/TLS/RTP/SAVPF 96 97",
                          "m=application 9 UDP/DTLS/SCTP webrtc-datachannel"),
            Refusal::kMediaType);
  for (const char* protocol : {"RTP/AVP", "RTP/AVPF", "RTP/SAVP", "UDP/TLS/RTP/SAVP"}) {
    EXPECT_EQ(video_refusal("UDP/TLS/RTP/SAVPF", protocol), Refusal::kProtocol) << protocol;
  }
  EXPECT_EQ(
      video_refusal("a=sendonly", "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:AAAA\r\na=sendonly"),
      Refusal::kSdes);
  EXPECT_EQ(video_refusal("m=video 9", "m=video 0"), Refusal::kDisabled);
  EXPECT_EQ(video_refusal("a=rtcp-mux\r\n", ""), Refusal::kNoRtcpMux);
  EXPECT_EQ(video_refusal("a=sendonly", "a=recvonly"), Refusal::kDirection);
  EXPECT_EQ(video_refusal("a=sendonly", "a=inactive"), Refusal::kDirection);
  EXPECT_EQ(video_refusal("VP8/90000", "H265/90000"), Refusal::kNoCodec);
  EXPECT_EQ(video_refusal("VP8/90000", "VP8/48000"), Refusal::kNoCodec);
}

TEST(Negotiation, TakesTheOtherNamesOfDtlsSrtpAndBundleOnly) {
  EXPECT_EQ(video_refusal("UDP/TLS/RTP/SAVPF", "RTP/SAVPF"), std::nullopt);
  EXPECT_EQ(video_refusal("UDP/TLS/RTP/SAVPF", "TCP/DTLS/RTP/SAVPF"), std::nullopt);
  EXPECT_EQ(video_refusal("m=video 9 UDP/TLS/RTP/SAVPF 96 97",
                          "m=video 0 UDP/TLS/RTP/SAVPF 96 97\r\na=bundle-only"),
            std::nullopt);
  EXPECT_EQ(video_refusal("a=sendonly", "a=sendrecv"), std::nullopt);
}

TEST(Negotiation, OnlyTheFirstBundleGroupCounts) {
  const auto apart = replaced(kMinimalOffer, "BUNDLE a v", "BUNDLE a\r\na=group:BUNDLE v");
  EXPECT_EQ(accepted(apart).media[1].refusal, Refusal::kNoBundle);
  EXPECT_EQ(accepted(replaced(kMinimalOffer, "BUNDLE a v", "BUNDLE v")).media[0].refusal,
            Refusal::kNoBundle);
  const auto without = without_lines(kMinimalOffer, "a=group");
  EXPECT_EQ(refused(without).kind, Kind::kUnsupportedMedia);
  EXPECT_THAT(refused(without).detail, HasSubstr("outside the BUNDLE group"));
}

TEST(Negotiation, AnOfferOfNothingForUsIsUnsupportedMedia) {
  for (const char* name :
       {"chromium-offer-datachannel", "chromium-offer-av1", "chromium-offer-audio-red"}) {
    const auto negotiated =
        negotiate(without_lines(sample_offer(name), "a=rtpmap:"), default_policy({}));
    ASSERT_FALSE(negotiated) << name;
    EXPECT_EQ(negotiated.error().kind, Kind::kUnsupportedMedia) << name;
  }
  EXPECT_EQ(refused(sample_offer("chromium-offer-recvonly")).kind, Kind::kUnsupportedMedia);
  EXPECT_EQ(refused(sample_offer("chromium-offer-simulcast-vp8"), PeerRole::kWatcher).detail,
            "nothing in the offer can be accepted: audio 0: nothing flows in our direction, "
            "video 1: nothing flows in our direction");
  EXPECT_EQ(refused("v=0\no=-\ns=-\nt=0 0\n").kind, Kind::kUnsupportedMedia);
}

TEST(Negotiation, BrokenTextIsInvalidAndNamesItsLine) {
  const auto error = refused("v=0\r\no=-\r\ns=-\r\nx\r\n");
  EXPECT_EQ(error.kind, Kind::kInvalidSdp);
  EXPECT_EQ(error.detail, "line 4: not a line of the form x=...");
}

TEST(Negotiation, TheTransportHasToBeComplete) {
  EXPECT_EQ(refused(without_lines(kMinimalOffer, "a=ice-ufrag")).detail, "ice-ufrag is missing");
  EXPECT_EQ(refused(without_lines(kMinimalOffer, "a=ice-pwd")).detail, "ice-pwd is missing");
  EXPECT_EQ(refused(without_lines(kMinimalOffer, "a=fingerprint")).detail,
            "no fingerprint of sha-256 or stronger");
  EXPECT_EQ(refused(without_lines(kMinimalOffer, "a=ice-pwd")).kind, Kind::kInvalidSdp);
}

TEST(Negotiation, WeakFingerprintsDoNotCount) {
  const std::string weak = "a=fingerprint:md5 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF\r\n";
  const auto only_weak = replaced(without_lines(kMinimalOffer, "a=fingerprint"),
                                  "a=setup:actpass\r\n", "a=setup:actpass\r\n" + weak);
  EXPECT_EQ(refused(only_weak).detail, "no fingerprint of sha-256 or stronger");
  const auto both = replaced(kMinimalOffer, "a=setup:actpass\r\n", "a=setup:actpass\r\n" + weak);
  ASSERT_THAT(accepted(both).fingerprints, SizeIs(1));
  EXPECT_EQ(accepted(both).fingerprints[0].algorithm, "sha-256");
}

TEST(Negotiation, TheSetupRoleIsTheOther) {
  const auto answered = [](const std::string& role) {
    return accepted(replaced(kMinimalOffer, "setup:actpass", "setup:" + role)).setup;
  };
  EXPECT_EQ(answered("actpass"), Setup::kPassive);
  EXPECT_EQ(answered("active"), Setup::kPassive);
  EXPECT_EQ(answered("passive"), Setup::kActive);
  EXPECT_EQ(accepted(without_lines(kMinimalOffer, "a=setup")).setup, Setup::kPassive);
  EXPECT_EQ(refused(replaced(kMinimalOffer, "setup:actpass", "setup:holdconn")).kind,
            Kind::kInvalidSdp);
}

TEST(Negotiation, TheTaggedSectionGivesTheTransport) {
  const auto negotiated = accepted(sample_offer("aiortc-offer-default"));
  EXPECT_EQ(negotiated.ice_ufrag, "uvzs") << "each section has its own";
  const auto video_first =
      accepted(replaced(sample_offer("aiortc-offer-default"), "BUNDLE 0 1 2", "BUNDLE 1 0 2"));
  EXPECT_EQ(video_first.ice_ufrag, "MMAD");
  EXPECT_THAT(video_first.bundle, ElementsAre(1, 0));
}

TEST(Negotiation, ARefusedTaggedSectionHandsOnItsPlace) {
  const auto channel_first =
      accepted(replaced(sample_offer("aiortc-offer-default"), "BUNDLE 0 1 2", "BUNDLE 2 1 0"));
  EXPECT_EQ(channel_first.ice_ufrag, "MMAD");
  auto bundled_only = without_lines(sample_offer("gst-offer-default"), "a=rtpmap:96");
  EXPECT_EQ(accepted(bundled_only).bundle.front(), 1u);
}

TEST(Negotiation, TwoLiteEndsNeverMeet) {
  EXPECT_EQ(refused(replaced(kMinimalOffer, "t=0 0\r\n", "t=0 0\r\na=ice-lite\r\n")).kind,
            Kind::kUnsupportedMedia);
}

TEST(Negotiation, APayloadTypeMeansOneThingInTheGroup) {
  const auto clash = kSessionLines + kAudioLines + replaced(kVideoLines, "96", "111");
  EXPECT_EQ(accepted(clash).media[1].refusal, Refusal::kNoCodec);
  const auto rtx_clash = kSessionLines + kAudioLines + replaced(kVideoLines, "97", "111");
  const auto video = accepted(rtx_clash).media[1];
  ASSERT_TRUE(video.accepted());
  EXPECT_EQ(video.codecs[0].rtx_payload_type, std::nullopt);
}

TEST(Negotiation, MediaLinesMayShareTheirPayloadTypes) {
  const auto second =
      replaced(replaced(kVideoLines, "a=mid:v", "a=mid:w"), "m=video 9", "m=video 9");
  const auto offer = replaced(kMinimalOffer, "BUNDLE a v", "BUNDLE a v w") + second;
  const auto negotiated = accepted(offer);
  EXPECT_THAT(negotiated.bundle, SizeIs(3));
  EXPECT_EQ(negotiated.media[2].codecs[0].rtx_payload_type, PayloadType(97));
}

TEST(Negotiation, EchoesOnlyWhatIsOursToSayOfOpus) {
  const auto parameters = [](const std::string& offered) {
    const auto offer = kSessionLines + kAudioLines + "a=fmtp:111 " + offered + "\r\n" + kVideoLines;
    return accepted(offer).media[0].codecs[0].parameters;
  };
  EXPECT_EQ(parameters("maxplaybackrate=48000;stereo=1;useinbandfec=1"), "stereo=1;useinbandfec=1");
  EXPECT_EQ(parameters("minptime=10; useinbandfec=1 ; x"), "minptime=10;useinbandfec=1");
  EXPECT_EQ(parameters("stereo=yes;minptime=99999"), "");
  EXPECT_EQ(parameters("sprop-stereo=0;sprop-maxcapturerate=48000"), "");
}

TEST(Negotiation, TheFirstMediaLinesUpToTheLimitAreAccepted) {
  AnswerPolicy policy = default_policy(PeerRole::kPublisher);
  policy.media_max = 1;
  const auto both = negotiate(kMinimalOffer, policy);
  ASSERT_TRUE(both);
  EXPECT_TRUE(both->media[0].accepted());
  EXPECT_EQ(both->media[1].refusal, Refusal::kTooMany);
  const auto second = negotiate(replaced(kMinimalOffer, "opus", "speex"), policy);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->media[0].refusal, Refusal::kNoCodec);
  EXPECT_TRUE(second->media[1].accepted()) << "a refused one does not count";
}

TEST(Negotiation, CodecsThatThePolicyLeavesOutAreRefused) {
  AnswerPolicy policy = default_policy(PeerRole::kPublisher);
  policy.video_codecs.clear();
  const auto negotiated = negotiate(kMinimalOffer, policy);
  ASSERT_TRUE(negotiated);
  EXPECT_TRUE(negotiated->media[0].accepted());
  EXPECT_EQ(negotiated->media[1].refusal, Refusal::kNoCodec);
}

}  // namespace
}  // namespace simpul::sdp
