#include "sdp/session_description.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/sdp/minimal_offer.h"
#include "tests/support/sample_offers.h"

namespace simpul::sdp {
namespace {

using simpul::testing::replaced;
using simpul::testing::sample_offer;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

SessionDescription parsed(const std::string& text) {
  const auto session = parse(text);
  EXPECT_TRUE(session) << session.error().line << ": " << session.error().reason;
  return session ? *session : SessionDescription{};
}

// "line: reason", or "ok".
std::string outcome(const std::string& text) {
  const auto session = parse(text);
  if (session) return "ok";
  return std::to_string(session.error().line) + ": " + session.error().reason;
}

std::string video_with(const std::string& lines) {
  return outcome(kSessionLines + kAudioLines + kVideoLines + lines);
}

TEST(SessionDescription, ReadsChromiumsSimulcastOffer) {
  const auto session = parsed(sample_offer("chromium-offer-simulcast-vp8"));
  ASSERT_THAT(session.bundle_groups, ElementsAre(ElementsAre("0", "1")));
  EXPECT_TRUE(session.extmap_allow_mixed);
  EXPECT_FALSE(session.ice_lite);
  ASSERT_THAT(session.media, SizeIs(2));
  const auto& video = session.media[1];
  EXPECT_EQ(video.type, MediaType::kVideo);
  EXPECT_EQ(video.mid, "1");
  EXPECT_EQ(video.port, 9);
  EXPECT_EQ(video.protocol, "UDP/TLS/RTP/SAVPF");
  EXPECT_EQ(video.formats, "96 97 118 119 120");
  EXPECT_EQ(video.direction, Direction::kSendOnly);
  EXPECT_EQ(video.transport.ice_ufrag, "uoCH");
  EXPECT_EQ(video.transport.ice_pwd, "JqPhfIA0mRQa1eokJO+pGNEO");
  EXPECT_EQ(video.transport.setup, Setup::kActPass);
  ASSERT_THAT(video.transport.fingerprints, SizeIs(1));
  EXPECT_EQ(video.transport.fingerprints[0].algorithm, "sha-256");
  EXPECT_THAT(video.transport.fingerprints[0].digest, SizeIs(32));
  EXPECT_EQ(video.transport.fingerprints[0].digest[0], 0x7A);
  EXPECT_TRUE(video.rtcp_mux);
  EXPECT_TRUE(video.rtcp_rsize);
  EXPECT_FALSE(video.bundle_only);
  EXPECT_EQ(video.msid,
            "af9fd2f0-3a88-4529-b25d-c42d04640900 7536e010-0613-4343-83b9-322b5e74ffaa");
  EXPECT_THAT(video.extensions, SizeIs(13));
  EXPECT_THAT(video.ssrcs, IsEmpty());
}

TEST(SessionDescription, JoinsTheLinesOfAFormat) {
  const auto session = parsed(sample_offer("chromium-offer-simulcast-vp8"));
  const auto& codecs = session.media[1].codecs;
  ASSERT_THAT(codecs, SizeIs(5));
  EXPECT_EQ(codecs[0].payload_type, rtp::PayloadType(96));
  EXPECT_EQ(codecs[0].name, "VP8");
  EXPECT_EQ(codecs[0].clock_rate, 90000u);
  EXPECT_THAT(codecs[0].feedback,
              ElementsAre("goog-remb", "transport-cc", "ccm fir", "nack", "nack pli"));
  EXPECT_EQ(codecs[1].name, "rtx");
  EXPECT_EQ(codecs[1].parameters, "apt=96");
  EXPECT_EQ(session.media[0].codecs[0].channels, 2);
}

TEST(SessionDescription, JoinsThemInFirefoxsOrderToo) {
  const auto session = parsed(sample_offer("firefox-offer-simulcast-vp8"));
  const auto& audio = session.media[0];
  EXPECT_EQ(audio.codecs[0].name, "opus");
  EXPECT_EQ(audio.codecs[0].parameters, "maxplaybackrate=48000;stereo=1;useinbandfec=1");
  EXPECT_THAT(audio.codecs[0].feedback, ElementsAre("transport-cc"));
  EXPECT_THAT(session.media[1].codecs, SizeIs(5)) << "rtcp-fb of formats that are not listed";
}

TEST(SessionDescription, ReadsWhatFirefoxWritesAtTheSession) {
  const auto session = parsed(sample_offer("firefox-offer-simulcast-vp8"));
  EXPECT_THAT(session.transport.fingerprints, SizeIs(1));
  EXPECT_THAT(session.media[0].transport.fingerprints, IsEmpty());
  EXPECT_TRUE(session.media[0].extmap_allow_mixed);
  EXPECT_TRUE(session.media[1].bundle_only);
  EXPECT_EQ(session.media[1].port, 0);
}

TEST(SessionDescription, ReadsDirectionsOfExtensions) {
  const auto session = parsed(sample_offer("firefox-offer-simulcast-vp8"));
  const auto& extensions = session.media[1].extensions;
  EXPECT_EQ(extensions[0].direction, std::nullopt);
  EXPECT_EQ(extensions[3].id, 6);
  EXPECT_EQ(extensions[3].direction, Direction::kRecvOnly);
  EXPECT_EQ(extensions[6].uri, "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id");
  EXPECT_EQ(extensions[6].direction, Direction::kSendOnly);
}

TEST(SessionDescription, ReadsSsrcsAndTheirGroups) {
  const auto session = parsed(sample_offer("firefox-offer-simulcast-vp8"));
  const auto& video = session.media[1];
  EXPECT_THAT(video.ssrcs, SizeIs(6));
  ASSERT_THAT(video.fid_groups, SizeIs(3));
  EXPECT_EQ(video.fid_groups[0].primary, rtp::Ssrc(1111514939));
  EXPECT_EQ(video.fid_groups[0].rtx, rtp::Ssrc(3107638085));
}

TEST(SessionDescription, ReadsSimulcastWithOrderPauseAndAlternatives) {
  const auto session = parsed(kMinimalOffer +
                              "a=rid:q send pt=96,97;max-width=320;max-fps=15\r\n"
                              "a=rid:h recv\r\na=simulcast:recv f send ~h,q;f\r\n");
  const auto& video = session.media[1];
  ASSERT_THAT(video.rids, SizeIs(2));
  EXPECT_THAT(video.rids[0].payload_types, ElementsAre(rtp::PayloadType(96), rtp::PayloadType(97)));
  EXPECT_EQ(video.rids[0].restrictions, "max-width=320;max-fps=15");
  EXPECT_EQ(video.rids[1].direction, Direction::kRecvOnly);
  ASSERT_THAT(video.simulcast_send, ElementsAre(SizeIs(2), SizeIs(1)));
  EXPECT_EQ(video.simulcast_send[0][0].rid, "h");
  EXPECT_TRUE(video.simulcast_send[0][0].paused);
  EXPECT_EQ(video.simulcast_send[0][1].rid, "q");
  EXPECT_FALSE(video.simulcast_send[0][1].paused);
  EXPECT_THAT(video.simulcast_recv, SizeIs(1));
}

TEST(SessionDescription, SpreadsFeedbackForAllFormats) {
  const auto session = parsed(kMinimalOffer + "a=rtcp-fb:* nack pli\r\n");
  EXPECT_THAT(session.media[1].codecs[0].feedback, ElementsAre("nack pli"));
  EXPECT_THAT(session.media[1].codecs[1].feedback, ElementsAre("nack pli"));
}

TEST(SessionDescription, TakesBlanksAtTheEndOfAttributes) {
  const auto session = parsed(sample_offer("pion-offer-recvonly"));
  EXPECT_THAT(session.media[0].codecs[0].feedback, ElementsAre("transport-cc"));
}

TEST(SessionDescription, LinesEndWithOrWithoutCarriageReturn) {
  EXPECT_EQ(outcome(kMinimalOffer), "ok");
  EXPECT_EQ(outcome(replaced(kMinimalOffer, "\r\n", "\n")), "ok");
  EXPECT_EQ(outcome(kMinimalOffer.substr(0, kMinimalOffer.size() - 2)), "ok");
  EXPECT_EQ(outcome(kMinimalOffer + "\r\n\r\n"), "ok");
}

TEST(SessionDescription, ADirectionAtTheSessionIsTheDefault) {
  auto text = replaced(kMinimalOffer, "a=sendonly\r\n", "");
  EXPECT_EQ(parsed(text).media[0].direction, Direction::kSendRecv);
  text = replaced(text, "t=0 0\r\n", "t=0 0\r\na=inactive\r\n");
  EXPECT_EQ(parsed(text).media[0].direction, Direction::kInactive);
}

TEST(SessionDescription, SkipsWhatItDoesNotKnow) {
  EXPECT_EQ(video_with("a=x-something:1\r\na=flag\r\nb=AS:100\r\na=candidate:nonsense\r\n"), "ok");
  EXPECT_EQ(video_with("a=ssrc-group:SIM 1 2 3\r\na=framerate:30\r\na=rtcp-mux-only\r\n"), "ok");
}

TEST(SessionDescription, NamesTheLineOfAnError) {
  EXPECT_EQ(outcome(replaced(kMinimalOffer, "a=mid:v", "a=mid:")), "16: mid is not a token");
  EXPECT_EQ(outcome("v=0\no=-\ns=-\nwhat\n"), "4: not a line of the form x=...");
}

TEST(SessionDescription, WantsTheLinesThatEveryDescriptionHas) {
  EXPECT_EQ(outcome(""), "0: description ends too early");
  EXPECT_EQ(outcome("v=0\r\n"), "1: description ends too early");
  EXPECT_EQ(outcome("v=1\r\n"), "1: unknown version");
  EXPECT_EQ(outcome("o=- 1 1 IN IP4 0.0.0.0\r\n"), "1: a description begins with v=, o= and s=");
  EXPECT_EQ(outcome("v=0\r\no=-\r\ns=-\r\nv=0\r\n"), "4: v=, o= or s= for a second time");
  EXPECT_EQ(outcome("v=0\r\no=-\r\ns=-\r\nm=audio 9 RTP/AVP 0\r\n"), "4: t= is missing");
  EXPECT_EQ(outcome("v=0\r\no=-\r\ns=-\r\n"), "3: description ends too early");
}

TEST(SessionDescription, RefusesBytesThatAreNotText) {
  EXPECT_EQ(outcome(std::string("v=0\0\r\n", 6)), "1: control character");
  EXPECT_EQ(outcome(replaced(kMinimalOffer, "a=mid:v", std::string("a=mid:v\0", 8))),
            "16: control character");
  EXPECT_EQ(outcome("v=0\ro=-\r\n"), "1: control character");
  EXPECT_EQ(outcome("v=0\r\no=-\r\ns=-\r\n\r\nt=0 0\r\n"), "4: not a line of the form x=...");
  EXPECT_EQ(outcome("v=0\r\no=-\r\ns=-\r\nq=0 0\r\n"), "4: unknown type of line");
}

TEST(SessionDescription, RefusesBadMediaLines) {
  const auto media = [](const std::string& line) { return outcome(kSessionLines + line); };
  EXPECT_EQ(media("m=\r\n"), "10: m-line without a media type");
  EXPECT_EQ(media("m=audio\r\n"), "10: m-line with a bad port");
  EXPECT_EQ(media("m=audio -1 RTP/AVP 0\r\n"), "10: m-line with a bad port");
  EXPECT_EQ(media("m=audio 65536 RTP/AVP 0\r\n"), "10: m-line with a bad port");
  EXPECT_EQ(media("m=audio 9\r\n"), "10: m-line with a bad protocol");
  EXPECT_EQ(media("m=audio 9 RTP/AVP\r\n"), "10: m-line without a format");
  EXPECT_EQ(media("m=audio 9 RTP/AVP 128\r\n"), "10: m-line with a bad payload type");
  EXPECT_EQ(media("m=audio 9 RTP/AVP 0 0\r\n"), "10: payload type twice in an m-line");
}

TEST(SessionDescription, RefusesBadTransportAttributes) {
  EXPECT_EQ(video_with("a=ice-ufrag:abc\r\n"), "22: ice-ufrag: 4 to 256 ice-chars");
  EXPECT_EQ(video_with("a=ice-ufrag:" + std::string(257, 'a') + "\r\n"),
            "22: ice-ufrag: 4 to 256 ice-chars");
  EXPECT_EQ(video_with("a=ice-ufrag:ab:cd\r\n"), "22: ice-ufrag: 4 to 256 ice-chars");
  EXPECT_EQ(video_with("a=ice-pwd:abcdefghijklmnopqrstu\r\n"), "22: ice-pwd: 22 to 256 ice-chars");
  EXPECT_EQ(video_with("a=setup:sometimes\r\n"), "22: unknown setup role");
  EXPECT_EQ(video_with("a=fingerprint:\r\n"), "22: fingerprint without a hash function");
  EXPECT_EQ(video_with("a=fingerprint:sha-256 AB:CD\r\n"), "22: fingerprint of the wrong length");
  EXPECT_EQ(video_with("a=fingerprint:sha-256 AB:G0\r\n"),
            "22: fingerprint is not bytes in hexadecimal");
}

TEST(SessionDescription, RefusesBadMediaAttributes) {
  EXPECT_EQ(video_with("a=mid:again\r\n"), "22: a second mid in one section");
  EXPECT_EQ(video_with("a=rtpmap:128 x/1\r\n"), "22: rtpmap with a bad payload type");
  EXPECT_EQ(video_with("a=rtpmap:98\r\n"), "22: bad rtpmap");
  EXPECT_EQ(video_with("a=rtpmap:98 x/0\r\n"), "22: bad rtpmap");
  EXPECT_EQ(video_with("a=rtpmap:98 x/1/0\r\n"), "22: rtpmap with a bad number of channels");
  EXPECT_EQ(video_with("a=rtpmap:96 VP9/90000\r\n"), "22: a second rtpmap for one payload type");
  EXPECT_EQ(video_with("a=fmtp:x apt=1\r\n"), "22: fmtp with a bad payload type");
  EXPECT_EQ(video_with("a=rtcp-fb:x nack\r\n"), "22: rtcp-fb with a bad payload type");
  EXPECT_EQ(video_with("a=ssrc:4294967296 cname:x\r\n"), "22: bad ssrc");
  EXPECT_EQ(video_with("a=ssrc-group:FID 1\r\n"), "22: FID wants two ssrcs");
  EXPECT_EQ(video_with("a=ssrc-group:FID 1 2 3\r\n"), "22: FID wants two ssrcs");
  EXPECT_EQ(video_with("a=msid:\r\n"), "22: empty msid");
  EXPECT_EQ(video_with("a=:x\r\n"), "22: attribute without a name");
}

TEST(SessionDescription, RefusesBadExtensions) {
  for (const char* id : {"0", "256", "4352", "-1", "x", ""}) {
    EXPECT_EQ(video_with("a=extmap:" + std::string(id) + " urn:x\r\n"), "22: extmap with a bad id")
        << id;
  }
  EXPECT_EQ(video_with("a=extmap:1\r\n"), "22: extmap without a URI");
  EXPECT_EQ(video_with("a=extmap:1/sideways urn:x\r\n"), "22: extmap with a bad direction");
  EXPECT_EQ(video_with("a=extmap:4096 urn:x\r\n"), "ok") << "an id to be given by the answer";
}

TEST(SessionDescription, RefusesBadRidsAndSimulcast) {
  EXPECT_EQ(video_with("a=rid: send\r\n"), "22: rid without a direction");
  EXPECT_EQ(video_with("a=rid:\r\n"), "22: bad rid");
  EXPECT_EQ(video_with("a=rid:a=b send\r\n"), "22: bad rid");
  EXPECT_EQ(video_with("a=rid:12345678901234567 send\r\n"), "22: bad rid");
  EXPECT_EQ(video_with("a=rid:q upwards\r\n"), "22: rid without a direction");
  EXPECT_EQ(video_with("a=rid:q send pt=x\r\n"), "22: rid with a bad payload type");
  EXPECT_EQ(video_with("a=rid:q send\r\na=rid:q send\r\n"), "23: the same rid twice");
  EXPECT_EQ(video_with("a=simulcast:both q\r\n"), "22: bad simulcast direction");
  EXPECT_EQ(video_with("a=simulcast:send\r\n"), "22: simulcast without streams");
  EXPECT_EQ(video_with("a=simulcast:send q;;h\r\n"), "22: simulcast with a bad rid");
  EXPECT_EQ(video_with("a=simulcast:send q send h\r\n"), "22: the same simulcast direction twice");
}

TEST(SessionDescription, MidsAreUnique) {
  EXPECT_EQ(outcome(replaced(kMinimalOffer, "a=mid:v", "a=mid:a")), "15: the same mid twice");
}

TEST(SessionDescription, BundleGroupsNameMidsOfTheDescriptionOnce) {
  EXPECT_EQ(outcome(replaced(kMinimalOffer, "BUNDLE a v", "BUNDLE a x")),
            "5: BUNDLE names a mid that no m-line has");
  EXPECT_EQ(outcome(replaced(kMinimalOffer, "BUNDLE a v", "BUNDLE a a")),
            "5: a mid twice in BUNDLE groups");
  EXPECT_EQ(outcome(replaced(kMinimalOffer, "BUNDLE a v", "BUNDLE a\r\na=group:BUNDLE a")),
            "6: a mid twice in BUNDLE groups");
  EXPECT_EQ(outcome(replaced(kMinimalOffer, "BUNDLE a v", "BUNDLE a@")),
            "5: BUNDLE with a bad mid");
  EXPECT_EQ(outcome(replaced(kMinimalOffer, "BUNDLE a v", "LS a x")), "ok");
}

}  // namespace
}  // namespace simpul::sdp
