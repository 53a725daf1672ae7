// Publishers whose media lies (rows R12 to R17 and R22 of docs/attacks.md). Whatever they send,
// each viewer gets one valid stream, and the picture goes on when they send one again.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/relay/scene.h"
#include "tests/support/hex.h"

namespace simpul::relay {
namespace {

using namespace testing;
using simpul::testing::BitWriter;
using simpul::testing::from_hex;
using ::testing::SizeIs;

constexpr uint32_t kTrack = 2;
constexpr uint32_t kVoice = 1;
constexpr size_t kFramePackets = 3;
using Payload = std::vector<uint8_t>;

class AttackOnRelay : public ::testing::Test {
 protected:
  AttackOnRelay() {
    scene_.publish("mallory", {audio_track(kVoice), video_track(kTrack)});
    scene_.watch({}, {audio_slot(1), video_slot(10)});
  }

  // A packet in its turn, with any payload and any dependency descriptor.
  rtp::MediaPacket lie(const Payload& payload, const Payload& descriptor = {}) {
    auto packet = std::move(source_.frame({.packets = 1}).front());
    const size_t begin = packet.payload_offset;
    const auto at = packet.packet->bytes.begin() + static_cast<ptrdiff_t>(begin);
    std::ranges::copy(descriptor, std::ranges::copy(payload, at).out);
    packet.payload_size = static_cast<uint16_t>(payload.size());
    packet.packet->size = static_cast<uint32_t>(begin + payload.size() + descriptor.size());
    packet.extensions = {};
    if (!descriptor.empty()) {
      packet.extensions.items[0] = {.kind = rtp::ExtensionKind::kDependencyDescriptor,
                                    .offset = static_cast<uint16_t>(begin + payload.size()),
                                    .size = static_cast<uint8_t>(descriptor.size())};
      packet.extensions.count = 1;
    }
    return packet;
  }
  void send(rtp::MediaPacket packet) {
    std::vector<rtp::MediaPacket> packets;
    packets.push_back(std::move(packet));
    send(std::move(packets));
  }
  void send(std::vector<rtp::MediaPacket> packets) {
    scene_.now += 33ms;
    check(scene_.pass(kTrack, std::move(packets)));
    scene_.advance();
  }
  // What leaves is one stream without a hole of ours, whose time does not go back far.
  void check(const std::vector<Sent>& sent) {
    for (const Sent& packet : sent) {
      ASSERT_LE(packet.payload.size(), 1'500u);
      if (last_) {
        ASSERT_EQ(packet.index, last_->index + 1);
        ASSERT_GE(static_cast<int32_t>(packet.timestamp - last_->timestamp), -90'000);
        ASSERT_LE(static_cast<int32_t>(packet.timestamp - last_->timestamp), 15 * 90'000);
      }
      last_ = packet;
    }
  }
  void attack(rtp::Codec codec, const std::vector<Payload>& lies) {
    source_.at().codec = codec;
    send(source_.frame({.key = true}));
    for (const Payload& payload : lies) {
      for (size_t size = 1; size <= payload.size(); ++size) {
        send(lie(Payload(payload.begin(), payload.begin() + static_cast<ptrdiff_t>(size))));
      }
    }
    expect_it_goes_on();
  }
  void expect_it_goes_on() {
    ASSERT_TRUE(last_);
    const auto before = *last_;
    send(source_.frame({.key = true, .packets = kFramePackets}));
    EXPECT_EQ(last_->index, before.index + kFramePackets);
    EXPECT_EQ(last_->tag(), source_.at().first_tag - 1) << "the frame's last packet";
    const auto numbers = last_->numbers();
    send(source_.frame({.packets = 1}));
    EXPECT_EQ(last_->tag(), source_.at().first_tag - 1);
    if (numbers) {
      EXPECT_EQ(last_->numbers()->picture_id, (numbers->picture_id + 1) & 0x7FFF);
    }
  }

  Scene scene_;
  Source source_{scene_.pool, {}};
  std::optional<Sent> last_;  // of the video
};

TEST_F(AttackOnRelay, R12_Vp8DescriptorsThatLieLeaveOneValidStream) {
  attack(rtp::Codec::kVp8, {
                               from_hex("ff ff ffff ff ff aabbccdd"),  // everything set
                               from_hex("97 f0 7f ff ff aabbccdd"),    // partition 7, short id
                               from_hex("90 80 ffff 9d012a9d012a"),    // the last picture id
                               from_hex("90 80 8000 9d012a9d012a"),    // and the first after it
                               from_hex("90 40 ff 00"),  // TL0PICIDX alone, at its end
                               from_hex("90 40 00 00"),
                               from_hex("10 000000 9d012a 0000 0000 aabbccdd"),  // 0x0 pixels
                               from_hex("10 000000 9d012a ffff ffff aabbccdd"),  // the largest
                           });
}

TEST_F(AttackOnRelay, R12_PictureIdsThatChangeTheirSizeAndWrapStayContinuous) {
  source_.at().picture_id = 0x7FFE;
  source_.at().tl0_pic_idx = 0xFE;
  send(source_.frame({.key = true, .packets = 1}));
  auto last = last_->vp8();
  for (int i = 0; i < 5; ++i) {
    send(source_.frame({.packets = 1}));
    const auto next = last_->vp8();
    EXPECT_EQ(*next.picture_id, (*last.picture_id + 1) & 0x7FFF);
    EXPECT_EQ(*next.tl0_pic_idx, static_cast<uint8_t>(*last.tl0_pic_idx + 1));
    last = next;
  }
  send(lie(from_hex("90 80 7e 01 aabbccdd")));  // seven bits
  EXPECT_FALSE(last_->vp8().long_picture_id);
  expect_it_goes_on();
}

TEST_F(AttackOnRelay, R13_Vp9StructuresAndReferencesThatLieLeaveOneValidStream) {
  auto structure = from_hex("02 f8");  // N_S 7, sizes, N_G 255, R 3
  structure.resize(structure.size() + 32, 0x7F);
  structure.push_back(255);
  for (int picture = 0; picture < 255; ++picture) {
    for (const int byte : {0x0C, 1, 2, 3}) structure.push_back(static_cast<uint8_t>(byte));
  }
  structure.resize(1'180, 0xAA);
  source_.at().codec = rtp::Codec::kVp9;
  send(source_.frame({.key = true}));
  send(lie(structure));
  for (size_t size = 1; size < 60; ++size) {
    send(lie(Payload(structure.begin(), structure.begin() + static_cast<ptrdiff_t>(size))));
  }
  attack(rtp::Codec::kVp9, {
                               from_hex("d8 01 ff ff ff ff ff ff"),    // references without an end
                               from_hex("fa 2a ff 03 06 ff ff ff"),    // layer 7 of none announced
                               from_hex("be ffff ff ff f8 aabbccdd"),  // begins and ends everything
                               from_hex("ff ff ff ff ff ff ff ff"),
                               from_hex("a8 8001 00 00"),  // a key picture of no bytes
                           });
}

TEST_F(AttackOnRelay, R14_H264UnitsThatLieLeaveOneValidStream) {
  auto huge = from_hex("67 42c01f");  // parameters of numbers without an end
  huge.resize(64, 0);
  auto nested = from_hex("78");
  for (int i = 0; i < 80; ++i) nested.insert(nested.end(), {0, 1, 0x78});
  attack(rtp::Codec::kH264,
         {from_hex("78 0000 0000 0000"),   // units of nothing
          from_hex("78 ffff 6742 0001"),   // past the end
          from_hex("78 0004 78 0001 67"),  // an aggregate in an aggregate
          from_hex("7c c5 aabbccdd"),      // a fragment that begins and ends
          from_hex("7c 05 aabbccdd"),      // one that never began
          from_hex("60 aa"), from_hex("7e aa"), from_hex("7f aa"), from_hex("79 aa"),
          from_hex("67 42c01f ffffffffffffffff ff"), huge, nested});
}

TEST_F(AttackOnRelay, R15_Av1ElementsThatLieLeaveOneValidStream) {
  // Without a dependency descriptor, so that the payload itself counts.
  attack(rtp::Codec::kAv1, {
                               from_hex("30 7f aa 7f bb cc"),  // three that run past
                               from_hex("d8 aa bb"),
                               from_hex("98 aa"),                          // goes on and begins
                               from_hex("00 80 80 80 80 80 80 80 80 80"),  // no end
                               from_hex("00 ffffffffffffff7f aa"),
                               from_hex("10 0a ff ff ff ff ff ff"),
                               from_hex("18 0a ff ff ff ff ff ff ff ff ff ff"),
                               from_hex("00 00 00 00 00 00 00 00 00 00"),
                           });
}

TEST_F(AttackOnRelay, R16_DependencyDescriptorsThatLieLeaveOneValidStream) {
  source_.at().codec = rtp::Codec::kAv1;
  send(source_.frame({.key = true}));
  std::vector<Payload> lies = {from_hex("ff ffff"), from_hex("bf 0000 f8"), from_hex("80 0001 10")};
  const auto add = [&](const BitWriter& writer) { lies.push_back(writer.bytes()); };
  const auto structure = [](bool first, uint32_t flags) {
    BitWriter writer;
    writer.bits(first ? 0xC0 : 0x00, 8).bits(0xFFFF, 16).bits(flags, 5);
    return writer;
  };
  // 64 templates and one more, for 32 targets; a layer after the last; references without an end;
  // 32 targets of which none is active; a structure in the middle of a frame.
  for (const int templates : {64, 65}) {
    auto writer = structure(true, 0x10);
    writer.bits(0, 6).bits(31, 5);
    for (int i = 1; i < templates; ++i) writer.bits(0, 2);
    add(writer.bits(3, 2).bits(0, 64).bits(0, 64));
  }
  auto layers = structure(true, 0x10);
  layers.bits(0, 6).bits(0, 5);
  for (int i = 0; i < 40; ++i) layers.bits(2, 2);
  add(layers);
  auto references = structure(true, 0x10);
  references.bits(0, 6).bits(0, 5).bits(3, 2).bits(2, 2);
  for (int i = 0; i < 60; ++i) references.bits(0x1F, 5);
  add(references);
  auto inactive = structure(true, 0x18);
  inactive.bits(63, 6).bits(31, 5).bits(3, 2).bits(0, 64).bits(0, 1).bits(0, 8).bits(0, 32);
  add(inactive);
  auto middle = structure(false, 0x10);
  add(middle.bits(0, 11).bits(3, 2).bits(0, 16));
  for (const Payload& descriptor : lies) {
    for (size_t size = 1; size <= descriptor.size(); ++size) {
      send(lie(from_hex("10 32 aabbccdd"),
               Payload(descriptor.begin(), descriptor.begin() + static_cast<ptrdiff_t>(size))));
    }
  }
  send(lie(from_hex("10 32 aabbccdd"), Payload(255, 0xFF)));
  const auto before = last_->frame_number;
  expect_it_goes_on();
  EXPECT_NE(last_->frame_number, before);
}

TEST_F(AttackOnRelay, R17_RedThatLiesLeavesTheSoundInOneStream) {
  Source voice(scene_.pool, {.ssrc = 7, .codec = rtp::Codec::kOpus});
  std::vector<Payload> lies = {from_hex("ef"), from_hex("ef 0f00 03 6f aa"),
                               from_hex("ef ffff ff 6f"), from_hex("6f"),
                               from_hex("bf 0000 01 3f aa bb")};
  Payload chain;  // a hundred blocks
  for (int i = 0; i < 100; ++i) chain.insert(chain.end(), {0xEF, 0, 0, 0});
  chain.insert(chain.end(), {0x6F, 0xBB});
  lies.push_back(chain);
  std::optional<uint64_t> last;
  size_t heard = 0;
  const auto pass = [&](rtp::MediaPacket packet) {
    scene_.now += 20ms;
    for (const Sent& sent : scene_.pass(kVoice, {std::move(packet)})) {
      EXPECT_TRUE(!last || sent.index == *last + 1);
      last = sent.index;
      EXPECT_EQ(sent.payload_type, kOpusType);
      ++heard;
    }
  };
  pass(voice.audio());
  for (const Payload& payload : lies) {
    auto packet = voice.audio();
    std::ranges::copy(payload, packet.packet->bytes.begin() + packet.payload_offset);
    packet.payload_size = static_cast<uint16_t>(payload.size());
    packet.packet->size = static_cast<uint32_t>(packet.payload_offset + payload.size());
    packet.format = format_of(rtp::Codec::kRed);
    pass(std::move(packet));
  }
  pass(voice.audio());
  EXPECT_EQ(heard, 2u + 1) << "of the lies, only the one whose blocks are whole";
}

TEST_F(AttackOnRelay, R22_TimestampsThatJumpBecomeAStreamWhoseTimeGoesOn) {
  send(source_.frame({.key = true}));
  for (const uint32_t jump :
       {0x7FFF'FFFFu, 0x8000'0000u, 90'000u * 3'600, 0u - 90'000 * 60, 1u << 24}) {
    source_.at().timestamp += jump;
    const auto before = *last_;
    send(source_.frame({}));
    EXPECT_EQ(last_->index, before.index) << "waits for a key frame, as after another source";
    send(source_.frame({.key = true}));
    EXPECT_EQ(last_->index, before.index + kFramePackets);
    EXPECT_LE(last_->timestamp - before.timestamp, 90'000u);
  }
  Source voice(scene_.pool, {.ssrc = 7, .codec = rtp::Codec::kOpus});
  const auto first = scene_.pass(kVoice, {voice.audio()});
  voice.at().timestamp += 0x7000'0000;
  scene_.now += 20ms;
  const auto second = scene_.pass(kVoice, {voice.audio()});
  ASSERT_THAT(second, SizeIs(1)) << "sound goes on at once";
  EXPECT_EQ(second[0].index, first[0].index + 1);
  EXPECT_EQ(second[0].timestamp, first[0].timestamp + 960);
}

TEST_F(AttackOnRelay, R22_TimeThatPassesIsNoJump) {
  send(source_.frame({.key = true}));
  scene_.now += 10min;  // a picture that did not change
  source_.at().timestamp += 600 * 90'000;
  scene_.advance();
  EXPECT_THAT(scene_.pass(kTrack, source_.frame({})), SizeIs(kFramePackets));
  // Frames out of order, as with B-frames.
  source_.at().timestamp -= 2 * 6'000;
  EXPECT_THAT(scene_.pass(kTrack, source_.frame({})), SizeIs(kFramePackets));
}

TEST_F(AttackOnRelay, R22_SequenceNumbersThatJumpBecomeAStreamWithoutAHole) {
  for (const uint16_t jump : {uint16_t{20'000}, uint16_t{32'766}, uint16_t{1'000}}) {
    send(source_.frame({.key = true}));
    source_.at().sequence_number = static_cast<uint16_t>(source_.at().sequence_number + jump);
    send(source_.frame({}));
    expect_it_goes_on();
  }
}

TEST_F(AttackOnRelay, R22_AReportWithoutATimeChangesNothing) {
  constexpr uint64_t kTheirs = uint64_t{3'900'000'000} << 32;
  send(source_.frame({.key = true}));
  scene_.relay.receive_sender_report(TrackId(kTrack), 0, kTheirs, 5'000, scene_.now);
  const auto rtp_time = [&] {
    scene_.now += 1s;
    source_.at().timestamp += 90'000;
    check(scene_.pass(kTrack, source_.frame({}, 0)));
    const auto out = scene_.advance(200ms);
    EXPECT_THAT(out.reports, SizeIs(1));
    return out.reports.empty() ? 0 : out.reports[0].rtp_timestamp;
  };
  const uint32_t first = rtp_time();
  for (int i = 0; i < 3; ++i) {
    scene_.relay.receive_sender_report(TrackId(kTrack), 0, 0, 0xDEAD'BEEF, scene_.now);
  }
  EXPECT_EQ(rtp_time() - first, 108'000u);
}

}  // namespace
}  // namespace simpul::relay
