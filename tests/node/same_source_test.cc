// Row R6 of docs/attacks.md: two participants send with the same SSRC.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "tests/node/virtual_node.h"
#include "tests/support/rtp_packets.h"

namespace simpul::node {
namespace {

using testing::Guest;
using testing::VirtualNode;
using namespace std::chrono_literals;

// What the forger's payloads are filled with, from the middle of where others have their stamp.
constexpr uint8_t kForged = 0xCA;
constexpr ptrdiff_t kFilledFrom = 30;  // behind the descriptor and what a key frame begins with

class AttackOnNode : public ::testing::Test {
 protected:
  static constexpr size_t kVideo = 1;

  static std::vector<Guest::Packet> video_of(const Guest& guest) {
    std::vector<Guest::Packet> packets;
    std::ranges::copy_if(
        guest.packets, std::back_inserter(packets),
        [&](const Guest::Packet& packet) { return packet.ssrc == guest.peer.slots()[kVideo]; });
    return packets;
  }
  static bool is_forged(const Guest::Packet& packet) {
    return packet.payload.size() > 100 &&
           std::all_of(packet.payload.begin() + kFilledFrom, packet.payload.end(),
                       [](uint8_t byte) { return byte == kForged; });
  }
  // A frame of the forger, with whatever SSRC, over his own connection.
  void forge(Guest& forger, rtp::Ssrc ssrc) {
    auto payload = simpul::testing::make_vp8_payload({.key_frame = true});
    payload.resize(200, kForged);
    node_.deliver(forger.address, forger.peer.seal({.ssrc = ssrc,
                                                    .payload_type = peer::kVp8PayloadType,
                                                    .index = forged_index_++,
                                                    .timestamp = forged_timestamp_ += 3'000,
                                                    .marker = true,
                                                    .mid = "1",
                                                    .payload = payload}));
    node_.run(33ms);
  }

  VirtualNode node_;
  uint64_t forged_index_ = 100;
  uint32_t forged_timestamp_ = 0;
};

TEST_F(AttackOnNode, R6_TheSameSsrcOfTwoParticipantsIsTwoSources) {
  Guest& alice = node_.publish("stage", "alice");
  Guest& mallory = node_.publish("stage", "mallory");
  const rtp::Ssrc own = mallory.sources[kVideo].ssrc();
  mallory.sources.clear();  // sends what the test makes
  Guest& bob = node_.watch("stage", "bob", "alice");
  Guest& dave = node_.watch("stage", "dave", "mallory");
  ASSERT_TRUE(node_.run_until([&] {
    return alice.peer.connected() && mallory.peer.connected() && bob.peer.connected() &&
           dave.peer.connected();
  }));
  // At first with a source of his own; then, in the middle of the call, with hers.
  const rtp::Ssrc hers = alice.sources[kVideo].ssrc();
  for (int i = 0; i < 30; ++i) forge(mallory, own);
  node_.run(300ms);  // his own falls silent
  for (int i = 0; i < 60; ++i) forge(mallory, hers);

  const auto seen_of_alice = video_of(bob);
  const auto seen_of_mallory = video_of(dave);
  EXPECT_GT(seen_of_alice.size(), 100u);
  EXPECT_GE(seen_of_mallory.size(), 80u);
  EXPECT_TRUE(std::ranges::none_of(seen_of_alice, is_forged));
  EXPECT_TRUE(std::ranges::all_of(seen_of_mallory, is_forged));
  for (size_t i = 1; i < seen_of_alice.size(); ++i) {
    ASSERT_EQ(seen_of_alice[i].sequence_number.value(),
              static_cast<uint16_t>(seen_of_alice[i - 1].sequence_number.value() + 1));
  }
  std::set<uint32_t> tracks;
  for (const auto& packet : seen_of_alice) tracks.insert(packet.csrc);
  EXPECT_EQ(tracks.size(), 1u);
  for (const auto& packet : seen_of_mallory) EXPECT_FALSE(tracks.contains(packet.csrc));
  EXPECT_NE(bob.peer.slots()[kVideo], hers) << "what leaves has SSRCs of ours";
}

}  // namespace
}  // namespace simpul::node
