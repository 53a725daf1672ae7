// What one worker keeps of a layer, given to another one where somebody begins to watch it: two
// relays, the second of which gets the packets of the first one's publisher from then on.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "tests/relay/scene.h"

namespace simpul::relay {
namespace {

using namespace testing;
using ::testing::ElementsAreArray;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAreArray;

constexpr TrackId kTrack(2);

class PastTest : public ::testing::TestWithParam<rtp::Codec> {
 protected:
  PastTest() {
    home_.publish("ana", {video_track(2)});
    home_.watch({.participant = "ana"}, {video_slot(30)});
    there_.publish("ana", {video_track(2)});
    there_.relay.set_lent(kTrack, 0, false, there_.now);
    send({.key = true});
    std::vector<LayerNews> told;
    home_.relay.take_news(told);
    for (const LayerNews& news : told) there_.relay.receive_news(news, there_.now);
  }

  // What comes to the home of the layer, and from there to the borrower.
  void arrive(std::vector<rtp::MediaPacket> packets) {
    for (auto& packet : packets) {
      if (lends_) there_.relay.receive(kTrack, 0, rtp::MediaPacket(packet), there_.now);
      home_.relay.receive(kTrack, 0, std::move(packet), home_.now);
    }
    collect();
  }
  void collect() {
    home_.collect(kHold);
    for (Sent& sent : there_.collect(kHold)) seen_.push_back(std::move(sent));
  }
  void send(const Source::Frame& frame) { arrive(video_.frame(frame)); }
  void send_for(Duration duration) {
    for (Duration passed{}; passed < duration; passed += 33ms) {
      elapse(33ms);
      send({});
    }
  }
  void elapse(Duration duration) {
    for (Duration passed{}; passed < duration; passed += 1ms) {
      home_.advance(1ms);
      requests_ += there_.requests(1ms);
      collect();
    }
  }
  SubscriberId watch() {
    const SubscriberId watcher = there_.watch({.participant = "ana"}, {video_slot(10)});
    there_.relay.set_lent(kTrack, 0, true, there_.now);
    return watcher;
  }
  // Gives there all that is kept at home.
  size_t lend() {
    const auto past = home_.relay.past_of(kTrack, 0);
    there_.relay.interrupt(kTrack, 0);
    give(past, 0, past.size());
    lends_ = true;
    return past.size();
  }
  void give(const std::vector<PastPacket>& past, size_t from, size_t to) {
    for (size_t i = from; i < to; ++i) {
      there_.relay.receive_past(kTrack, 0, past[i], i + 1 == past.size(), there_.now);
    }
  }

  std::vector<uint32_t> tags() const {
    std::vector<uint32_t> tags;
    for (const Sent& sent : seen_) tags.push_back(sent.tag());
    return tags;
  }
  // Of all packets that were made from this one on.
  std::vector<uint32_t> tags_from(uint32_t first) {
    std::vector<uint32_t> tags(video_.at().first_tag - first);
    std::iota(tags.begin(), tags.end(), first);
    return tags;
  }
  void expect_no_hole() const {
    for (size_t i = 1; i < seen_.size(); ++i) EXPECT_EQ(seen_[i].index, seen_[i - 1].index + 1);
  }

