// Whatever a description can grow has a limit: at it all is well, beyond it the text is refused.
#include <gtest/gtest.h>

#include "sdp/negotiation.h"
#include "sdp/session_description.h"
#include "tests/sdp/minimal_offer.h"
#include "tests/support/sample_offers.h"

namespace simpul::sdp {
namespace {

using simpul::testing::lines_of;
using simpul::testing::replaced;
using simpul::testing::sample_offer;
using simpul::testing::sample_offer_names;
using simpul::testing::text_of;

// Why the minimal offer with `count` more lines in its video section is refused, or "ok".
template <class Line>
std::string with_lines(size_t count, Line line) {
  std::string text = kMinimalOffer;
  for (size_t i = 0; i < count; ++i) text.append(line(std::to_string(i))).append("\r\n");
  const auto session = parse(text);
  return session ? "ok" : session.error().reason;
}

TEST(SessionLimits, Text) {
  std::string text = kMinimalOffer;
  while (text.size() + 4096 < kTextSizeMax) text += "a=x:" + std::string(1018, 'x') + "\r\n";
  text += "a=x:" + std::string(kTextSizeMax - text.size() - 6, 'x') + "\r\n";
  ASSERT_EQ(text.size(), kTextSizeMax);
  EXPECT_TRUE(parse(text));
  text += '\n';
  EXPECT_EQ(parse(text).error().reason, "description too large");
}

TEST(SessionLimits, Lines) {
  const size_t present = lines_of(kMinimalOffer).size();
  const auto line = [](const std::string& i) { return "a=x:" + i; };
  EXPECT_EQ(with_lines(kLinesMax - present, line), "ok");
  EXPECT_EQ(with_lines(kLinesMax - present + 1, line), "too many lines");
}

TEST(SessionLimits, TenThousandCandidates) {
  const auto line = [](const std::string&) { return "a=candidate:1 1 udp 1 ::1 1 typ host"; };
  const auto outcome = with_lines(10'000, line);
  EXPECT_EQ(outcome, "description too large");
  EXPECT_EQ(with_lines(10'000, [](const std::string&) { return "a=x"; }), "too many lines");
}

TEST(SessionLimits, LineSize) {
  const auto line_of = [](size_t size) { return "a=" + std::string(size - 2, 'x'); };
  const auto at = [&](size_t size) {
    return with_lines(1, [&](const auto&) { return line_of(size); });
  };
  EXPECT_EQ(at(kLineSizeMax), "ok");
  EXPECT_EQ(at(kLineSizeMax + 1), "line too long");
}

TEST(SessionLimits, MediaLines) {
  const auto line = [](const std::string&) { return "m=audio 9 RTP/AVP 0"; };
  EXPECT_EQ(with_lines(kMediaMax - 2, line), "ok");
  EXPECT_EQ(with_lines(kMediaMax - 1, line), "too many m-lines");
}

TEST(SessionLimits, Formats) {
  const auto media_line = [](size_t count) {
    std::string line = "m=audio 9 RTP/AVP";
    for (size_t i = 0; i < count; ++i) line += " " + std::to_string(i);
    return with_lines(1, [&](const auto&) { return line; });
  };
  EXPECT_EQ(media_line(kCodecsPerMediaMax), "ok");
  EXPECT_EQ(media_line(kCodecsPerMediaMax + 1), "too many formats in an m-line");
}

TEST(SessionLimits, Feedback) {
  const auto line = [](const std::string& i) { return "a=rtcp-fb:96 x" + i; };
  EXPECT_EQ(with_lines(kFeedbackPerMediaMax, line), "ok");
  EXPECT_EQ(with_lines(kFeedbackPerMediaMax + 1, line), "too many rtcp-fb lines");
}

TEST(SessionLimits, Extensions) {
  const auto line = [](const std::string& i) { return "a=extmap:1 urn:" + i; };
  EXPECT_EQ(with_lines(kExtensionsPerMediaMax, line), "ok");
  EXPECT_EQ(with_lines(kExtensionsPerMediaMax + 1, line), "too many extmaps");
}

TEST(SessionLimits, Rids) {
  const auto line = [](const std::string& i) { return "a=rid:" + i + " send"; };
  EXPECT_EQ(with_lines(kRidsPerMediaMax, line), "ok");
  EXPECT_EQ(with_lines(64, line), "too many rids");
  const auto streams = [](const char* list) {
    return with_lines(1, [&](const auto&) { return "a=simulcast:send " + std::string(list); });
  };
  EXPECT_EQ(streams("a;b;c;d"), "ok");
  EXPECT_EQ(streams("a;b;c;d;e"), "too many simulcast streams");
  EXPECT_EQ(streams("a,b,c,d"), "ok");
  EXPECT_EQ(streams("a,b,c,d,e"), "too many simulcast alternatives");
}

TEST(SessionLimits, Ssrcs) {
  const auto line = [](const std::string& i) { return "a=ssrc:" + i + " cname:x"; };
  EXPECT_EQ(with_lines(kSsrcsPerMediaMax, line), "ok");
  EXPECT_EQ(with_lines(kSsrcsPerMediaMax + 1, line), "too many ssrcs");
  const auto group = [](const std::string& i) { return "a=ssrc-group:FID " + i + " 1"; };
  EXPECT_EQ(with_lines(kSsrcsPerMediaMax, group), "ok");
  EXPECT_EQ(with_lines(kSsrcsPerMediaMax + 1, group), "too many ssrc groups");
}

TEST(SessionLimits, Fingerprints) {
  const auto line = [](const std::string&) {
    return "a=fingerprint:md5 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF";
  };
  EXPECT_EQ(with_lines(kFingerprintsMax, line), "ok");
  EXPECT_EQ(with_lines(kFingerprintsMax + 1, line), "too many fingerprints");
}

TEST(SessionLimits, Groups) {
  const auto with_groups = [](size_t count) {
    std::string groups = "a=group:BUNDLE a v\r\n";
    for (size_t i = 1; i < count; ++i) groups += "a=group:BUNDLE\r\n";
    const auto session = parse(replaced(kMinimalOffer, "a=group:BUNDLE a v\r\n", groups));
    return session ? "ok" : session.error().reason;
  };
  EXPECT_EQ(with_groups(kGroupsMax), "ok");
  EXPECT_EQ(with_groups(kGroupsMax + 1), "too many BUNDLE groups");
}

TEST(SessionLimits, Tokens) {
  const auto mid = [](size_t size) {
    const std::string name(size, 'm');
    auto text = replaced(kMinimalOffer, "a=mid:v", "a=mid:" + name);
    return parse(replaced(text, "BUNDLE a v", "BUNDLE a")).has_value();
  };
  EXPECT_TRUE(mid(kTokenSizeMax));
  EXPECT_FALSE(mid(kTokenSizeMax + 1));
}

TEST(SessionLimits, AnOfferCutAnywhereIsAnErrorOrSmaller) {
  for (const auto& name : sample_offer_names()) {
    const auto text = text_of(lines_of(sample_offer(name)));
    for (size_t size = 0; size < text.size(); size += 7) {
      const auto negotiated = negotiate(text.substr(0, size), default_policy(PeerRole::kPublisher));
      if (negotiated) continue;
      EXPECT_FALSE(negotiated.error().detail.empty()) << name << " at " << size;
    }
  }
}

TEST(SessionLimits, AnOfferWithoutOneOfItsLinesIsAnErrorOrSmaller) {
  for (const auto& name : {"chromium-offer-simulcast-vp8", "firefox-offer-simulcast-vp8"}) {
    const auto lines = lines_of(sample_offer(name));
    for (size_t left_out = 0; left_out < lines.size(); ++left_out) {
      auto fewer = lines;
      fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(left_out));
      const auto negotiated = negotiate(text_of(fewer), default_policy(PeerRole::kPublisher));
      if (negotiated) continue;
      EXPECT_FALSE(negotiated.error().detail.empty()) << lines[left_out];
    }
  }
}

TEST(SessionLimits, EmptyValuesNeverPass) {
  for (const char* name : {"mid", "ice-ufrag", "ice-pwd", "fingerprint", "setup", "rtpmap", "fmtp",
                           "rtcp-fb", "extmap", "rid", "ssrc", "msid"}) {
    EXPECT_NE(with_lines(1, [&](const auto&) { return "a=" + std::string(name) + ":"; }), "ok")
        << name;
    EXPECT_NE(with_lines(1, [&](const auto&) { return "a=" + std::string(name); }), "ok") << name;
  }
}

}  // namespace
}  // namespace simpul::sdp
