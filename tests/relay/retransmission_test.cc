#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "relay/retransmissions.h"
#include "relay/subscriber.h"
#include "tests/relay/scene.h"

namespace simpul::relay {
namespace {

using namespace testing;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class RetransmissionTest : public ::testing::Test {
 protected:
  RetransmissionTest() {
    scene_.publish("ana", {audio_track(1), video_track(2)});
    watcher_ = scene_.watch({}, {audio_slot(1), video_slot(10)});
    sent_ = scene_.pass(2, source_.frame({.key = true, .packets = 5}));
  }
  std::vector<Sent> nack(uint64_t index) {
    const rtp::SequenceNumber missing(static_cast<uint16_t>(index));
    scene_.relay.receive_nack(watcher_, rtp::Ssrc(10), std::span(&missing, 1), scene_.now);
    return scene_.collect();
  }

  Scene scene_;
  Source source_{scene_.pool, {}};
  SubscriberId watcher_;
  std::vector<Sent> sent_;
};

TEST_F(RetransmissionTest, SendsTheSameNumbersInAStreamOfItsOwn) {
  const auto first = nack(sent_[2].index);
  ASSERT_THAT(first, SizeIs(1));
  EXPECT_EQ(first[0].ssrc, rtp::Ssrc(11));
  EXPECT_EQ(first[0].payload_type, kRtxType);
  EXPECT_LT(first[0].index, 0x8000u);
  EXPECT_EQ(first[0].timestamp, sent_[2].timestamp);
  EXPECT_EQ(first[0].csrc, 2u);
  EXPECT_FALSE(first[0].marker);
  EXPECT_EQ(load_be16(Bytes(first[0].payload).first<2>()), static_cast<uint16_t>(sent_[2].index));
  EXPECT_EQ(std::vector<uint8_t>(first[0].payload.begin() + 2, first[0].payload.end()),
            sent_[2].payload);

  const auto second = nack(sent_[4].index);
  ASSERT_THAT(second, SizeIs(1));
  EXPECT_EQ(second[0].index, first[0].index + 1);
  EXPECT_TRUE(second[0].marker);
  EXPECT_EQ(scene_.relay.counters().retransmissions, 2u);
  EXPECT_EQ(scene_.relay.counters().nacks_received, 2u);
}

TEST_F(RetransmissionTest, RepairsGoBetweenSoundAndPicture) {
  const rtp::SequenceNumber missing(static_cast<uint16_t>(sent_[1].index));
  scene_.relay.receive_nack(watcher_, rtp::Ssrc(10), std::span(&missing, 1), scene_.now);
  Source voice(scene_.pool, {.ssrc = 7, .codec = rtp::Codec::kOpus});
  std::vector<rtp::MediaPacket> sound;
  sound.push_back(voice.audio());
  scene_.receive(1, std::move(sound));
  std::vector<rtp::Ssrc> order;
  for (const auto& sent : scene_.pass(2, source_.frame({.packets = 2}))) order.push_back(sent.ssrc);
  EXPECT_THAT(order, ElementsAre(rtp::Ssrc(1), rtp::Ssrc(11), rtp::Ssrc(10), rtp::Ssrc(10)));
}

TEST_F(RetransmissionTest, WaitsForARoundTripBeforeTheNext) {
  scene_.relay.set_round_trip(watcher_, 80ms);
  EXPECT_THAT(nack(sent_[1].index), SizeIs(1));
  scene_.now += 79ms;
  EXPECT_THAT(nack(sent_[1].index), IsEmpty());
  scene_.now += 1ms;
  EXPECT_THAT(nack(sent_[1].index), SizeIs(1));
}

TEST_F(RetransmissionTest, TakesNoRoundTripToBeShorterThanTenMilliseconds) {
  scene_.relay.set_round_trip(watcher_, 0ms);
  EXPECT_THAT(nack(sent_[1].index), SizeIs(1));
  scene_.now += 9ms;
  EXPECT_THAT(nack(sent_[1].index), IsEmpty());
  scene_.now += 1ms;
  EXPECT_THAT(nack(sent_[1].index), SizeIs(1));
}

// Where a fifth is lost, three in a row are of one repair in a hundred and twenty.
TEST_F(RetransmissionTest, SendsAPacketAgainForAsLongAsItIsAskedForAndKept) {
  for (int i = 0; i < 8; ++i) {
    EXPECT_THAT(nack(sent_[1].index), SizeIs(1)) << i;
    scene_.now += 110ms;
  }
}

TEST_F(RetransmissionTest, GivesUpAfterTenTimes) {
  size_t repeated = 0;
  for (int i = 0; i < 14; ++i) {
    repeated += nack(sent_[1].index).size();
    scene_.now += 60ms;
  }
  EXPECT_EQ(repeated, 10u);
  EXPECT_EQ(scene_.relay.counters().retransmissions_refused, 4u);
}

TEST_F(RetransmissionTest, HasNothingOlderThanTheHistory) {
  scene_.now += 2'100ms;
  scene_.pass(2, source_.frame({}));
  EXPECT_THAT(nack(sent_[1].index), IsEmpty());
}

TEST_F(RetransmissionTest, IgnoresWhatWasNeverSent) {
  EXPECT_THAT(nack(sent_.back().index + 1), IsEmpty());
  EXPECT_THAT(nack(sent_.front().index - 1), IsEmpty());
  EXPECT_THAT(nack(sent_.front().index + 0x7000), IsEmpty());
}

TEST_F(RetransmissionTest, SendsNothingAgainWithoutRtx) {
  auto slot = video_slot(20);
  slot.rtx_ssrc.reset();
  watcher_ = scene_.watch({}, {slot});
  const auto sent = scene_.pass(2, source_.frame({.key = true}));
  const rtp::SequenceNumber missing(static_cast<uint16_t>(sent.back().index));
  scene_.relay.receive_nack(watcher_, rtp::Ssrc(20), std::span(&missing, 1), scene_.now);
  EXPECT_THAT(scene_.collect(), IsEmpty());
}

TEST_F(RetransmissionTest, SendsNoAudioAgain) {
  Source voice(scene_.pool, {.ssrc = 7, .codec = rtp::Codec::kOpus});
  std::vector<rtp::MediaPacket> packets;
  packets.push_back(voice.audio());
  const auto sent = scene_.pass(1, std::move(packets));
  ASSERT_THAT(sent, SizeIs(1));
  const auto missing = rtp::SequenceNumber(static_cast<uint16_t>(sent[0].index));
  scene_.relay.receive_nack(watcher_, rtp::Ssrc(1), std::span(&missing, 1), scene_.now);
  EXPECT_THAT(scene_.collect(), IsEmpty());
}

TEST_F(RetransmissionTest, HasNothingOfASourceThatBeganAnew) {
  Source again(scene_.pool, {.ssrc = 99, .first_tag = 1'000});
  EXPECT_THAT(scene_.pass(2, again.frame({.key = true})), SizeIs(3));
  EXPECT_THAT(nack(sent_[3].index), IsEmpty());
}

// Two layers of which the first was begun with.
class RetransmissionOfLayersTest : public RetransmissionTest {
 protected:
  RetransmissionOfLayersTest() {
    scene_.publish("bo", {video_track(3, {"q", "f"})});
    scene_.watch({.participant = "bo", .layer = LayerChoice::kLow}, {video_slot(30)});
    watcher_ = scene_.watch({.participant = "bo"}, {video_slot(10), video_slot(20)});
    before_ = pass(low_.frame({.key = true}), 0);
  }
  std::vector<Sent> pass(std::vector<rtp::MediaPacket> packets, uint8_t layer) {
    std::vector<Sent> mine;
    for (const auto& sent : scene_.pass(3, std::move(packets), layer)) {
      if (sent.subscriber == watcher_ && sent.ssrc == rtp::Ssrc(10)) mine.push_back(sent);
    }
    return mine;
  }

  Source low_{scene_.pool, {.ssrc = 31, .first_tag = 1'000}};
  Source high_{scene_.pool, {.ssrc = 32, .width = 1'280, .first_tag = 2'000}};
  std::vector<Sent> before_;
};

TEST_F(RetransmissionOfLayersTest, RepairsTheLayerThatItCarriesWhileItWaitsForTheNext) {
  const auto again = nack(before_.at(1).index);
  ASSERT_THAT(again, SizeIs(1));
  EXPECT_EQ(again[0].tag(), before_[1].tag());
  pass(high_.frame({}), 1);
  EXPECT_THAT(nack(before_.at(2).index), SizeIs(1));
}

TEST_F(RetransmissionOfLayersTest, RepairsNothingBeforeTheKeyFrameThatItHasSwitchedWith) {
  const auto key = pass(high_.frame({.key = true}), 1);
  ASSERT_THAT(key, SizeIs(3));
  const auto refused = scene_.relay.counters().retransmissions_refused;
  EXPECT_THAT(nack(before_.at(1).index), IsEmpty());
  EXPECT_EQ(scene_.relay.counters().retransmissions_refused, refused + 1);
  EXPECT_THAT(nack(key[0].index), SizeIs(1)) << "but the key frame";
  EXPECT_THAT(nack(pass(high_.frame({}), 1).at(0).index), SizeIs(1)) << "and what follows";
}

TEST_F(RetransmissionOfLayersTest, WhatWaitedWhenTheKeyFrameCameIsNotSent) {
  const rtp::SequenceNumber missing(static_cast<uint16_t>(before_.at(1).index));
  scene_.relay.receive_nack(watcher_, rtp::Ssrc(10), std::span(&missing, 1), scene_.now);
  const auto refused = scene_.relay.counters().retransmissions_refused;
  for (const auto& sent : scene_.pass(3, high_.frame({.key = true}), 1)) {
    EXPECT_NE(sent.ssrc, rtp::Ssrc(11));
  }
  EXPECT_EQ(scene_.relay.counters().retransmissions_refused, refused + 1);
  EXPECT_EQ(scene_.relay.counters().retransmissions, 0u);
}

TEST_F(RetransmissionOfLayersTest, TellsWithWhichPacketTheStreamBeginsAnew) {
  const auto beginnings = [&](std::vector<rtp::MediaPacket> packets, uint8_t layer) {
    scene_.receive(3, std::move(packets), layer);
    std::vector<bool> flags;
    SubscriberBatch batch;
    while (scene_.relay.collect(scene_.now, 0ms, batch)) {
      for (const auto& packet : batch.packets) {
        if (packet.ssrc == rtp::Ssrc(10)) flags.push_back(packet.begins_anew);
      }
    }
    return flags;
  };
  EXPECT_THAT(beginnings(low_.frame({.key = true}), 0), Each(false)) << "it shows that one";
  EXPECT_THAT(beginnings(high_.frame({.key = true}), 1), ElementsAre(true, false, false));
  EXPECT_THAT(beginnings(high_.frame({}), 1), Each(false));
}

TEST_F(RetransmissionTest, OneThatDidNotLeaveDoesNotCount) {
  scene_.relay.set_round_trip(watcher_, 80ms);
  ASSERT_THAT(nack(sent_[1].index), SizeIs(1));
  const rtp::SequenceNumber number(static_cast<uint16_t>(sent_[1].index));
  scene_.relay.give_back(watcher_, {.ssrc = rtp::Ssrc(10), .sequence_number = number, .size = 20});
  EXPECT_THAT(nack(sent_[1].index), SizeIs(1)) << "without a round trip between them";
  EXPECT_THAT(nack(sent_[1].index), IsEmpty());
}

TEST(RetransmissionLimit, GetsBackWhatDidNotLeave) {
  RetransmissionLimit limit(TimePoint(1s));
  const auto ask = [&](uint64_t index) {
    return limit.allow({.index = index, .size = 10'000, .times_max = 1, .round_trip = 50ms},
                       TimePoint(1s));
  };
  for (uint64_t index = 1; index <= 5; ++index) ASSERT_TRUE(ask(index));
  ASSERT_FALSE(ask(6));
  limit.give_back(5, 10'000);
  EXPECT_TRUE(ask(5)) << "as the first time, and there is room for it";
  EXPECT_FALSE(ask(6));
  limit.give_back(7, 10'000);
  EXPECT_TRUE(ask(6)) << "one that is not known any more gives its room back";
}

TEST_F(RetransmissionTest, QueuesNoMoreThanItsLimitForOneSubscriber) {
  const auto sent = scene_.pass(2, source_.frame({.key = true, .packets = 400, .packet_size = 30}));
  std::vector<rtp::SequenceNumber> missing;
  for (const auto& packet : sent) missing.emplace_back(static_cast<uint16_t>(packet.index));
  scene_.relay.receive_nack(watcher_, rtp::Ssrc(10), missing, scene_.now);
  EXPECT_THAT(scene_.collect(), SizeIs(256));
}

TEST(RetransmissionLimit, SpendsNoMoreThanItsShareOfWhatWasSent) {
  TimePoint now(1s);
  RetransmissionLimit limit(now);
  uint64_t index = 0;
  size_t allowed = 0;
  const auto ask_for_all = [&](uint64_t octets_sent) {
    for (int i = 0; i < 1'000; ++i) {
      allowed += limit.allow({.index = ++index,
                              .size = 1'000,
                              .octets_sent = octets_sent,
                              .times_max = 3,
                              .round_trip = 50ms},
                             now);
    }
  };
  ask_for_all(0);
  EXPECT_EQ(allowed, 50u);
  ask_for_all(200'000);
  EXPECT_EQ(allowed, 100u);
  now += 2s;
  ask_for_all(200'000);
  EXPECT_EQ(allowed, 120u) << "the floor";
  ask_for_all(9'000'000);
  EXPECT_EQ(allowed, 220u) << "no more than recently sent counts";
}

TEST_F(RetransmissionTest, LooksAtNoMoreNumbersThanItMayInOneInterval) {
  scene_.now += 1s;
  scene_.pass(2, source_.frame({.packets = 1}));
  const auto newest = rtp::SequenceNumber(static_cast<uint16_t>(sent_.back().index + 1));
  // Numbers that were never sent use the interval up.
  const std::vector<rtp::SequenceNumber> never(Subscriber::kNacksMax - 1, rtp::SequenceNumber(1));
  const auto ask = [&](std::span<const rtp::SequenceNumber> missing) {
    scene_.relay.receive_nack(watcher_, rtp::Ssrc(10), missing, scene_.now);
    return scene_.collect().size();
  };
  EXPECT_EQ(ask(never), 0u);
  EXPECT_EQ(ask(std::span(&newest, 1)), 1u) << "the last that is looked at";
  const auto refused = scene_.relay.counters().retransmissions_refused;
  scene_.now += Subscriber::kNackInterval - 1ms;
  EXPECT_EQ(ask(std::span(&newest, 1)), 0u);
  EXPECT_EQ(scene_.relay.counters().retransmissions_refused, refused + 1);
  scene_.now += 1ms;
  EXPECT_EQ(ask(std::span(&newest, 1)), 1u);
  EXPECT_EQ(scene_.relay.counters().nacks_received, Subscriber::kNacksMax + 2);
}

}  // namespace
}  // namespace simpul::relay
