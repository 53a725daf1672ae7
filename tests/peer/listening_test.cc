#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "base/byte_writer.h"
#include "bench/peer/peer.h"
#include "rtp/rtx.h"
#include "tests/peer/far_end.h"

namespace simpul::peer {
namespace {

using simpul::testing::FarEnd;
using ::testing::ElementsAreArray;

constexpr std::array<uint8_t, 5> kPayload = {1, 2, 3, 4, 5};

// A header with a CSRC and a transport-wide number.
std::vector<uint8_t> header_of(rtp::PayloadType payload_type, uint16_t number = 1'234,
                               bool padded = false) {
  std::vector<uint8_t> header(24);
  ByteWriter writer(header);
  writer.u8(padded ? 0xb1 : 0x91);
  writer.u8(payload_type.value());
  writer.u16(number);
  writer.u32(90'000);
  writer.u32(42);
  writer.u32(0xcafe);
  writer.u32(0xbede0001);
  writer.u8(kTransportSequenceExtension << 4 | 1);
  writer.u16(0x7788);
  return header;
}

class ListeningTest : public ::testing::TestWithParam<dtls::SrtpProfile> {
 protected:
  void join(bool decrypts) {
    far_.emplace(Options{.srtp_profile = GetParam(), .decrypts = decrypts});
    ASSERT_TRUE(far_->connect());
  }
  std::optional<FarEnd> far_;
};

TEST_P(ListeningTest, ThePeerGetsTheProfileThatItOffers) {
  join(true);
  EXPECT_EQ(far_->profile(), GetParam());
}

TEST_P(ListeningTest, WhoDecryptsGetsThePayload) {
  join(true);
  const auto heard = far_->send(header_of(kVp8PayloadType), kPayload, 1'234);
  ASSERT_EQ(heard.out.rtp.size(), 1u);
  EXPECT_TRUE(heard.out.rtp[0].decrypted);
  EXPECT_THAT(heard.out.rtp[0].view.payload(), ElementsAreArray(kPayload));
}

TEST_P(ListeningTest, WhoListensGetsTheHeaderAndTheSize) {
  join(false);
  for (const bool padded : {false, true}) {
    const uint16_t number = padded ? 1'235 : 1'234;
    const auto heard = far_->send(header_of(kVp8PayloadType, number, padded), kPayload, number);
    ASSERT_EQ(heard.out.rtp.size(), 1u) << "padded " << padded;
    const auto& received = heard.out.rtp[0];
    EXPECT_FALSE(received.decrypted);
    EXPECT_EQ(received.size, heard.datagram.size());
    EXPECT_EQ(received.view.payload().size(), kPayload.size());
    EXPECT_THAT(received.view.payload(), ::testing::Not(ElementsAreArray(kPayload)));
    EXPECT_EQ(received.view.sequence_number().value(), number);
    EXPECT_EQ(received.view.csrcs()[0], rtp::Ssrc(0xcafe));
    rtp::ExtensionReader reader(received.view.extension_profile(), received.view.extension());
    EXPECT_EQ(rtp::read_transport_sequence(reader.next()->data), 0x7788);
  }
}

TEST_P(ListeningTest, RetransmissionsAreDecryptedForTheNumberInside) {
  join(false);
  const auto heard = far_->send(header_of(kRtxPayloadType), kPayload, 1'234);
  ASSERT_EQ(heard.out.rtp.size(), 1u);
  EXPECT_TRUE(heard.out.rtp[0].decrypted);
  EXPECT_EQ(rtp::unwrap_rtx(heard.out.rtp[0].view.payload())->original,
            rtp::SequenceNumber(0x0102));
}

TEST_P(ListeningTest, WhatIsNoPacketIsNotHeard) {
  join(false);
  constexpr size_t kLeast = 24 + 10;  // the header and the shortest tag
  for (size_t size = 0; size < kLeast; ++size) {
    auto header = header_of(kVp8PayloadType);
    header.resize(size);
    Peer::Output out;
    far_->peer.receive(header, far_->now, out);
    EXPECT_TRUE(out.rtp.empty()) << size;
  }
}

INSTANTIATE_TEST_SUITE_P(EachProfile, ListeningTest,
                         ::testing::ValuesIn(dtls::Context::kSrtpProfiles),
                         [](const auto& profile) {
                           return "Profile" + std::to_string(static_cast<int>(profile.param));
                         });

}  // namespace
}  // namespace simpul::peer
