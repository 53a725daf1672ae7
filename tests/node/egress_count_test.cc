#include <gtest/gtest.h>

#include "tests/node/virtual_node.h"
#include "tests/support/allocation_counter.h"
#include "tests/support/rtp_packets.h"

namespace simpul::node {
namespace {

using testing::Guest;
using testing::VirtualNode;
using namespace std::chrono_literals;

// One publisher's frames, sealed ahead of time, and many viewers.
class EgressCountTest : public ::testing::Test {
 protected:
  explicit EgressCountTest(const config::Config& config = VirtualNode::test_config())
      : node_(nullptr, 0, config) {}

  static constexpr size_t kViewers = 50;
  static constexpr size_t kFramePackets = 8;
  static constexpr size_t kPacketSize = 1'100;
  // As the worker does.
  static constexpr size_t kViewersOfACall = 32;
  // And one for what else comes due: reports, and what is sent again.
  static constexpr size_t kCallsOfAFrameMax =
      (kViewers + kViewersOfACall - 1) / kViewersOfACall + 1;

  struct Counts {
    uint64_t packets = 0;
    uint64_t messages = 0;
    uint64_t calls = 0;
    size_t allocations = 0;
  };

  std::vector<PacketRef> make_frame(Guest& guest, bool key_frame) {
    std::vector<PacketRef> frame;
    for (size_t i = 0; i < kFramePackets; ++i) {
      const auto payload = testing::make_vp8_payload({.starts_frame = i == 0,
                                                      .key_frame = key_frame,
                                                      .picture_id = picture_id_,
                                                      .frame_size = kPacketSize});
      const auto sealed = guest.peer.seal({.ssrc = rtp::Ssrc(1000),
                                           .payload_type = peer::kVp8PayloadType,
                                           .index = index_++,
                                           .timestamp = picture_id_ * 3000u,
                                           .marker = i + 1 == kFramePackets,
                                           .mid = "1",
                                           .payload = Bytes(payload).first(payload_size(i))});
      PacketRef packet = pool_.allocate();
      packet->size = static_cast<uint32_t>(sealed.size());
      std::ranges::copy(sealed, packet->bytes.begin());
      frame.push_back(std::move(packet));
    }
    ++picture_id_;
    return frame;
  }

  // As libwebrtc splits a frame, where that is asked for: sizes differ by a byte, the larger last.
  size_t payload_size(size_t i) const {
    return uneven_ && i < kFramePackets / 2 ? kPacketSize - 1 : kPacketSize;
  }

  // A publisher, and so many viewers who are connected.
  Guest& stage(size_t viewers) {
    Guest& alice = node_.publish("stage", "alice");
    alice.sources.clear();
    std::vector<Guest*> watching;
    for (size_t i = 0; i < viewers; ++i) {
      watching.push_back(&node_.watch("stage", "viewer" + std::to_string(i)));
    }
    EXPECT_TRUE(node_.run_until([&] {
      return alice.peer.connected() && std::ranges::all_of(watching, [](const Guest* viewer) {
               return viewer->peer.connected();
             });
    }));
    node_.sender().keep(false);
    return alice;
  }

  // Takes a frame through the switchboard, as a worker does; counts only what happens in there.
  void forward(Guest& guest, bool key_frame, Counts& counts) {
    auto frame = make_frame(guest, key_frame);
    node_.run(33ms);
    const testing::RecordingSender& sender = node_.sender();
    const Counts before{sender.datagrams(), sender.messages(), sender.calls(),
                        testing::allocations()};
    for (PacketRef& packet : frame) {
      node_.switchboard().receive(std::move(packet), {0, guest.address}, node_.now());
    }
    while (node_.switchboard().send_due(node_.now(), 0ms, kViewersOfACall) > 0) {
      node_.egress().flush();
    }
    counts.allocations += testing::allocations() - before.allocations;
    counts.packets += sender.datagrams() - before.packets;
    counts.messages += sender.messages() - before.messages;
    counts.calls += sender.calls() - before.calls;
  }

  // All of their packets leave.
  uint64_t messages_of_uneven_frames(size_t frames) {
    uneven_ = true;
    Guest& alice = stage(kViewers);
    Counts warm_up;
    for (int i = 0; i < 20; ++i) forward(alice, i < 2, warm_up);
    Counts counts;
    for (size_t i = 0; i < frames; ++i) forward(alice, false, counts);
    EXPECT_EQ(counts.packets, frames * kFramePackets * kViewers);
    return counts.messages;
  }

  PacketPool pool_{8'192};  // outlives what the relay keeps of it
  VirtualNode node_;
  uint16_t picture_id_ = 0;
  uint64_t index_ = 1;
  bool uneven_ = false;
};

config::Config without_padding() {
  config::Config config = VirtualNode::test_config();
  config.media.gso_padding = false;
  return config;
}

class UnpaddedEgressCountTest : public EgressCountTest {
 protected:
  UnpaddedEgressCountTest() : EgressCountTest(without_padding()) {}
};

TEST_F(EgressCountTest, ForwardsFramesOfEightByOneMessageEachAndAllocatesNothing) {
  constexpr size_t kFrames = 250;
  Guest& alice = stage(kViewers);
  // Every viewer's slot begins, and every buffer gets its size: that of what was sent is kept for
  // two seconds.
  Counts warm_up;
  for (int i = 0; i < 70; ++i) forward(alice, i < 2, warm_up);

  Counts counts;
  for (size_t i = 0; i < kFrames; ++i) forward(alice, false, counts);
  EXPECT_EQ(counts.packets, kFrames * kFramePackets * kViewers);
  EXPECT_GE(counts.packets, 100'000u);
  EXPECT_EQ(counts.messages, counts.packets / kFramePackets);
  EXPECT_LE(counts.calls, kFrames * kCallsOfAFrameMax);
  EXPECT_EQ(counts.allocations, 0u);
}

TEST_F(EgressCountTest, ForwardsAFrameOfUnevenPacketsByOneMessage) {
  EXPECT_EQ(messages_of_uneven_frames(20), 20 * kViewers);
}

TEST_F(UnpaddedEgressCountTest, ForwardsAFrameOfUnevenPacketsByOneMessageForEachSize) {
  EXPECT_EQ(messages_of_uneven_frames(20), 2 * 20 * kViewers);
}

}  // namespace
}  // namespace simpul::node
