#include "connection/media_sender.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>

#include "rtp/header_extensions.h"
#include "rtp/packet_view.h"
#include "tests/support/srtp_packets.h"

namespace simpul::connection {
namespace {

using namespace testing;
using ::testing::ElementsAre;

constexpr rtp::Ssrc kAudio(0xA0A1A2A3);
constexpr rtp::Ssrc kVideo(0xB0B1B2B3);
constexpr rtp::Ssrc kVideoRtx(0xC0C1C2C3);
constexpr uint8_t kMidId = 4;

class MediaSenderTest : public ::testing::Test {
 protected:
  MediaSenderTest() { config_.extensions.set(rtp::ExtensionKind::kMid, kMidId); }

  // A packet of video whose payload has `size` bytes.
  rtp::OutgoingPacket video(size_t size, uint32_t timestamp = 3000) {
    payloads_.emplace_back(size, static_cast<uint8_t>(size));
    return {.index = next_index_++,
            .timestamp = timestamp,
            .ssrc = kVideo,
            .payload_type = rtp::PayloadType(96),
            .csrc = 0x01020304,
            .body = payloads_.back(),
            .source = payloads_.back()};
  }
  // Seals, and gives the sizes that places were asked for.
  std::vector<size_t> seal(const std::vector<rtp::OutgoingPacket>& packets) {
    MediaSender::Scratch scratch;
    return seal(packets, scratch);
  }
  std::vector<size_t> seal(const std::vector<rtp::OutgoingPacket>& packets,
                           MediaSender::Scratch& scratch) {
    sealed_.clear();
    std::vector<size_t> sizes;
    sender().seal(
        packets, srtp_,
        [&](size_t size) -> MutableBytes {
          sizes.push_back(size);
          if (sizes.size() == full_from_) return {};
          return sealed_.emplace_back(size);
        },
        scratch);
    return sizes;
  }
  // The plain packet, as the receiver gets it.
  Buffer opened(size_t at) {
    const auto plain = open_rtp(peer_, sealed_[at]);
    return plain ? *plain : Buffer{};
  }
  // The transport-wide sequence number under which it left.
  static std::optional<int> number_of(const Buffer& plain) {
    const auto view = rtp::PacketView::parse(plain);
    if (!view) return {};
    rtp::ExtensionReader reader(view->extension_profile(), view->extension());
    while (const auto element = reader.next()) {
      if (element->id == 5) return rtp::read_transport_sequence(element->data);
    }
    return {};
  }
  MediaSender& sender() {
    if (!sender_) sender_.emplace(config_);
    return *sender_;
  }
  void make_known() {
    for (const SendingLine& line : config_.sending) sender().source_is_known(line.ssrc);
  }

