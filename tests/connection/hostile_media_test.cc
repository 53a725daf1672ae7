// Publishers who lie about whose packets are whose (rows R8 and R18 of docs/attacks.md).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/connection/receiving.h"

namespace simpul::connection {
namespace {

using namespace simpul::testing;

constexpr uint8_t kNobodysType = 50;

PacketFields video(uint32_t ssrc, uint16_t number = 1) {
  return {.sequence_number = number, .ssrc = rtp::Ssrc(ssrc), .payload = {0x10, 1, 2, 3}};
}

PacketFields with_type(PacketFields fields, uint8_t payload_type) {
  fields.payload_type = payload_type;
  return fields;
}

// Two lines of simulcast and one of audio; each layer of the first line is known.
class AttackOnReceiver : public ::testing::Test {
 protected:
  AttackOnReceiver() {
    EXPECT_TRUE(take(video(100), {{kMidId, "v"}, {kRidId, "q"}}));
    EXPECT_TRUE(take(video(101), {{kMidId, "v"}, {kRidId, "h"}}));
  }
  std::optional<ReceivedMedia> take(const PacketFields& fields, const Extensions& extensions) {
    return peer_.receive(with_extensions(fields, extensions));
  }
  // Whoever was known before still is, and nobody else took a layer.
  void expect_unmoved() {
    ++number_;
    EXPECT_EQ(peer_.receive(video(100, number_))->id, (LayerId{0, 0}));
    EXPECT_EQ(peer_.receive(video(101, number_))->id, (LayerId{0, 1}));
  }

  Receiving peer_{{video_line("v", {"q", "h"}), video_line("w", {"q", "h"}), audio_line("a")}};
  uint16_t number_ = 1;
};

TEST_F(AttackOnReceiver, R8_SourcesThatSayNothingOrTooLittleAreDropped) {
  const uint64_t before = peer_.receiver.ignored();
  EXPECT_FALSE(peer_.receive(video(200))) << "a payload type that two lines have";
  EXPECT_FALSE(take(video(200), {{kMidId, "v"}}));
  EXPECT_FALSE(take(video(200), {{kRidId, "x"}}));
  EXPECT_FALSE(take(video(200), {{kMidId, "nobody"}, {kRidId, "q"}}));
  EXPECT_EQ(peer_.receiver.ignored(), before + 4);
  expect_unmoved();
}

TEST_F(AttackOnReceiver, R8_PayloadTypesOfNobodyOrOfAnotherLineAreDropped) {
  EXPECT_FALSE(take(with_type(video(200), kNobodysType), {{kMidId, "w"}, {kRidId, "q"}}));
  EXPECT_FALSE(take(with_type(video(200), 111), {{kMidId, "w"}, {kRidId, "q"}}));
  EXPECT_FALSE(take(video(200), {{kMidId, "a"}}));
  EXPECT_FALSE(peer_.receive(with_type(video(100, 2), kNobodysType)));
  EXPECT_FALSE(peer_.receive(with_type(video(100, 3), 111)));
  EXPECT_FALSE(peer_.receive(with_type(video(100, 4), 97))) << "a known source turns into RTX";
  number_ = 4;
  expect_unmoved();
}

TEST_F(AttackOnReceiver, R8_RidsThatWereNotOfferedOrAreNoneAreDropped) {
  // 255 characters need the two-byte form.
  for (const size_t size : {size_t{0}, size_t{17}, size_t{255}}) {
    std::vector<uint8_t> block = {kMidId, 1, 'w', kRidId, static_cast<uint8_t>(size)};
    block.resize(block.size() + size, 'q');
    block.resize((block.size() + 3) / 4 * 4);
    auto fields = video(200);
    fields.extension_profile = 0x1000;
    fields.extension_words = static_cast<uint16_t>(block.size() / 4);
    fields.extension = block;
    EXPECT_FALSE(peer_.receive(fields)) << size;
  }
  for (const char* rid : {"x", "Q", "q ", "q;h", "q\xFF", "../q", "h2"}) {
    EXPECT_FALSE(take(video(200), {{kMidId, "w"}, {kRidId, rid}})) << rid;
  }
  EXPECT_FALSE(take(video(200), {{kMidId, "w"}, {kRepairedRidId, "q"}})) << "media as a repair";
  expect_unmoved();
}

TEST_F(AttackOnReceiver, R8_AKnownSourceDoesNotMoveWhateverItSays) {
  for (const char* mid : {"w", "a", "x"}) {
    const auto media = take(video(100, ++number_), {{kMidId, mid}, {kRidId, "h"}});
    ASSERT_TRUE(media);
    EXPECT_EQ(media->id, (LayerId{0, 0})) << mid;
  }
  expect_unmoved();
}

TEST_F(AttackOnReceiver, R18_RetransmissionsOfNothingAreDropped) {
  const Extensions named = {{kMidId, "v"}, {kRepairedRidId, "q"}};
  auto rtx = Receiving::rtx(300, 1, 0, {});
  rtx.payload = {};
  EXPECT_FALSE(take(rtx, named)) << "no number";
  rtx.sequence_number = 2;
  rtx.payload = {7};
  EXPECT_FALSE(take(rtx, named)) << "half of one";
  EXPECT_FALSE(take(Receiving::rtx(300, 3, 1), named)) << "a packet that came";
  const auto empty = take(Receiving::rtx(300, 4, 0, {}), named);
  EXPECT_TRUE(!empty || empty->packet.payload_size == 0) << "a payload of nothing";
  expect_unmoved();
}

TEST_F(AttackOnReceiver, R18_RetransmissionsOfWhatWasNeverSentStartNothingAnew) {
  const Extensions named = {{kMidId, "v"}, {kRepairedRidId, "q"}};
  uint16_t number = 0;
  for (const uint16_t original :
       {uint16_t{20'000}, uint16_t{40'000}, uint16_t{40'001}, uint16_t{1'500}}) {
    EXPECT_FALSE(take(Receiving::rtx(300, ++number, original), named)) << original;
  }
  EXPECT_THAT(peer_.written_after<rtp::Pli>(50ms), ::testing::IsEmpty());
  EXPECT_THAT(peer_.written_after<rtp::Nack>(50ms), ::testing::IsEmpty());
  expect_unmoved();
}

TEST_F(AttackOnReceiver, R18_RetransmissionsBeforeTheMediaOrOfOneAnotherAreDropped) {
  EXPECT_FALSE(take(Receiving::rtx(400, 1, 9), {{kMidId, "w"}, {kRepairedRidId, "q"}}));
  // A retransmission in a retransmission is a payload like any other: it is unwrapped once.
  const auto media =
      take(Receiving::rtx(300, 1, 0, {0, 0, 0, 0, 1, 2}), {{kMidId, "v"}, {kRepairedRidId, "q"}});
  ASSERT_TRUE(media);
  EXPECT_EQ(media->packet.payload_size, 6);
  EXPECT_FALSE(take(with_type(video(300, 2), 96), {{kMidId, "v"}, {kRidId, "q"}}))
      << "the RTX source sends media";
  expect_unmoved();
}

}  // namespace
}  // namespace simpul::connection
