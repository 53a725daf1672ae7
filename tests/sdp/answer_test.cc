#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <regex>

#include "sdp/negotiation.h"
#include "tests/sdp/answer_parameters.h"
#include "tests/sdp/minimal_offer.h"
#include "tests/support/sample_offers.h"

namespace simpul::sdp {
namespace {

using simpul::testing::lines_of;
using simpul::testing::replaced;
using simpul::testing::sample_offer;
using simpul::testing::section_of;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsSupersetOf;
using ::testing::Not;
using ::testing::StartsWith;

TEST(Answer, ToChromiumsSimulcastPublisherLineByLine) {
  const auto text = answer_to(sample_offer("chromium-offer-simulcast-vp8"), PeerRole::kPublisher);
  EXPECT_THAT(section_of(text, 0), ElementsAre("v=0", "o=- 4711 1 IN IP4 127.0.0.1", "s=-", "t=0 0",
                                               "a=ice-lite", "a=ice-options:trickle ice2",
                                               "a=group:BUNDLE 0 1", "a=extmap-allow-mixed"));
  EXPECT_THAT(
      section_of(text, 1),
      ElementsAre("m=audio 7700 UDP/TLS/RTP/SAVPF 111 63", "c=IN IP4 192.0.2.7", "a=mid:0",
                  "a=ice-ufrag:ourUfrag", "a=ice-pwd:ourPasswordOf24Characters",
                  "a=fingerprint:sha-256 " + kOurFingerprint, "a=setup:passive",
                  "a=candidate:1 1 udp 2130706431 192.0.2.7 7700 typ host",
                  "a=candidate:2 1 udp 2130706175 2001:db8::7 7701 typ host",
                  "a=candidate:1 1 udp 2130705919 192.0.2.7 7702 typ host", "a=end-of-candidates",
                  "a=recvonly", "a=rtcp-mux", "a=rtcp-rsize",
                  "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level",
                  "a=extmap:3 http://www.ietf.org/id/"
                  "draft-holmer-rmcat-transport-wide-cc-extensions-01",
                  "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid", "a=rtpmap:111 opus/48000/2",
                  "a=fmtp:111 minptime=10;useinbandfec=1", "a=rtcp-fb:111 transport-cc",
                  "a=rtpmap:63 red/48000/2", "a=fmtp:63 111/111"));
  EXPECT_THAT(
      section_of(text, 2),
      ElementsAre("m=video 9 UDP/TLS/RTP/SAVPF 96 97", "c=IN IP4 0.0.0.0", "a=mid:1",
                  "a=ice-ufrag:ourUfrag", "a=ice-pwd:ourPasswordOf24Characters",
                  "a=fingerprint:sha-256 " + kOurFingerprint, "a=setup:passive", "a=recvonly",
                  "a=rtcp-mux", "a=rtcp-rsize", "a=extmap:13 urn:3gpp:video-orientation",
                  "a=extmap:3 http://www.ietf.org/id/"
                  "draft-holmer-rmcat-transport-wide-cc-extensions-01",
                  "a=extmap:5 http://www.webrtc.org/experiments/rtp-hdrext/playout-delay",
                  "a=extmap:6 http://www.webrtc.org/experiments/rtp-hdrext/video-content-type",
                  "a=extmap:8 http://www.webrtc.org/experiments/rtp-hdrext/color-space",
                  "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid",
                  "a=extmap:10 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
                  "a=extmap:11 urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id",
                  "a=extmap:12 https://aomediacodec.github.io/av1-rtp-spec/"
                  "#dependency-descriptor-rtp-header-extension",
                  "a=extmap:9 http://www.webrtc.org/experiments/rtp-hdrext/"
                  "video-layers-allocation00",
                  "a=rtpmap:96 VP8/90000", "a=rtcp-fb:96 transport-cc", "a=rtcp-fb:96 ccm fir",
                  "a=rtcp-fb:96 nack", "a=rtcp-fb:96 nack pli", "a=rtpmap:97 rtx/90000",
                  "a=fmtp:97 apt=96", "a=rid:q recv", "a=rid:h recv", "a=rid:f recv",
                  "a=simulcast:recv q;h;f"));
}

constexpr const char* kStreamIdExtension =
    "a=extmap:9/recvonly urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id";

TEST(Answer, ToFirefoxsSimulcastPublisher) {
  const auto text = answer_to(sample_offer("firefox-offer-simulcast-vp8"), PeerRole::kPublisher);
  EXPECT_THAT(section_of(text, 0), Not(Contains("a=extmap-allow-mixed")));
  const auto audio = section_of(text, 1);
  EXPECT_THAT(audio, Contains("a=fmtp:109 stereo=1;useinbandfec=1"));
  EXPECT_THAT(audio, Not(Contains("a=rtcp-rsize"))) << "not offered for audio";
  const auto video = section_of(text, 2);
  EXPECT_EQ(video[0], "m=video 9 UDP/TLS/RTP/SAVPF 120 124");
  EXPECT_THAT(video, IsSupersetOf({"a=rtcp-rsize", "a=extmap-allow-mixed", kStreamIdExtension,
                                   "a=rtpmap:120 VP8/90000", "a=rtpmap:124 rtx/90000",
                                   "a=fmtp:124 apt=120", "a=simulcast:recv q;h;f"}));
  EXPECT_THAT(video, Not(Contains(StartsWith("a=fmtp:120")))) << "the peer's decoder is not ours";
}

TEST(Answer, ToAWatcherAnnouncesItsSlots) {
  const auto text = answer_to(sample_offer("chromium-offer-recvonly"), PeerRole::kWatcher);
  const auto audio = section_of(text, 1);
  EXPECT_THAT(audio, IsSupersetOf({"a=sendonly", "a=msid:stream0 track0", "a=ssrc:1000 cname:us"}));
  EXPECT_THAT(audio, Not(Contains(StartsWith("a=ssrc-group")))) << "audio has no RTX";
  const auto video = section_of(text, 2);
  EXPECT_THAT(video,
              IsSupersetOf({"a=sendonly", "a=msid:stream1 track1", "a=ssrc-group:FID 1001 2001",
                            "a=ssrc:1001 cname:us", "a=ssrc:2001 cname:us", "a=rtcp-fb:96 nack",
                            "a=rtcp-fb:96 nack pli", "a=rtcp-fb:96 ccm fir"}));
  EXPECT_THAT(audio, Contains("a=rtcp-fb:111 transport-cc"));
  EXPECT_THAT(video, Contains("a=rtcp-fb:96 transport-cc"));
  EXPECT_THAT(audio, Contains(::testing::HasSubstr("transport-wide-cc")));
  EXPECT_THAT(lines_of(text), Not(Contains(::testing::HasSubstr("goog-remb"))));
}

TEST(Answer, ReportsBySourceAreOfAllPayloadTypes) {
  const auto offer =
      std::regex_replace(sample_offer("chromium-offer-recvonly"),
                         std::regex("a=rtcp-fb:[0-9]+ transport-cc"), "a=rtcp-fb:* ack ccfb");
  const auto video = section_of(answer_to(offer, PeerRole::kWatcher), 2);
  EXPECT_EQ(std::ranges::count(video, "a=rtcp-fb:* ack ccfb"), 1);
  EXPECT_THAT(video, Not(Contains(::testing::HasSubstr("goog-remb"))));
}

TEST(Answer, ToAWatcherWhoTakesParityPacketsAnnouncesTheirSource) {
  const auto offer = sample_offer("chromium-offer-recvonly");
  const auto text = answer_to(offer, PeerRole::kWatcher);
  const auto video = section_of(text, 2);
  EXPECT_THAT(video[0], ::testing::EndsWith(" 49"));
  EXPECT_THAT(video, IsSupersetOf({"a=rtpmap:49 flexfec-03/90000", "a=fmtp:49 repair-window=500000",
                                   "a=ssrc-group:FEC-FR 1001 3001", "a=ssrc:3001 cname:us"}));
  EXPECT_THAT(section_of(text, 1), Not(Contains(::testing::HasSubstr("FEC"))));
  const auto without = replaced(offer, "a=rtpmap:49 flexfec-03/90000", "a=rtpmap:49 other/90000");
  for (const auto& line : lines_of(answer_to(without, PeerRole::kWatcher))) {
    EXPECT_THAT(line,
                Not(::testing::AnyOf(::testing::HasSubstr("FEC"), ::testing::HasSubstr("3001"))));
  }
}

TEST(Answer, ARefusedMediaLineKeepsItsPlaceItsMidAndTheTransport) {
  const auto text = answer_to(sample_offer("gst-offer-default"), PeerRole::kPublisher);
  EXPECT_THAT(section_of(text, 0), Contains("a=group:BUNDLE video0 audio1"));
  EXPECT_THAT(
      section_of(text, 3),
      ElementsAre("m=application 0 UDP/DTLS/SCTP webrtc-datachannel", "c=IN IP4 0.0.0.0",
                  "a=mid:application2", "a=ice-ufrag:ourUfrag",
                  "a=ice-pwd:ourPasswordOf24Characters", "a=fingerprint:sha-256 " + kOurFingerprint,
                  "a=setup:passive", "a=inactive"));
}

TEST(Answer, CandidatesStandInTheTaggedSection) {
  const auto offer = replaced(kMinimalOffer, "BUNDLE a v", "BUNDLE v a");
  const auto text = answer_to(offer, PeerRole::kPublisher);
  EXPECT_THAT(section_of(text, 0), Contains("a=group:BUNDLE v a"));
  EXPECT_THAT(section_of(text, 1), Not(Contains(StartsWith("a=candidate"))));
  EXPECT_EQ(section_of(text, 1)[0], "m=audio 9 UDP/TLS/RTP/SAVPF 111");
  EXPECT_THAT(section_of(text, 2), Contains("a=end-of-candidates"));
  EXPECT_EQ(section_of(text, 2)[0], "m=video 7700 UDP/TLS/RTP/SAVPF 96 97");
}

TEST(Answer, TcpCandidatesSayThatTheyArePassiveAndHaveFoundationsOfTheirOwn) {
  auto parameters = our_end();
  parameters.candidates.push_back(
      {*Address::parse("192.0.2.7", 443), 1'520'435'199, Transport::kTcpPassive});
  parameters.candidates.push_back(
      {*Address::parse("2001:db8::7", 443), 1'520'434'943, Transport::kTcpPassive});
  const auto negotiated = negotiate(kMinimalOffer, default_policy(PeerRole::kPublisher));
  ASSERT_TRUE(negotiated);
  EXPECT_THAT(
      section_of(write_answer(*negotiated, parameters), 1),
      IsSupersetOf({"a=candidate:1 1 udp 2130706431 192.0.2.7 7700 typ host",
                    "a=candidate:1 1 udp 2130705919 192.0.2.7 7702 typ host",
                    "a=candidate:4 1 tcp 1520435199 192.0.2.7 443 typ host tcptype passive",
                    "a=candidate:5 1 tcp 1520434943 2001:db8::7 443 typ host tcptype passive"}));
}

TEST(Answer, AnIpv6DefaultCandidateIsTheConnectionAddress) {
  auto parameters = our_end();
  parameters.candidates = {{*Address::parse("2001:db8::7", 7701), 1}};
  const auto negotiated = negotiate(kMinimalOffer, default_policy(PeerRole::kPublisher));
  ASSERT_TRUE(negotiated);
  EXPECT_EQ(section_of(write_answer(*negotiated, parameters), 1)[1], "c=IN IP6 2001:db8::7");
}

TEST(Answer, PausedAndRestrictedRidsAreWrittenBack) {
  const auto text = answer_to(kMinimalOffer +
                                  "a=extmap:10 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id\r\n"
                                  "a=rid:q send max-width=320\r\na=rid:h send pt=96,97\r\n"
                                  "a=simulcast:send ~q;h\r\n",
                              PeerRole::kPublisher);
  EXPECT_THAT(section_of(text, 2), IsSupersetOf({"a=rid:q recv max-width=320", "a=rid:h recv pt=96",
                                                 "a=simulcast:recv ~q;h"}));
}

TEST(Answer, AnActiveRoleIsWrittenWhenTheOfferIsPassive) {
  const auto text =
      answer_to(replaced(kMinimalOffer, "setup:actpass", "setup:passive"), PeerRole::kPublisher);
  EXPECT_THAT(section_of(text, 1), Contains("a=setup:active"));
}

TEST(Answer, EveryLineEndsWithCarriageReturnAndLineFeed) {
  const auto text = answer_to(kMinimalOffer, PeerRole::kPublisher);
  EXPECT_TRUE(text.ends_with("\r\n"));
  EXPECT_EQ(std::ranges::count(text, '\n'), std::ranges::count(text, '\r'));
}

}  // namespace
}  // namespace simpul::sdp
