#include "rtp/rtcp_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <list>
#include <vector>

#include "rtp/rtcp_writer.h"
#include "tests/support/rtp_packets.h"

namespace simpul::rtp {
namespace {

using ::simpul::testing::make_rtcp;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

using Buffer = std::vector<uint8_t>;

struct Read {
  std::vector<RtcpPacket> packets;
  std::optional<ParseError> error;
};

Read read(Bytes compound) {
  Read result;
  RtcpReader reader(compound);
  while (auto packet = reader.next()) result.packets.push_back(*packet);
  result.error = reader.error();
  return result;
}

Buffer joined(std::initializer_list<Buffer> parts) {
  Buffer all;
  for (const Buffer& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

class RtcpReaderTest : public ::testing::Test {
 protected:
  // The one packet of `bytes`, which must be a T. What it borrows lives as long as the test.
  template <class T>
  T only(Buffer bytes) {
    const auto result = read(kept_.emplace_back(std::move(bytes)));
    EXPECT_FALSE(result.error);
    EXPECT_EQ(result.packets.size(), 1u);
    return std::get<T>(result.packets.at(0));
  }

 private:
  std::list<Buffer> kept_;
};

const Buffer kEightBytes = {0, 0, 0, 1, 0, 0, 0, 2};
const Buffer kPli = make_rtcp(1, 206, kEightBytes);

TEST(IsRtcp, SplitsTheTypesAsTheRfcSays) {
  for (int type = 0; type < 256; ++type) {
    const Buffer datagram = {0x80, static_cast<uint8_t>(type)};
    EXPECT_EQ(is_rtcp(datagram), type >= 192 && type <= 223) << type;
  }
  EXPECT_FALSE(is_rtcp(Buffer{0x80}));
  EXPECT_FALSE(is_rtcp({}));
}

TEST_F(RtcpReaderTest, ReadsASenderReportWithItsBlocks) {
  const Buffer bytes = {0x81, 200,  0,    12,   0, 0, 0, 7,  // sender
                        1,    2,    3,    4,    5, 6, 7, 8,  // NTP time
                        0,    0,    0,    9,    0, 0, 0, 10, 0,    0,    0,    11,   0, 0, 0, 42,
                        0x80, 0xff, 0xff, 0xfe,  // -2 lost
                        0,    1,    0,    5,    0, 0, 0, 6,  0xaa, 0xbb, 0xcc, 0xdd, 0, 0, 0, 8};
  const auto report = only<SenderReport>(bytes);
  EXPECT_EQ(report.sender, (SenderInfo{.ssrc = Ssrc(7),
                                       .ntp_time = 0x0102030405060708,
                                       .rtp_timestamp = 9,
                                       .packets = 10,
                                       .octets = 11}));
  ASSERT_EQ(report.blocks.size(), 1u);
  EXPECT_EQ(report.blocks[0], (ReportBlock{.ssrc = Ssrc(42),
                                           .fraction_lost = 128,
                                           .cumulative_lost = -2,
                                           .extended_highest = 0x10005,
                                           .jitter = 6,
                                           .last_sender_report = 0xaabbccdd,
                                           .delay_since_last_sender_report = 8}));
}

TEST_F(RtcpReaderTest, ReadsAReceiverReportWithoutBlocks) {
  const auto report = only<ReceiverReport>(make_rtcp(0, 201, {0, 0, 0, 5}));
  EXPECT_EQ(report.sender, Ssrc(5));
  EXPECT_TRUE(report.blocks.empty());
}

TEST_F(RtcpReaderTest, RefusesReportsWithFewerBlocksThanTheyCount) {
  for (const uint8_t type : {uint8_t{200}, uint8_t{201}}) {
    const auto result = read(make_rtcp(31, type, Buffer(48)));
    EXPECT_THAT(result.packets, IsEmpty());
    EXPECT_EQ(result.error, ParseError::kTooShort);
  }
}

TEST_F(RtcpReaderTest, ReadsTheCnameBesideOtherItems) {
  const Buffer body = {0, 0, 0, 3, 2, 1, 'n', 1, 3, 'a', 'b', 'c', 0, 0, 0, 0};
  const auto sdes = only<Sdes>(make_rtcp(1, 202, body));
  EXPECT_EQ(sdes.ssrc, Ssrc(3));
  EXPECT_EQ(sdes.cname, "abc");
}

TEST_F(RtcpReaderTest, WalksEveryChunkOfADescription) {
  const Buffer body = {0, 0, 0, 3, 1, 1, 'a', 0, 0, 0, 0, 4, 1, 2, 'b', 'c', 0, 0, 0, 0};
  EXPECT_EQ(only<Sdes>(make_rtcp(2, 202, body)).cname, "a");
  EXPECT_EQ(read(make_rtcp(3, 202, body)).error, ParseError::kMalformed);
}

TEST_F(RtcpReaderTest, RefusesADescriptionWithoutAnEnd) {
  for (const Buffer& body : {Buffer{0, 0, 0, 3, 1, 2, 'a', 'b'}, Buffer{0, 0, 0, 3, 1, 255, 'a', 0},
                             Buffer{0, 0, 0, 3, 1, 1, 'a', 1}, Buffer{0, 0, 0, 3}}) {
    EXPECT_EQ(read(make_rtcp(1, 202, body)).error, ParseError::kMalformed);
  }
}

TEST_F(RtcpReaderTest, ReadsWhoLeavesAndIgnoresTheReasonsLength) {
  const auto bye = only<Bye>(make_rtcp(1, 203, {0, 0, 0, 9, 255, 'x', 'y', 'z'}));
  EXPECT_THAT(std::vector<Ssrc>(bye.ssrcs.begin(), bye.ssrcs.end()), ElementsAre(Ssrc(9)));
  EXPECT_EQ(read(make_rtcp(2, 203, {0, 0, 0, 9})).error, ParseError::kTooShort);
}

TEST_F(RtcpReaderTest, ExpandsANackInTheOrderAskedAcrossTheWrap) {
  const auto nack =
      only<Nack>(make_rtcp(1, 205, joined({kEightBytes, {0xff, 0xfe, 0x80, 0x05, 0, 9, 0, 0}})));
  EXPECT_EQ(nack.sender, Ssrc(1));
  EXPECT_EQ(nack.media, Ssrc(2));
  std::vector<SequenceNumber> missing;
  nack.append_missing(missing);
  EXPECT_THAT(missing, ElementsAre(SequenceNumber(65534), SequenceNumber(65535), SequenceNumber(1),
                                   SequenceNumber(14), SequenceNumber(9)));
}

TEST_F(RtcpReaderTest, RefusesANackThatAsksForNothing) {
  EXPECT_EQ(read(make_rtcp(1, 205, kEightBytes)).error, ParseError::kMalformed);
  EXPECT_EQ(read(make_rtcp(1, 205, {0, 0, 0, 1})).error, ParseError::kTooShort);
}

TEST_F(RtcpReaderTest, ReadsKeyFrameRequests) {
  const auto pli = only<Pli>(kPli);
  EXPECT_EQ(pli.sender, Ssrc(1));
  EXPECT_EQ(pli.media, Ssrc(2));
  const auto fir = only<Fir>(make_rtcp(4, 206, joined({kEightBytes, {0, 0, 0, 5, 77, 0, 0, 0}})));
  ASSERT_EQ(fir.entries.size(), 1u);
  EXPECT_EQ(fir.entries[0], (FirEntry{.ssrc = Ssrc(5), .sequence_number = 77}));
  EXPECT_EQ(read(make_rtcp(4, 206, kEightBytes)).error, ParseError::kMalformed);
  EXPECT_EQ(read(make_rtcp(4, 206, joined({kEightBytes, {0, 0, 0, 5}}))).error,
            ParseError::kMalformed);
}

TEST_F(RtcpReaderTest, ReadsARembAndItsSsrcs) {
  const Buffer body = joined({kEightBytes, {'R', 'E', 'M', 'B', 1, 0x0f, 0xff, 0xff, 0, 0, 0, 6}});
  const auto remb = only<Remb>(make_rtcp(15, 206, body));
  EXPECT_EQ(remb.bitrate_bps, uint64_t{0x3ffff} << 3);
  EXPECT_THAT(std::vector<Ssrc>(remb.ssrcs.begin(), remb.ssrcs.end()), ElementsAre(Ssrc(6)));
}

TEST_F(RtcpReaderTest, ClampsARembOfAnyExponent) {
  for (int exponent = 0; exponent < 64; ++exponent) {
    const auto high = static_cast<uint8_t>(exponent << 2 | 3);
    const Buffer body = joined({kEightBytes, {'R', 'E', 'M', 'B', 0, high, 0xff, 0xff}});
    const auto remb = only<Remb>(make_rtcp(15, 206, body));
    EXPECT_EQ(remb.bitrate_bps, exponent <= 18 ? uint64_t{0x3ffff} << exponent : kRembBitrateMax);
  }
  const Buffer zero = joined({kEightBytes, {'R', 'E', 'M', 'B', 0, 0xfc, 0, 0}});
  EXPECT_EQ(only<Remb>(make_rtcp(15, 206, zero)).bitrate_bps, 0u);
}

TEST_F(RtcpReaderTest, RefusesARembWithFewerSsrcsThanItCounts) {
  const Buffer body = joined({kEightBytes, {'R', 'E', 'M', 'B', 255, 0, 0, 1, 0, 0, 0, 1}});
  EXPECT_EQ(read(make_rtcp(15, 206, body)).error, ParseError::kTooShort);
}

TEST_F(RtcpReaderTest, CountsWhatItHasNoUseForAsUnknown) {
  const auto application = only<UnknownRtcp>(make_rtcp(3, 204, kEightBytes));
  EXPECT_EQ(application.packet_type, 204);
  EXPECT_EQ(application.format, 3);
  EXPECT_EQ(only<UnknownRtcp>(make_rtcp(0, 207, Buffer(0))).packet_type, 207);
  EXPECT_EQ(only<UnknownRtcp>(make_rtcp(3, 205, Buffer(16))).format, 3);    // TMMBR
  EXPECT_EQ(only<UnknownRtcp>(make_rtcp(2, 206, Buffer(16))).format, 2);    // SLI
  EXPECT_EQ(only<UnknownRtcp>(make_rtcp(15, 206, Buffer(16))).format, 15);  // not a REMB
}

TEST_F(RtcpReaderTest, ReadsEveryPacketOfACompound) {
  const auto result = read(joined({make_rtcp(0, 201, {0, 0, 0, 5}), kPli, kPli}));
  EXPECT_EQ(result.packets.size(), 3u);
  EXPECT_FALSE(result.error);
}

TEST_F(RtcpReaderTest, GivesOutWhatComesBeforeAFault) {
  auto compound = joined({kPli, kPli});
  compound[14] = 0xff;  // the length of the second
  auto result = read(compound);
  EXPECT_EQ(result.packets.size(), 1u);
  EXPECT_EQ(result.error, ParseError::kTooShort);
  compound = joined({kPli, kPli});
  compound[12] = 0x41;
  result = read(compound);
  EXPECT_EQ(result.packets.size(), 1u);
  EXPECT_EQ(result.error, ParseError::kBadVersion);
}

TEST_F(RtcpReaderTest, TakesPaddingOffTheLastPacketOnly) {
  auto padded = make_rtcp(1, 206, joined({kEightBytes, {0, 0, 0, 4}}));
  padded[0] |= 0x20;
  EXPECT_EQ(only<Pli>(padded).media, Ssrc(2));
  const auto result = read(joined({padded, kPli}));
  EXPECT_THAT(result.packets, IsEmpty());
  EXPECT_EQ(result.error, ParseError::kBadPadding);
}

TEST_F(RtcpReaderTest, RefusesPaddingThatCannotBe) {
  for (const int count : {0, 3, 16, 255}) {
    const auto last = static_cast<uint8_t>(count);
    auto padded = make_rtcp(1, 206, joined({kEightBytes, {0, 0, 0, last}}));
    padded[0] |= 0x20;
    EXPECT_EQ(read(padded).error, ParseError::kBadPadding) << count;
  }
  auto empty = make_rtcp(0, 207, {});
  empty[0] |= 0x20;
  EXPECT_EQ(read(empty).error, ParseError::kBadPadding);
}

// As libwebrtc writes it: what is missing of the last word is padding, which is counted, and
// several messages may share a datagram.
TEST_F(RtcpReaderTest, TakesTransportFeedbackWhoseLastWordIsFilledUp) {
  const Buffer head = {0, 0, 0, 1, 0, 0, 0, 2, 0, 9, 0, 5, 0, 0, 7, 3};
  const std::vector<Buffer> bodies = {{0x20, 0x05, 1, 2, 3, 4, 5, 1},
                                      {0x20, 0x04, 1, 2, 3, 4, 0, 2},
                                      {0x20, 0x03, 1, 2, 3, 0, 0, 3},
                                      {0x20, 0x02, 1, 2}};
  Buffer compound;
  for (const Buffer& body : bodies) {
    auto message = make_rtcp(15, 205, joined({head, body}));
    if (body.size() > 4) message[0] |= 0x20;
    compound = joined({compound, message});
  }
  const auto result = read(compound);
  EXPECT_FALSE(result.error.has_value());
  ASSERT_EQ(result.packets.size(), bodies.size());
  for (size_t i = 0; i < bodies.size(); ++i) {
    const auto& feedback = std::get<TransportFeedback>(result.packets[i]);
    EXPECT_EQ(feedback.base, SequenceNumber(9));
    EXPECT_EQ(feedback.body.size(), size_t{7} - i) << i;
  }
}

TEST_F(RtcpReaderTest, StopsAtItsLimitOfPackets) {
  Buffer compound;
  for (size_t i = 0; i < RtcpReader::kPacketsMax + 40; ++i) {
    compound = joined({compound, make_rtcp(0, 207, {})});
  }
  const auto result = read(compound);
  EXPECT_EQ(result.packets.size(), RtcpReader::kPacketsMax);
  EXPECT_EQ(result.error, ParseError::kMalformed);
}

TEST_F(RtcpReaderTest, TakesEveryTruncationWithoutReadingPastIt) {
  const Buffer whole = joined(
      {make_rtcp(0, 201, {0, 0, 0, 5}), make_rtcp(1, 205, joined({kEightBytes, {0, 9, 0, 1}})),
       make_rtcp(15, 206, joined({kEightBytes, {'R', 'E', 'M', 'B', 0, 0, 0, 1}}))});
  for (size_t size = 0; size < whole.size(); ++size) {
    const Buffer cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    const auto result = read(cut);
    EXPECT_LT(result.packets.size(), 3u);
    const bool at_boundary = size == 0 || size == 8 || size == 24;
    EXPECT_EQ(!result.error, at_boundary) << size;
  }
}

}  // namespace
}  // namespace simpul::rtp
