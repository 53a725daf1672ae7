#include "rtp/rtcp_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <random>
#include <vector>

#include "rtp/rtcp_reader.h"

namespace simpul::rtp {
namespace {

using ::testing::ElementsAre;

class RtcpWriterTest : public ::testing::Test {
 protected:
  // The next packet of what was written, which must be a T.
  template <class T>
  T next() {
    if (!reader_) reader_.emplace(writer_.written());
    const auto packet = reader_->next();
    EXPECT_TRUE(packet);
    EXPECT_FALSE(reader_->error());
    return std::get<T>(packet.value());
  }

  std::array<uint8_t, 1500> room_{};
  RtcpWriter writer_{room_};
  std::optional<RtcpReader> reader_;
};

constexpr ReportBlock kBlock{.ssrc = Ssrc(42),
                             .fraction_lost = 128,
                             .cumulative_lost = -2,
                             .extended_highest = 0x10005,
                             .jitter = 6,
                             .last_sender_report = 0xaabbccdd,
                             .delay_since_last_sender_report = 8};

TEST_F(RtcpWriterTest, WritesACompoundThatReadsBack) {
  const SenderInfo sender{.ssrc = Ssrc(7),
                          .ntp_time = 0x0102030405060708,
                          .rtp_timestamp = 9,
                          .packets = 10,
                          .octets = 11};
  EXPECT_TRUE(writer_.sender_report(sender, std::array{kBlock}));
  EXPECT_TRUE(writer_.receiver_report(Ssrc(8), std::array{kBlock, kBlock}));
  EXPECT_TRUE(writer_.cname(Ssrc(7), "simpul"));
  EXPECT_TRUE(writer_.bye(std::array{Ssrc(1), Ssrc(2)}));
  EXPECT_TRUE(writer_.pli(Ssrc(1), Ssrc(2)));
  EXPECT_TRUE(writer_.fir(Ssrc(1), std::array{FirEntry{.ssrc = Ssrc(3), .sequence_number = 4}}));
  EXPECT_TRUE(writer_.remb(Ssrc(1), 1'000'000, std::array{Ssrc(5)}));

  const auto sender_report = next<SenderReport>();
  EXPECT_EQ(sender_report.sender, sender);
  EXPECT_EQ(sender_report.blocks[0], kBlock);
  const auto receiver_report = next<ReceiverReport>();
  EXPECT_EQ(receiver_report.sender, Ssrc(8));
  EXPECT_EQ(receiver_report.blocks.size(), 2u);
  EXPECT_EQ(next<Sdes>().cname, "simpul");
  EXPECT_EQ(next<Bye>().ssrcs[1], Ssrc(2));
  EXPECT_EQ(next<Pli>().media, Ssrc(2));
  EXPECT_EQ(next<Fir>().entries[0], (FirEntry{.ssrc = Ssrc(3), .sequence_number = 4}));
  EXPECT_EQ(next<Remb>().bitrate_bps, 1'000'000u);
}

TEST_F(RtcpWriterTest, PadsCnamesOfEveryLength) {
  for (size_t size = 1; size <= 255; ++size) {
    std::array<uint8_t, 300> room{};
    RtcpWriter writer(room);
    const std::string cname(size, 'c');
    ASSERT_TRUE(writer.cname(Ssrc(1), cname));
    EXPECT_EQ(writer.size() % 4, 0u);
    RtcpReader reader(writer.written());
    EXPECT_EQ(std::get<Sdes>(reader.next().value()).cname, cname);
  }
}

TEST_F(RtcpWriterTest, RefusesWhatThePacketCannotSay) {
  EXPECT_FALSE(writer_.receiver_report(Ssrc(1), std::vector<ReportBlock>(32)));
  EXPECT_FALSE(writer_.sender_report({}, std::vector<ReportBlock>(32)));
  EXPECT_FALSE(writer_.cname(Ssrc(1), ""));
  EXPECT_FALSE(writer_.cname(Ssrc(1), std::string(256, 'c')));
  EXPECT_FALSE(writer_.bye({}));
  EXPECT_FALSE(writer_.bye(std::vector<Ssrc>(32)));
  EXPECT_FALSE(writer_.fir(Ssrc(1), {}));
  EXPECT_FALSE(writer_.remb(Ssrc(1), 1, std::vector<Ssrc>(256)));
  EXPECT_EQ(writer_.nack(Ssrc(1), Ssrc(2), {}), 0u);
  EXPECT_EQ(writer_.size(), 0u);
}

TEST_F(RtcpWriterTest, WritesWholePacketsOrNothing) {
  for (size_t size = 0; size < 12; ++size) {
    RtcpWriter writer(MutableBytes(room_).first(size));
    EXPECT_FALSE(writer.pli(Ssrc(1), Ssrc(2)));
    EXPECT_EQ(writer.size(), 0u);
  }
  RtcpWriter writer(MutableBytes(room_).first(12));
  EXPECT_TRUE(writer.pli(Ssrc(1), Ssrc(2)));
  EXPECT_EQ(writer.left(), 0u);
}

TEST_F(RtcpWriterTest, NeverGrowsBeyondItsDatagram) {
  while (writer_.pli(Ssrc(1), Ssrc(2))) {
  }
  EXPECT_EQ(writer_.size(), kRtcpSizeMax);
}

TEST_F(RtcpWriterTest, ClampsTheLossToItsBits) {
  ReportBlock lost = kBlock;
  lost.cumulative_lost = 0x1000000;
  ReportBlock gained = kBlock;
  gained.cumulative_lost = -0x1000000;
  EXPECT_TRUE(writer_.receiver_report(Ssrc(1), std::array{lost, gained}));
  const auto report = next<ReceiverReport>();
  EXPECT_EQ(report.blocks[0].cumulative_lost, 0x7fffff);
  EXPECT_EQ(report.blocks[1].cumulative_lost, -0x800000);
}

TEST_F(RtcpWriterTest, RoundsARembDown) {
  for (const uint64_t bitrate : {uint64_t{0}, uint64_t{1}, uint64_t{0x3ffff}, uint64_t{0x40001},
                                 uint64_t{1'234'567'891}, uint64_t{99'999'999'999}}) {
    std::array<uint8_t, 64> room{};
    RtcpWriter writer(room);
    ASSERT_TRUE(writer.remb(Ssrc(1), bitrate, {}));
    RtcpReader reader(writer.written());
    const auto read = std::get<Remb>(reader.next().value()).bitrate_bps;
    EXPECT_LE(read, bitrate);
    EXPECT_GE(read, bitrate - bitrate / 0x20000);
  }
}

std::vector<SequenceNumber> numbers(std::initializer_list<int> values) {
  std::vector<SequenceNumber> result;
  for (const int value : values) result.emplace_back(static_cast<uint16_t>(value));
  return result;
}

TEST_F(RtcpWriterTest, GroupsANackInReachesOfSixteen) {
  const auto missing = numbers({10, 11, 26, 27, 65535});
  EXPECT_EQ(writer_.nack(Ssrc(1), Ssrc(2), missing), 5u);
  EXPECT_THAT(writer_.written(), ElementsAre(0x81, 205, 0, 5, 0, 0, 0, 1, 0, 0, 0, 2,  //
                                             0, 10, 0x80, 0x01, 0, 27, 0, 0, 0xff, 0xff, 0, 0));
}

TEST_F(RtcpWriterTest, WritesANackAcrossTheWrap) {
  const auto missing = numbers({65534, 65535, 0, 3});
  EXPECT_EQ(writer_.nack(Ssrc(1), Ssrc(2), missing), 4u);
  EXPECT_EQ(writer_.size(), 16u);
  std::vector<SequenceNumber> read;
  next<Nack>().append_missing(read);
  EXPECT_EQ(read, missing);
}

TEST_F(RtcpWriterTest, SplitsANackThatIsTooLongForOneDatagram) {
  std::vector<SequenceNumber> missing(1000);
  for (size_t i = 0; i < 1000; ++i) missing[i] = SequenceNumber(static_cast<uint16_t>(i * 20));
  std::vector<SequenceNumber> read;
  for (auto rest = std::span(missing); !rest.empty();) {
    RtcpWriter writer(room_);
    const size_t taken = writer.nack(Ssrc(1), Ssrc(2), rest);
    ASSERT_GT(taken, 0u);
    EXPECT_LE(writer.size(), kRtcpSizeMax);
    rest = rest.subspan(taken);
    RtcpReader reader(writer.written());
    std::get<Nack>(reader.next().value()).append_missing(read);
  }
  EXPECT_EQ(read, missing);
}

TEST_F(RtcpWriterTest, ReadsBackAnyNack) {
  std::mt19937 random(7);
  for (int round = 0; round < 200; ++round) {
    std::vector<SequenceNumber> missing;
    auto number = static_cast<uint16_t>(random());
    for (size_t i = 0; i < 1 + random() % 200; ++i) {
      missing.emplace_back(number);
      number = static_cast<uint16_t>(number + 1 + random() % 25);
    }
    RtcpWriter writer(room_);
    const size_t taken = writer.nack(Ssrc(1), Ssrc(2), missing);
    RtcpReader reader(writer.written());
    std::vector<SequenceNumber> read;
    std::get<Nack>(reader.next().value()).append_missing(read);
    missing.resize(taken);
    ASSERT_EQ(read, missing);
  }
}

}  // namespace
}  // namespace simpul::rtp
