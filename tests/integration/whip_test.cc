// WHIP and WHEP over HTTP and UDP, by the letter of RFC 9725: a whole node and real sockets.
#include <gmock/gmock.h>

#include "sdp/ice_fragment.h"
#include "tests/integration/live_http.h"

namespace simpul::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr const char* kFragmentType = "application/trickle-ice-sdpfrag";

config::Config with_ice_servers() {
  config::Config config;
  config.media.ice_servers = {{.urls = {"stun:stun.example.net"}},
                              {.urls = {"turn:turn.example.net?transport=udp"},
                               .username = "user",
                               .credential = "secret"}};
  return config;
}

class OverHttp : public ::testing::Test {
 protected:
  static std::string fragment_of(const peer::Peer& guest) {
    return "a=ice-ufrag:" + guest.local().username_fragment +
           "\r\na=ice-pwd:" + guest.local().password +
           "\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\n"
           "a=candidate:1 1 udp 2130706431 192.0.2.1 9 typ host\r\n"
           "a=candidate:2 1 udp 2130706431 3f1c9cb0.local 9 typ host\r\n"
           "a=candidate:3 1 tcp 1518280447 192.0.2.1 9 typ host tcptype active\r\n"
           "a=end-of-candidates\r\n";
  }
  std::unique_ptr<peer::PeerSocket> make_guest(bool publishes) {
    return std::make_unique<peer::PeerSocket>(node_.loop(), peer::Options{.publishes = publishes},
                                              node_.identity(), peer::PeerSocket::Handlers{});
  }
  uint64_t handshakes() {
    node_.refresh();
    return node_.node().report().workers[0].handshakes["ok"];
  }

  LiveNode node_;
  LiveHttp http_{node_, with_ice_servers()};
};

TEST_F(OverHttp, AnOfferIsAnsweredWithLocationEntityTagAndLinks) {
  const auto alice = make_guest(true);
  const auto joined = http_.ask("POST", "/whip/stage?participant=alice",
                                "Application/SDP; charset=utf-8", alice->peer().offer());
  ASSERT_EQ(joined.status, 201) << joined.body;
  EXPECT_EQ(joined.header("Content-Type"), "application/sdp");
  EXPECT_THAT(joined.location, StartsWith("/whip/stage/c_"));
  EXPECT_THAT(joined.header("ETag"), ::testing::MatchesRegex("\"[0-9a-f]{16}\""));
  EXPECT_THAT(joined.head, HasSubstr("Link: <stun:stun.example.net>; rel=\"ice-server\"\r\n"));
  EXPECT_THAT(joined.head,
              HasSubstr("Link: <turn:turn.example.net?transport=udp>; rel=\"ice-server\"; "
                        "username=\"user\"; credential=\"secret\"; credential-type=\"password\""));
  EXPECT_THAT(joined.body, HasSubstr("a=end-of-candidates\r\n"));
  ASSERT_TRUE(alice->start(joined.body));
  EXPECT_TRUE(node_.run_until([&] { return alice->peer().connected(); }));
}

