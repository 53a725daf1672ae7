#include <gtest/gtest.h>

#include "tests/load/viewer_media_case.h"

// What a viewer sees: the first picture, one that stops, others in its place.
namespace simpul::load {
namespace {

using ViewerPicturesTest = ViewerMediaTest;

TEST_F(ViewerPicturesTest, HasItsFirstFrameWhenAKeyFrameIsWhole) {
  receive({.number = 0, .frame_packets = 1, .frame = 1});  // no key frame
  receive({.number = 1, .key_frame = true, .frame_packets = 3, .frame = 2});
  receive({.number = 2, .key_frame = true, .frame_packets = 3, .frame = 2});
  // One packet of it never came; the next one is whole.
  for (uint32_t i = 0; i < 3; ++i) {
    EXPECT_FALSE(media_.first_frame_at());
    now_ += 1ms;
    receive({.number = 4 + i, .key_frame = true, .frame_packets = 3, .frame = 3});
  }
  EXPECT_EQ(media_.first_frame_at(), now_);
  receive({.number = 9, .key_frame = true, .frame_packets = 1, .frame = 4});
  EXPECT_EQ(media_.first_frame_at(), now_);
}

TEST_F(ViewerPicturesTest, TellsASwitchOfWhoIsSeen) {
  receive({.number = 0, .key_frame = true, .frame = 0, .track = 70});
  now_ += 80ms;
  receive({.number = 1, .key_frame = true, .frame = 9, .source = 8, .track = 80});
  EXPECT_EQ(media_.changes(), 1u);
  EXPECT_EQ(media_.last_change()->to, 80u);
  EXPECT_EQ(media_.last_change()->gap, 80ms);
}

TEST_F(ViewerPicturesTest, WhoListensHasItsFirstFrameWhenARepairMakesItWhole) {
  receive({.number = 10, .encrypted = true, .timestamp = 3'000});
  receive({.number = 12, .encrypted = true, .marker = true, .timestamp = 3'000});
  EXPECT_EQ(media_.pictures(), 0u);
  now_ += 1ms;
  receive({.number = 11, .repair = true, .timestamp = 3'000});
  EXPECT_EQ(media_.pictures(), 1u);
  EXPECT_EQ(media_.first_frame_at(), now_);
}

TEST_F(ViewerPicturesTest, TellsOfAPictureThatStoppedWhetherItDecryptsOrNot) {
  for (const bool encrypted : {false, true}) {
    media_ = ViewerMedia(rtp::Ssrc(1));
    for (uint32_t number = 0; number < 30; ++number) {
      now_ += 33ms;
      receive({.number = number,
               .key_frame = number == 0,
               .frame = static_cast<uint16_t>(number),
               .depends_on = 1,
               .encrypted = encrypted,
               .marker = true});
    }
    media_.measure_pictures();
    const TimePoint last = now_;
    now_ += 3s;
    EXPECT_EQ(media_.picture().freezes, 0u);
    media_.end_pictures(now_);
    EXPECT_EQ(media_.picture().freezes, 1u) << encrypted;
    EXPECT_EQ(media_.picture().longest_gap, 3s);
    EXPECT_EQ(media_.last_new_at(), last);
  }
}

TEST_F(ViewerPicturesTest, OneOfSeveralPicturesThatStoppedIsTold) {
  const auto frame = [this](uint32_t number, uint32_t slot) {
    receive({.number = number,
             .key_frame = number == 0,
             .frame = static_cast<uint16_t>(number),
             .source = slot,
             .slot = slot});
  };
  frame(0, 31);
  frame(0, 32);
  EXPECT_EQ(media_.pictures(), 2u);
  const TimePoint stopped = now_;
  for (uint32_t number = 1; number < 100; ++number) {
    now_ += 33ms;
    frame(number, 31);
  }
  EXPECT_EQ(media_.last_new_at(), stopped);
}

TEST_F(ViewerPicturesTest, KeepsHowLongSwitchesTookWhileTheyAreMeasured) {
  const auto show = [this](uint32_t source, uint16_t frame) {
    now_ += 40ms;
    receive({.number = frame, .key_frame = true, .frame = frame, .source = source});
  };
  show(1, 0);
  show(2, 1);
  EXPECT_EQ(media_.switches(), std::vector<Duration>{40ms});
  media_.measure_pictures();
  EXPECT_TRUE(media_.switches().empty());
  for (uint16_t i = 0; i < ViewerMedia::kSwitchesMax + 10; ++i) {
    show(i % 2 + 1u, static_cast<uint16_t>(2 + i));
  }
  EXPECT_EQ(media_.switches().size(), ViewerMedia::kSwitchesMax);
  media_.measure_pictures();
  media_.end_pictures(now_);
  show(9, 5'000);
  EXPECT_TRUE(media_.switches().empty());
}

}  // namespace
}  // namespace simpul::load
