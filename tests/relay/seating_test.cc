#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/relay/scene.h"

namespace simpul::relay {
namespace {

using namespace testing;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class SeatingTest : public ::testing::Test {
 protected:
  // Which track each slot carries, 0 for none.
  void pin(SubscriberId watcher, uint32_t ssrc, const std::string& participant) {
    scene_.relay.set_viewing(watcher, rtp::Ssrc(ssrc), {.participant = participant}, scene_.now);
  }
  std::vector<uint32_t> tracks(SubscriberId watcher) {
    std::vector<uint32_t> ids;
    for (const auto& slot : scene_.relay.slots_of(watcher)) {
      ids.push_back(slot.track ? slot.track->value() : 0);
    }
    return ids;
  }
  void leave(PublisherId publisher) { scene_.relay.remove_publisher(publisher, scene_.now); }

  Scene scene_;
};

TEST_F(SeatingTest, GivesTheFirstTracksOfTheLastPublisher) {
  scene_.publish("ana", {audio_track(1), video_track(2)});
  scene_.publish("bo", {audio_track(3), video_track(4)});
  EXPECT_THAT(tracks(scene_.watch({}, {audio_slot(1), video_slot(10)})), ElementsAre(3, 4));
}

TEST_F(SeatingTest, GivesTheNamedParticipantAndOthersInFurtherSlotsOnly) {
  const auto ana = scene_.publish("ana", {audio_track(1), video_track(2)});
  scene_.publish("bo", {audio_track(3), video_track(4)});
  const Wish wish = {.participant = "ana"};
  const auto pair = scene_.watch(wish, {audio_slot(1), video_slot(10)});
  const auto more = scene_.watch(wish, {audio_slot(1), video_slot(10), video_slot(20)});
  EXPECT_THAT(tracks(pair), ElementsAre(1, 2));
  EXPECT_THAT(tracks(more), ElementsAre(1, 2, 4));
  leave(ana);
  EXPECT_THAT(tracks(pair), ElementsAre(0, 0)) << "nobody else";
  EXPECT_THAT(tracks(more), ElementsAre(0, 0, 4));
}

TEST_F(SeatingTest, ShowsWhoIsThereTwiceInOneSlotOnlyWhenOneOfTheConnectionsEnds) {
  const auto first = scene_.publish("ana", {audio_track(1), video_track(2)});
  const auto watcher = scene_.watch({.participant = "ana"},
                                    {audio_slot(1), video_slot(10), audio_slot(2), video_slot(20)});
  scene_.publish("ana", {audio_track(3), video_track(4)});
  EXPECT_THAT(tracks(watcher), ElementsAre(1, 2, 3, 4));
  leave(first);
  EXPECT_THAT(tracks(watcher), ElementsAre(3, 4, 0, 0));
}

TEST_F(SeatingTest, ASlotIsForWhoIsNamedForItAndTheirFurtherTracksForTheNextOnes) {
  scene_.publish("ana", {audio_track(1), video_track(2), video_track(3)});
  scene_.publish("bo", {audio_track(5), video_track(6)});
  const auto watcher = scene_.watch({}, {audio_slot(1), video_slot(10), video_slot(20)});
  EXPECT_THAT(tracks(watcher), ElementsAre(5, 6, 2));
  pin(watcher, 10, "ana");
  EXPECT_THAT(tracks(watcher), ElementsAre(5, 2, 3));
  pin(watcher, 20, "ana");
  EXPECT_THAT(tracks(watcher), ElementsAre(5, 2, 3));
  pin(watcher, 10, "");
  EXPECT_THAT(tracks(watcher), ElementsAre(5, 6, 2));
}

TEST_F(SeatingTest, ASlotThatAPinLeavesFreeShowsWhoWouldNotBeSeen) {
  scene_.publish("ana", {audio_track(1), video_track(2)});
  const auto bo = scene_.publish("bo", {audio_track(3), video_track(4)});
  const auto watcher = scene_.watch({}, {audio_slot(1), video_slot(10), video_slot(20)});
  EXPECT_THAT(tracks(watcher), ElementsAre(3, 4, 2));
  pin(watcher, 10, "ana");
  EXPECT_THAT(tracks(watcher), ElementsAre(3, 2, 4));
  const auto cai = scene_.publish("cai", {video_track(6)});
  EXPECT_THAT(tracks(watcher), ElementsAre(3, 2, 6)) << "who has a seat goes first";
  leave(cai);
  EXPECT_THAT(tracks(watcher), ElementsAre(3, 2, 4));
  leave(bo);
  EXPECT_THAT(tracks(watcher), ElementsAre(1, 2, 0)) << "nobody twice";
}

TEST_F(SeatingTest, WhomAFreeSlotShowsStaysThereWhenOthersCome) {
  scene_.publish("ana", {audio_track(1), video_track(2)});
  scene_.publish("bo", {audio_track(3), video_track(4)});
  const auto watcher =
      scene_.watch({}, {audio_slot(1), video_slot(10), audio_slot(2), video_slot(20)});
  EXPECT_THAT(tracks(watcher), ElementsAre(3, 4, 1, 2));
  pin(watcher, 10, "ana");
  EXPECT_THAT(tracks(watcher), ElementsAre(3, 2, 1, 4));
  Source source(scene_.pool, {});
  scene_.pass(4, source.frame({.key = true}));
  scene_.publish("cai", {audio_track(5), video_track(6)});
  EXPECT_THAT(tracks(watcher), ElementsAre(3, 2, 1, 4));
  const auto sent = scene_.pass(4, source.frame({}));
  ASSERT_FALSE(sent.empty()) << "and goes on without another key frame";
  EXPECT_EQ(sent[0].ssrc, rtp::Ssrc(20));
}

TEST_F(SeatingTest, PinsNowAndNotWhenSomethingCameLast) {
  scene_.publish("ana", {video_track(2)});
  scene_.publish("bo", {video_track(4)});
  scene_.watch({.participant = "ana"}, {video_slot(10)});
  const auto watcher = scene_.watch({.participant = "bo"}, {video_slot(20)});
  Source source(scene_.pool, {});
  scene_.pass(2, source.frame({.key = true}));
  scene_.now += 3s;
  pin(watcher, 20, "ana");
  EXPECT_EQ(scene_.relay.counters().starts_from_cache, 0u) << "the key frame is too long ago";
}

TEST_F(SeatingTest, GivesTheTracksOfOneInTheirOrder) {
  scene_.publish("ana", {video_track(2), audio_track(1), video_track(3)});
  const auto watcher =
      scene_.watch({.participant = "ana"}, {video_slot(10), audio_slot(1), video_slot(20)});
  EXPECT_THAT(tracks(watcher), ElementsAre(2, 1, 3));
}

TEST_F(SeatingTest, GivesFurtherSlotsToFurtherPublishersInPairs) {
  scene_.publish("ana", {audio_track(1), video_track(2)});
  scene_.publish("bo", {audio_track(3)});
  scene_.publish("cai", {audio_track(5), video_track(6)});
  const auto watcher = scene_.watch({}, {audio_slot(1), audio_slot(2), audio_slot(3),
                                         video_slot(10), video_slot(20), video_slot(30)});
  EXPECT_THAT(tracks(watcher), ElementsAre(5, 3, 1, 6, 0, 2));
}

TEST_F(SeatingTest, SomebodyNewTakesAFreeSeatButNotAnothers) {
  scene_.publish("ana", {audio_track(1), video_track(2)});
  const auto one = scene_.watch({}, {audio_slot(1), video_slot(10)});
  const auto two = scene_.watch({}, {audio_slot(1), video_slot(10), audio_slot(2), video_slot(20)});
  scene_.publish("bo", {audio_track(3), video_track(4)});
  EXPECT_THAT(tracks(one), ElementsAre(1, 2));
  EXPECT_THAT(tracks(two), ElementsAre(1, 2, 3, 4));
}

TEST_F(SeatingTest, WhoReturnsGetsTheSameSeat) {
  const auto ana = scene_.publish("ana", {audio_track(1), video_track(2)});
  const auto bo = scene_.publish("bo", {audio_track(3), video_track(4)});
  const auto watcher =
      scene_.watch({}, {audio_slot(1), video_slot(10), audio_slot(2), video_slot(20)});
  EXPECT_THAT(tracks(watcher), ElementsAre(3, 4, 1, 2));
  leave(ana);
  leave(bo);
  EXPECT_THAT(tracks(watcher), ElementsAre(0, 0, 0, 0));
  scene_.publish("ana", {audio_track(5), video_track(6)});
  EXPECT_THAT(tracks(watcher), ElementsAre(0, 0, 5, 6));
  scene_.publish("bo", {audio_track(7), video_track(8)});
  EXPECT_THAT(tracks(watcher), ElementsAre(7, 8, 5, 6));
}

TEST_F(SeatingTest, AnybodyFollowsWhoLeftWhenNobodyWasNamed) {
  const auto ana = scene_.publish("ana", {audio_track(1), video_track(2)});
  const auto anybody = scene_.watch({}, {audio_slot(1), video_slot(10)});
  const auto only_ana = scene_.watch({.participant = "ana"}, {audio_slot(1), video_slot(10)});
  leave(ana);
  scene_.publish("x17", {audio_track(3), video_track(4)});
  EXPECT_THAT(tracks(anybody), ElementsAre(3, 4));
  EXPECT_THAT(tracks(only_ana), ElementsAre(0, 0));
}

TEST_F(SeatingTest, SeatsNobodyWhoHasNothingForTheSlots) {
  scene_.publish("ana", {video_track(2)});
  scene_.publish("bo", {audio_track(3)});
  EXPECT_THAT(tracks(scene_.watch({}, {video_slot(10)})), ElementsAre(2));
}

TEST_F(SeatingTest, KeepsRoomsApart) {
  scene_.publish("ana", {audio_track(1)});
  const auto other =
      scene_.relay.add_subscriber("elsewhere", {}, std::vector{audio_slot(1)}, scene_.now);
  EXPECT_THAT(tracks(other), ElementsAre(0));
}

TEST_F(SeatingTest, KnowsWhoPublishes) {
  EXPECT_FALSE(scene_.relay.has_publisher("room", ""));
  const auto ana = scene_.publish("ana", {});
  EXPECT_TRUE(scene_.relay.has_publisher("room", ""));
  EXPECT_TRUE(scene_.relay.has_publisher("room", "ana"));
  EXPECT_FALSE(scene_.relay.has_publisher("room", "bo"));
  EXPECT_FALSE(scene_.relay.has_publisher("hall", "ana"));
  leave(ana);
  EXPECT_FALSE(scene_.relay.has_publisher("room", ""));
}

TEST_F(SeatingTest, TheReturningPublisherIsSeenInTheSameStream) {
  const auto ana = scene_.publish("ana", {audio_track(1), video_track(2)});
  scene_.watch({}, {audio_slot(1), video_slot(10)});
  Source before(scene_.pool, {.ssrc = 5});
  const auto sent = scene_.pass(2, before.frame({.key = true}));
  ASSERT_FALSE(sent.empty());
  leave(ana);
  scene_.now += 2s;
  scene_.publish("ana", {audio_track(3), video_track(4)});
  Source after(scene_.pool, {.ssrc = 6, .timestamp = 4'000'000'000, .picture_id = 9});
  EXPECT_THAT(scene_.pass(4, after.frame({})), IsEmpty()) << "not before a key frame";
  EXPECT_EQ(scene_.requests(), 1u);
  const auto again = scene_.pass(4, after.frame({.key = true}));
  ASSERT_FALSE(again.empty());
  EXPECT_EQ(again[0].ssrc, sent[0].ssrc);
  EXPECT_EQ(again[0].index, sent.back().index + 1);
  EXPECT_EQ(again[0].timestamp, sent.back().timestamp + 180'000);
  EXPECT_EQ(*again[0].vp8().picture_id, *sent[0].vp8().picture_id + 1);
  EXPECT_EQ(again[0].csrc, 4u);
}

TEST_F(SeatingTest, GivesNothingBeforeTheSubscriberStarts) {
  scene_.publish("ana", {audio_track(1), video_track(2)});
  const auto watcher = scene_.relay.add_subscriber(
      "room", {}, std::vector{audio_slot(1), video_slot(10)}, scene_.now);
  Source source(scene_.pool, {});
  EXPECT_THAT(scene_.pass(2, source.frame({.key = true})), IsEmpty());
  EXPECT_EQ(scene_.requests(), 0u);
  scene_.relay.start_subscriber(watcher, scene_.now);
  EXPECT_EQ(scene_.requests(), 1u) << "a late joiner does not wait for chance";
  EXPECT_FALSE(scene_.pass(2, source.frame({.key = true})).empty());
}

TEST_F(SeatingTest, GivesTheSeatOfOneWhoFellSilentToOneWhoSends) {
  scene_.publish("ana", {audio_track(1), video_track(2)});
  const auto watcher = scene_.watch({}, {audio_slot(1), video_slot(10)});
  const auto named = scene_.watch({.participant = "ana"}, {audio_slot(1), video_slot(10)});
  Source crashed(scene_.pool, {.ssrc = 5});
  scene_.pass(2, crashed.frame({.key = true}));
  scene_.publish("ana-again", {audio_track(3), video_track(4)});
  scene_.advance(2'500ms);
  EXPECT_THAT(tracks(watcher), ElementsAre(1, 2)) << "nobody else is sending";
  Source back(scene_.pool, {.ssrc = 6});
  scene_.pass(4, back.frame({.key = true}));
  EXPECT_EQ(scene_.requests(100ms), 1u) << "of the layer that it waits for now";
  EXPECT_THAT(tracks(watcher), ElementsAre(3, 4));
  EXPECT_THAT(tracks(named), ElementsAre(1, 2)) << "keeps to its wish";
  EXPECT_FALSE(scene_.pass(4, back.frame({.key = true})).empty());
}

// Nobody's seat: who has none for want of a slot is shown in one that is free.
TEST_F(SeatingTest, GivesAFreeSlotOfOneWhoFellSilentToOneWhoSends) {
  scene_.publish("cai", {video_track(6)});
  scene_.publish("bo", {audio_track(3), video_track(4)});
  scene_.publish("ana", {audio_track(1), video_track(2)});
  const auto watcher =
      scene_.watch({}, {audio_slot(1), video_slot(10), video_slot(20), video_slot(30)});
  ASSERT_THAT(tracks(watcher), ElementsAre(1, 2, 4, 6));
  pin(watcher, 20, "ana");
  ASSERT_THAT(tracks(watcher), ElementsAre(1, 4, 2, 6)) << "bo has no seat";
  scene_.publish("dan", {video_track(8)});
  ASSERT_THAT(tracks(watcher), ElementsAre(1, 4, 2, 6));
  Source ana(scene_.pool, {.ssrc = 5});
  Source cai(scene_.pool, {.ssrc = 6});
  Source dan(scene_.pool, {.ssrc = 7});
  for (int i = 0; i < 25; ++i) {
    EXPECT_THAT(tracks(watcher), ElementsAre(1, i < 21 ? 4 : 8, 2, 6)) << i;
    scene_.pass(2, ana.frame({.key = true}));
    scene_.pass(6, cai.frame({.key = true}));
    scene_.pass(8, dan.frame({.key = true}));
    scene_.advance(100ms);
  }
}

TEST_F(SeatingTest, KeepsTheSeatOfOneWhoStillSendsAnything) {
  scene_.publish("ana", {audio_track(1), video_track(2)});
  const auto watcher = scene_.watch({}, {audio_slot(1), video_slot(10)});
  scene_.publish("bo", {audio_track(3), video_track(4)});
  Source voice(scene_.pool, {.ssrc = 5, .codec = rtp::Codec::kOpus});
  Source other(scene_.pool, {.ssrc = 6});
  for (int i = 0; i < 50; ++i) {
    std::vector<rtp::MediaPacket> spoken;
    if (i % 10 == 0) spoken.push_back(voice.audio());
    scene_.pass(1, std::move(spoken));
    scene_.pass(4, other.frame({.key = true}));
    scene_.advance(100ms);
  }
  EXPECT_THAT(tracks(watcher), ElementsAre(1, 2));
}

}  // namespace
}  // namespace simpul::relay
