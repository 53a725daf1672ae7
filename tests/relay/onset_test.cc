// What is heard of the beginning of a speech, and when.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <optional>
#include <random>
#include <utility>
#include <vector>

#include "relay/clock_mapping.h"
#include "relay/microphone.h"
#include "tests/relay/following.h"

namespace simpul::relay {
namespace {

using namespace testing;

class OnsetTest : public Following {};

// The first packet that leaves is from before it was clear that somebody speaks.
TEST_F(OnsetTest, TheOnsetIsHeardToo) {
  for (uint32_t number = 1; number <= 5; ++number) join(number, false);
  const auto watcher = watch(3, 0);
  speak({}, 2s);
  ASSERT_FALSE(got(watcher).contains(9));
  const uint32_t first_loud = people_.at(5)->voice.at().first_tag;
  std::vector<uint32_t> tags;
  on_sent_ = [&](const Sent& sent) {
    // What was put behind the payload is no part of it.
    if (sent.csrc == 9) tags.push_back(sent.tag());
  };
  speak({5}, 200ms);
  ASSERT_FALSE(tags.empty());
  EXPECT_LE(tags.front(), first_loud);
  EXPECT_GE(tags.front() + 3, first_loud) << "and no more than that";
  for (size_t i = 1; i < tags.size(); ++i) EXPECT_EQ(tags[i], tags[i - 1] + 1);
  EXPECT_EQ(tags.back(), people_.at(5)->voice.at().first_tag - 1);
}

// Of a microphone whose packets another worker wishes for.
TEST_F(OnsetTest, TheOnsetIsThereForOthersWhileItIsOne) {
  for (uint32_t number = 1; number <= 2; ++number) join(number, false);
  const auto onset = [&] { return scene_.relay.onset_of(TrackId(1)); };
  speak({}, 2s);
  EXPECT_TRUE(onset().empty()) << "of silence";
  speak({1}, 100ms);
  EXPECT_EQ(onset().size(), 7u) << "with two packets before it";
  EXPECT_EQ(onset().back().timestamp + 960, people_.at(1)->voice.at().timestamp);
  speak({1}, 200ms);
  EXPECT_TRUE(onset().empty()) << "of who has spoken for a while";
  EXPECT_TRUE(scene_.relay.onset_of(TrackId(77)).empty());
}

// Silent, but in a slot, one begins to speak; three others, who began before, take all slots; one
// of them stops, and the first word is played from its middle on. take() sees that nothing is
// played twice.
TEST_F(OnsetTest, NobodyIsHeardTwiceWhoHadToMakeRoomForAMoment) {
  for (uint32_t number = 1; number <= 4; ++number) join(number, false);
  const auto watcher = watch(3, 0);
  speak({1}, 400ms);
  speak({}, 1s);
  ASSERT_THAT(tracks(watcher), ::testing::Contains(1));
  speak({2, 3, 4}, 20ms);
  speak({1, 2, 3, 4}, 40ms);
  ASSERT_THAT(tracks(watcher), ::testing::Not(::testing::Contains(1)));
  const uint32_t missed = heard_.at({watcher.value(), 1}) + 1;
  leave(2);
  uint32_t next = 0;
  on_sent_ = [&](const Sent& sent) {
    if (sent.csrc == 1 && next == 0) next = sent.tag();
  };
  speak({1, 3, 4}, 100ms);
  ASSERT_THAT(tracks(watcher), ::testing::Contains(1));
  EXPECT_EQ(next, missed) << "and not later either";
}

// What a batch borrows holds until the next one is collected, whatever comes meanwhile.
TEST_F(OnsetTest, AnOnsetStaysThereUntilItHasLeft) {
  for (uint32_t number = 1; number <= 5; ++number) join(number, false);
  const auto watcher = watch(3, 0);
  speak({}, 2s);
  Person& person = *people_.at(5);
  const auto say = [&](uint8_t level) {
    scene_.now += 20ms;
    scene_.relay.receive(TrackId(9), 0, with_level(person.voice.audio(), level), scene_.now);
  };
  const uint32_t first = person.voice.at().first_tag;
  for (int i = 0; i < 3; ++i) say(kVoice);
  SubscriberBatch batch;
  ASSERT_TRUE(scene_.relay.collect(scene_.now, 0ms, batch));
  ASSERT_EQ(batch.subscriber, watcher);
  ASSERT_EQ(batch.packets.size(), 5u);
  for (size_t i = 0; i < 2 * Onset::kPacketsMax; ++i) say(kVoice);
  for (size_t i = 0; i < batch.packets.size(); ++i) {
    EXPECT_EQ(Scene::copy(watcher, batch.packets[i]).tag(), first - 2 + i);
    EXPECT_EQ(batch.packets[i].extensions->count, 1);
  }
}

TEST_F(OnsetTest, WhoComesInTheMiddleOfASpeechHearsNothingLate) {
  for (uint32_t number = 1; number <= 5; ++number) join(number, false);
  speak({1}, 2s);
  watch(3, 0);
  const uint32_t next = people_.at(1)->voice.at().first_tag;
  uint32_t first = 0;
  on_sent_ = [&](const Sent& sent) {
    if (sent.csrc == 1 && first == 0) first = sent.tag();
  };
  run(100ms);
  EXPECT_EQ(first, next);
}

// How much later than it was captured each packet of one slot is played, in ms, by timestamps
// alone.
class PlayedLateTest : public OnsetTest {
 protected:
  struct Played {
    int64_t late = 0;
    uint32_t track = 0;
    uint32_t tag = 0;
  };

