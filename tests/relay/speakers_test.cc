#include "relay/speakers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

namespace simpul::relay {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

class SpeakersTest : public ::testing::Test {
 protected:
  using Microphone = Speakers::Microphone;

  Microphone& microphone(uint32_t id) {
    const auto found = std::ranges::find(microphones_, TrackId(id), &Microphone::track);
    if (found != microphones_.end()) return *found;
    return microphones_.emplace_back(Microphone{.track = TrackId(id)});
  }
  void speak(uint32_t id, int loudness = 90) {
    Microphone& one = microphone(id);
    one.began = one.is_speaking ? one.began : now_;
    one.is_speaking = true;
    one.loudness = loudness;
  }
  void stop(uint32_t id) { microphone(id).is_speaking = false; }
  void run(Duration duration = 100ms) {
    for (Duration passed{}; passed < duration; passed += 100ms) {
      now_ += 100ms;
      for (Microphone& one : microphones_) {
        if (one.is_speaking) one.spoke = now_;
      }
      changes_ += speakers_.decide(microphones_, now_) ? 1 : 0;
    }
  }
  std::vector<uint32_t> heard() const { return values(speakers_.heard()); }
  std::vector<uint32_t> order() const { return values(speakers_.order()); }
  static std::vector<uint32_t> values(const std::vector<TrackId>& tracks) {
    std::vector<uint32_t> numbers;
    for (const TrackId track : tracks) numbers.push_back(track.value());
    return numbers;
  }

