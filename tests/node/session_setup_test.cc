#include "node/session_setup.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "dtls/certificate.h"
#include "tests/support/sample_offers.h"

namespace simpul::node {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::lines_of;
using ::testing::MatchesRegex;
using testing::sample_offer;
using testing::section_of;
using ::testing::SizeIs;
using testing::text_of;

const dtls::Certificate& certificate() {
  static const auto made = dtls::Certificate::make(std::chrono::seconds(1'800'000'000));
  return made;
}

class SessionSetupTest : public ::testing::Test {
 protected:
  Expected<PreparedJoin, JoinError> prepare(Role role, const std::string& offer) {
    return setup().prepare({.role = role, .room = "stage", .participant = "alice", .offer = offer},
                           {{.address = Address::v4({192, 0, 2, 1}, 7700), .priority = 1}});
  }
  PreparedJoin publish(const std::string& name) {
    auto join = prepare(Role::kPublisher, sample_offer(name));
    EXPECT_TRUE(join) << name << ": " << join.error().detail;
    return std::move(*join);
  }
  PreparedJoin watch(const std::string& name) {
    auto join = prepare(Role::kWatcher, sample_offer(name));
    EXPECT_TRUE(join) << name << ": " << join.error().detail;
    return std::move(*join);
  }
  SessionSetup& setup() {
    if (!setup_) setup_.emplace(config_, certificate().fingerprint());
    return *setup_;
  }
  // The offer with its last m-line written `times` more, with mids of their own.
  static std::string with_more_lines(const std::string& offer, size_t sections, size_t times) {
    auto lines = lines_of(offer);
    const auto last = section_of(offer, sections);
    std::string group;
    for (size_t i = 0; i < times; ++i) {
      const std::string mid = "more" + std::to_string(i);
      group += " " + mid;
      for (const auto& line : last) {
        if (line.starts_with("a=ssrc")) continue;
        lines.push_back(line.starts_with("a=mid:") ? "a=mid:" + mid : line);
      }
    }
    for (auto& line : lines) {
      if (line.starts_with("a=group:BUNDLE")) line += group;
    }
    return text_of(lines);
  }

  config::Config config_;
  std::optional<SessionSetup> setup_;
};

TEST_F(SessionSetupTest, MakesATrackOfEachLineThatABrowserPublishes) {
  for (const char* name : {"chromium-offer-default", "firefox-offer-default"}) {
    const Session session = publish(name).session;
    ASSERT_THAT(session.tracks, SizeIs(2)) << name;
    EXPECT_EQ(session.tracks[0].kind, rtp::MediaKind::kAudio);
    EXPECT_EQ(session.tracks[1].kind, rtp::MediaKind::kVideo);
    EXPECT_EQ(session.tracks[1].codec, rtp::Codec::kVp8);
    EXPECT_EQ(session.tracks[1].clock_rate, 90'000u);
    EXPECT_THAT(session.connection.media.receiving, SizeIs(2));
    EXPECT_THAT(session.connection.media.sending, IsEmpty());
    EXPECT_THAT(session.slots, IsEmpty());
  }
}

TEST_F(SessionSetupTest, KnowsTheSourcesAndTheFeedbackOfTheOffer) {
  const Session session = publish("chromium-offer-default").session;
  const auto& video = session.connection.media.receiving[1];
  ASSERT_FALSE(video.sources.empty());
  EXPECT_TRUE(video.sources[0].rtx_ssrc);
  ASSERT_FALSE(video.codecs.empty());
  EXPECT_TRUE(video.codecs[0].nack);
  EXPECT_TRUE(video.codecs[0].pli);
  EXPECT_TRUE(video.codecs[0].rtx_payload_type);
  EXPECT_NE(session.connection.media.extensions.id(rtp::ExtensionKind::kMid), 0);
}

TEST_F(SessionSetupTest, MakesALayerOfEachRid) {
  for (const char* name : {"chromium-offer-simulcast-vp8", "firefox-offer-simulcast-vp8"}) {
    const PreparedJoin join = publish(name);
    const auto video =
        std::ranges::find(join.session.tracks, rtp::MediaKind::kVideo, &relay::TrackConfig::kind);
    ASSERT_NE(video, join.session.tracks.end()) << name;
    EXPECT_THAT(video->layers, SizeIs(3)) << name;
    const auto line = static_cast<size_t>(video - join.session.tracks.begin());
    EXPECT_EQ(join.session.connection.media.receiving[line].rids, video->layers);
    EXPECT_THAT(join.answer, HasSubstr("a=simulcast:recv"));
  }
}

TEST_F(SessionSetupTest, MakesASlotOfEachLineThatABrowserReceives) {
  for (const char* name : {"chromium-offer-recvonly", "firefox-offer-recvonly"}) {
    const PreparedJoin join = watch(name);
    const auto& slots = join.session.slots;
    const auto& sending = join.session.connection.media.sending;
    ASSERT_THAT(slots, SizeIs(2)) << name;
    ASSERT_THAT(sending, SizeIs(2));
    EXPECT_THAT(join.session.tracks, IsEmpty());
    EXPECT_FALSE(slots[0].rtx_ssrc);
    ASSERT_TRUE(slots[1].rtx_ssrc);
    for (size_t i = 0; i < slots.size(); ++i) {
      EXPECT_EQ(slots[i].ssrc, sending[i].ssrc);
      EXPECT_EQ(slots[i].rtx_ssrc, sending[i].rtx_ssrc);
      EXPECT_FALSE(slots[i].codecs.empty());
      EXPECT_THAT(join.answer, HasSubstr("a=ssrc:" + std::to_string(slots[i].ssrc.value())));
    }
  }
}

TEST_F(SessionSetupTest, TellsWhoOnlyEstimatesItselfWhenPacketsLeave) {
  const auto aiortc = watch("aiortc-offer-recvonly").session.connection.media;
  ASSERT_THAT(aiortc.sending, SizeIs(2));
  EXPECT_TRUE(aiortc.remb);
  EXPECT_FALSE(aiortc.sending[0].send_times) << "that of the sound is not offered";
  EXPECT_TRUE(aiortc.sending[1].send_times);
  for (const auto& line : watch("chromium-offer-recvonly").session.connection.media.sending) {
    EXPECT_FALSE(line.send_times);
  }
}

TEST_F(SessionSetupTest, GivesEverySlotSourcesOfItsOwn) {
  const auto offer = with_more_lines(sample_offer("chromium-offer-recvonly"), 2, 8);
  const auto join = prepare(Role::kWatcher, offer);
  ASSERT_TRUE(join) << join.error().detail;
  ASSERT_THAT(join->session.slots, SizeIs(10));
  std::set<uint32_t> ssrcs;
  for (const auto& slot : join->session.slots) {
    ssrcs.insert(slot.ssrc.value());
    if (slot.rtx_ssrc) ssrcs.insert(slot.rtx_ssrc->value());
  }
  for (const auto& line : join->session.connection.media.sending) {
    if (!line.flexfec) continue;
    EXPECT_EQ(line.flexfec->payload_type, rtp::PayloadType(49));
    EXPECT_THAT(join->answer, HasSubstr("a=ssrc-group:FEC-FR " + std::to_string(line.ssrc.value()) +
                                        " " + std::to_string(line.flexfec->ssrc.value()) + "\r\n"));
    ssrcs.insert(line.flexfec->ssrc.value());
  }
  EXPECT_THAT(ssrcs, SizeIs(1 + 9 * 3));
  EXPECT_FALSE(ssrcs.contains(0));
}

TEST_F(SessionSetupTest, PairsSoundAndPictureInOneStream) {
  const PreparedJoin join = watch("chromium-offer-recvonly");
  EXPECT_THAT(text_of(section_of(join.answer, 1)), HasSubstr("a=msid:stream-0 audio-0"));
  EXPECT_THAT(text_of(section_of(join.answer, 2)), HasSubstr("a=msid:stream-0 video-0"));
}

TEST_F(SessionSetupTest, GivesEveryTrackAnIdOfItsOwn) {
  std::set<uint32_t> ids;
  for (int i = 0; i < 500; ++i) {
    for (const auto& track : publish("chromium-offer-default").session.tracks) {
      ids.insert(track.id.value());
    }
  }
  EXPECT_THAT(ids, SizeIs(1000));
  EXPECT_FALSE(ids.contains(0));
}

TEST_F(SessionSetupTest, NamesEverySessionAnew) {
  const PreparedJoin first = publish("chromium-offer-default");
  const PreparedJoin second = publish("chromium-offer-default");
  EXPECT_THAT(first.session.id, MatchesRegex("c_[0-9a-f]+"));
  EXPECT_EQ(first.session.id.size(), 34u);
  EXPECT_NE(first.session.id, second.session.id);
  EXPECT_NE(first.session.key, second.session.key);
  const auto& ice = first.session.connection.ice.local;
  EXPECT_NE(ice.username_fragment, second.session.connection.ice.local.username_fragment);
  EXPECT_THAT(first.answer, HasSubstr("a=ice-ufrag:" + ice.username_fragment + "\r\n"));
  EXPECT_THAT(first.answer, HasSubstr("a=ice-pwd:" + ice.password + "\r\n"));
  EXPECT_THAT(first.answer, HasSubstr("192.0.2.1 7700 typ host"));
}

TEST_F(SessionSetupTest, RefusesLinesBeyondTheTracksOfAParticipant) {
  config_.limits.tracks_per_participant = 3;
  const auto offer = with_more_lines(sample_offer("chromium-offer-default"), 2, 4);
  const auto join = prepare(Role::kPublisher, offer);
  ASSERT_TRUE(join) << join.error().detail;
  EXPECT_THAT(join->session.tracks, SizeIs(3));
  EXPECT_THAT(join->session.connection.media.receiving, SizeIs(3));
  std::vector<bool> accepted;
  for (size_t section = 1; section <= 6; ++section) {
    accepted.push_back(!section_of(join->answer, section).front().starts_with("m=video 0 "));
  }
  EXPECT_THAT(accepted, ElementsAre(true, true, true, false, false, false));
}

TEST_F(SessionSetupTest, TakesTheIdleTimeoutOfTheConfiguration) {
  config_.media.idle_timeout = std::chrono::seconds(5);
  EXPECT_EQ(publish("chromium-offer-default").session.connection.ice.limits.idle_timeout,
            std::chrono::seconds(5));
}

TEST_F(SessionSetupTest, PadsFramesUnlessTheConfigurationSaysOtherwise) {
  EXPECT_TRUE(watch("chromium-offer-recvonly").session.connection.media.pad_frames);
  config_.media.gso_padding = false;
  setup_.reset();
  EXPECT_FALSE(watch("chromium-offer-recvonly").session.connection.media.pad_frames);
}

TEST_F(SessionSetupTest, SaysWhyAnOfferIsRefused) {
  const auto garbage = prepare(Role::kPublisher, "v=1\r\n");
  ASSERT_FALSE(garbage);
  EXPECT_EQ(garbage.error().kind, JoinError::Kind::kInvalidSdp);
  const auto wrong_way = prepare(Role::kPublisher, sample_offer("chromium-offer-recvonly"));
  ASSERT_FALSE(wrong_way);
  EXPECT_EQ(wrong_way.error().kind, JoinError::Kind::kUnsupportedMedia);
  config_.codecs.video.clear();
  config_.codecs.audio.clear();
  setup_.reset();
  const auto nothing = prepare(Role::kPublisher, sample_offer("chromium-offer-default"));
  ASSERT_FALSE(nothing);
  EXPECT_EQ(nothing.error().kind, JoinError::Kind::kUnsupportedMedia);
}

TEST_F(SessionSetupTest, PreparesEverySampleThatItCanForwardOrSaysThatItCannot) {
  size_t prepared = 0;
  for (const auto& name : testing::sample_offer_names()) {
    const auto join = prepare(Role::kPublisher, sample_offer(name));
    if (!join) {
      EXPECT_EQ(join.error().kind, JoinError::Kind::kUnsupportedMedia) << name;
      continue;
    }
    ++prepared;
    EXPECT_EQ(join->session.tracks.size(), join->session.connection.media.receiving.size());
    EXPECT_FALSE(join->session.connection.dtls.peer_fingerprints.empty()) << name;
  }
  EXPECT_GE(prepared, 10u);
}

}  // namespace
}  // namespace simpul::node