TEST_F(OverHttp, TrickledCandidatesAreTakenForThePresentIceSessionOnly) {
  const auto alice = make_guest(true);
  const auto joined = http_.ask("POST", "/whip/stage", "application/sdp", alice->peer().offer());
  const std::string fragment = fragment_of(alice->peer());
  const auto trickled = http_.patch(joined.location, joined.header("ETag"), fragment);
  EXPECT_EQ(trickled.status, 204);
  EXPECT_EQ(trickled.header("ETag"), "");
  EXPECT_EQ(trickled.body, "");
  EXPECT_EQ(http_.patch(joined.location, "*", fragment).status, 204);
  EXPECT_EQ(http_.patch(joined.location, "", fragment).status, 428);
  EXPECT_EQ(http_.patch(joined.location, "\"0123456789abcdef\"", fragment).status, 412);
  EXPECT_EQ(http_.patch(joined.location, joined.header("ETag"), "nonsense").status, 400);
  EXPECT_EQ(http_.patch(joined.location, "*", std::string(20'000, 'a')).status, 413);
  EXPECT_EQ(http_.ask("PATCH", joined.location, "application/sdp", fragment).status, 415);
  EXPECT_EQ(http_.patch(joined.location + "0", "*", fragment).status, 404);
  ASSERT_TRUE(alice->start(joined.body));
  EXPECT_TRUE(node_.run_until([&] { return alice->peer().connected(); }));
}

TEST_F(OverHttp, ARestartGivesANewEntityTagAndAFailedOneKeepsTheOld) {
  const auto alice = make_guest(true);
  const auto joined = http_.ask("POST", "/whip/stage", "application/sdp", alice->peer().offer());
  const std::string old_tag = joined.header("ETag");
  const std::string cut = "a=ice-ufrag:fresh\r\n";
  EXPECT_EQ(http_.patch(joined.location, "*", cut).status, 400);
  EXPECT_EQ(http_.patch(joined.location, old_tag, fragment_of(alice->peer())).status, 204);
  const auto restarted = http_.patch(joined.location, "*", alice->peer().restart_ice());
  ASSERT_EQ(restarted.status, 200) << restarted.body;
  EXPECT_EQ(restarted.header("Content-Type"), kFragmentType);
  const std::string new_tag = restarted.header("ETag");
  EXPECT_THAT(new_tag, ::testing::MatchesRegex("\"[0-9a-f]{16}\""));
  EXPECT_NE(new_tag, old_tag);
  const auto fragment = sdp::parse_ice_fragment(restarted.body);
  ASSERT_TRUE(fragment);
  ASSERT_EQ(fragment->media.size(), 1u);
  EXPECT_GE(fragment->media[0].candidates, 1u);
  EXPECT_TRUE(fragment->media[0].end_of_candidates);
  EXPECT_THAT(joined.body, ::testing::Not(HasSubstr(fragment->media[0].ice_ufrag)));
  EXPECT_THAT(joined.body, ::testing::Not(HasSubstr(fragment->media[0].ice_pwd)));
  EXPECT_THAT(restarted.body, StartsWith("a=ice-lite\r\na=ice-options:trickle ice2\r\n"));
  EXPECT_EQ(http_.patch(joined.location, old_tag, fragment_of(alice->peer())).status, 412);
  EXPECT_EQ(http_.ask("DELETE", joined.location, "", "", "If-Match: " + old_tag + "\r\n").status,
            200);
  EXPECT_EQ(http_.patch(joined.location, "*", fragment_of(alice->peer())).status, 404);
}

TEST_F(OverHttp, ARestartWhoseAnswerWasLostIsAnsweredTheSameWayAgain) {
  const auto alice = make_guest(true);
  const auto joined = http_.ask("POST", "/whip/stage", "application/sdp", alice->peer().offer());
  const std::string request = alice->peer().restart_ice();
  const auto lost = http_.patch(joined.location, "*", request);
  ASSERT_EQ(lost.status, 200) << lost.body;
  const auto again = http_.patch(joined.location, "*", request);
  ASSERT_EQ(again.status, 200) << again.body;
  EXPECT_EQ(again.header("ETag"), lost.header("ETag"));
  EXPECT_EQ(again.header("Content-Type"), kFragmentType);
  EXPECT_EQ(again.body, lost.body);
}

TEST_F(OverHttp, AnOfferIsAnsweredInPartAndRefusedOnlyAsAWhole) {
  const auto alice = make_guest(true);
  std::string without_video = alice->peer().offer();
  const auto at = without_video.find("VP8/90000");
  ASSERT_NE(at, std::string::npos);
  without_video.replace(at, 3, "Foo");
  const auto part = http_.ask("POST", "/whip/stage", "application/sdp", without_video);
  ASSERT_EQ(part.status, 201) << part.body;
  EXPECT_THAT(part.body, HasSubstr("\r\nm=video 0 "));
  EXPECT_THAT(part.body, ::testing::Not(HasSubstr("\r\nm=audio 0 ")));
  std::string without_both = without_video;
  without_both.replace(without_both.find("opus/48000"), 4, "fooo");
  const auto nothing = http_.ask("POST", "/whip/stage", "application/sdp", without_both);
  EXPECT_EQ(nothing.status, 406);
  EXPECT_THAT(nothing.body, HasSubstr("/problems/unsupported-media"));
}

TEST_F(OverHttp, OtherCallsAnswerAsTheRfcSays) {
  const auto alice = make_guest(true);
  const auto bob = make_guest(false);
  const auto nobody = http_.ask("POST", "/whep/stage", "application/sdp", bob->peer().offer());
  EXPECT_EQ(nobody.status, 409);
  EXPECT_EQ(nobody.header("Retry-After"), "1");
  // Offers that go the wrong way.
  EXPECT_EQ(http_.ask("POST", "/whip/stage", "application/sdp", bob->peer().offer()).status, 406);
  const auto joined = http_.ask("POST", "/whip/stage", "application/sdp", alice->peer().offer());
  ASSERT_EQ(joined.status, 201);
  EXPECT_EQ(http_.ask("POST", "/whep/stage", "application/sdp", alice->peer().offer()).status, 406);
  EXPECT_EQ(http_.ask("POST", "/whip/stage", "application/sdp", "v=1\r\n").status, 400);
  EXPECT_EQ(http_.ask("POST", "/whip/stage", "text/plain", alice->peer().offer()).status, 415);
  EXPECT_EQ(http_.ask("GET", joined.location).status, 204);
  EXPECT_EQ(http_.ask("GET", "/whip/stage").status, 204);
  const auto put = http_.ask("PUT", joined.location, "application/sdp", "x");
  EXPECT_EQ(put.status, 405);
  EXPECT_EQ(put.header("Allow"), "GET, HEAD, PATCH, DELETE, OPTIONS");
  const auto options = http_.ask("OPTIONS", "/whip/stage");
  EXPECT_EQ(options.status, 200);
  EXPECT_EQ(options.header("Accept-Post"), "application/sdp");
  EXPECT_THAT(options.head, HasSubstr("Link: <stun:stun.example.net>"));
  EXPECT_EQ(http_.ask("OPTIONS", joined.location).header("Accept-Patch"), kFragmentType);
}

// In the middle of a call, from a new port; everybody stays in the same DTLS association.
class RestartOverHttp : public OverHttp {
 protected:
  void SetUp() override {
    ASSERT_TRUE(node_.run_until([&] { return bob_.video > 30 && bob_.audio > 30; }));
  }
  void restart(const char* endpoint, LiveGuest& guest) {
    const auto restarted = http_.patch(std::string(endpoint) + "/stage/" + guest.session, "*",
                                       guest.socket->peer().restart_ice());
    ASSERT_EQ(restarted.status, 200) << restarted.body;
    ASSERT_TRUE(guest.socket->restart(restarted.body));
    ASSERT_TRUE(node_.run_until([&] { return guest.socket->peer().checked(); }));
  }
  void see_more() {
    const uint64_t video = bob_.video;
    const uint64_t audio = bob_.audio;
    ASSERT_TRUE(
        node_.run_until([&] { return bob_.video > video + 200 && bob_.audio > audio + 100; }));
  }

  LiveGuest& alice_ = node_.publish("stage", "alice");
  LiveGuest& bob_ = node_.watch("stage", "bob");
};

TEST_F(RestartOverHttp, APublisherGoesOnFromAnotherPortWithoutALostPacket) {
  const Address before = alice_.socket->local();
  restart("/whip", alice_);
  see_more();
  EXPECT_EQ(bob_.missed(), 0u);
  EXPECT_NE(alice_.socket->local(), before);
  EXPECT_EQ(node_.report_of(alice_)->remote, alice_.socket->local());
  EXPECT_EQ(handshakes(), 2u);
}

TEST_F(RestartOverHttp, AWatcherGoesOnAtAnotherPortWithoutALostPacket) {
  const Address before = bob_.socket->local();
  restart("/whep", bob_);
  see_more();  // what was on its way to the old port has come
  const uint64_t lost = bob_.missed();
  see_more();
  EXPECT_EQ(bob_.missed(), lost);
  EXPECT_NE(bob_.socket->local(), before);
  EXPECT_EQ(node_.report_of(bob_)->remote, bob_.socket->local());
  EXPECT_EQ(handshakes(), 2u);
}

TEST_F(RestartOverHttp, SeveralTimesInARowKeepsTheCall) {
  for (int i = 0; i < 4; ++i) {
    restart("/whep", bob_);
    see_more();
  }
  EXPECT_EQ(node_.report_of(bob_)->phase, node::ConnectionPhase::kConnected);
  EXPECT_EQ(handshakes(), 2u);
}

}  // namespace
}  // namespace simpul::testing
