#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <set>

#include "bench/peer/flexfec_receiver.h"
#include "connection/media_sender.h"
#include "rtp/header_extensions.h"
#include "rtp/packet_view.h"
#include "tests/support/srtp_packets.h"

namespace simpul::connection {
namespace {

using namespace testing;
using ::testing::ElementsAre;
using ::testing::SizeIs;

constexpr rtp::Ssrc kAudio(0xA0A1A2A3);
constexpr rtp::Ssrc kVideo(0xB0B1B2B3);
constexpr rtp::Ssrc kVideoRtx(0xC0C1C2C3);
constexpr rtp::Ssrc kParity(0xD0D1D2D3);
constexpr rtp::Ssrc kOther(0xE0E1E2E3);
constexpr uint8_t kParityType = 49;
constexpr uint8_t kNumberId = 5;

class ParitySending : public ::testing::Test {
 protected:
  static rtp::ExtensionMap extensions() {
    rtp::ExtensionMap map;
    map.set(rtp::ExtensionKind::kMid, 4);
    map.set(rtp::ExtensionKind::kTransportSequence, kNumberId);
    return map;
  }

  rtp::OutgoingPacket packet(rtp::Ssrc ssrc, uint64_t index, uint32_t timestamp, size_t size) {
    payloads_.emplace_back(size, static_cast<uint8_t>(size + index));
    return {.index = index,
            .timestamp = timestamp,
            .ssrc = ssrc,
            .payload_type = rtp::PayloadType(96),
            .csrc = 0x01020304,
            .body = payloads_.back(),
            .source = payloads_.back()};
  }
  // A frame of video, of packets of these sizes.
  std::vector<rtp::OutgoingPacket> frame_of(std::initializer_list<size_t> sizes) {
    std::vector<rtp::OutgoingPacket> packets;
    timestamp_ += 3'000;
    for (const size_t size : sizes) {
      packets.push_back(packet(kVideo, next_index_++, timestamp_, size));
    }
    return packets;
  }
  // So many packets of a frame of video, of unequal lengths.
  std::vector<rtp::OutgoingPacket> frame(size_t count, rtp::Ssrc ssrc = kVideo) {
    std::vector<rtp::OutgoingPacket> packets;
    timestamp_ += 3'000;
    for (size_t i = 0; i < count; ++i) {
      packets.push_back(packet(ssrc, next_index_++, timestamp_, 100 + i % 7 * 5));
    }
    packets.back().marker = true;
    return packets;
  }
  // What the peer gets, in order.
  std::vector<Buffer> send(const std::vector<rtp::OutgoingPacket>& packets) {
    std::deque<Buffer> sealed;
    sender_.seal(
        packets, srtp_, [&](size_t size) -> MutableBytes { return sealed.emplace_back(size); },
        scratch_);
    scratch_.finish();
    std::vector<Buffer> plain;
    for (const Buffer& bytes : sealed) {
      const auto opened = open_rtp(peer_, bytes);
      plain.push_back(opened ? *opened : Buffer{});
    }
    return plain;
  }
  static rtp::Ssrc ssrc_of(const Buffer& plain) { return rtp::PacketView::parse(plain)->ssrc(); }
  static std::vector<Buffer> of(rtp::Ssrc ssrc, const std::vector<Buffer>& all) {
    std::vector<Buffer> found;
    for (const Buffer& plain : all) {
      if (ssrc_of(plain) == ssrc) found.push_back(plain);
    }
    return found;
  }
  // As the parity knows it: what is written on the way is zero.
  static Buffer without_number(Buffer plain) {
    const auto view = rtp::PacketView::parse(plain);
    rtp::ExtensionReader reader(view->extension_profile(), view->extension());
    while (const auto element = reader.next()) {
      if (element->id != kNumberId) continue;
      const auto at = static_cast<size_t>(element->data.data() - plain.data());
      plain[at] = plain[at + 1] = 0;
    }
    return plain;
  }