  static constexpr Duration kHold = 10ms;
  Scene home_;
  Scene there_;
  Source video_{home_.pool, {.ssrc = 1, .codec = GetParam()}};
  bool lends_ = false;
  std::vector<Sent> seen_;  // by who watches there
  size_t requests_ = 0;     // that the publisher would have got from there
};

TEST_P(PastTest, IsWhatTheFirstWatcherBeginsWithAndGoesOnLive) {
  send_for(500ms);
  watch();
  EXPECT_GT(lend(), 40u);
  send_for(2s);
  EXPECT_THAT(tags(), ElementsAreArray(tags_from(1)));
  expect_no_hole();
  EXPECT_EQ(requests_, 0u);
  // Caught up: the last frame left when it came.
  const size_t before = seen_.size();
  send({});
  EXPECT_EQ(seen_.size(), before + 3);
}

TEST_P(PastTest, HasThePartOfAFrameThatIsThere) {
  send_for(100ms);
  elapse(33ms);
  auto frame = video_.frame({});
  rtp::MediaPacket last = frame.back();
  frame.pop_back();
  arrive(std::move(frame));
  watch();
  lend();
  arrive({last});
  send_for(1s);
  EXPECT_THAT(tags(), ElementsAreArray(tags_from(1)));
  expect_no_hole();
}

TEST_P(PastTest, LeavesRoomForWhatIsLate) {
  send_for(100ms);
  elapse(33ms);
  auto frame = video_.frame({});
  rtp::MediaPacket late = frame[1];
  frame.erase(frame.begin() + 1);
  arrive(std::move(frame));
  watch();
  lend();
  elapse(20ms);
  arrive({late});
  send_for(1s);
  EXPECT_THAT(tags(), UnorderedElementsAreArray(tags_from(1)));
  EXPECT_EQ(requests_, 0u);
}

TEST_P(PastTest, ServesTheNextWatcherToo) {
  send_for(200ms);
  watch();
  lend();
  send_for(300ms);
  there_.watch({.participant = "ana"}, {video_slot(20)});
  seen_.clear();
  send_for(1s);
  const auto first = std::ranges::find(seen_, rtp::Ssrc(20), &Sent::ssrc);
  ASSERT_NE(first, seen_.end());
  EXPECT_EQ(first->tag(), 1u);
  EXPECT_EQ(requests_, 0u);
}

TEST_P(PastTest, IsNoBeginningBeforeAllOfItIsThere) {
  send_for(100ms);
  watch();
  const auto past = home_.relay.past_of(kTrack, 0);
  there_.relay.interrupt(kTrack, 0);
  give(past, 0, past.size() / 2);
  const SubscriberId next = there_.watch({.participant = "ana"}, {video_slot(20)});
  elapse(1ms);
  EXPECT_THAT(seen_, IsEmpty());
  give(past, past.size() / 2, past.size());
  lends_ = true;
  send_for(1s);
  std::erase_if(seen_, [next](const Sent& sent) { return sent.subscriber != next; });
  EXPECT_THAT(tags(), ElementsAreArray(tags_from(1)));
}

TEST_P(PastTest, IsNothingWhenTheKeyFrameIsTooLongAgo) {
  send_for(Limits{}.gop_age + 100ms);
  EXPECT_THAT(home_.relay.past_of(kTrack, 0), IsEmpty());
}

TEST_P(PastTest, IsNothingWherePaddingCameInBetween) {
  send_for(100ms);
  EXPECT_THAT(home_.relay.past_of(kTrack, 0), SizeIs(video_.at().first_tag - 1));
  arrive({video_.padding()});
  send_for(100ms);
  EXPECT_THAT(home_.relay.past_of(kTrack, 0), IsEmpty());
}

TEST_P(PastTest, IsNothingOfTracksAndLayersThatAreUnknown) {
  EXPECT_THAT(home_.relay.past_of(TrackId(99), 0), IsEmpty());
  EXPECT_THAT(home_.relay.past_of(kTrack, 9), IsEmpty());
  PastPacket packet{video_.frame({}).front(), there_.now};
  there_.relay.receive_past(TrackId(99), 0, packet, true, there_.now);
  there_.relay.receive_past(kTrack, 9, packet, true, there_.now);
  EXPECT_THAT(there_.collect(), IsEmpty());
}

TEST_P(PastTest, IsLetGoWhenNobodyWatchesAnyMore) {
  send_for(100ms);
  const SubscriberId watcher = watch();
  there_.relay.remove_subscriber(watcher);
  lend();
  elapse(33ms);
  EXPECT_THAT(seen_, IsEmpty());
  // Who comes now would begin behind a hole.
  watch();
  send_for(100ms);
  EXPECT_THAT(seen_, IsEmpty());
  EXPECT_EQ(requests_, 1u);
  const uint32_t key = video_.at().first_tag;
  send({.key = true});
  send_for(500ms);
  EXPECT_THAT(tags(), ElementsAreArray(tags_from(key)));
}

TEST_P(PastTest, WhoseEndIsLostIsNotWaitedFor) {
  send_for(100ms);
  watch();
  const auto past = home_.relay.past_of(kTrack, 0);
  there_.relay.interrupt(kTrack, 0);
  give(past, 0, past.size() - 1);
  lends_ = true;
  elapse(1ms);
  EXPECT_THAT(seen_, IsEmpty());
  there_.relay.interrupt(kTrack, 0);
  send_for(1s);
  EXPECT_THAT(seen_, IsEmpty());
  EXPECT_GE(requests_, 1u);
  const uint32_t key = video_.at().first_tag;
  send({.key = true});
  EXPECT_THAT(tags(), ElementsAreArray(tags_from(key)));
}

INSTANTIATE_TEST_SUITE_P(Codecs, PastTest,
                         ::testing::Values(rtp::Codec::kVp8, rtp::Codec::kVp9, rtp::Codec::kH264,
                                           rtp::Codec::kAv1),
                         [](const auto& tested) {
                           return std::string(rtp::to_string(tested.param));
                         });

}  // namespace
}  // namespace simpul::relay
