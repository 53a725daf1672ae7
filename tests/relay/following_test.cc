// Who is in the slots of those who named nobody, in a room where several people speak.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <set>

#include "tests/relay/following.h"

namespace simpul::relay {
namespace {

using namespace testing;
using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

TEST_F(Following, NobodyIsListenedToWhereOneSpeaksAlone) {
  join(1);
  const auto watcher = watch(1, 1);
  speak({1}, 2s);
  EXPECT_THAT(tracks(watcher), ElementsAre(1, 2));
  EXPECT_EQ(scene_.relay.tracks_of(people_.at(1)->id)[0].is_speaking, std::nullopt);
}

TEST_F(Following, WhoSpeaksIsHeardAndSeen) {
  join(1);
  join(2);
  const auto watcher = watch(1, 1);
  speak({}, 1s);
  EXPECT_THAT(tracks(watcher), ElementsAre(3, 4)) << "who came last, while nobody speaks";
  speak({1}, 1s);
  EXPECT_THAT(tracks(watcher), ElementsAre(1, 2));
  EXPECT_TRUE(scene_.relay.tracks_of(people_.at(1)->id)[0].is_speaking.value_or(false));
  speak({}, 5s);
  EXPECT_THAT(tracks(watcher), ElementsAre(1, 2)) << "who spoke last, while nobody speaks";
  EXPECT_FALSE(scene_.relay.tracks_of(people_.at(1)->id)[0].is_speaking.value_or(true));
  speak({2}, 1s);
  EXPECT_THAT(tracks(watcher), ElementsAre(3, 4));
}

TEST_F(Following, AWordIsHeardButChangesNoPicture) {
  join(1);
  join(2);
  const auto watcher = watch(1, 1);
  speak({1}, 2s);
  speak({}, 1s);
  speak({2}, 200ms);
  EXPECT_THAT(tracks(watcher), ElementsAre(3, 2));
  speak({}, 1s);
  speak({1}, 400ms);
  EXPECT_THAT(tracks(watcher), ElementsAre(1, 2));
}

TEST_F(Following, FiftyMicrophonesCostAListenerThreeStreams) {
  for (uint32_t number = 1; number <= 50; ++number) join(number, false);
  const auto watcher = watch(10, 0);
  speak({7, 21, 33}, 1s);
  got(watcher);
  size_t packets = 0;
  run(5s);
  EXPECT_THAT(got(watcher, &packets), UnorderedElementsAre(13, 41, 65));
  EXPECT_EQ(packets, 750u);
  speak({7, 21, 33, 4, 50}, 5s);
  EXPECT_EQ(got(watcher).size(), 3u) << "whoever speaks beside them";
}

TEST_F(Following, EverybodyWhoSpeaksAloneIsHeardInARoomOfFifty) {
  for (uint32_t number = 1; number <= 50; ++number) join(number, false);
  const auto watcher = watch(3, 0);
  speak({}, 1s);
  for (const uint32_t number : {50u, 1u, 17u, 33u, 2u, 49u, 17u}) {
    got(watcher);
    speak({number}, 60ms);
    EXPECT_TRUE(got(watcher).contains(2 * number - 1)) << number << " within three packets";
    speak({}, 1s);
    EXPECT_EQ(got(watcher).size(), 3u);
  }
}

TEST_F(Following, SoundStaysInItsSlotForAsLongAsItIsHeard) {
  for (uint32_t number = 1; number <= 6; ++number) join(number);
  const auto watcher = watch(3, 1);
  speak({1}, 1s);
  const auto place_of = [&](uint32_t track) {
    const auto in = tracks(watcher);
    return std::ranges::find(in, track) - in.begin();
  };
  const auto place = place_of(1);
  ASSERT_LT(place, 3);
  speak({1, 2}, 2s);
  speak({2}, 2s);
  speak({2, 3}, 2s);
  EXPECT_EQ(place_of(1), place);
  EXPECT_EQ(tracks(watcher)[3], 4u) << "who dominates";
  speak({2, 3, 4}, 2s);
  EXPECT_EQ(place_of(1), 4) << "nobody's any more";
  EXPECT_EQ(place_of(7), place);
}

TEST_F(Following, PicturesAreOfThoseWhoSpokeLastAndStayInTheirSlots) {
  for (uint32_t number = 1; number <= 6; ++number) join(number);
  const auto watcher = watch(1, 3);
  for (const uint32_t number : {1u, 2u, 3u}) {
    speak({number}, 1s);
    speak({}, 1s);
  }
  const auto before = tracks(watcher);
  EXPECT_THAT((std::set<uint32_t>{before[1], before[2], before[3]}), UnorderedElementsAre(2, 4, 6));
  speak({1}, 1s);
  speak({}, 1s);
  auto expected = before;
  expected[0] = 1;
  EXPECT_EQ(tracks(watcher), expected);
  speak({5}, 1s);  // 2 spoke before 3 and 1
  std::ranges::replace(expected, 4u, 10u);
  expected[0] = 9;
  EXPECT_EQ(tracks(watcher), expected);
}

TEST_F(Following, OnePersonsSoundAndPictureShareAPair) {
  for (uint32_t number = 1; number <= 3; ++number) join(number);
  const auto watcher = watch(3, 3);
  speak({1}, 1s);
  speak({}, 1s);
  speak({2}, 1s);
  const auto in = tracks(watcher);
  size_t pairs = 0;
  for (size_t i = 0; i < 3; ++i) pairs += in[i] + 1 == in[i + 3] ? 1 : 0;
  EXPECT_EQ(pairs, 3u);
}

TEST_F(Following, WhoIsPinnedIsHeardThoughTheyAreSilentAndOthersSpeak) {
  for (uint32_t number = 1; number <= 6; ++number) join(number);
  const auto watcher = watch(3, 1);
  scene_.relay.set_pinned(people_.at(1)->id, true, scene_.now);
  speak({2, 3, 4}, 2s);
  got(watcher);
  speak({3, 4, 5, 6}, 2s);
  EXPECT_TRUE(got(watcher).contains(1));
  speak({3, 4, 5, 6}, 2s);
  EXPECT_EQ(got(watcher).size(), 4u) << "three microphones, and one camera";
  scene_.relay.set_pinned(people_.at(1)->id, false, scene_.now);
  speak({2, 3, 4}, 2s);
  got(watcher);
  run(1s);
  EXPECT_FALSE(got(watcher).contains(1)) << "as anybody who is silent";
}

TEST_F(Following, WhoIsPinnedIsHeardBeforeAnybodySpeaks) {
  for (uint32_t number = 1; number <= 2; ++number) join(number, false);
  const auto watcher = watch(1, 0);
  speak({}, 1s);
  EXPECT_THAT(tracks(watcher), ElementsAre(3)) << "who came last";
  scene_.relay.set_pinned(people_.at(1)->id, true, scene_.now);
  EXPECT_THAT(tracks(watcher), ElementsAre(1));
  speak({2}, 1s);
  EXPECT_THAT(tracks(watcher), ElementsAre(3)) << "who has one slot hears who speaks";
  speak({1, 2}, 100ms);
  EXPECT_THAT(tracks(watcher), ElementsAre(1)) << "the pinned one before others";
}

TEST_F(Following, NobodyHasMorePlacesThanOneByBeingPinned) {
  const auto host = scene_.publish("host", {audio_track(101), audio_track(102), audio_track(103)});
  for (uint32_t number = 1; number <= 3; ++number) join(number, false);
  const auto watcher = watch(3, 0);
  scene_.relay.set_pinned(host, true, scene_.now);
  Source voice(scene_.pool, {.ssrc = 9, .codec = rtp::Codec::kOpus});
  for (int i = 0; i < 100; ++i) {
    scene_.relay.receive(TrackId(101), 0, with_level(voice.audio(), kSilence), scene_.now);
    speak({1, 2}, 20ms);
  }
  EXPECT_THAT(tracks(watcher), UnorderedElementsAre(101, 1, 3));
}

TEST_F(Following, EndsWithTheLastButOneMicrophoneAndWhoIsThereStaysInTheirSlots) {
  for (uint32_t number = 1; number <= 3; ++number) join(number);
  const auto watcher = watch(2, 2);
  speak({1}, 1s);
  speak({}, 1s);
  speak({2}, 1s);
  leave(3);
  leave(1);
  run(100ms);
  const auto in = tracks(watcher);
  EXPECT_THAT(in, UnorderedElementsAre(0, 0, 3, 4)) << "nobody is there twice";
  EXPECT_EQ(scene_.relay.tracks_of(people_.at(2)->id)[0].is_speaking, std::nullopt)
      << "nobody listens any more";
  got(watcher);
  speak({}, 1s);
  EXPECT_EQ(tracks(watcher), in);
  EXPECT_THAT(got(watcher), UnorderedElementsAre(3, 4));
  join(4);
  speak({}, 1s);
  EXPECT_THAT(tracks(watcher), UnorderedElementsAre(3, 4, 7, 8)) << "in the order of coming";
  speak({4}, 1s);
  EXPECT_TRUE(scene_.relay.tracks_of(people_.at(4)->id)[0].is_speaking.value_or(false));
}

TEST_F(Following, ListensOnWhereOthersWantToKnow) {
  join(1);
  join(2);
  scene_.relay.listen_to(people_.at(1)->id);
  leave(2);
  speak({1}, 1s);
  EXPECT_TRUE(scene_.relay.tracks_of(people_.at(1)->id)[0].is_speaking.value_or(false));
}

TEST_F(Following, ASlotCarriesWhoIsNamedForItUntilNobodyIs) {
  for (uint32_t number = 1; number <= 4; ++number) join(number);
  const auto watcher = watch(1, 2);
  speak({3}, 1s);
  const auto pin = [&](uint32_t ssrc, const std::optional<std::string>& participant) {
    scene_.relay.set_viewing(watcher, rtp::Ssrc(ssrc), {.participant = participant}, scene_.now);
  };
  pin(110, "p1");
  EXPECT_EQ(tracks(watcher)[2], 2u);
  pin(1, "p1");
  speak({3, 4}, 2s);
  EXPECT_EQ(tracks(watcher)[0], 1u);
  EXPECT_EQ(tracks(watcher)[2], 2u);
  got(watcher);
  run(1s);
  EXPECT_TRUE(got(watcher).contains(1)) << "though he is silent";
  pin(1, "");
  pin(110, "");
  speak({4}, 2s);
  EXPECT_EQ(tracks(watcher)[0], 7u);
  const auto is_pinned = [&](size_t slot) {
    return scene_.relay.slots_of(watcher)[slot].is_pinned;
  };
  EXPECT_FALSE(is_pinned(2));
  pin(110, "nobody");
  EXPECT_EQ(tracks(watcher)[2], 0u) << "held for who was named";
  EXPECT_TRUE(is_pinned(2));
}

TEST_F(Following, ASlotMayBeFreedOfWhomTheViewerNamed) {
  for (uint32_t number = 1; number <= 3; ++number) join(number);
  const auto watcher = watch(1, 1, {.participant = "p1"});
  scene_.relay.set_viewing(watcher, rtp::Ssrc(1), {.participant = ""}, scene_.now);
  speak({3}, 2s);
  EXPECT_THAT(tracks(watcher), ElementsAre(5, 2));
}

TEST_F(Following, WhoNamedSomebodyStaysWithThem) {
  for (uint32_t number = 1; number <= 5; ++number) join(number);
  const auto watcher = watch(1, 1, {.participant = "p1"});
  speak({2, 3, 4}, 3s);
  EXPECT_THAT(tracks(watcher), ElementsAre(1, 2));
  EXPECT_THAT(got(watcher), UnorderedElementsAre(1, 2));
}

TEST_F(Following, SlotsBeyondThoseOfWhoWasNamedFollowTheOthers) {
  for (uint32_t number = 1; number <= 5; ++number) join(number);
  const auto watcher = watch(3, 2, {.participant = "p1"});
  speak({2, 3}, 2s);
  const auto in = tracks(watcher);
  EXPECT_THAT(in, ElementsAre(1, ::testing::_, ::testing::_, 2, ::testing::AnyOf(4, 6)));
  EXPECT_THAT((std::set{in[1], in[2]}), UnorderedElementsAre(3, 5));
  speak({1, 4, 5}, 2s);
  EXPECT_THAT(tracks(watcher), UnorderedElementsAre(1, 7, 9, 2, ::testing::_)) << "nobody is twice";
  leave(1);
  speak({4, 5}, 1s);
  EXPECT_EQ(tracks(watcher)[0], 0u) << "held for who was named";
  join(1);
  speak({4, 5}, 1s);
  EXPECT_EQ(tracks(watcher)[0], 1u);
}

TEST_F(Following, WhoLeavesMakesPlaceAndWhoComesTakesIt) {
  for (uint32_t number = 1; number <= 3; ++number) join(number);
  const auto watcher = watch(1, 1);
  speak({2}, 1s);
  leave(2);
  run(100ms);
  EXPECT_THAT(tracks(watcher), ElementsAre(5, 6));
  leave(3);
  leave(1);
  EXPECT_THAT(tracks(watcher), ElementsAre(0, 0));
  join(4);
  run(100ms);
  EXPECT_THAT(tracks(watcher), ElementsAre(7, 8));
  speak({4}, 1s);
  EXPECT_THAT(got(watcher), ::testing::IsSupersetOf({7u, 8u}));
}

TEST_F(Following, WhoHasFallenSilentAltogetherIsNotSeen) {
  for (uint32_t number = 1; number <= 3; ++number) join(number);
  const auto watcher = watch(1, 1);
  speak({1}, 1s);
  speak({2}, 1s);
  EXPECT_THAT(tracks(watcher), ElementsAre(3, 4));
  auto crashed = std::move(people_.at(2));
  people_.erase(2);
  speak({}, 4s);
  EXPECT_THAT(tracks(watcher), ElementsAre(1, 2)) << "who spoke before";
}

TEST_F(Following, WhoSaysNothingIsSeenInPlaceOfWhoHasFallenSilentAltogether) {
  join(1);
  join(2);
  const auto watcher = watch(1, 1);
  speak({1}, 1s);
  speak({2}, 1s);
  EXPECT_THAT(tracks(watcher), ElementsAre(3, 4));
  auto crashed = std::move(people_.at(2));
  people_.erase(2);
  leave(1);
  join(3);
  speak({}, 4s);
  EXPECT_EQ(tracks(watcher)[1], 6u);
}

TEST_F(Following, WithoutLevelsWhoeverSendsIsHeardUntilSomebodyLouderSpeaks) {
  for (uint32_t number = 1; number <= 4; ++number) join(number).has_level = false;
  const auto watcher = watch(4, 0);
  run(2s);
  EXPECT_EQ(got(watcher).size(), 3u);
  join(5);
  speak({5}, 2s);
  EXPECT_TRUE(got(watcher).contains(9));
}

TEST_F(Following, R19_WhoClaimsToBeTheLoudestTakesOnePlaceAndNotForever) {
  for (uint32_t number = 1; number <= 6; ++number) join(number);
  const auto watcher = watch(3, 1);
  speak({1, 2, 3}, 1s);
  people_.at(6)->voice_level = 0;
  speak({1, 2, 3, 6}, 3s);
  got(watcher);
  run(1s);
  const auto heard = got(watcher);
  EXPECT_TRUE(heard.contains(11));
  EXPECT_EQ(heard.size(), 4u) << "two others are heard, and one is seen";
  // Who speaks makes pauses; a tone does not.
  for (int i = 0; i < 30; ++i) {
    speak({1, 2, 3, 6}, 1s);
    speak({6}, 200ms);
  }
  speak({1, 2, 3, 6}, 1s);
  EXPECT_THAT(tracks(watcher), UnorderedElementsAre(1, 3, 5, ::testing::_));
}

TEST_F(Following, WhatIsToldOfAMicrophoneElsewhereCountsAsIfItWereHeard) {
  for (uint32_t number = 1; number <= 4; ++number) join(number, false);
  const auto watcher = watch(1, 0);
  speak({2}, 2s);
  auto elsewhere = std::move(people_.at(1));
  people_.erase(1);
  scene_.relay.set_lent(TrackId(1), 0, false, scene_.now);
  LayerNews news;
  news.track = TrackId(1);
  news.seen = true;
  news.active = true;
  news.format = rtp::CodecFormat{};
  scene_.relay.receive_news(news, scene_.now);
  speak({}, 1s);
  news.is_speaking = true;
  news.loudness = 90;
  scene_.relay.receive_news(news, scene_.now);
  EXPECT_THAT(tracks(watcher), ElementsAre(1));
  run(2s);
  EXPECT_THAT(tracks(watcher), ElementsAre(1));
  news.is_speaking = false;
  scene_.relay.receive_news(news, scene_.now);
  speak({3}, 1s);
  EXPECT_THAT(tracks(watcher), ElementsAre(5));
}

class AnyRoom : public Following, public ::testing::WithParamInterface<uint32_t> {};

// take() checks each packet of each stream.
TEST_P(AnyRoom, LeavesEverySlotOneValidStreamWhateverHappens) {
  std::mt19937 random(GetParam());
  for (int i = 0; i < 60; ++i) {
    const uint32_t number = 1 + random() % 8;
    const bool is_here = people_.contains(number);
    if (!is_here && random() % 2 == 0) join(number, random() % 4 != 0);
    if (is_here && random() % 12 == 0) leave(number);
    if (random() % 16 == 0) {
      const auto whom = static_cast<uint32_t>(random() % 16);
      const Wish wish = {.participant = whom > 8 ? "" : "p" + std::to_string(whom)};
      watch(random() % 4, random() % 4, wish);
    }
    std::set<uint32_t> speaking;
    for (auto k = random() % 5; k > 0; --k) {
      speaking.insert(static_cast<uint32_t>(1 + random() % 8));
    }
    speak(speaking, Duration(random() % 400'000));
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, AnyRoom, ::testing::Range(0u, 20u));

}  // namespace
}  // namespace simpul::relay
