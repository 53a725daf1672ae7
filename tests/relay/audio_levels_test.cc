#include "relay/audio_levels.h"

#include <gtest/gtest.h>

#include <random>

namespace simpul::relay {
namespace {

using namespace std::chrono_literals;

class AudioLevelsTest : public ::testing::Test {
 protected:
  // So long of one level, a packet every 20 ms.
  void hear(std::optional<uint8_t> level, Duration duration, size_t payload_size = 80) {
    for (Duration passed{}; passed < duration; passed += 20ms) {
      now_ += 20ms;
      levels_.add(level, payload_size, now_);
    }
  }
  void be_silent(Duration duration) {
    now_ += duration;
    levels_.advance(now_);
  }

  AudioLevels levels_;
  TimePoint now_{10s};
};

TEST_F(AudioLevelsTest, SpeechIsNoticedWithinThreePackets) {
  hear(127, 1s);
  hear(40, 40ms);
  EXPECT_FALSE(levels_.is_speaking());
  hear(40, 20ms);
  EXPECT_TRUE(levels_.is_speaking());
  EXPECT_EQ(levels_.began(), now_ - 40ms);
  EXPECT_NEAR(levels_.loudness(), 87, 1);
}

TEST_F(AudioLevelsTest, AClickIsNoSpeech) {
  for (int i = 0; i < 20; ++i) {
    hear(10, 20ms);
    hear(90, 100ms);
    EXPECT_FALSE(levels_.is_speaking());
  }
}

TEST_F(AudioLevelsTest, APauseBetweenWordsEndsNothing) {
  hear(40, 500ms);
  hear(90, 400ms);
  EXPECT_TRUE(levels_.is_speaking());
  hear(40, 100ms);
  hear(90, AudioLevels::kHangover);
  EXPECT_FALSE(levels_.is_speaking());
}

TEST_F(AudioLevelsTest, SilenceWithoutPacketsEndsItToo) {
  hear(40, 500ms);
  be_silent(400ms);
  EXPECT_TRUE(levels_.is_speaking());
  be_silent(300ms);
  EXPECT_FALSE(levels_.is_speaking());
}

TEST_F(AudioLevelsTest, NoiseAndTonesAreForgotten) {
  hear(45, 40s);
  EXPECT_FALSE(levels_.is_speaking());
  hear(30, 60ms);
  EXPECT_TRUE(levels_.is_speaking()) << "somebody speaks over it";
}

TEST_F(AudioLevelsTest, WhatIsTooQuietIsNoSpeech) {
  hear(127, 1s);
  hear(70, 5s);
  EXPECT_FALSE(levels_.is_speaking());
}

TEST_F(AudioLevelsTest, WithoutLevelsWhateverIsSentIsQuietSpeech) {
  hear({}, 60ms);
  EXPECT_TRUE(levels_.is_speaking());
  EXPECT_EQ(levels_.loudness(), AudioLevels::kLoudMin);
  hear({}, 600ms, 3);
  EXPECT_FALSE(levels_.is_speaking()) << "a line that is kept open";
}

TEST_F(AudioLevelsTest, PacketsOfOneMomentAreNoTime) {
  hear(127, 1s);
  now_ += 20ms;
  for (int i = 0; i < 100; ++i) levels_.add(uint8_t{0}, 80, now_);
  EXPECT_FALSE(levels_.is_speaking());
}

TEST_F(AudioLevelsTest, WhatIsToldHoldsUntilPacketsCome) {
  levels_.tell(true, 90, now_);
  be_silent(10s);
  EXPECT_TRUE(levels_.is_speaking());
  EXPECT_EQ(levels_.loudness(), 90);
  levels_.tell(false, 90, now_);
  EXPECT_FALSE(levels_.is_speaking());
  EXPECT_EQ(levels_.spoke(), now_);
  levels_.tell(true, 90, now_);
  hear(127, 700ms);
  EXPECT_FALSE(levels_.is_speaking());
}

TEST_F(AudioLevelsTest, NothingGetsOutOfItsRangeWhateverIsTold) {
  std::mt19937 random(7);
  for (int i = 0; i < 20'000; ++i) {
    now_ += Duration(random() % 100'000) - 20ms;
    const auto level = static_cast<uint8_t>(random());
    switch (random() % 8) {
      case 0:
        levels_.advance(now_);
        break;
      case 1:
        levels_.tell(level % 2 == 0, level, now_);
        break;
      default:
        levels_.add(level < 250 ? std::optional(level) : std::nullopt, random() % 100, now_);
    }
    ASSERT_LE(levels_.loudness(), 127);
  }
}

}  // namespace
}  // namespace simpul::relay
