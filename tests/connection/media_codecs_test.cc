// What a connection makes of formats and header extensions on their way in and out.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "connection/media_receiver.h"
#include "connection/media_sender.h"
#include "crypto/srtp_cipher.h"
#include "rtp/header_extensions.h"
#include "rtp/packet_view.h"
#include "tests/support/hex.h"
#include "tests/support/rtp_packets.h"
#include "tests/support/srtp_packets.h"

namespace simpul::connection {
namespace {

using rtp::ExtensionKind;
using simpul::testing::from_hex;
using simpul::testing::make_packet;
using simpul::testing::PacketFields;

constexpr rtp::CodecFormat kMode1{rtp::Codec::kH264, rtp::kH264Baseline, 1};

ReceivedCodec codec(const rtp::CodecFormat& format, uint8_t payload_type) {
  ReceivedCodec made;
  made.format = format;
  made.payload_type = rtp::PayloadType(payload_type);
  return made;
}

MediaConfig publisher() {
  MediaConfig config;
  config.receiving.resize(2);
  config.receiving[0].mid = "v";
  config.receiving[0].kind = rtp::MediaKind::kVideo;
  config.receiving[0].codecs = {codec({rtp::Codec::kVp8}, 96), codec(kMode1, 102)};
  config.receiving[1].mid = "a";
  config.receiving[1].codecs = {codec({rtp::Codec::kOpus}, 111),
                                codec({rtp::Codec::kRed, 111}, 63)};
  config.extensions.set(ExtensionKind::kDependencyDescriptor, 13);
  config.extensions.set(ExtensionKind::kVideoLayersAllocation, 12);
  config.extensions.set(ExtensionKind::kColorSpace, 20);
  return config;
}

class MediaCodecsTest : public ::testing::Test {
 protected:
  std::optional<ReceivedMedia> receive(const PacketFields& fields) {
    const auto bytes = make_packet(fields);
    PacketRef packet = pool_.allocate();
    std::ranges::copy(bytes, packet->bytes.begin());
    packet->size = static_cast<uint32_t>(bytes.size());
    const auto view = rtp::PacketView::parse(packet->data());
    return receiver_.receive(std::move(packet), *view, TimePoint{});
  }
  std::optional<ReceivedMedia> receive_red(const char* payload) {
    return receive({.payload_type = 63,
                    .sequence_number = ++sequence_,
                    .ssrc = rtp::Ssrc(7),
                    .payload = from_hex(payload)});
  }