  // Two microphones, and somebody who has one slot.
  void begin() {
    for (uint32_t number = 1; number <= 2; ++number) join(number, false);
    watch(1, 0);
    on_sent_ = [this](const Sent& sent) {
      // All sources count their packets alike.
      const int64_t captured = sent.tag() * 20;
      if (!began_) began_ = {sent.timestamp, captured};
      const int64_t played = static_cast<int32_t>(sent.timestamp - began_->first) / 48;
      played_.push_back({played - captured + began_->second, sent.csrc, sent.tag()});
    };
    speak({1}, 400ms);
    speak({}, 1s);
  }
  void take_turns(int turns) {
    for (int i = 0; i < turns; ++i) {
      const auto speaker = static_cast<uint32_t>(1 + i % 2);
      const uint32_t first = people_.at(speaker)->voice.at().first_tag;
      speak({speaker}, 400ms);
      const uint32_t last = people_.at(speaker)->voice.at().first_tag - 1;
      speak({}, 800ms);
      for (uint32_t tag = first; tag <= last; ++tag) {
        EXPECT_EQ(std::ranges::count_if(played_,
                                        [&](const Played& one) {
                                          return one.tag == tag && one.track == 2 * speaker - 1;
                                        }),
                  1)
            << "of what is spoken nothing is left out";
      }
    }
  }
  int64_t latest() const { return std::ranges::max(played_, {}, &Played::late).late; }

  std::vector<Played> played_;

 private:
  std::optional<std::pair<uint32_t, int64_t>> began_;
};

TEST_F(PlayedLateTest, WhatAnOnsetPutsBehindIsMadeUpForInThePause) {
  begin();
  take_turns(30);
  EXPECT_GE(latest(), 80) << "there is an onset";
  EXPECT_LE(latest(), 200);
  EXPECT_EQ(played_.back().late, 0);
}

TEST_F(PlayedLateTest, WhereNothingIsSentInPausesTheyBecomeShorter) {
  begin();
  for (auto& [number, person] : people_) person->is_discontinuous = true;
  take_turns(30);
  EXPECT_GE(latest(), 20) << "there is an onset";
  EXPECT_LE(latest(), 200);
  speak({1}, 400ms);
  speak({}, 200ms);
  speak({1}, 100ms);
  EXPECT_EQ(played_.back().late, 0);
}

TEST_F(PlayedLateTest, WhoAreHeardOneBehindTheOtherWithoutAPauseAreLateByABoundedTime) {
  begin();
  for (int i = 0; i < 30; ++i) speak({1 + static_cast<uint32_t>(i % 2)}, 700ms);
  EXPECT_LE(latest(), 200);
}

// take() finds holes in the numbers.
TEST_F(PlayedLateTest, WhatIsLeftOutLeavesNoHoleWhenItIsTooLateToMakeUp) {
  begin();
  speak({2}, 4980ms);
  ASSERT_GT(played_.back().late, 0);
  const uint32_t first = played_.back().tag + 1;
  speak({}, 400ms);
  EXPECT_EQ(played_.back().tag, people_.at(2)->voice.at().first_tag - 1);
  EXPECT_LT(std::ranges::count_if(played_, [&](const Played& one) { return one.tag >= first; }), 20)
      << "some were left out";
}

TEST_F(PlayedLateTest, WhatIsLeftOutLeavesNoHoleWhenNobodyElseIsLeft) {
  begin();
  speak({2}, 400ms);
  ASSERT_GT(played_.back().late, 0);
  const uint32_t last = played_.back().tag;
  speak({}, 40ms);
  ASSERT_EQ(played_.back().tag, last) << "they were left out";
  leave(1);
  speak({2}, 200ms);
  EXPECT_EQ(played_.back().tag, people_.at(2)->voice.at().first_tag - 1);
}

// Words of any length, behind which a packet or two are quiet; some packets are lost, some late.
class DisorderedOnset : public PlayedLateTest, public ::testing::WithParamInterface<uint32_t> {
 protected:
  void begin_disorder() {
    begin();
    speak({2}, 100ms);
    ASSERT_GT(played_.back().late, 0);
    is_disordered_ = true;
    const auto note = std::move(on_sent_);
    on_sent_ = [this, note](const Sent& sent) {
      note(sent);
      ++times_left_[sent.tag()];
      EXPECT_TRUE(timestamps_.emplace(sent.index, sent.timestamp).second) << "an index twice";
    };
    deliver_ = [this](uint32_t track, rtp::MediaPacket packet) {
      if (track == people_.at(2)->audio) pass(std::move(packet));
    };
  }
  // Whoever is in front of it comes later, or never.
  void pass(rtp::MediaPacket packet) {
    const uint32_t tag = people_.at(2)->voice.at().first_tag - 1;
    const bool is_loud = people_.at(2)->speaks;
    const uint32_t what = random_() % 8;
    if (what == 0) return;
    if (what <= 2) {
      held_.push_back({steps_ + 1 + static_cast<int>(random_() % 5), std::move(packet)});
    } else {
      scene_.relay.receive(TrackId(3), 0, std::move(packet), scene_.now);
    }
    if (is_loud) spoken_.push_back(tag);
    for (size_t i = 0; i < held_.size();) {
      if (held_[i].first > steps_) {
        ++i;
        continue;
      }
      scene_.relay.receive(TrackId(3), 0, std::move(held_[i].second), scene_.now);
      held_.erase(held_.begin() + static_cast<ptrdiff_t>(i));
    }
  }