  MediaConfig config_{
      .receiving = {},
      .sending = {{.mid = "0", .ssrc = kAudio, .rtx_ssrc = {}},
                  {.mid = "1",
                   .ssrc = kVideo,
                   .rtx_ssrc = kVideoRtx,
                   .transport_feedback = true,
                   .flexfec =
                       Flexfec{.ssrc = kParity, .payload_type = rtp::PayloadType(kParityType)}},
                  {.mid = "2", .ssrc = kOther, .rtx_ssrc = {}, .transport_feedback = true}},
      .extensions = extensions(),
      .cname = "us"};
  crypto::CipherEngine engine_;
  dtls::SrtpMasterKey key_ = make_master_key(dtls::SrtpProfile::kAeadAes128Gcm);
  dtls::SrtpSender srtp_{engine_, key_};
  dtls::SrtpReceiver peer_{engine_, key_};
  MediaSender sender_{config_};
  MediaSender::Scratch scratch_;
  std::deque<Buffer> payloads_;
  uint64_t next_index_ = 0xFFF0;
  uint32_t timestamp_ = 0;
};

TEST_F(ParitySending, IsOffUntilItIsWanted) {
  EXPECT_TRUE(sender_.may_protect());
  EXPECT_THAT(send(frame(40)), SizeIs(40));
  sender_.set_protection(0.25);
  EXPECT_THAT(send(frame(40)), SizeIs(46));
  sender_.set_protection(0);
  EXPECT_THAT(send(frame(40)), SizeIs(40));
}

TEST_F(ParitySending, IsNotPossibleWhereNoLineAgreedOnIt) {
  config_.sending[1].flexfec.reset();
  MediaSender sender(config_);
  EXPECT_FALSE(sender.may_protect());
}

TEST_F(ParitySending, ComesBehindWhatItProtectsUnderItsOwnSourceAndNumbers) {
  sender_.set_protection(0.25);
  const auto all = send(frame(12));
  ASSERT_THAT(all, SizeIs(15));
  for (size_t i = 0; i < 3; ++i) {
    const auto view = rtp::PacketView::parse(all[12 + i]);
    EXPECT_EQ(view->ssrc(), kParity);
    EXPECT_EQ(view->payload_type().value(), kParityType);
    EXPECT_EQ(view->sequence_number().value(), 1 + i);
    EXPECT_EQ(view->timestamp(), timestamp_);
  }
  EXPECT_THAT(scratch_.numbered(), SizeIs(15)) << "the peer reports on parity packets too";
  EXPECT_EQ(rtp::PacketView::parse(send(frame(12)).back())->sequence_number().value(), 6);
}

TEST_F(ParitySending, GivesBackWhatWasLostAsItWasSent) {
  sender_.set_protection(0.25);
  for (int round = 0; round < 20; ++round) {
    const auto all = send(frame(12));
    const auto media = of(kVideo, all);
    ASSERT_THAT(media, SizeIs(12));
    peer::FlexfecReceiver receiver;
    for (size_t i = 0; i < media.size(); ++i) {
      if (i < 4 || i > 6) receiver.receive(without_number(media[i]));
    }
    for (const Buffer& plain : of(kParity, all)) {
      ASSERT_TRUE(receiver.receive_parity(rtp::PacketView::parse(plain)->payload()));
    }
    EXPECT_EQ(receiver.recovered(), 3u);
    for (const Buffer& plain : media) {
      const auto number = rtp::PacketView::parse(plain)->sequence_number().value();
      ASSERT_NE(receiver.find(number), nullptr);
      EXPECT_EQ(*receiver.find(number), without_number(plain));
    }
  }
}

TEST_F(ParitySending, ProtectsTheLineThatAgreedOnItAndNoRetransmissions) {
  sender_.set_protection(1);
  EXPECT_THAT(send(frame(10, kAudio)), SizeIs(10));
  EXPECT_THAT(send(frame(10, kVideoRtx)), SizeIs(10));
  EXPECT_THAT(send(frame(10, kOther)), SizeIs(10));
  EXPECT_THAT(send(frame(10)), SizeIs(16));
}

TEST_F(ParitySending, ABlockOfFewPacketsWaitsForMoreButNotForLong) {
  sender_.set_protection(0.5);
  std::vector<size_t> sizes;
  for (int i = 0; i < 6; ++i) sizes.push_back(send(frame(1)).size());
  EXPECT_THAT(sizes, ElementsAre(1, 1, 2, 1, 1, 3));
}

// Where retransmissions come too late a datagram that the path cuts in two is lost twice as often.
TEST_F(ParitySending, FitsIntoWhatAPathOf1280BytesCarriesWhole) {
  constexpr size_t kWhole = 1'280 - 40 - 8;
  sender_.set_protection(1);
  size_t protected_max = 0;
  for (size_t size = 1'000; size < 1'300; ++size) {
    const auto all = send(frame_of({size, size - 500, size - 300}));
    const auto parities = of(kParity, all);
    for (const Buffer& plain : parities) {
      EXPECT_LE(plain.size() + srtp_.overhead(), kWhole);
      const auto parity = peer::FlexfecReceiver::parse(rtp::PacketView::parse(plain)->payload());
      ASSERT_TRUE(parity);
      if (parity->protects.front() == rtp::PacketView::parse(all[0])->sequence_number().value()) {
        protected_max = size;
      }
    }
    if (size > 1'280) {
      EXPECT_THAT(parities, SizeIs(2)) << "the others are protected";
    }
  }
  EXPECT_GE(protected_max, 1'140u) << "what browsers make of most frames";
}

// What is too large leaves no hole in what protects the others.
TEST_F(ParitySending, GivesBackTheOthersOfABlockWithALargePacket) {
  sender_.set_protection(1);
  const auto all = send(frame_of({1'250, 600, 700, 800}));
  const auto media = of(kVideo, all);
  ASSERT_THAT(media, SizeIs(4));
  peer::FlexfecReceiver receiver;
  for (const Buffer& plain : of(kParity, all)) {
    ASSERT_TRUE(receiver.receive_parity(rtp::PacketView::parse(plain)->payload()));
  }
  EXPECT_EQ(receiver.recovered(), 3u);
  for (const size_t i : {1u, 2u, 3u}) {
    const auto number = rtp::PacketView::parse(media[i])->sequence_number().value();
    ASSERT_NE(receiver.find(number), nullptr);
    EXPECT_EQ(*receiver.find(number), without_number(media[i]));
  }
}

TEST_F(ParitySending, ALargeFrameIsSeveralBlocks) {
  sender_.set_protection(0.1);
  const auto all = send(frame(150));
  std::set<uint16_t> numbers;
  for (const Buffer& plain : of(kParity, all)) {
    const auto parity = peer::FlexfecReceiver::parse(rtp::PacketView::parse(plain)->payload());
    ASSERT_TRUE(parity);
    EXPECT_EQ(parity->ssrc, kVideo.value());
    numbers.insert(parity->protects.begin(), parity->protects.end());
  }
  EXPECT_GE(numbers.size(), 3 * rtp::FlexfecEncoder::kSpanMax);
  EXPECT_LE(of(kParity, all).size(), 16u);
}

}  // namespace
}  // namespace simpul::connection