  PacketPool pool_{64};
  MediaConfig config_ = publisher();
  MediaReceiver receiver_{config_, rtp::Ssrc(1)};
  uint16_t sequence_ = 0;
};

TEST_F(MediaCodecsTest, ThePayloadTypeSaysTheFormatOfEachPacket) {
  EXPECT_EQ(receive({.payload_type = 96, .payload = {1}})->packet.format,
            rtp::CodecFormat{rtp::Codec::kVp8});
  const auto other = receive({.payload_type = 102, .sequence_number = 2, .payload = {1}});
  ASSERT_TRUE(other);
  EXPECT_EQ(other->packet.format, kMode1);
  EXPECT_EQ(other->id.line, 0);
  EXPECT_FALSE(receive({.payload_type = 97, .sequence_number = 3, .payload = {1}}));
}

TEST_F(MediaCodecsTest, RedHoldsTheOpusThatWasAgreedOnAndNothingElse) {
  EXPECT_TRUE(receive_red("ef 0f00 01 6f aa bb"));
  EXPECT_TRUE(receive_red("6f bb"));
  EXPECT_FALSE(receive_red("3f bb")) << "RED in RED";
  EXPECT_FALSE(receive_red("bf 0f00 01 6f aa bb"));
  EXPECT_FALSE(receive_red("60 bb")) << "the video's";
  EXPECT_FALSE(receive_red("ef 0f00 09 6f aa bb")) << "past the end";
}

TEST_F(MediaCodecsTest, ExtensionsArePassedOnOnceEachWhateverTheirForm) {
  // Two-byte form: id 13 of 17 bytes, id 12, id 20, id 13 again.
  auto extension = from_hex("0d 11");
  extension.resize(2 + 17, 0x55);
  for (const uint8_t byte : from_hex("0c 01 77 14 02 0102 0d 01 99 00 00 00")) {
    extension.push_back(byte);
  }
  const auto words = static_cast<uint16_t>(extension.size() / 4);
  extension.resize(size_t{words} * 4);
  const auto media = receive({.extension_profile = 0x1000,
                              .extension_words = words,
                              .extension = extension,
                              .payload = {1}});
  ASSERT_TRUE(media);
  EXPECT_EQ(media->packet.extensions.count, 2);
  EXPECT_EQ(media->packet.extension(ExtensionKind::kDependencyDescriptor).size(), 17u);
  EXPECT_EQ(media->packet.extension(ExtensionKind::kColorSpace).size(), 2u);
  EXPECT_TRUE(media->packet.extension(ExtensionKind::kVideoLayersAllocation).empty());
}

// One packet with a dependency descriptor of `size` bytes, as it leaves.
class SentExtensionsTest : public ::testing::Test {
 protected:
  std::vector<rtp::ExtensionElement> seal(size_t size, std::optional<uint16_t> frame_number) {
    source_.assign(size, 0x11);
    rtp::PassedExtensions passed;
    passed.items[0] = {.kind = ExtensionKind::kDependencyDescriptor,
                       .offset = 0,
                       .size = static_cast<uint8_t>(size)};
    passed.count = 1;
    rtp::OutgoingPacket packet;
    packet.index = 5;
    packet.ssrc = rtp::Ssrc(9);
    packet.payload_type = rtp::PayloadType(96);
    packet.body = source_;
    packet.source = source_;
    packet.extensions = &passed;
    packet.frame_number = frame_number;
    MediaSender sender(config_);
    dtls::SrtpSender srtp(engine_,
                          simpul::testing::make_master_key(dtls::SrtpProfile::kAeadAes128Gcm));
    MediaSender::Scratch scratch;
    sender.seal(
        {&packet, 1}, srtp,
        [this](size_t room) {
          sent_.resize(room);
          return MutableBytes(sent_);
        },
        scratch);
    const auto view = rtp::PacketView::parse(sent_);
    profile_ = view->extension_profile();
    std::vector<rtp::ExtensionElement> elements;
    rtp::ExtensionReader reader(profile_, view->extension());
    while (const auto element = reader.next()) elements.push_back(*element);
    return elements;
  }
  static MediaConfig watcher() {
    MediaConfig config;
    config.sending.push_back({.mid = "v", .ssrc = rtp::Ssrc(9), .rtx_ssrc = {}});
    config.extensions.set(ExtensionKind::kMid, 4);
    config.extensions.set(ExtensionKind::kDependencyDescriptor, 13);
    return config;
  }

  MediaConfig config_ = watcher();
  crypto::CipherEngine engine_;
  std::vector<uint8_t> source_;
  std::vector<uint8_t> sent_;
  uint16_t profile_ = 0;
};

TEST_F(SentExtensionsTest, TheFrameNumberIsThatOfTheReceiversStream) {
  const auto elements = seal(5, 0xABCD);
  ASSERT_EQ(elements.size(), 2u);
  EXPECT_EQ(as_text(elements[0].data), "v");
  EXPECT_THAT(elements[1].data, ::testing::ElementsAre(0x11, 0xAB, 0xCD, 0x11, 0x11));
  EXPECT_EQ(source_[1], 0x11) << "the packet is others' too";
}

TEST_F(SentExtensionsTest, ADescriptorThatCouldNotBeReadIsLeftOut) {
  EXPECT_EQ(seal(5, std::nullopt).size(), 1u);
}

TEST_F(SentExtensionsTest, ALargeDescriptorNeedsAReceiverOfBothForms) {
  EXPECT_EQ(seal(90, 1).size(), 1u);
  EXPECT_EQ(profile_, rtp::kOneByteProfile);
  config_.extension_forms = rtp::ExtensionForms::kMixed;
  ASSERT_EQ(seal(90, 1).size(), 2u);
  EXPECT_EQ(profile_, 0x1000);
  EXPECT_EQ(seal(255, 1).size(), 1u) << "more than a header has room for";
  EXPECT_EQ(seal(16, 1).size(), 2u);
  EXPECT_EQ(profile_, rtp::kOneByteProfile);
}

}  // namespace
}  // namespace simpul::connection
