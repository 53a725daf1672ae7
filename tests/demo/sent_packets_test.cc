#include "bench/demo/sent_packets.h"

#include <gtest/gtest.h>

namespace simpul::demo {
namespace {

TEST(SentPackets, FindsWhatWasSent) {
  SentPackets sent;
  sent.add({.index = 500, .timestamp = 9, .marker = true, .payload = {1, 2}});
  const SentPacket* packet = sent.find(rtp::SequenceNumber(500));
  ASSERT_NE(packet, nullptr);
  EXPECT_EQ(packet->timestamp, 9u);
  EXPECT_EQ(sent.find(rtp::SequenceNumber(499)), nullptr);
}

TEST(SentPackets, ForgetsTheOldestAndFindsAcrossTheWrap) {
  SentPackets sent;
  for (uint64_t index = 65'000; index < 65'536 + 100; ++index) {
    sent.add({.index = index, .payload = {static_cast<uint8_t>(index)}});
  }
  EXPECT_EQ(sent.find(rtp::SequenceNumber(65'123)), nullptr);
  ASSERT_NE(sent.find(rtp::SequenceNumber(65'124)), nullptr);
  ASSERT_NE(sent.find(rtp::SequenceNumber(99)), nullptr);
  EXPECT_EQ(sent.find(rtp::SequenceNumber(99))->index, 65'635u);
}

TEST(SentPackets, ANumberThatWasNeverSentIsNotFound) {
  SentPackets sent;
  EXPECT_EQ(sent.find(rtp::SequenceNumber(0)), nullptr);
}

}  // namespace
}  // namespace simpul::demo
