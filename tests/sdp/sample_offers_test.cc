// Every offer of a real client, as a publisher and as a watcher: the answer is one that we can
// read back, and it says what was negotiated.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "sdp/negotiation.h"
#include "tests/sdp/answer_parameters.h"
#include "tests/support/sample_offers.h"

namespace simpul::sdp {
namespace {

using simpul::testing::sample_offer;
using simpul::testing::sample_offer_names;

// "OX": the first m-line is accepted, the second is refused; empty: the whole offer is.
std::string outcome(const std::string& name, PeerRole role) {
  const auto negotiated = negotiate(sample_offer(name), default_policy(role));
  if (!negotiated) {
    EXPECT_EQ(negotiated.error().kind, NegotiationError::Kind::kUnsupportedMedia)
        << name << ": " << negotiated.error().detail;
    return "";
  }
  std::string marks;
  for (const auto& media : negotiated->media) marks += media.accepted() ? 'O' : 'X';
  return marks;
}

void expect_same_media(const NegotiatedMedia& negotiated, const MediaDescription& answered,
                       const MediaDescription& offered) {
  EXPECT_EQ(answered.mid, offered.mid);
  EXPECT_EQ(answered.type_name, offered.type_name);
  EXPECT_EQ(answered.protocol, offered.protocol);
  EXPECT_EQ(answered.transport.ice_ufrag, "ourUfrag") << "GStreamer and aiortc look for it";
  EXPECT_EQ(answered.transport.fingerprints.size(), 1u);
  if (!negotiated.accepted()) {
    EXPECT_EQ(answered.port, 0);
    EXPECT_EQ(answered.formats, offered.formats);
    return;
  }
  EXPECT_NE(answered.port, 0);
  EXPECT_TRUE(answered.rtcp_mux);
  EXPECT_EQ(answered.extensions.size(), negotiated.extensions.size());
  EXPECT_EQ(answered.rids.size(), negotiated.rids.size());
  EXPECT_EQ(answered.simulcast_recv.size(), negotiated.rids.size());
  for (const auto& codec : answered.codecs) {
    const auto same =
        std::ranges::find(offered.codecs, codec.payload_type, &PayloadFormat::payload_type);
    ASSERT_NE(same, offered.codecs.end());
    EXPECT_EQ(codec.clock_rate, same->clock_rate);
  }
}

void expect_sound_answer(const std::string& name, PeerRole role) {
  SCOPED_TRACE(name);
  const auto offer = parse(sample_offer(name));
  ASSERT_TRUE(offer) << offer.error().line << ": " << offer.error().reason;
  const auto negotiated = negotiate(*offer, default_policy(role));
  if (!negotiated) return;
  const auto answer = parse(write_answer(*negotiated, our_end()));
  ASSERT_TRUE(answer) << answer.error().line << ": " << answer.error().reason;
  EXPECT_TRUE(answer->ice_lite);
  ASSERT_EQ(answer->bundle_groups.size(), 1u);
  EXPECT_EQ(answer->bundle_groups[0].size(), negotiated->bundle.size());
  ASSERT_EQ(answer->media.size(), offer->media.size());
  for (size_t i = 0; i < offer->media.size(); ++i) {
    const auto& media = answer->media[i];
    expect_same_media(negotiated->media[i], media, offer->media[i]);
    const bool bundled =
        std::ranges::find(answer->bundle_groups[0], media.mid) != answer->bundle_groups[0].end();
    EXPECT_EQ(bundled, negotiated->media[i].accepted());
    if (!bundled) continue;
    const bool publisher = role == PeerRole::kPublisher;
    EXPECT_EQ(media.direction, publisher ? Direction::kRecvOnly : Direction::kSendOnly);
    EXPECT_EQ(media.ssrcs.empty(), publisher);
    EXPECT_EQ(media.msid.empty(), publisher);
  }
}

TEST(SampleOffers, AreAnsweredSoundlyInBothRoles) {
  ASSERT_GE(sample_offer_names().size(), 34u);
  for (const auto& name : sample_offer_names()) {
    expect_sound_answer(name, PeerRole::kPublisher);
    expect_sound_answer(name, PeerRole::kWatcher);
  }
}

TEST(SampleOffers, AreAcceptedMediaLineByMediaLine) {
  const std::map<std::string, std::pair<std::string, std::string>> expected = {
      {"aiortc-offer-default", {"OOX", "OOX"}},
      {"aiortc-offer-recvonly", {"", "OO"}},
      {"aiortc-offer-sendonly-data", {"OOX", ""}},
      {"chromium-offer-audio-red", {"O", ""}},
      {"chromium-offer-av1", {"O", ""}},
      {"chromium-offer-av1-L3T3_KEY", {"O", ""}},
      {"chromium-offer-datachannel", {"", ""}},
      {"chromium-offer-default", {"OO", "OO"}},
      {"chromium-offer-h264", {"O", ""}},
      {"chromium-offer-recvonly", {"", "OO"}},
      {"chromium-offer-simulcast-av1", {"O", ""}},
      {"chromium-offer-simulcast-h264", {"O", ""}},
      {"chromium-offer-simulcast-vp8", {"OO", ""}},
      {"chromium-offer-simulcast-vp8-all", {"OOX", ""}},
      {"firefox-offer-default", {"OO", "OO"}},
      {"firefox-offer-recvonly", {"", "OO"}},
      {"firefox-offer-simulcast-vp8", {"OO", ""}},
      {"gst-offer-default", {"OOX", "OOX"}},
      {"gst-offer-passive", {"OO", ""}},
      {"gst-offer-recvonly", {"", "OO"}},
      {"gst-offer-sendonly-h264", {"OO", ""}},
      {"pion-offer-recvonly", {"", "OOX"}},
      {"pion-offer-sendonly-vp8", {"OO", ""}},
  };
  for (const auto& [name, outcomes] : expected) {
    EXPECT_EQ(outcome(name, PeerRole::kPublisher), outcomes.first) << name;
    EXPECT_EQ(outcome(name, PeerRole::kWatcher), outcomes.second) << name;
  }
}

TEST(SampleOffers, APassivePeerIsAnsweredByTheActiveRole) {
  const auto negotiated =
      negotiate(sample_offer("gst-offer-passive"), default_policy(PeerRole::kPublisher));
  ASSERT_TRUE(negotiated);
  EXPECT_EQ(negotiated->setup, Setup::kActive);
  EXPECT_THAT(write_answer(*negotiated, our_end()),
              ::testing::Not(::testing::HasSubstr("a=setup:passive")));
}

TEST(SampleOffers, FeedbackWithoutItsExtensionIsLeftOut) {
  const auto offer = sample_offer("gst-offer-sendonly-h264");
  ASSERT_THAT(offer, ::testing::HasSubstr("transport-cc"));
  ASSERT_THAT(offer, ::testing::Not(::testing::HasSubstr("a=extmap")));
  const auto negotiated = negotiate(offer, default_policy(PeerRole::kPublisher));
  ASSERT_TRUE(negotiated);
  EXPECT_THAT(write_answer(*negotiated, our_end()),
              ::testing::Not(::testing::HasSubstr("transport-cc")));
}

}  // namespace
}  // namespace simpul::sdp