  MediaConfig config_{.receiving = {},
                      .sending = {{.mid = "0", .ssrc = kAudio, .rtx_ssrc = {}},
                                  {.mid = "1", .ssrc = kVideo, .rtx_ssrc = kVideoRtx}},
                      .extensions = {},
                      .cname = "us"};
  crypto::CipherEngine engine_;
  dtls::SrtpMasterKey key_ = make_master_key(dtls::SrtpProfile::kAeadAes128Gcm);
  dtls::SrtpSender srtp_{engine_, key_};
  dtls::SrtpReceiver peer_{engine_, key_};
  std::optional<MediaSender> sender_;
  std::deque<Buffer> payloads_;
  std::deque<Buffer> sealed_;
  size_t full_from_ = 0;
  uint64_t next_index_ = 0x0102;
};

TEST_F(MediaSenderTest, WritesTheHeaderWithTheTrackAsItsSource) {
  make_known();
  auto packet = video(2);
  packet.marker = true;
  seal({packet});
  EXPECT_THAT(opened(0), ElementsAre(0x81, 0xE0, 0x01, 0x02,  //
                                     0x00, 0x00, 0x0B, 0xB8,  //
                                     0xB0, 0xB1, 0xB2, 0xB3,  //
                                     0x01, 0x02, 0x03, 0x04, 0x02, 0x02));
}

TEST_F(MediaSenderTest, SendsTheMidUntilTheReceiverKnowsTheSource) {
  seal({video(1)});
  EXPECT_THAT(opened(0), ElementsAre(0x91, 0x60, 0x01, 0x02,  //
                                     0x00, 0x00, 0x0B, 0xB8,  //
                                     0xB0, 0xB1, 0xB2, 0xB3,  //
                                     0x01, 0x02, 0x03, 0x04,  //
                                     0xBE, 0xDE, 0x00, 0x01, 0x40, '1', 0x00, 0x00, 0x01));
  sender().source_is_known(rtp::Ssrc(5));  // nobody's
  sender().source_is_known(kAudio);
  seal({video(1)});
  EXPECT_EQ(opened(0)[0], 0x91);
  sender().source_is_known(kVideo);
  seal({video(1)});
  EXPECT_EQ(opened(0)[0], 0x81);
}

TEST_F(MediaSenderTest, KnowsTheRetransmissionsWithTheMedia) {
  auto packet = video(4);
  packet.ssrc = kVideoRtx;
  seal({packet});
  EXPECT_EQ(opened(0)[0], 0x91);
  sender().source_is_known(kVideo);
  packet.index = next_index_++;
  seal({packet});
  EXPECT_EQ(opened(0)[0], 0x81);
}

TEST_F(MediaSenderTest, WritesPaddingAloneAsAPacketWithoutPayload) {
  make_known();
  rtp::OutgoingPacket packet{.index = next_index_++,
                             .timestamp = 3000,
                             .ssrc = kVideoRtx,
                             .payload_type = rtp::PayloadType(97),
                             .csrc = 0x01020304,
                             .padding = 255,
                             .body = {},
                             .source = {}};
  seal({packet});
  const Buffer plain = opened(0);
  const auto view = rtp::PacketView::parse(plain);
  ASSERT_TRUE(view);
  EXPECT_EQ(plain.size(), 16u + 255u);
  EXPECT_EQ(view->padding_size(), 255u);
  EXPECT_TRUE(view->payload().empty());
  EXPECT_EQ(view->ssrc(), kVideoRtx);
  EXPECT_FALSE(view->marker());
}

TEST_F(MediaSenderTest, SendsNoMidThatNobodyNegotiated) {
  config_.extensions = {};
  seal({video(1)});
  EXPECT_EQ(opened(0)[0], 0x81);
}

TEST_F(MediaSenderTest, GivesExtensionsTheIdsOfTheReceiver) {
  make_known();
  config_.extensions.set(rtp::ExtensionKind::kVideoOrientation, 9);
  auto packet = video(8);
  rtp::PassedExtensions passed;
  passed.items[0] = {rtp::ExtensionKind::kVideoOrientation, 0, 1};
  passed.items[1] = {rtp::ExtensionKind::kColorSpace, 1, 4};  // not negotiated here
  passed.count = 2;
  packet.extensions = &passed;
  seal({packet});
  const Buffer plain = opened(0);
  const auto view = rtp::PacketView::parse(plain);
  ASSERT_TRUE(view);
  EXPECT_THAT(view->extension(), ElementsAre(0x90, 8, 0, 0));
}

TEST_F(MediaSenderTest, NumbersWhatThePeerReportsOnWhenItLeaves) {
  config_.extensions.set(rtp::ExtensionKind::kTransportSequence, 5);
  config_.sending[1].transport_feedback = true;
  make_known();
  auto sound = video(1);
  sound.ssrc = kAudio;  // nobody reports on that line
  auto again = video(1);
  again.ssrc = kVideoRtx;
  full_from_ = 2;  // the second packet gets no place, and so no number
  MediaSender::Scratch scratch;
  const auto sizes = seal({video(3), video(3), sound, again}, scratch);
  ASSERT_EQ(scratch.numbered().size(), 2u);
  EXPECT_EQ(scratch.numbered()[0].transport_sequence, rtp::SequenceNumber(0));
  EXPECT_EQ(scratch.numbered()[0].size, sizes[0]);
  EXPECT_EQ(scratch.numbered()[1].transport_sequence, rtp::SequenceNumber(1));
  EXPECT_EQ(number_of(opened(0)), 0);
  EXPECT_EQ(opened(1)[0], 0x81) << "the sound";
  EXPECT_EQ(number_of(opened(2)), 1);
  seal({video(3)});
  EXPECT_EQ(number_of(opened(0)), 2);
}

TEST_F(MediaSenderTest, SaysWhenPacketsLeaveToWhoEstimatesByThat) {
  config_.extensions.set(rtp::ExtensionKind::kAbsSendTime, 5);
  config_.sending[1].send_times = true;
  make_known();
  std::vector packets = {video(1), video(3), video(1), video(0)};
  packets[0].ssrc = kAudio;  // nobody estimates by that line
  packets[2].ssrc = packets[3].ssrc = kVideoRtx;
  packets[3].padding = 200;
  sender().set_time(TimePoint(std::chrono::milliseconds(64'000 * 1'000 + 33'500)));
  MediaSender::Scratch scratch;
  const auto sizes = seal(packets, scratch);
  EXPECT_EQ(opened(0)[0], 0x81) << "the sound";
  for (const size_t i : {1U, 2U, 3U}) {
    const Buffer plain = opened(i);
    EXPECT_THAT(rtp::PacketView::parse(plain)->extension(), ElementsAre(0x52, 0x86, 0, 0)) << i;
  }
  EXPECT_EQ(scratch.timed_bytes(), sizes[1] + sizes[2] + sizes[3]);
  EXPECT_EQ(scratch.bytes(), sizes[0] + scratch.timed_bytes());
}

TEST_F(MediaSenderTest, LeavesOutANumberNowAndThen) {
  config_.extensions.set(rtp::ExtensionKind::kTransportSequence, 5);
  for (SendingLine& line : config_.sending) line.transport_feedback = true;
  config_.hole_seed = 1;
  MediaSender::Scratch scratch;
  std::vector<uint32_t> distances;
  uint16_t before = 0xffff;
  uint16_t hole = 0xffff;
  for (int i = 0; i < 20'000; ++i) {
    seal({video(10)}, scratch);
    ASSERT_EQ(scratch.numbered().size(), 1u);
    const uint16_t number = scratch.numbered()[0].transport_sequence.value();
    const auto step = static_cast<uint16_t>(number - before);
    ASSERT_TRUE(step == 1 || step == 2);
    if (step == 2) {
      const auto left_out = static_cast<uint16_t>(number - 1);
      distances.push_back(static_cast<uint16_t>(left_out - hole));
      hole = left_out;
    }
    before = number;
  }
  ASSERT_GT(distances.size(), 150u);
  const auto [least, most] = std::ranges::minmax(distances);
  EXPECT_GE(least, MediaSender::kHoleDistanceMin);
  EXPECT_LE(most, MediaSender::kHoleDistanceMax + 1);
  EXPECT_GT(most, 2 * least) << "nobody can tell when";
}

TEST_F(MediaSenderTest, GivesEachPacketOfAFrameItsOwnHeader) {
  constexpr uint8_t kOrientationId = 9;
  config_.extensions.set(rtp::ExtensionKind::kTransportSequence, 5);
  config_.extensions.set(rtp::ExtensionKind::kVideoOrientation, kOrientationId);
  config_.sending[1].transport_feedback = true;
  std::vector<rtp::OutgoingPacket> packets = {video(20), video(20), video(20), video(20, 6000)};
  rtp::PassedExtensions passed;
  passed.items[0] = {rtp::ExtensionKind::kVideoOrientation, 0, 1};
  passed.count = 1;
  packets[1].extensions = &passed;
  packets[2].marker = true;
  packets[3].payload_type = rtp::PayloadType(97);
  seal(packets);
  for (size_t i = 0; i < packets.size(); ++i) {
    const Buffer plain = opened(i);
    const auto view = rtp::PacketView::parse(plain);
    ASSERT_TRUE(view) << i;
    EXPECT_EQ(view->sequence_number(), packets[i].sequence_number()) << i;
    EXPECT_EQ(view->timestamp(), packets[i].timestamp) << i;
    EXPECT_EQ(view->payload_type(), packets[i].payload_type) << i;
    EXPECT_EQ(view->marker(), i == 2) << i;
    EXPECT_EQ(number_of(plain), static_cast<int>(i));
    std::vector<int> ids;
    rtp::ExtensionReader reader(view->extension_profile(), view->extension());
    while (const auto element = reader.next()) ids.push_back(element->id);
    if (i == 1) {
      EXPECT_THAT(ids, ElementsAre(5, kMidId, kOrientationId));
    } else {
      EXPECT_THAT(ids, ElementsAre(5, kMidId)) << i;
    }
  }
}

TEST_F(MediaSenderTest, NumbersInTheFormThatTheOtherExtensionsNeed) {
  config_.extensions.set(rtp::ExtensionKind::kTransportSequence, 5);
  config_.extensions.set(rtp::ExtensionKind::kColorSpace, 6);
  config_.extension_forms = rtp::ExtensionForms::kMixed;
  config_.sending[1].transport_feedback = true;
  make_known();
  auto packet = video(28);
  rtp::PassedExtensions passed;
  passed.items[0] = {rtp::ExtensionKind::kColorSpace, 0, 28};
  passed.count = 1;
  packet.extensions = &passed;
  seal({video(1), packet});
  const Buffer plain = opened(1);
  const auto view = rtp::PacketView::parse(plain);
  ASSERT_TRUE(view);
  EXPECT_EQ(view->extension_profile(), 0x1000);
  EXPECT_EQ(number_of(plain), 1);
  EXPECT_THAT(std::vector(view->extension().begin() + 6, view->extension().begin() + 34),
              ::testing::Each(28));
}

TEST_F(MediaSenderTest, NumbersNothingWhereTheIdHasNoPlace) {
  config_.extensions.set(rtp::ExtensionKind::kTransportSequence, 20);
  config_.sending[1].transport_feedback = true;
  make_known();
  MediaSender::Scratch scratch;
  seal({video(1)}, scratch);
  EXPECT_TRUE(scratch.numbered().empty());
  EXPECT_EQ(opened(0)[0], 0x81);
}

TEST_F(MediaSenderTest, WritesTheHeadInFrontOfTheBody) {
  make_known();
  auto packet = video(2);
  packet.head = {0xAA, 0xBB, 0xCC};
  packet.head_size = 3;
  seal({packet});
  const Buffer plain = opened(0);
  EXPECT_THAT(std::vector(plain.begin() + 16, plain.end()), ElementsAre(0xAA, 0xBB, 0xCC, 2, 2));
}

TEST_F(MediaSenderTest, MakesTheMessagesOfAFrameOneRunByPadding) {
  make_known();
  const auto sizes = seal({video(1000), video(998), video(1001), video(990), video(500)});
  const size_t full = 1001 + 16 + srtp_.overhead();
  EXPECT_THAT(sizes, ElementsAre(full, full, full, full, 500 + 16 + srtp_.overhead()));
  const Buffer padded = opened(1);
  const auto view = rtp::PacketView::parse(padded);
  ASSERT_TRUE(view);
  EXPECT_EQ(view->padding_size(), 3u);
  EXPECT_EQ(view->payload().size(), 998u);
  EXPECT_EQ(opened(2)[0], 0x81);
}

TEST_F(MediaSenderTest, CountsTheHeaderInWhatItMakesEqual) {
  make_known();
  config_.extensions.set(rtp::ExtensionKind::kPlayoutDelay, 6);
  // As browsers do it: the first packet has less payload to make up for its extension.
  std::vector packets = {video(992), video(1000), video(1000), video(700)};
  rtp::PassedExtensions passed;
  passed.items[0] = {rtp::ExtensionKind::kPlayoutDelay, 0, 3};
  passed.count = 1;
  packets[0].extensions = &passed;
  const auto sizes = seal(packets);
  const size_t full = 1000 + 16 + srtp_.overhead();
  EXPECT_THAT(sizes, ElementsAre(full, full, full, 700 + 16 + srtp_.overhead()));
  EXPECT_EQ(opened(0)[0] & 0x20, 0);
}

TEST_F(MediaSenderTest, PadsNoPacketThatIsFarSmaller) {
  make_known();
  const auto sizes = seal({video(1000), video(983), video(1000)});
  EXPECT_EQ(sizes[1], 983 + 16 + srtp_.overhead());
  EXPECT_EQ(opened(1)[0], 0x81);
}

TEST_F(MediaSenderTest, PadsEachFrameByItself) {
  make_known();
  const auto sizes = seal({video(100, 1), video(90, 1), video(105, 2), video(110, 2)});
  const size_t more = 16 + srtp_.overhead();
  EXPECT_THAT(sizes, ElementsAre(100 + more, 90 + more, 110 + more, 110 + more));
}

TEST_F(MediaSenderTest, PadsNoRetransmission) {
  make_known();
  std::vector packets = {video(1000), video(998), video(1000)};
  for (auto& packet : packets) packet.ssrc = kVideoRtx;
  const auto sizes = seal(packets);
  EXPECT_EQ(sizes[1], 998 + 16 + srtp_.overhead());
}

TEST_F(MediaSenderTest, LeavesAFrameAsItCameWhenItIsToldNotToPad) {
  config_.pad_frames = false;
  make_known();
  const auto sizes = seal({video(1000), video(998), video(1001), video(990), video(500)});
  const size_t more = 16 + srtp_.overhead();
  EXPECT_THAT(sizes, ElementsAre(1000 + more, 998 + more, 1001 + more, 990 + more, 500 + more));
  for (size_t i = 0; i < sizes.size(); ++i) {
    const Buffer plain = opened(i);
    const auto view = rtp::PacketView::parse(plain);
    ASSERT_TRUE(view);
    EXPECT_EQ(plain[0], 0x81);  // no P bit
    EXPECT_TRUE(std::ranges::equal(view->payload(), payloads_[i]));
  }
}

TEST_F(MediaSenderTest, LeavesOutWhatGetsNoPlace) {
  make_known();
  full_from_ = 2;
  const std::vector packets = {video(10), video(10), video(10)};
  EXPECT_EQ(seal(packets).size(), 3u);
  ASSERT_EQ(sealed_.size(), 2u);
  EXPECT_EQ(opened(0)[3], 0x02);
  EXPECT_EQ(opened(1)[3], 0x04);
}

TEST_F(MediaSenderTest, SealsNothingOfNothing) { EXPECT_TRUE(seal({}).empty()); }

}  // namespace
}  // namespace simpul::connection
