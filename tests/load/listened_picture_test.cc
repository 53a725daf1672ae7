#include "bench/load/listened_picture.h"

#include <gtest/gtest.h>

namespace simpul::load {
namespace {

using namespace std::chrono_literals;

class ListenedPictureTest : public ::testing::Test {
 protected:
  void packet(int64_t number, uint32_t timestamp, bool marker = false) {
    now_ += 1ms;
    picture_.on_packet(number, timestamp, marker, now_);
  }
  uint64_t freezes() const { return picture_.freezes().counts().freezes; }

  TimePoint now_{1h};
  ListenedPicture picture_;
};

TEST_F(ListenedPictureTest, HasItsFirstFrameWhenAllOfItsPacketsAreThere) {
  packet(10, 3'000);
  packet(12, 3'000, true);
  packet(13, 6'000, true);
  EXPECT_FALSE(picture_.first_frame_at()) << "one of it is missing";
  packet(11, 3'000);
  EXPECT_EQ(picture_.first_frame_at(), now_);
  packet(14, 9'000, true);
  EXPECT_LT(picture_.first_frame_at(), now_);
}

TEST_F(ListenedPictureTest, ItsPacketsMayComeInAnyOrder) {
  packet(12, 3'000, true);
  EXPECT_EQ(picture_.first_frame_at(), now_) << "as far as anybody knows";
  ListenedPicture other;
  other.on_packet(11, 3'000, false, now_);
  other.on_packet(10, 3'000, false, now_);
  EXPECT_FALSE(other.first_frame_at());
  other.on_packet(12, 3'000, true, now_);
  EXPECT_EQ(other.first_frame_at(), now_);
}

TEST_F(ListenedPictureTest, TakesALaterFrameWhenTheFirstOneNeverBecomesWhole) {
  packet(10, 3'000);
  packet(12, 3'000, true);
  now_ += ListenedPicture::kFirstFrameLimit;
  packet(30, 90'000, true);
  EXPECT_EQ(picture_.first_frame_at(), now_);
}

TEST_F(ListenedPictureTest, TimestampsMayWrap) {
  packet(10, UINT32_MAX - 1'000);
  now_ += ListenedPicture::kFirstFrameLimit;
  packet(20, 2'000, true);
  EXPECT_EQ(picture_.first_frame_at(), now_);
}

TEST_F(ListenedPictureTest, IsFrozenWhenNoNewFrameBegins) {
  for (uint32_t i = 0; i < 40; ++i) {
    now_ += 30ms;
    packet(2 * i, i * 3'000);
    packet(2 * i + 1, i * 3'000, true);
  }
  EXPECT_EQ(freezes(), 0u);
  now_ += 500ms;
  packet(79, 39 * 3'000);  // of an old one
  EXPECT_EQ(freezes(), 0u);
  packet(80, 40 * 3'000);
  EXPECT_EQ(freezes(), 1u);
  picture_.freezes().end(now_ + 2s);
  EXPECT_EQ(freezes(), 2u);
}

}  // namespace
}  // namespace simpul::load
