#include "relay/h264_starts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/relay/stream_checker.h"

namespace simpul::relay {
namespace {

using namespace testing;
using rtp::KeyPart;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class H264StartsTest : public ::testing::Test {
 protected:
  // Where a slot begins because of a packet; nothing when it does not.
  std::optional<int64_t> note(int64_t number, uint32_t timestamp, KeyPart part,
                              bool key_frame = false) {
    FeedPacket packet;
    packet.number = number;
    packet.media.timestamp = timestamp;
    packet.payload.key_part = part;
    packet.payload.key_frame = key_frame;
    packet.starts_stream = key_frame;
    starts_.note(packet);
    return packet.starts_stream ? std::optional(packet.start()) : std::nullopt;
  }

  H264Starts starts_;
};

TEST_F(H264StartsTest, ParametersAreABeginningOnlyWithTheirIdrPicture) {
  EXPECT_FALSE(note(5, 100, KeyPart::kOther));
  EXPECT_FALSE(note(6, 100, KeyPart::kParameters));
  EXPECT_FALSE(note(7, 100, KeyPart::kOther));
  EXPECT_EQ(note(8, 100, KeyPart::kIdr), 6);
  EXPECT_FALSE(note(9, 100, KeyPart::kIdr)) << "the rest of it";
  EXPECT_FALSE(note(10, 200, KeyPart::kOtherPicture));
}

TEST_F(H264StartsTest, ParametersInFrontOfOtherPicturesAreNone) {
  for (uint32_t picture = 0; picture < 50; ++picture) {
    const auto number = int64_t{3} * picture;
    EXPECT_FALSE(note(number, picture * 100, KeyPart::kParameters));
    EXPECT_FALSE(note(number + 1, picture * 100, KeyPart::kOther));
    EXPECT_FALSE(note(number + 2, picture * 100, KeyPart::kOtherPicture));
  }
  EXPECT_FALSE(note(150, 5'000, KeyPart::kParameters));
  EXPECT_EQ(note(151, 5'000, KeyPart::kIdr), 150);
}

TEST_F(H264StartsTest, ParametersMayHaveATimestampOfTheirOwn) {
  EXPECT_FALSE(note(1, 90, KeyPart::kParameters));
  EXPECT_EQ(note(2, 100, KeyPart::kIdr), 1);
  EXPECT_FALSE(note(3, 190, KeyPart::kParameters));
  EXPECT_FALSE(note(4, 200, KeyPart::kOtherPicture));
  EXPECT_FALSE(note(6, 300, KeyPart::kIdr)) << "a packet is missing, which may be its parameters";
}

TEST_F(H264StartsTest, WhatComesLateIsPutTogetherAllTheSame) {
  EXPECT_FALSE(note(1, 100, KeyPart::kParameters));
  EXPECT_FALSE(note(3, 200, KeyPart::kOtherPicture));
  EXPECT_EQ(note(2, 100, KeyPart::kIdr), 1) << "the picture was late";
  EXPECT_FALSE(note(6, 300, KeyPart::kIdr));
  EXPECT_FALSE(note(7, 400, KeyPart::kOtherPicture));
  EXPECT_EQ(note(5, 300, KeyPart::kParameters), 5) << "the parameters were";
  EXPECT_FALSE(note(4, 300, KeyPart::kParameters)) << "it has its beginning";
  EXPECT_EQ(note(8, 500, KeyPart::kIdr, true), 8);
  EXPECT_FALSE(note(10, 700, KeyPart::kOtherPicture));
  EXPECT_EQ(note(9, 600, KeyPart::kIdr, true), 9) << "all in one";
}

TEST_F(H264StartsTest, ParametersThatWhatStandsBesideThemOvertookAreThoseOfTheirPicture) {
  note(1, 50, KeyPart::kOtherPicture);
  note(3, 100, KeyPart::kOther);
  EXPECT_FALSE(note(2, 100, KeyPart::kParameters));
  EXPECT_EQ(note(4, 100, KeyPart::kIdr), 2);
}

TEST_F(H264StartsTest, ABareIdrPictureDoesWhenParametersCameEarlier) {
  EXPECT_FALSE(note(1, 100, KeyPart::kOtherPicture));
  EXPECT_FALSE(note(2, 200, KeyPart::kIdr)) << "nobody can have its parameters";
  EXPECT_FALSE(note(3, 300, KeyPart::kParameters));
  EXPECT_EQ(note(4, 300, KeyPart::kIdr), 3);
  EXPECT_FALSE(note(5, 400, KeyPart::kOtherPicture));
  EXPECT_EQ(note(6, 500, KeyPart::kIdr), 6);
  EXPECT_FALSE(note(7, 500, KeyPart::kIdr));
}

TEST_F(H264StartsTest, ABareIdrPictureBeginsWithWhatStandsBesideIt) {
  EXPECT_FALSE(note(1, 100, KeyPart::kParameters));
  EXPECT_FALSE(note(2, 100, KeyPart::kOtherPicture));
  EXPECT_FALSE(note(3, 200, KeyPart::kOther)) << "a delimiter";
  EXPECT_FALSE(note(4, 200, KeyPart::kOther)) << "SEI";
  EXPECT_EQ(note(5, 200, KeyPart::kIdr), 3);
  EXPECT_FALSE(note(6, 200, KeyPart::kIdr)) << "the rest of it";
  EXPECT_FALSE(note(7, 300, KeyPart::kOther));
  EXPECT_FALSE(note(8, 300, KeyPart::kOtherPicture));
  EXPECT_FALSE(note(9, 300, KeyPart::kIdr)) << "it is not the first of its picture";
}

TEST_F(H264StartsTest, ABareIdrPictureThatMayHaveLostItsParametersIsNoBeginning) {
  EXPECT_FALSE(note(1, 100, KeyPart::kParameters));
  EXPECT_FALSE(note(2, 100, KeyPart::kOtherPicture));
  EXPECT_FALSE(note(3, 200, KeyPart::kOther));
  EXPECT_FALSE(note(5, 200, KeyPart::kIdr)) << "lost between the delimiter and it";
  EXPECT_FALSE(note(6, 300, KeyPart::kOtherPicture));
  EXPECT_FALSE(note(8, 400, KeyPart::kOther));
  EXPECT_FALSE(note(9, 400, KeyPart::kIdr)) << "lost in front of the delimiter";
}

// The whole way, by what leaves.
class H264SlotTest : public ::testing::Test {
 protected:
  std::vector<Sent> pass(bool key, size_t packets) {
    scene_.now += 33ms;
    return scene_.pass(2, source_.frame({.key = key, .packets = packets}));
  }

  Scene scene_;
  Source source_{scene_.pool, {.codec = rtp::Codec::kH264, .repeats_parameters = true}};
  PublisherId publisher_ = scene_.publish("ana", {video_track(2)});
  SubscriberId watcher_ = scene_.watch({}, {video_slot(10)});
};

TEST_F(H264SlotTest, NobodyBeginsWithParametersOfAnOrdinaryPicture) {
  for (int i = 0; i < 20; ++i) EXPECT_THAT(pass(false, 3), IsEmpty());
  const auto sent = pass(true, 5);
  ASSERT_THAT(sent, SizeIs(5));
  EXPECT_TRUE(World::starts_h264(sent.front().payload));
}

TEST_F(H264SlotTest, WhoBeginsGetsTheParametersThatLeftBeforeTheirPictureCame) {
  auto packets = source_.frame({.key = true, .packets = 4});
  const uint32_t first_tag = tag_of(packets.front().payload());
  std::vector<Sent> sent;
  for (auto& packet : packets) {
    scene_.receive(2, {std::move(packet)});
    for (const auto& one : scene_.collect()) sent.push_back(one);  // not held: one by one
  }
  ASSERT_THAT(sent, SizeIs(4));
  EXPECT_EQ(sent.front().tag(), first_tag);
  for (size_t i = 1; i < sent.size(); ++i) EXPECT_EQ(sent[i].index, sent[0].index + i);
}

}  // namespace
}  // namespace simpul::relay
