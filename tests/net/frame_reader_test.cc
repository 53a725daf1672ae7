#include "net/frame_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "net/frame_queue.h"

namespace simpul::net {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<uint8_t> framed(Bytes packet) {
  const auto header = frame_header(packet.size());
  std::vector<uint8_t> bytes(header.begin(), header.end());
  bytes.insert(bytes.end(), packet.begin(), packet.end());
  return bytes;
}

std::vector<uint8_t> packet_of(size_t size, uint8_t first) {
  std::vector<uint8_t> packet(size);
  std::iota(packet.begin(), packet.end(), first);
  return packet;
}

class FrameReaderTest : public ::testing::Test {
 protected:
  void read(Bytes input) {
    std::vector<PacketRef> packets;
    reader_.read(input, pool_, packets, statistics_);
    for (const PacketRef& packet : packets) {
      read_.emplace_back(packet->data().begin(), packet->data().end());
    }
  }

  PacketPool pool_{64};
  FrameReader reader_;
  FrameStatistics statistics_;
  std::vector<std::vector<uint8_t>> read_;
};

TEST_F(FrameReaderTest, FindsTheSamePacketsHoweverTheStreamIsCut) {
  const std::vector<std::vector<uint8_t>> packets = {
      packet_of(kFrameSizeMin, 7), packet_of(1600, 1), packet_of(300, 9), packet_of(13, 3)};
  std::vector<uint8_t> stream;
  for (const auto& packet : packets) {
    const auto frame = framed(packet);
    stream.insert(stream.end(), frame.begin(), frame.end());
  }
  for (const size_t step : std::initializer_list<size_t>{1, 2, 3, 5, 299, 1601, 5000}) {
    read_.clear();
    for (Bytes rest = stream; !rest.empty(); rest = rest.subspan(std::min(step, rest.size()))) {
      read(rest.first(std::min(step, rest.size())));
    }
    EXPECT_EQ(read_, packets) << step;
  }
  EXPECT_EQ(pool_.in_use(), 0u);
  EXPECT_EQ(statistics_.frames, 7 * 4u);
  EXPECT_EQ(statistics_.bytes, 7 * 1925u);
}

TEST_F(FrameReaderTest, HoldsOnePacketForAFrameThatHasNotComeWhole) {
  read(std::vector<uint8_t>{0, 20, 1, 2, 3});
  EXPECT_THAT(read_, IsEmpty());
  EXPECT_EQ(pool_.in_use(), 1u);
  reader_ = {};
  EXPECT_EQ(pool_.in_use(), 0u);
}

TEST_F(FrameReaderTest, PassesOverFramesWithoutAByte) {
  read(std::vector<uint8_t>{0, 0, 0, 0});
  read(framed(packet_of(12, 42)));
  read(std::vector<uint8_t>{0, 0});
  EXPECT_THAT(read_, ElementsAre(packet_of(12, 42)));
  EXPECT_EQ(statistics_.dropped_runt, 0u);
}

TEST_F(FrameReaderTest, SkipsFramesThatNoPacketHoldsAndCountsThem) {
  for (const size_t size : {kPacketCapacity + 1, size_t{65'535}}) {
    const auto frame = framed(std::vector<uint8_t>(size));
    read(Bytes(frame).first(1));  // it takes no memory while it comes
    read(Bytes(frame).subspan(1, 100));
    EXPECT_EQ(pool_.in_use(), 0u);
    read(Bytes(frame).subspan(101));
  }
  read(framed(packet_of(12, 5)));
  EXPECT_THAT(read_, ElementsAre(packet_of(12, 5)));
  EXPECT_EQ(statistics_.dropped_too_large, 2u);
}

TEST_F(FrameReaderTest, SkipsWhatFindsNoPacketAndGoesOn) {
  std::vector<PacketRef> all;
  while (PacketRef packet = pool_.allocate()) all.push_back(std::move(packet));
  read(framed(packet_of(200, 1)));
  EXPECT_EQ(statistics_.dropped_no_packet, 1u);
  all.pop_back();
  read(framed(packet_of(12, 1)));
  EXPECT_THAT(read_, ElementsAre(packet_of(12, 1)));
}

TEST_F(FrameReaderTest, SkipsFramesThatAreTooSmallForAnythingWithoutTakingMemoryForThem) {
  std::vector<uint8_t> stream;
  for (uint8_t size = 1; size < kFrameSizeMin; ++size) {
    const auto frame = framed(packet_of(size, 1));
    stream.insert(stream.end(), frame.begin(), frame.end());
  }
  for (size_t i = 0; i < stream.size(); ++i) {
    read(Bytes(stream).subspan(i, 1));
    EXPECT_EQ(pool_.in_use(), 0u) << i;
  }
  read(stream);
  EXPECT_EQ(statistics_.dropped_runt, 2 * (kFrameSizeMin - 1));
  read(framed(packet_of(12, 5)));
  EXPECT_THAT(read_, ElementsAre(packet_of(12, 5)));
}

TEST_F(FrameReaderTest, LeavesWhatIsMoreThanItMayTakeAndGoesOnWithThat) {
  std::vector<uint8_t> stream;
  for (uint8_t i = 0; i < 10; ++i) {
    const auto frame = framed(packet_of(12, i));
    stream.insert(stream.end(), frame.begin(), frame.end());
  }
  stream.pop_back();
  std::vector<PacketRef> packets;
  Bytes rest = stream;
  for (const size_t expected : {4u, 8u, 9u}) {
    rest = reader_.read(rest, pool_, packets, statistics_, 4);
    EXPECT_EQ(packets.size(), expected);
    EXPECT_EQ(rest.size(), expected == 9 ? 0 : stream.size() - expected * 14);
  }
  for (uint8_t i = 0; i < 9; ++i) EXPECT_EQ(packets[i]->data()[0], i);
}

}  // namespace
}  // namespace simpul::net