  std::mt19937 random_{GetParam()};
  std::vector<std::pair<int, rtp::MediaPacket>> held_;
  std::vector<uint32_t> spoken_;  // and has arrived, or will
  std::map<uint32_t, int> times_left_;
  std::map<uint64_t, uint32_t> timestamps_;  // by index
};

TEST_P(DisorderedOnset, OfWhatIsSpokenOnlyWhatIsLostIsMissing) {
  begin_disorder();
  for (int word = 0; word < 12; ++word) {
    speak({2}, 20ms * (1 + random_() % 6));
    speak({}, 20ms * (1 + random_() % 3));
  }
  speak({2}, 200ms);
  for (const uint32_t tag : spoken_) {
    if (tag + 10 > spoken_.back()) break;  // it may still be on its way
    EXPECT_EQ(times_left_[tag], 1) << tag;
  }
  uint32_t last = 0;
  for (const auto& [index, timestamp] : timestamps_) {
    EXPECT_TRUE(last == 0 || static_cast<int32_t>(timestamp - last) > 0) << index;
    last = timestamp;
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, DisorderedOnset, ::testing::Range(1U, 41U));

TEST_F(PlayedLateTest, ReportsTellOneLineWhoeverSpeaks) {
  begin();
  take_turns(30);
  ASSERT_GE(reports_.size(), 20u);
  const SlotReport& first = reports_.front();
  for (const SlotReport& report : reports_) {
    const int64_t told = static_cast<int32_t>(report.rtp_timestamp - first.rtp_timestamp);
    const auto passed = static_cast<int64_t>(report.ntp_time - first.ntp_time);
    EXPECT_LE(std::abs(told - ticks_of(passed, 48'000)), 48) << "1 ms";
  }
}

TEST_F(PlayedLateTest, WhereThereIsNoPauseTheReportsSayInTheEndHowItIs) {
  begin();
  speak({2}, 4s);
  const auto told = [this] {
    const SlotReport& report = reports_.back();
    const auto since = static_cast<int64_t>(report.ntp_time - reports_.front().ntp_time);
    return report.rtp_timestamp - reports_.front().rtp_timestamp -
           static_cast<uint32_t>(ticks_of(since, 48'000));
  };
  ASSERT_GT(played_.back().late, 0);
  EXPECT_LE(told() + 48, 96u) << "as if there were no delay";
  speak({2}, 4s);
  EXPECT_LE(told() - static_cast<uint32_t>(played_.back().late) * 48 + 48, 96u);
}

TEST_F(PlayedLateTest, WithoutLevelsNothingIsTakenForAPause) {
  begin();
  for (auto& [number, person] : people_) person->has_level = false;
  speak({}, 4s);
  played_.clear();
  speak({}, 4s);
  for (size_t i = 1; i < played_.size(); ++i) EXPECT_EQ(played_[i].tag, played_[i - 1].tag + 1);
}

}  // namespace
}  // namespace simpul::relay
