#include "rtp/codec_format.h"

#include <gtest/gtest.h>

namespace simpul::rtp {
namespace {

CodecFormat h264(const char* profile_level_id, uint8_t packetization_mode) {
  return {Codec::kH264, *h264_profile(profile_level_id), packetization_mode};
}

TEST(H264Profile, IsReadFromTheProfileLevelId) {
  EXPECT_EQ(h264_profile("42001f"), kH264Baseline);
  EXPECT_EQ(h264_profile("42e01f"), kH264Baseline);
  EXPECT_EQ(h264_profile("42E034"), kH264Baseline);
  EXPECT_EQ(h264_profile("4de01f"), kH264Baseline) << "main that keeps to the baseline";
  EXPECT_EQ(h264_profile("4d001f"), kH264Main);
  EXPECT_EQ(h264_profile("64001f"), kH264High);
  EXPECT_EQ(h264_profile("640c1f"), kH264ConstrainedHigh);
  EXPECT_EQ(h264_profile("f4001f"), 244);
  for (const auto* text : {"", "42e01", "42e01f0", "42e01g", "-2e01f", "00e01f"}) {
    EXPECT_FALSE(h264_profile(text)) << text;
  }
}

TEST(CodecFormat, H264GoesToItsOwnProfileOrALargerOne) {
  EXPECT_EQ(distance(h264("42e01f", 1), h264("42001f", 1)), 0);
  EXPECT_EQ(distance(h264("42e01f", 1), h264("4d001f", 1)), 1);
  EXPECT_EQ(distance(h264("42e01f", 1), h264("64001f", 1)), 1);
  EXPECT_EQ(distance(h264("640c1f", 1), h264("64001f", 1)), 1);
  EXPECT_EQ(distance(h264("4d001f", 1), h264("64001f", 1)), 1);
  EXPECT_FALSE(distance(h264("4d001f", 1), h264("42e01f", 1)));
  EXPECT_FALSE(distance(h264("4d001f", 1), h264("640c1f", 1)));
  EXPECT_FALSE(distance(h264("f4001f", 1), h264("64001f", 1)));
  EXPECT_EQ(distance(h264("f4001f", 1), h264("f4001f", 1)), 0);
}

TEST(CodecFormat, SingleUnitsGoToBothPacketizationModesFragmentsOnlyToTheirOwn) {
  EXPECT_EQ(distance(h264("42e01f", 0), h264("42e01f", 0)), 0);
  EXPECT_EQ(distance(h264("42e01f", 0), h264("42e01f", 1)), 2);
  EXPECT_FALSE(distance(h264("42e01f", 1), h264("42e01f", 0)));
}

TEST(CodecFormat, TheOthersMatchByCodecAndProfile) {
  EXPECT_EQ(distance({Codec::kVp8}, {Codec::kVp8}), 0);
  EXPECT_FALSE(distance({Codec::kVp8}, {Codec::kVp9}));
  EXPECT_EQ(distance({Codec::kVp9, 2}, {Codec::kVp9, 2}), 0);
  EXPECT_FALSE(distance({Codec::kVp9, 0}, {Codec::kVp9, 2}));
  EXPECT_EQ(distance({Codec::kAv1, 0}, {Codec::kAv1, 1}), 1);
  EXPECT_FALSE(distance({Codec::kAv1, 1}, {Codec::kAv1, 0}));
  EXPECT_EQ(distance({Codec::kOpus}, {Codec::kOpus}), 0);
  EXPECT_FALSE(distance({Codec::kRed, 111}, {Codec::kOpus}));
}

}  // namespace
}  // namespace simpul::rtp
