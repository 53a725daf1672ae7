#include "rtp/header_extensions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "rtp/extension_map.h"

namespace simpul::rtp {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

using Elements = std::vector<std::pair<int, std::vector<uint8_t>>>;

Elements read(uint16_t profile, const std::vector<uint8_t>& block) {
  Elements elements;
  ExtensionReader reader(profile, block);
  while (const auto element = reader.next()) {
    elements.emplace_back(element->id,
                          std::vector<uint8_t>(element->data.begin(), element->data.end()));
  }
  return elements;
}

TEST(ExtensionReader, ReadsTheOneByteForm) {
  EXPECT_THAT(read(0xbede, {0x10, 0xaa, 0x00, 0x00, 0x21, 0xbb, 0xcc, 0x00}),
              ElementsAre(Pair(1, ElementsAre(0xaa)), Pair(2, ElementsAre(0xbb, 0xcc))));
}

TEST(ExtensionReader, ReadsTheTwoByteFormWithAnyAppBits) {
  for (const uint16_t profile : {uint16_t{0x1000}, uint16_t{0x100f}}) {
    EXPECT_THAT(read(profile, {0x01, 0x00, 0x00, 0x0f, 0x02, 0xbb, 0xcc, 0x00}),
                ElementsAre(Pair(1, IsEmpty()), Pair(15, ElementsAre(0xbb, 0xcc))));
  }
}

TEST(ExtensionReader, ReadsNothingOfOtherProfiles) {
  for (const int profile : {0x0000, 0xbedf, 0x1010, 0x0fff, 0xffff}) {
    EXPECT_THAT(read(static_cast<uint16_t>(profile), {0x10, 0xaa, 0x10, 0xbb}), IsEmpty())
        << profile;
  }
}

TEST(ExtensionReader, StopsAtIdFifteenOfTheOneByteForm) {
  EXPECT_THAT(read(0xbede, {0x10, 0xaa, 0xf0, 0xbb, 0x20, 0xcc}),
              ElementsAre(Pair(1, ElementsAre(0xaa))));
}

TEST(ExtensionReader, StopsAtIdZeroWithALength) {
  EXPECT_THAT(read(0xbede, {0x10, 0xaa, 0x01, 0xbb, 0xcc, 0x20, 0xcc}),
              ElementsAre(Pair(1, ElementsAre(0xaa))));
}

TEST(ExtensionReader, StopsAtAnElementPastTheEnd) {
  EXPECT_THAT(read(0xbede, {0x10, 0xaa, 0x22, 0xbb}), ElementsAre(Pair(1, ElementsAre(0xaa))));
  EXPECT_THAT(read(0x1000, {0x01, 0x01, 0xaa, 0x02, 0xff, 0xbb}),
              ElementsAre(Pair(1, ElementsAre(0xaa))));
  EXPECT_THAT(read(0x1000, {0x01}), IsEmpty());
}

TEST(ExtensionReader, StepsOverALongRunOfPadding) {
  std::vector<uint8_t> block(100'000, 0);
  EXPECT_THAT(read(0xbede, block), IsEmpty());
  block.insert(block.end(), {0x30, 0xdd});
  EXPECT_THAT(read(0xbede, block), ElementsAre(Pair(3, ElementsAre(0xdd))));
}

TEST(ExtensionReader, GivesBothOfTwoElementsWithOneId) {
  EXPECT_THAT(read(0xbede, {0x10, 0xaa, 0x10, 0xbb}),
              ElementsAre(Pair(1, ElementsAre(0xaa)), Pair(1, ElementsAre(0xbb))));
}

TEST(ExtensionReaders, TakeAnAudioLevelApart) {
  EXPECT_EQ(read_audio_level(std::array<uint8_t, 1>{0x80 | 30}),
            (AudioLevel{.voice = true, .level = 30}));
  EXPECT_EQ(read_audio_level(std::array<uint8_t, 1>{127}),
            (AudioLevel{.voice = false, .level = 127}));
  EXPECT_FALSE(read_audio_level({}));
}

TEST(ExtensionReaders, TakeATransportSequenceOfTwoBytesOnly) {
  EXPECT_EQ(read_transport_sequence(std::array<uint8_t, 2>{0xfe, 0xdc}), 0xfedc);
  EXPECT_FALSE(read_transport_sequence(std::array<uint8_t, 1>{1}));
  EXPECT_FALSE(read_transport_sequence(std::array<uint8_t, 3>{1, 2, 3}));
}

TEST(ExtensionReaders, TakeMidsOfTokenCharacters) {
  EXPECT_EQ(read_mid(as_bytes("0")), "0");
  EXPECT_EQ(read_mid(as_bytes("video-0.a_b")), "video-0.a_b");
  EXPECT_FALSE(read_mid({}));
  EXPECT_FALSE(read_mid(as_bytes("a b")));
  EXPECT_FALSE(read_mid(as_bytes("a\r\n")));
  EXPECT_FALSE(read_mid(as_bytes(std::string_view("a\0b", 3))));
  EXPECT_TRUE(read_mid(as_bytes(std::string(kMidSizeMax, 'm'))));
  EXPECT_FALSE(read_mid(as_bytes(std::string(kMidSizeMax + 1, 'm'))));
}

TEST(ExtensionReaders, TakeRidsOfLettersAndDigits) {
  EXPECT_EQ(read_rid(as_bytes("q")), "q");
  EXPECT_EQ(read_rid(as_bytes("Hi09")), "Hi09");
  EXPECT_FALSE(read_rid({}));
  EXPECT_EQ(read_rid(as_bytes("a-b_c")), "a-b_c");
  EXPECT_FALSE(read_rid(as_bytes("a.b")));
  EXPECT_FALSE(read_rid(as_bytes("\xff")));
  EXPECT_TRUE(read_rid(as_bytes(std::string(kRidSizeMax, 'r'))));
  EXPECT_FALSE(read_rid(as_bytes(std::string(kRidSizeMax + 1, 'r'))));
}

TEST(WriteExtensions, WritesABlockThatReadsBack) {
  const std::vector<uint8_t> one = {1};
  const std::vector<uint8_t> sixteen(16, 0x16);
  std::array<uint8_t, 64> room{};
  const size_t size = write_extensions(
      std::array<ExtensionElement, 2>{{{.id = 1, .data = one}, {.id = 14, .data = sixteen}}}, room);
  ASSERT_EQ(size, 4u + 20u);
  EXPECT_THAT(Bytes(room).first(4), ElementsAre(0xbe, 0xde, 0, 5));
  EXPECT_THAT(read(0xbede, {room.begin() + 4, room.begin() + 24}),
              ElementsAre(Pair(1, one), Pair(14, sixteen)));
}

TEST(WriteExtensions, LeavesOutWhatTheFormCannotCarry) {
  const std::vector<uint8_t> one = {1};
  const std::vector<uint8_t> seventeen(17, 0x17);
  std::array<uint8_t, 64> room{};
  const size_t size =
      write_extensions(std::array<ExtensionElement, 5>{{{.id = 0, .data = one},
                                                        {.id = 15, .data = one},
                                                        {.id = 3, .data = seventeen},
                                                        {.id = 4, .data = {}},
                                                        {.id = 5, .data = one}}},
                       room);
  ASSERT_EQ(size, 8u);
  EXPECT_THAT(read(0xbede, {room.begin() + 4, room.begin() + 8}), ElementsAre(Pair(5, one)));
}

TEST(WriteExtensions, UsesTheTwoByteFormWhereAnElementNeedsItAndItIsAllowed) {
  const std::vector<uint8_t> one = {7};
  const std::vector<uint8_t> seventeen(17, 8);
  const std::array<ExtensionElement, 3> elements = {
      {{.id = 3, .data = seventeen}, {.id = 0, .data = one}, {.id = 5, .data = one}}};
  std::array<uint8_t, 64> room{};
  const size_t size = write_extensions(elements, room, ExtensionForms::kMixed);
  ASSERT_EQ(size, 4u + 24);
  EXPECT_EQ(load_be16(Bytes(room).first<2>()), 0x1000);
  ExtensionReader reader(0x1000, Bytes(room).subspan(4, size - 4));
  EXPECT_EQ(reader.next()->data.size(), 17u);
  const auto second = reader.next();
  EXPECT_EQ(second->id, 5);
  EXPECT_EQ(second->data[0], 7);
  EXPECT_FALSE(reader.next());
  EXPECT_EQ(write_extensions(elements, room), 8u) << "what is too large is left out";
}

TEST(WriteExtensions, IdsAboveFourteenNeedTheTwoByteForm) {
  const std::vector<uint8_t> one = {7};
  const std::array<ExtensionElement, 1> elements = {{{.id = 200, .data = one}}};
  std::array<uint8_t, 64> room{};
  EXPECT_EQ(write_extensions(elements, room), 0u);
  ASSERT_EQ(write_extensions(elements, room, ExtensionForms::kMixed), 8u);
  EXPECT_EQ(room[4], 200);
}

TEST(WriteExtensions, KeepsTheOneByteFormWhereThatWillDo) {
  const std::vector<uint8_t> sixteen(16, 8);
  const std::array<ExtensionElement, 1> elements = {{{.id = 14, .data = sixteen}}};
  std::array<uint8_t, 64> room{};
  EXPECT_EQ(write_extensions(elements, room, ExtensionForms::kMixed), 24u);
  EXPECT_EQ(load_be16(Bytes(room).first<2>()), kOneByteProfile);
}

TEST(WriteExtensions, WritesNoEmptyBlock) {
  std::array<uint8_t, 64> room{};
  EXPECT_EQ(write_extensions({}, room), 0u);
}

TEST(WriteExtensions, WritesNothingWhereItDoesNotFit) {
  const std::vector<uint8_t> three = {1, 2, 3};
  const std::array<ExtensionElement, 2> elements = {
      {{.id = 1, .data = three}, {.id = 2, .data = three}}};
  std::array<uint8_t, 12> room{};
  EXPECT_EQ(write_extensions(elements, room), 12u);
  for (size_t size = 0; size < 12; ++size) {
    EXPECT_EQ(write_extensions(elements, MutableBytes(room).first(size)), 0u) << size;
  }
}

TEST(ExtensionMap, KnowsEveryUriAndNoOther) {
  for (size_t i = 0; i < kExtensionKinds; ++i) {
    const auto kind = static_cast<ExtensionKind>(i);
    EXPECT_EQ(extension_kind(uri_of(kind)), kind);
  }
  EXPECT_FALSE(extension_kind(""));
  EXPECT_FALSE(extension_kind("urn:ietf:params:rtp-hdrext:csrc-audio-level"));
}

TEST(ExtensionMap, MeansTheUrisThatBrowsersOffer) {
  using enum ExtensionKind;
  EXPECT_EQ(extension_kind("urn:ietf:params:rtp-hdrext:sdes:mid"), kMid);
  EXPECT_EQ(extension_kind("urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"), kRid);
  EXPECT_EQ(extension_kind("urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id"), kRepairedRid);
  EXPECT_EQ(extension_kind("urn:ietf:params:rtp-hdrext:ssrc-audio-level"), kAudioLevel);
  EXPECT_EQ(
      extension_kind("http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"),
      kTransportSequence);
  EXPECT_EQ(extension_kind("http://www.webrtc.org/experiments/rtp-hdrext/playout-delay"),
            kPlayoutDelay);
  EXPECT_EQ(extension_kind("urn:3gpp:video-orientation"), kVideoOrientation);
}

TEST(ExtensionMap, PassesOnWhatIsOfThePictureAndNotOfTheTransport) {
  using enum ExtensionKind;
  for (const auto kind : {kAudioLevel, kVideoOrientation, kPlayoutDelay, kVideoContentType,
                          kVideoTiming, kColorSpace, kDependencyDescriptor, kAbsCaptureTime}) {
    EXPECT_TRUE(is_passed_on(kind)) << uri_of(kind);
  }
  for (const auto kind :
       {kMid, kRid, kRepairedRid, kTransportSequence, kAbsSendTime, kTimeOffset}) {
    EXPECT_FALSE(is_passed_on(kind)) << uri_of(kind);
  }
}

TEST(ExtensionMap, FindsAKindByItsId) {
  ExtensionMap map;
  EXPECT_FALSE(map.kind(0));
  EXPECT_FALSE(map.kind(3));
  map.set(ExtensionKind::kAudioLevel, 3);
  EXPECT_EQ(map.kind(3), ExtensionKind::kAudioLevel);
  EXPECT_EQ(map.id(ExtensionKind::kAudioLevel), 3);
  EXPECT_EQ(map.id(ExtensionKind::kMid), 0);
  EXPECT_FALSE(map.kind(255));
}

TEST(Types, HaveTheNamesOfSdp) {
  EXPECT_EQ(to_string(MediaKind::kAudio), "audio");
  EXPECT_EQ(to_string(MediaKind::kVideo), "video");
  EXPECT_EQ(to_string(Codec::kOpus), "opus");
  EXPECT_EQ(to_string(Codec::kRed), "red");
  EXPECT_EQ(to_string(Codec::kVp8), "VP8");
  EXPECT_EQ(to_string(Codec::kVp9), "VP9");
  EXPECT_EQ(to_string(Codec::kH264), "H264");
  EXPECT_EQ(to_string(Codec::kAv1), "AV1");
}

TEST(SequenceUnwrapper, CountsOnAcrossTheWrapAndBack) {
  SequenceUnwrapper unwrapper;
  EXPECT_EQ(unwrapper.unwrap(SequenceNumber(65534)), 65534);
  EXPECT_EQ(unwrapper.unwrap(SequenceNumber(1)), 65537);
  EXPECT_EQ(unwrapper.unwrap(SequenceNumber(65535)), 65535);
  EXPECT_EQ(unwrapper.unwrap(SequenceNumber(2)), 65538);
}

TEST(UnwrapNear, TakesTheNearestNumber) {
  EXPECT_EQ(unwrap_near(100, SequenceNumber(99)), 99);
  EXPECT_EQ(unwrap_near(3, SequenceNumber(65535)), -1);
  EXPECT_EQ(unwrap_near(65536 * 5, SequenceNumber(32767)), 65536 * 5 + 32767);
  EXPECT_EQ(unwrap_near(65536 * 5, SequenceNumber(32768)), 65536 * 5 - 32768);
}

}  // namespace
}  // namespace simpul::rtp
