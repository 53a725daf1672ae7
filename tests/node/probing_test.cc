// What paths carry is found out by probes: from the planner to what a viewer receives.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "bench/peer/formats.h"
#include "rtp/rtx.h"
#include "tests/node/virtual_node.h"

namespace simpul::node {
namespace {

using testing::Guest;
using testing::VirtualNode;
using namespace std::chrono_literals;

class ProbingTest : public ::testing::Test {
 protected:
  void meet() {
    alice_.sources.pop_back();
    alice_.sources.push_back(peer::MediaSource::video("1", {.bitrate_bps = 400'000}));
    bob_.reports_arrivals = true;
    ASSERT_TRUE(node_.run_until([&] { return bob_.count(picture()) > 0; }));
  }
  rtp::Ssrc picture() const { return bob_.peer.slots()[1]; }
  double estimate_bps() const {
    for (const auto& entry : node_.snapshot().connections) {
      if (entry.key == bob_.key) return entry.report.estimate_bps.value_or(0);
    }
    return 0;
  }
  uint64_t padding_bytes() const { return node_.snapshot().worker.padding_bytes; }
  std::vector<const Guest::Packet*> padding() const {
    std::vector<const Guest::Packet*> packets;
    for (const auto& packet : bob_.packets) {
      if (packet.payload_type == peer::kRtxPayloadType) packets.push_back(&packet);
    }
    return packets;
  }

  VirtualNode node_;
  Guest& alice_ = node_.publish("room", "alice");
  Guest& bob_ = node_.watch("room", "bob");
};

TEST_F(ProbingTest, TheEstimateRisesAboveWhatTheMediaShow) {
  meet();
  node_.run(5s);
  size_t bytes = 0;
  for (const auto& packet : bob_.packets) {
    if (packet.arrival > node_.now() - 1s) bytes += packet.payload.size();
  }
  ASSERT_GT(bytes, 10'000u);
  EXPECT_GT(estimate_bps(), 1.5 * 8 * static_cast<double>(bytes));
  EXPECT_GT(estimate_bps(), 1'500'000);
  EXPECT_GT(padding_bytes(), 5'000u);
}

TEST_F(ProbingTest, WhatIsSentOnceMoreIsWhatTheViewerWasSentByteForByte) {
  meet();
  node_.run(5s);
  std::map<uint16_t, const Guest::Packet*> media;
  for (const auto& packet : bob_.packets) {
    if (packet.ssrc == picture()) media[packet.sequence_number.value()] = &packet;
  }
  size_t repeated = 0;
  uint64_t bytes = 0;
  std::optional<rtp::SequenceNumber> last;
  for (const Guest::Packet* packet : padding()) {
    if (last) {
      EXPECT_EQ(packet->sequence_number.value(), uint16_t(last->value() + 1));
    }
    last = packet->sequence_number;
    bytes += packet->payload.size() + packet->padding;
    const auto rtx = rtp::unwrap_rtx(packet->payload);
    if (!rtx) {
      EXPECT_EQ(packet->padding, 255u);
      continue;
    }
    ++repeated;
    ASSERT_TRUE(media.contains(rtx->original.value()));
    const Guest::Packet& original = *media[rtx->original.value()];
    EXPECT_TRUE(std::ranges::equal(rtx->payload, original.payload));
    EXPECT_EQ(packet->timestamp, original.timestamp);
    EXPECT_EQ(packet->csrc, original.csrc);
  }
  EXPECT_GT(repeated, 3u);
  EXPECT_GT(padding_bytes(), bytes) << "headers and tags count, too";
  EXPECT_LT(padding_bytes(), bytes + 60 * padding().size());
}

TEST_F(ProbingTest, MediaStayWithoutHoles) {
  meet();
  node_.run(5s);
  ASSERT_GT(padding().size(), 5u);
  std::optional<uint16_t> last;
  for (const auto& packet : bob_.packets) {
    if (packet.ssrc != picture()) continue;
    EXPECT_FALSE(packet.payload.empty());
    if (last) {
      EXPECT_EQ(packet.sequence_number.value(), uint16_t(*last + 1));
    }
    last = packet.sequence_number.value();
  }
}

TEST_F(ProbingTest, NothingIsSentToWhoDoesNotReport) {
  meet();
  bob_.reports_arrivals = false;
  node_.run(5s);
  EXPECT_EQ(padding_bytes(), 0u);
}

TEST_F(ProbingTest, NothingIsSentAfterTheStreamEnds) {
  meet();
  node_.run(3s);
  node_.vanish(alice_);
  node_.run(1s);
  const uint64_t before = padding_bytes();
  ASSERT_GT(before, 0u);
  node_.run(20s);
  EXPECT_EQ(padding_bytes(), before);
}

TEST_F(ProbingTest, NothingIsSentToASocketThatIsFull) {
  meet();
  ASSERT_TRUE(node_.run_until([&] { return padding_bytes() > 0; }));
  node_.sender().block(true);
  node_.run(20ms);  // until it was tried
  const uint64_t before = padding_bytes();
  node_.run(1s);
  EXPECT_EQ(padding_bytes(), before);
  EXPECT_LT(before, 4'000u) << "the first two probes are more than 6,000";
}

TEST_F(ProbingTest, AViewerWhoLeavesDuringAProbeIsForgotten) {
  meet();
  ASSERT_TRUE(node_.run_until([&] { return padding_bytes() > 0; }));
  EXPECT_NE(node_.switchboard().next_send(0ms), kNever);
  node_.switchboard().end(bob_.key, node_.now());
  alice_.sources.clear();
  node_.run(100ms);
  EXPECT_EQ(node_.switchboard().next_send(0ms), kNever);
}

}  // namespace
}  // namespace simpul::node