  Speakers speakers_{3};
  std::vector<Microphone> microphones_;
  TimePoint now_{10s};
  int changes_ = 0;
};

TEST_F(SpeakersTest, EverybodyIsHeardWhereTheyAreFew) {
  microphone(1);
  microphone(2);
  run();
  EXPECT_THAT(heard(), ElementsAre(2, 1));
  EXPECT_THAT(order(), IsEmpty());
}

TEST_F(SpeakersTest, WhoBeginsToSpeakIsHeardAtOnce) {
  for (uint32_t id = 1; id <= 10; ++id) microphone(id);
  run();
  EXPECT_THAT(heard(), ElementsAre(10, 9, 8));
  speak(4);
  run();
  EXPECT_EQ(heard().front(), 4u);
  EXPECT_EQ(heard().size(), 3u);
}

TEST_F(SpeakersTest, WhoIsSilentGivesWayInTheOrderOfTheirSilence) {
  for (uint32_t id = 1; id <= 5; ++id) microphone(id);
  for (const uint32_t id : {1u, 2u, 3u}) {
    speak(id);
    run(1s);
    stop(id);
  }
  EXPECT_THAT(heard(), UnorderedElementsAre(1, 2, 3));
  speak(4);
  run();
  EXPECT_THAT(heard(), UnorderedElementsAre(4, 2, 3));
  speak(5);
  run();
  EXPECT_THAT(heard(), UnorderedElementsAre(4, 5, 3));
}

TEST_F(SpeakersTest, NobodyTakesTurnsWithOneWhoIsAsLoud) {
  for (const uint32_t id : {1u, 2u, 3u, 4u, 5u}) speak(id, 90 + static_cast<int>(id));
  run(500ms);
  const auto first = heard();
  changes_ = 0;
  run(60s);
  EXPECT_EQ(heard(), first);
  EXPECT_EQ(changes_, 0);
}

TEST_F(SpeakersTest, OneWhoIsMuchLouderTakesThePlaceOfTheQuietestAfterASecond) {
  for (const uint32_t id : {1u, 2u, 3u}) speak(id, 80 + static_cast<int>(id));
  run(2s);
  speak(4, 100);
  run(800ms);
  EXPECT_THAT(heard(), UnorderedElementsAre(1, 2, 3));
  run(500ms);
  EXPECT_THAT(heard(), UnorderedElementsAre(2, 3, 4));
}

TEST_F(SpeakersTest, OneWordDoesNotMakeAnybodyDominant) {
  microphone(2);
  speak(1);
  run(1s);
  EXPECT_THAT(order(), ElementsAre(1));
  stop(1);
  speak(2);
  run(200ms);
  stop(2);
  run(1s);
  EXPECT_THAT(order(), ElementsAre(1));
  speak(2);
  run(400ms);
  EXPECT_THAT(order(), ElementsAre(2, 1));
}

TEST_F(SpeakersTest, WhoDominatesStaysWhileTheySpeak) {
  speak(1);
  run(1s);
  speak(2, 95);
  run(10s);
  EXPECT_THAT(order(), ElementsAre(1));
  speak(2, 101);
  run();
  EXPECT_THAT(order(), ElementsAre(2, 1)) << "much louder, and for long";
}

TEST_F(SpeakersTest, WhoIsPinnedIsHeardThoughOthersSpeak) {
  microphone(9).is_pinned = true;
  for (const uint32_t id : {1u, 2u, 3u, 4u}) speak(id);
  run(1s);
  EXPECT_EQ(heard().size(), 3u);
  EXPECT_THAT(heard(), ::testing::Contains(9));
  microphone(8).is_pinned = true;
  microphone(7).is_pinned = true;
  microphone(6).is_pinned = true;
  run(1s);
  EXPECT_EQ(heard().size(), 3u);
}

TEST_F(SpeakersTest, WhoIsPinnedGoesFirstWhenTheySpeakAndBeforeTheSilentWhenNot) {
  microphone(9).is_pinned = true;
  microphone(5).is_pinned = false;
  run(1s);
  EXPECT_EQ(heard().front(), 9u);
  speak(1);
  run(1s);
  EXPECT_THAT(heard(), ElementsAre(1, 9, 5));
  speak(9);
  run(1s);
  EXPECT_THAT(heard(), ElementsAre(9, 1, 5)) << "though another one dominates";
  EXPECT_THAT(order(), ElementsAre(1));
}

TEST_F(SpeakersTest, WhoHasGoneIsForgotten) {
  speak(1);
  speak(2);
  run(1s);
  microphones_.erase(microphones_.begin());
  speakers_.forget(TrackId(1));
  run();
  EXPECT_THAT(heard(), ElementsAre(2));
  EXPECT_THAT(order(), ElementsAre(2));
}

TEST_F(SpeakersTest, RemembersNoMoreThanItMay) {
  for (uint32_t id = 1; id <= 100; ++id) {
    speak(id);
    run(500ms);
    stop(id);
  }
  EXPECT_EQ(order().size(), Speakers::kRememberedMax);
  EXPECT_EQ(order().front(), 100u);
}

// Whatever people do: never too many, pinned ones always, whoever speaks while somebody who does
// not is heard gets in at once, and nobody new gets in without having spoken.
TEST_F(SpeakersTest, HoldsItsPromisesWhateverPeopleDo) {
  for (uint32_t seed = 0; seed < 100; ++seed) {
    std::mt19937 random(seed);
    const size_t most = 1 + random() % 4;
    speakers_ = Speakers(most);
    microphones_.clear();
    for (int step = 0; step < 300; ++step) {
      const uint32_t id = static_cast<uint32_t>(1 + random() % 12);
      switch (random() % 6) {
        case 0:
          stop(id);
          break;
        case 1:
          microphone(id).is_pinned = random() % 8 == 0;
          break;
        case 2:
          std::erase_if(microphones_,
                        [&](const Microphone& one) { return one.track == TrackId(id); });
          speakers_.forget(TrackId(id));
          break;
        default:
          speak(id, 60 + static_cast<int>(random() % 60));
      }
      run();
      const auto& in = speakers_.heard();
      ASSERT_EQ(in.size(), std::min(most, microphones_.size())) << seed;
      const auto is_in = [&](const Microphone& one) {
        return std::ranges::find(in, one.track) != in.end();
      };
      const auto count = [&](auto what) { return std::ranges::count_if(microphones_, what); };
      const auto pinned = count(&Microphone::is_pinned);
      const auto pinned_in = count([&](const Microphone& m) { return m.is_pinned && is_in(m); });
      ASSERT_EQ(pinned_in, std::min<long>(pinned, static_cast<long>(most))) << seed;
      const auto waits = count([&](const Microphone& m) { return m.is_speaking && !is_in(m); });
      const auto idle =
          count([&](const Microphone& m) { return !m.is_speaking && !m.is_pinned && is_in(m); });
      ASSERT_TRUE(waits == 0 || idle == 0) << seed;
    }
  }
}

}  // namespace
}  // namespace simpul::relay
