#include "sdp/ice_fragment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "tests/sdp/answer_parameters.h"
#include "tests/support/sample_offers.h"

namespace simpul::sdp {
namespace {

using simpul::testing::sample_offer;
using ::testing::HasSubstr;
using ::testing::IsNull;
using ::testing::SizeIs;

constexpr std::string_view kTrickle =
    "a=group:BUNDLE 0 1\r\n"
    "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"
    "a=mid:0\r\n"
    "a=ice-ufrag:EsAw\r\n"
    "a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\n"
    "a=candidate:1387637174 1 udp 2122260223 192.0.2.1 61764 typ host generation 0 ufrag EsAw\r\n"
    "a=candidate:473322822 1 tcp 1518280447 192.0.2.1 9 typ host tcptype active\r\n"
    "a=end-of-candidates\r\n";

const std::string kCredentials = "a=ice-ufrag:EsAw\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\n";

IceFragment accepted(std::string_view text) {
  const auto fragment = parse_ice_fragment(text);
  EXPECT_TRUE(fragment) << fragment.error().reason;
  return fragment ? *fragment : IceFragment{};
}

// Line and reason, or "ok".
std::string outcome(std::string_view text) {
  const auto fragment = parse_ice_fragment(text);
  if (fragment) return "ok";
  return (fragment.error().too_large ? "too large: " : "line ") +
         std::to_string(fragment.error().line) + ": " + fragment.error().reason;
}

TEST(IceFragment, ReadsATrickleLikeTheOneOfRfc9725) {
  const IceFragment fragment = accepted(kTrickle);
  EXPECT_FALSE(fragment.session.has_credentials());
  ASSERT_THAT(fragment.media, SizeIs(1));
  EXPECT_EQ(fragment.media[0].mid, "0");
  EXPECT_EQ(fragment.media[0].ice_ufrag, "EsAw");
  EXPECT_EQ(fragment.media[0].ice_pwd, "P2uYro0UCOQ4zxjKXaWCBui1");
  EXPECT_EQ(fragment.media[0].candidates, 2u);
  EXPECT_TRUE(fragment.media[0].end_of_candidates);
}

TEST(IceFragment, ReadsCredentialsInFrontOfTheMLinesAndLinesEndedByLf) {
  const IceFragment fragment = accepted(
      "a=ice-ufrag:ysXw\na=ice-pwd:vw5LmwG4y/e6dPP/zAP9Gp5k\nm=audio 9 RTP/AVP 0\na=mid:a");
  EXPECT_EQ(fragment.session.ice_ufrag, "ysXw");
  ASSERT_THAT(fragment.media, SizeIs(1));
  EXPECT_FALSE(fragment.media[0].has_credentials());
}

TEST(IceFragment, SkipsWhatItDoesNotKnow) {
  EXPECT_EQ(outcome("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\na=ice-options:trickle\r\na=whatever:x\r\n" +
                    kCredentials + "c=IN IP4 0.0.0.0\r\na=mid:0\r\n\r\n"),
            "ok");
}

TEST(IceFragment, RefusesWhatIsMalformed) {
  EXPECT_EQ(outcome(""), "line 0: empty fragment");
  EXPECT_EQ(outcome("\r\n\r\n"), "line 0: empty fragment");
  EXPECT_EQ(outcome("{\"candidate\": 1}"), "line 1: not a line of the form x=...");
  EXPECT_EQ(outcome(kCredentials + "\r\na=mid:0"), "line 3: not a line of the form x=...");
  EXPECT_EQ(outcome("a=\r\n"), "line 1: attribute without a name");
  EXPECT_EQ(outcome("a=ice-ufrag:abc\r\n"), "line 1: ice-ufrag: 4 to 256 ice-chars");
  EXPECT_EQ(outcome("a=ice-ufrag:ab cd\r\n"), "line 1: ice-ufrag: 4 to 256 ice-chars");
  EXPECT_EQ(outcome("a=ice-pwd:short\r\n"), "line 1: ice-pwd: 22 to 256 ice-chars");
  EXPECT_EQ(outcome("a=ice-ufrag:EsAw\r\n"), "line 1: ice-ufrag and ice-pwd belong together");
  EXPECT_EQ(outcome("a=ice-ufrag:EsAw\r\nm=audio 9 RTP/AVP 0\r\na=mid:0\r\n"),
            "line 2: ice-ufrag and ice-pwd belong together");
  EXPECT_EQ(outcome(kCredentials + kCredentials), "line 3: credentials for a second time");
  EXPECT_EQ(outcome(kCredentials + "m=audio 9 RTP/AVP 0\r\n"), "line 3: m-line without a=mid");
  EXPECT_EQ(outcome("m=audio 9 X 0\r\na=mid:0\r\na=mid:1\r\n"), "line 3: a=mid for a second time");
  EXPECT_EQ(outcome("m=audio 9 X 0\r\na=mid:a b\r\n"), "line 2: bad mid");
  EXPECT_EQ(outcome("m=a 9 X 0\r\na=mid:0\r\nm=a 9 X 0\r\na=mid:0\r\n"),
            "line 4: the same mid twice");
  EXPECT_EQ(outcome(std::string_view("a=x\0y", 5)), "line 1: control character");
}

TEST(IceFragment, RefusesWhatIsTooMuch) {
  std::string candidates;
  for (size_t i = 0; i < kFragmentLinesMax - 2; ++i) candidates += "a=candidate:1\r\n";
  EXPECT_EQ(outcome(kCredentials + candidates), "ok");
  EXPECT_EQ(outcome(kCredentials + candidates + "a=candidate:1\r\n"),
            "too large: 301: too many lines");
  EXPECT_EQ(outcome(std::string(kFragmentSizeMax + 1, 'a')), "too large: 1: fragment too large");
  std::string sections;
  for (size_t i = 0; i <= kFragmentSectionsMax; ++i) {
    sections += "m=audio 9 X 0\r\na=mid:" + std::to_string(i) + "\r\n";
  }
  EXPECT_THAT(outcome(sections), HasSubstr("too many m-lines"));
}

TEST(IceFragment, TakesTheCredentialsOfTheFirstMidThatIsOurs) {
  const std::array<std::string, 2> mids = {"0", "1"};
  const auto section = [](std::string_view mid, std::string_view ufrag) {
    return "m=audio 9 X 0\r\na=mid:" + std::string(mid) + "\r\na=ice-ufrag:" + std::string(ufrag) +
           "\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\n";
  };
  const auto chosen = [&](const std::string& text) {
    const IceFragment fragment = accepted(text);
    const FragmentSection* found = credentials_of(fragment, mids);
    return found == nullptr ? std::string() : found->ice_ufrag;
  };
  EXPECT_EQ(chosen(section("1", "second") + section("0", "first")), "first");
  EXPECT_EQ(chosen(section("9", "strange") + section("1", "second")), "second");
  EXPECT_EQ(chosen(kCredentials + section("9", "strange")), "EsAw");
  EXPECT_EQ(chosen(kCredentials + section("0", "first")), "first");
  EXPECT_EQ(chosen(section("9", "strange")), "") << "an unknown mid is ignored";
}

TEST(IceFragment, WritesTheIcePartOfAnAnswerWithOtherCredentials) {
  const auto answer = answer_to(sample_offer("chromium-offer-simulcast-vp8"), PeerRole::kPublisher);
  const std::string fragment = write_ice_fragment(answer, "newUfrag", "newPasswordOf24Characters");
  EXPECT_EQ(fragment,
            "a=ice-lite\r\na=ice-options:trickle ice2\r\na=group:BUNDLE 0 1\r\n"
            "m=audio 7700 UDP/TLS/RTP/SAVPF 111 63\r\na=mid:0\r\n"
            "a=ice-ufrag:newUfrag\r\na=ice-pwd:newPasswordOf24Characters\r\n"
            "a=candidate:1 1 udp 2130706431 192.0.2.7 7700 typ host\r\n"
            "a=candidate:2 1 udp 2130706175 2001:db8::7 7701 typ host\r\n"
            "a=candidate:1 1 udp 2130705919 192.0.2.7 7702 typ host\r\n"
            "a=end-of-candidates\r\n");
  EXPECT_EQ(write_ice_fragment(fragment, "newUfrag", "newPasswordOf24Characters"), fragment);
}

TEST(IceFragment, WritesOfATextThatIsNoAnswerWhatThereIs) {
  const std::string credentials = "a=ice-ufrag:newUfrag\r\na=ice-pwd:newPasswordOf24Characters\r\n";
  for (const auto* text : {"", "a=mid", "m=audio 9 X 0\r\na=mid\r\na=candidate:1\r\n"}) {
    EXPECT_THAT(write_ice_fragment(text, "newUfrag", "newPasswordOf24Characters"),
                HasSubstr(credentials));
  }
}

TEST(IceFragment, IsReadBackAsItWasWritten) {
  const auto answer = answer_to(sample_offer("firefox-offer-simulcast-vp8"), PeerRole::kPublisher);
  const IceFragment fragment =
      accepted(write_ice_fragment(answer, "newUfrag", "newPasswordOf24Characters"));
  ASSERT_THAT(fragment.media, SizeIs(1));
  EXPECT_EQ(fragment.media[0].ice_ufrag, "newUfrag");
  EXPECT_EQ(fragment.media[0].candidates, 3u);
  EXPECT_TRUE(fragment.media[0].end_of_candidates);
  EXPECT_THAT(credentials_of(fragment, {}), IsNull());
}

}  // namespace
}  // namespace simpul::sdp
