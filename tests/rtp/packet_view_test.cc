#include "rtp/packet_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/rtp_packets.h"

namespace simpul::rtp {
namespace {

using ::simpul::testing::make_packet;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(PacketView, ReadsTheFixedHeader) {
  const auto bytes = make_packet({.payload_type = 111,
                                  .marker = true,
                                  .sequence_number = 65535,
                                  .timestamp = 0xfedcba98,
                                  .ssrc = Ssrc(7)});
  const auto packet = PacketView::parse(bytes);
  ASSERT_TRUE(packet);
  EXPECT_TRUE(packet->marker());
  EXPECT_EQ(packet->payload_type(), PayloadType(111));
  EXPECT_EQ(packet->sequence_number(), SequenceNumber(65535));
  EXPECT_EQ(packet->timestamp(), 0xfedcba98u);
  EXPECT_EQ(packet->ssrc(), Ssrc(7));
  EXPECT_EQ(packet->header_size(), 12u);
  EXPECT_THAT(packet->payload(), IsEmpty());
}

TEST(PacketView, ReadsEveryCsrc) {
  std::vector<uint32_t> csrcs;
  for (uint32_t i = 0; i < 15; ++i) csrcs.push_back(0xf0000000 + i);
  const auto bytes = make_packet({.csrcs = csrcs, .payload = {1}});
  const auto packet = PacketView::parse(bytes);
  ASSERT_TRUE(packet);
  ASSERT_EQ(packet->csrcs().size(), 15u);
  EXPECT_EQ(packet->csrcs()[14], Ssrc(0xf000000e));
  EXPECT_EQ(packet->header_size(), 12u + 60u);
  EXPECT_THAT(packet->payload(), ElementsAre(1));
}

TEST(PacketView, RejectsMoreCsrcsThanThereAreBytes) {
  auto bytes = make_packet({.payload = {1, 2, 3, 4, 5, 6, 7}});
  bytes[0] = 0x8f;
  EXPECT_EQ(PacketView::parse(bytes).error(), ParseError::kTooShort);
  bytes[0] = 0x82;
  EXPECT_EQ(PacketView::parse(bytes).error(), ParseError::kTooShort);
  bytes[0] = 0x81;
  EXPECT_TRUE(PacketView::parse(bytes));
}

TEST(PacketView, FindsTheExtensionBehindTheCsrcs) {
  const auto bytes = make_packet({.csrcs = {5},
                                  .extension_profile = 0x1005,
                                  .extension_words = 1,
                                  .extension = {1, 2, 3, 4},
                                  .payload = {9}});
  const auto packet = PacketView::parse(bytes);
  ASSERT_TRUE(packet);
  EXPECT_EQ(packet->extension_profile(), 0x1005);
  EXPECT_THAT(packet->extension(), ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(packet->payload(), ElementsAre(9));
  EXPECT_EQ(packet->header_size(), 12u + 4u + 8u);
}

TEST(PacketView, TakesAnExtensionOfNoWords) {
  const auto bytes = make_packet({.extension_words = 0, .payload = {9}});
  const auto packet = PacketView::parse(bytes);
  ASSERT_TRUE(packet);
  EXPECT_THAT(packet->extension(), IsEmpty());
  EXPECT_EQ(packet->extension_profile(), 0xbede);
  EXPECT_THAT(packet->payload(), ElementsAre(9));
}

TEST(PacketView, RejectsAnExtensionPastTheEnd) {
  for (const uint16_t words : {uint16_t{1}, uint16_t{0xffff}}) {
    const auto bytes = make_packet({.extension_words = words, .payload = {1, 2, 3}});
    EXPECT_EQ(PacketView::parse(bytes).error(), ParseError::kTruncatedExtension);
  }
}

TEST(PacketView, LeavesPaddingOutOfThePayload) {
  const auto bytes = make_packet({.payload = {1, 2, 0}, .padding_count = 2});
  const auto packet = PacketView::parse(bytes);
  ASSERT_TRUE(packet);
  EXPECT_THAT(packet->payload(), ElementsAre(1, 2));
  EXPECT_EQ(packet->padding_size(), 2u);
  EXPECT_EQ(packet->header_size(), 12u);
}

TEST(PacketView, TakesAPacketOfPaddingAlone) {
  const auto bytes = make_packet({.payload = {0, 0, 0}, .padding_count = 4});
  const auto packet = PacketView::parse(bytes);
  ASSERT_TRUE(packet);
  EXPECT_THAT(packet->payload(), IsEmpty());
  EXPECT_EQ(packet->padding_size(), 4u);
}

TEST(PacketView, RejectsPaddingThatCannotBe) {
  const auto longer = make_packet({.payload = {1, 2}, .padding_count = 4});
  EXPECT_EQ(PacketView::parse(longer).error(), ParseError::kBadPadding);
  const auto longest = make_packet({.payload = {1, 2}, .padding_count = 255});
  EXPECT_EQ(PacketView::parse(longest).error(), ParseError::kBadPadding);
  const auto none = make_packet({.payload = {1, 2}, .padding_count = 0});
  EXPECT_EQ(PacketView::parse(none).error(), ParseError::kBadPadding);
  auto no_room = make_packet({});
  no_room[0] |= 0x20;
  EXPECT_EQ(PacketView::parse(no_room).error(), ParseError::kBadPadding);
}

TEST(PacketView, RejectsEveryTruncationOfTheHeader) {
  const auto bytes =
      make_packet({.csrcs = {1, 2}, .extension_words = 2, .extension = std::vector<uint8_t>(8)});
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(PacketView::parse(Bytes(bytes).first(size))) << size;
  }
  EXPECT_TRUE(PacketView::parse(bytes));
}

TEST(PacketView, RejectsEveryOtherVersion) {
  auto bytes = make_packet({});
  for (const int version : {0, 1, 3}) {
    bytes[0] = static_cast<uint8_t>(version << 6);
    EXPECT_EQ(PacketView::parse(bytes).error(), ParseError::kBadVersion);
  }
}

TEST(ParseError, HasANameForEachCounter) {
  EXPECT_EQ(to_string(ParseError::kTooShort), "too_short");
  EXPECT_EQ(to_string(ParseError::kBadVersion), "bad_version");
  EXPECT_EQ(to_string(ParseError::kTruncatedExtension), "truncated_extension");
  EXPECT_EQ(to_string(ParseError::kBadPadding), "bad_padding");
  EXPECT_EQ(to_string(ParseError::kMalformed), "malformed");
}

}  // namespace
}  // namespace simpul::rtp
