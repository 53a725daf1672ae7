#include "bench/peer/picture_watch.h"

#include <gtest/gtest.h>

namespace simpul::peer {
namespace {

using namespace std::chrono_literals;

class PictureWatchTest : public ::testing::Test {
 protected:
  struct Made {
    uint16_t number = 0;
    uint8_t depends_on = 1;
    uint16_t packets = 1;
    uint32_t source = 7;
    uint32_t track = 70;
  };
  void packet(const Made& made) {
    watch_.on_packet({.source = made.source,
                      .frame = made.number,
                      .frame_packets = made.packets,
                      .depends_on = made.depends_on,
                      .key_frame = made.depends_on == 0},
                     made.track, now_);
  }
  void key_frame(uint16_t number) { packet({.number = number, .depends_on = 0}); }
  // So many frames, one each 33 ms, from `first` on.
  void run(uint16_t first, int count) {
    for (int i = 0; i < count; ++i) {
      now_ += 33ms;
      packet({.number = static_cast<uint16_t>(first + i)});
    }
  }
  uint64_t shown() const { return watch_.frames(); }

  TimePoint now_{1h};
  PictureWatch watch_;
};

TEST_F(PictureWatchTest, ShowsNothingBeforeAWholeKeyFrame) {
  run(0, 5);
  packet({.number = 5, .depends_on = 0, .packets = 3});
  packet({.number = 5, .depends_on = 0, .packets = 3});
  EXPECT_FALSE(watch_.first_frame_at());
  EXPECT_EQ(watch_.waiting_since(), TimePoint(1h) + 33ms);
  now_ += 5ms;
  packet({.number = 5, .depends_on = 0, .packets = 3});
  EXPECT_EQ(watch_.first_frame_at(), now_);
  EXPECT_EQ(shown(), 1u);
}

TEST_F(PictureWatchTest, WaitsForWhatAFrameBuildsOnAndThenShowsAllThatWaited) {
  key_frame(0);
  packet({.number = 1, .packets = 2});
  run(2, 3);
  EXPECT_EQ(shown(), 1u);
  packet({.number = 1, .packets = 2});  // repaired
  EXPECT_EQ(shown(), 5u);
}

TEST_F(PictureWatchTest, ANewKeyFrameEndsTheWaiting) {
  key_frame(0);
  run(2, 10);
  EXPECT_EQ(shown(), 1u);
  key_frame(12);
  run(13, 2);
  EXPECT_EQ(shown(), 4u);
  packet({.number = 1});  // too late for it
  EXPECT_EQ(shown(), 4u);
}

TEST_F(PictureWatchTest, FramesOfLayersThatAreLeftOutAreNotMissed) {
  key_frame(0);
  for (const auto& [number, depends_on] : {std::pair(2, 2), {4, 4}, {6, 2}, {8, 4}}) {
    packet(
        {.number = static_cast<uint16_t>(number), .depends_on = static_cast<uint8_t>(depends_on)});
  }
  EXPECT_EQ(shown(), 5u);
}

TEST_F(PictureWatchTest, NumbersMayWrap) {
  key_frame(65'530);
  run(65'531, 20);
  EXPECT_EQ(shown(), 21u);
}

TEST_F(PictureWatchTest, GivesUpWhatIsFarBehind) {
  key_frame(0);
  packet({.number = 2});
  run(3, static_cast<int>(PictureWatch::kFrames));
  packet({.number = 1});
  EXPECT_EQ(shown(), 1u);
}

TEST_F(PictureWatchTest, CallsFrozenWhatBrowsersCallFrozen) {
  key_frame(0);
  run(1, 40);
  now_ += 146ms;
  run(41, 1);  // 179 ms, and the mean would have to be below 29
  EXPECT_EQ(watch_.freezes().counts().freezes, 0u);
  run(42, 40);
  now_ += 200ms;
  run(82, 1);
  EXPECT_EQ(watch_.freezes().counts().freezes, 1u);
  EXPECT_EQ(watch_.freezes().counts().frozen, 233ms);
  EXPECT_EQ(watch_.freezes().counts().longest_gap, 233ms);
  watch_.freezes().reset();
  EXPECT_EQ(watch_.freezes().counts().freezes, 0u);
}

TEST_F(PictureWatchTest, ASlowStreamIsNotFrozenByItsPace) {
  key_frame(0);
  for (uint16_t number = 1; number < 40; ++number) {
    now_ += 500ms;
    packet({.number = number});
  }
  EXPECT_EQ(watch_.freezes().counts().freezes, 0u);
  now_ += 1'200ms;  // less than three times as much
  packet({.number = 40});
  EXPECT_EQ(watch_.freezes().counts().freezes, 0u);
  now_ += 1'900ms;
  packet({.number = 41});
  EXPECT_EQ(watch_.freezes().counts().freezes, 1u);
}

TEST_F(PictureWatchTest, TellsWhenSomebodyElseIsShown) {
  key_frame(0);
  run(1, 10);
  const TimePoint last = now_;
  now_ += 100ms;
  const TimePoint first_packet = now_;
  packet({.number = 500, .depends_on = 0, .packets = 2, .source = 8, .track = 80});
  EXPECT_EQ(watch_.changes(), 0u) << "nothing of it is seen yet";
  now_ += 20ms;
  packet({.number = 500, .depends_on = 0, .packets = 2, .source = 8, .track = 80});
  ASSERT_EQ(watch_.changes(), 1u);
  const auto& change = *watch_.last_change();
  EXPECT_EQ(change.from, 70u);
  EXPECT_EQ(change.to, 80u);
  EXPECT_EQ(change.first_packet_at, first_packet);
  EXPECT_EQ(change.first_frame_at, now_);
  EXPECT_EQ(change.gap, now_ - last);
  packet({.number = 501, .source = 8, .track = 80});
  EXPECT_EQ(watch_.changes(), 1u);
}

TEST_F(PictureWatchTest, TellsWhenAnotherEncodingOfTheSameOneIsShown) {
  key_frame(0);
  run(1, 10);
  now_ += 50ms;
  packet({.number = 300, .depends_on = 0, .source = 8});
  ASSERT_EQ(watch_.changes(), 1u);
  EXPECT_EQ(watch_.last_change()->from, watch_.last_change()->to);
  EXPECT_EQ(watch_.last_change()->gap, 50ms);
}

TEST_F(PictureWatchTest, AnotherSourceNeedsAKeyFrameOfItsOwn) {
  key_frame(0);
  run(1, 3);
  packet({.number = 4, .source = 8, .track = 80});
  EXPECT_EQ(shown(), 4u);
}

}  // namespace
}  // namespace simpul::peer
