#include "node/switchboard.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "crypto/random.h"
#include "ice/demultiplex.h"
#include "rtp/rtcp_reader.h"
#include "rtp/rtcp_writer.h"
#include "rtp/vp8.h"
#include "tests/node/virtual_node.h"

namespace simpul::node {
namespace {

using testing::Guest;
using testing::VirtualNode;
using namespace std::chrono_literals;

class SwitchboardTest : public ::testing::Test {
 protected:
  static constexpr size_t kAudio = 0;
  static constexpr size_t kVideo = 1;

  // Packets of a slot that the guest got since the last call.
  size_t fresh(Guest& guest, size_t slot) {
    const size_t count = guest.count(guest.peer.slots()[slot]);
    const size_t before = std::exchange(seen_[{guest.name, slot}], count);
    return count - before;
  }
  static std::vector<uint16_t> sequence_of(const Guest& guest, size_t slot) {
    std::vector<uint16_t> numbers;
    for (const auto& packet : guest.packets) {
      if (packet.ssrc == guest.peer.slots()[slot]) {
        numbers.push_back(packet.sequence_number.value());
      }
    }
    return numbers;
  }
  template <class Kind>
  static size_t count_rtcp(const Guest& guest) {
    size_t count = 0;
    for (const auto& compound : guest.rtcp) {
      rtp::RtcpReader reader(compound);
      while (const auto part = reader.next()) count += std::holds_alternative<Kind>(*part);
    }
    return count;
  }

  VirtualNode node_;
  std::map<std::pair<std::string, size_t>, size_t> seen_;
};

TEST_F(SwitchboardTest, CarriesPictureAndSoundToAWatcher) {
  Guest& alice = node_.publish("stage", "alice");
  ASSERT_TRUE(node_.run_until([&] { return alice.peer.connected(); }));
  Guest& bob = node_.watch("stage", "bob");
  ASSERT_TRUE(node_.run_until([&] { return bob.peer.connected(); }));
  node_.run(2s);
  EXPECT_NEAR(static_cast<double>(fresh(bob, kAudio)), 100, 3);
  EXPECT_GT(fresh(bob, kVideo), 300u);
  const auto first = std::ranges::find(bob.packets, bob.peer.slots()[kVideo], &Guest::Packet::ssrc);
  const auto descriptor = rtp::Vp8Descriptor::parse(first->payload);
  ASSERT_TRUE(descriptor);
  EXPECT_TRUE(descriptor->key_frame);
}

TEST_F(SwitchboardTest, ForgetsWhoIsExpectedWhenTheyGo) {
  Guest& alice = node_.publish("stage", "alice");
  Guest& bob = node_.watch("stage", "bob");
  ASSERT_TRUE(node_.run_until([&] { return alice.peer.connected() && bob.peer.connected(); }));
  // At each of the steps in which what an expected packet needs is fetched.
  for (Guest* guest : {&alice, &bob}) {
    node_.switchboard().expect({0, guest->address});
    node_.switchboard().expect({0, bob.address});
  }
  node_.switchboard().end(alice.key, node_.now());
  node_.switchboard().end(bob.key, node_.now());
  ASSERT_EQ(node_.switchboard().connections(), 0u);
  for (size_t i = 0; i < Switchboard::kExpectAhead; ++i) {
    node_.switchboard().expect(
        {0, alice.address});  // under sanitizers: touches nobody who has gone
  }
}

TEST_F(SwitchboardTest, NumbersASlotWithoutHolesAndNamesTheTrackInTheCsrc) {
  Guest& alice = node_.publish("stage", "alice");
  Guest& bob = node_.watch("stage", "bob");
  ASSERT_TRUE(node_.run_until([&] { return bob.peer.connected() && alice.peer.connected(); }));
  node_.run(1s);
  const auto numbers = sequence_of(bob, kVideo);
  ASSERT_GT(numbers.size(), 100u);
  EXPECT_LT(numbers.front(), 0x8000);
  for (size_t i = 1; i < numbers.size(); ++i) {
    ASSERT_EQ(numbers[i], static_cast<uint16_t>(numbers[i - 1] + 1));
  }
  std::set<uint32_t> tracks;
  for (const auto& packet : bob.packets) tracks.insert(packet.csrc);
  EXPECT_EQ(tracks.size(), 2u);
  EXPECT_FALSE(tracks.contains(0));
}

TEST_F(SwitchboardTest, AsksThePublisherForAKeyFrameWhenAWatcherComes) {
  Guest& alice = node_.publish("stage", "alice");
  ASSERT_TRUE(node_.run_until([&] { return alice.peer.connected(); }));
  node_.run(3s);
  const uint64_t before = alice.sources[kVideo].key_frames();
  Guest& bob = node_.watch("stage", "bob");
  ASSERT_TRUE(node_.run_until([&] { return fresh(bob, kVideo) > 0; }));
  EXPECT_EQ(alice.sources[kVideo].key_frames(), before + 1);
}

TEST_F(SwitchboardTest, ShowsAPublisherWhoLeftAndCameBackWithoutANewOffer) {
  Guest& alice = node_.publish("stage", "alice");
  Guest& bob = node_.watch("stage", "bob");
  ASSERT_TRUE(node_.run_until([&] { return bob.peer.connected() && fresh(bob, kVideo) > 0; }));
  node_.switchboard().end(alice.key, node_.now());
  node_.run(1s);
  fresh(bob, kVideo);
  node_.run(1s);
  EXPECT_EQ(fresh(bob, kVideo), 0u);
  node_.publish("stage", "alice");
  EXPECT_TRUE(node_.run_until([&] { return fresh(bob, kVideo) > 0; }));
}

TEST_F(SwitchboardTest, ReplacesAPublisherWhoVanishedAndCameBack) {
  Guest& alice = node_.publish("stage", "alice");
  Guest& bob = node_.watch("stage", "bob");
  ASSERT_TRUE(node_.run_until([&] { return bob.peer.connected() && fresh(bob, kVideo) > 0; }));
  node_.vanish(alice);
  Guest& again = node_.publish("stage", "alice");
  ASSERT_TRUE(node_.run_until([&] { return again.peer.connected(); }));
  node_.run(4s);
  EXPECT_EQ(node_.last_state(alice), connection::State::kClosed);
  fresh(bob, kVideo);
  node_.run(1s);
  EXPECT_GT(fresh(bob, kVideo), 0u);
}

TEST_F(SwitchboardTest, GivesEachWatcherTheLayerThatTheyAskedFor) {
  node_.publish("stage", "alice", {.rids = {"q", "h", "f"}});
  Guest& low = node_.watch("stage", "low", "", relay::LayerChoice::kLow);
  Guest& high = node_.watch("stage", "high", "", relay::LayerChoice::kHigh);
  ASSERT_TRUE(node_.run_until([&] { return fresh(low, kVideo) > 0 && fresh(high, kVideo) > 0; }));
  node_.run(3s);
  fresh(low, kVideo);
  fresh(high, kVideo);
  node_.run(2s);
  const size_t few = fresh(low, kVideo);
  const size_t many = fresh(high, kVideo);
  EXPECT_GT(few, 50u);
  EXPECT_GT(many, few * 2);
}

TEST_F(SwitchboardTest, KeepsRoomsApart) {
  node_.publish("one", "alice");
  node_.publish("two", "carol");
  Guest& bob = node_.watch("one", "bob");
  ASSERT_TRUE(node_.run_until([&] { return fresh(bob, kVideo) > 0; }));
  node_.run(1s);
  std::set<uint32_t> tracks;
  for (const auto& packet : bob.packets) tracks.insert(packet.csrc);
  EXPECT_EQ(tracks.size(), 2u);
}

TEST_F(SwitchboardTest, ForgetsAConnectionThatFellSilent) {
  Guest& alice = node_.publish("stage", "alice");
  ASSERT_TRUE(node_.run_until([&] { return alice.peer.connected(); }));
  node_.vanish(alice);
  node_.run(29s);
  EXPECT_EQ(node_.switchboard().connections(), 1u);
  node_.run(2s);
  EXPECT_EQ(node_.switchboard().connections(), 0u);
  EXPECT_EQ(node_.changes().back().reason, connection::CloseReason::kIdle);
}

TEST_F(SwitchboardTest, SaysGoodByeToWhoIsSentAway) {
  node_.publish("stage", "alice");
  Guest& bob = node_.watch("stage", "bob");
  ASSERT_TRUE(node_.run_until([&] { return fresh(bob, kVideo) > 0; }));
  node_.switchboard().end(bob.key, node_.now());
  node_.run(10ms);
  EXPECT_TRUE(bob.peer.closed());
  EXPECT_EQ(count_rtcp<rtp::Bye>(bob), 2u);
}

TEST_F(SwitchboardTest, ReportsToSendersAndReceivers) {
  Guest& alice = node_.publish("stage", "alice");
  Guest& bob = node_.watch("stage", "bob");
  ASSERT_TRUE(node_.run_until([&] { return fresh(bob, kVideo) > 0; }));
  node_.run(3s);
  EXPECT_GE(count_rtcp<rtp::ReceiverReport>(alice), 2u);
  EXPECT_GE(count_rtcp<rtp::SenderReport>(bob), 4u);
}

TEST_F(SwitchboardTest, AsksThePublisherAgainForWhatWasLost) {
  Guest& alice = node_.publish("stage", "alice");
  Guest& bob = node_.watch("stage", "bob");
  ASSERT_TRUE(node_.run_until([&] { return fresh(bob, kVideo) > 0; }));
  int count = 0;
  node_.lose_upwards = [&](const Guest& guest, Bytes datagram) {
    return &guest == &alice && ice::classify(datagram) == ice::DatagramKind::kRtp &&
           ++count % 20 == 0;
  };
  node_.run(1s);
  EXPECT_GT(count_rtcp<rtp::Nack>(alice), 5u);
}

TEST_F(SwitchboardTest, SendsAgainByRtxWhatAWatcherAsksFor) {
  node_.publish("stage", "alice");
  Guest& bob = node_.watch("stage", "bob");
  ASSERT_TRUE(node_.run_until([&] { return fresh(bob, kVideo) > 0; }));
  node_.run(500ms);
  const rtp::Ssrc slot = bob.peer.slots()[kVideo];
  const auto numbers = sequence_of(bob, kVideo);
  const rtp::SequenceNumber wanted(numbers[numbers.size() - 3]);
  std::array<uint8_t, 64> buffer{};
  rtp::RtcpWriter writer(buffer);
  ASSERT_EQ(writer.nack(rtp::Ssrc(1), slot, std::span(&wanted, 1)), 1u);
  node_.deliver(bob.address, bob.peer.seal_rtcp(writer.written()));
  node_.run(5ms);
  const auto again =
      std::ranges::find(bob.packets, peer::kRtxPayloadType, &Guest::Packet::payload_type);
  ASSERT_NE(again, bob.packets.end());
  EXPECT_EQ(load_be16(std::span(again->payload).first<2>()), wanted.value());
  EXPECT_NE(again->ssrc, slot);
}

TEST_F(SwitchboardTest, TellsTheRoundTripOfAWatcher) {
  node_.publish("stage", "alice");
  Guest& bob = node_.watch("stage", "bob");
  ASSERT_TRUE(node_.run_until([&] { return count_rtcp<rtp::SenderReport>(bob) > 0; }));
  uint32_t last_report = 0;
  rtp::RtcpReader reader(bob.rtcp.front());
  while (const auto part = reader.next()) {
    if (const auto* report = std::get_if<rtp::SenderReport>(&*part)) {
      last_report = rtp::compact_ntp(report->sender.ntp_time);
    }
  }
  node_.run(80ms);
  const rtp::ReportBlock block{.ssrc = bob.peer.slots()[kVideo],
                               .fraction_lost = 64,
                               .last_sender_report = last_report,
                               .delay_since_last_sender_report = rtp::to_compact(30ms)};
  std::array<uint8_t, 64> buffer{};
  rtp::RtcpWriter writer(buffer);
  writer.receiver_report(rtp::Ssrc(1), std::span(&block, 1));
  node_.deliver(bob.address, bob.peer.seal_rtcp(writer.written()));
  for (const auto& entry : node_.snapshot().connections) {
    if (entry.key != bob.key) continue;
    ASSERT_TRUE(entry.report.round_trip_ms);
    EXPECT_NEAR(*entry.report.round_trip_ms, 50, 12);
    EXPECT_DOUBLE_EQ(entry.report.slots[kVideo].loss, 0.25);
  }
}

TEST_F(SwitchboardTest, MediaFromAnAddressThatNoCheckProvedIsDropped) {
  Guest& alice = node_.publish("stage", "alice");
  Guest& bob = node_.watch("stage", "bob");
  ASSERT_TRUE(node_.run_until([&] { return fresh(bob, kVideo) > 0; }));
  const Address elsewhere = Address::v4({203, 0, 113, 9}, 4000);
  const auto datagram = alice.peer.seal({.ssrc = alice.sources[kVideo].ssrc(),
                                         .payload_type = peer::kVp8PayloadType,
                                         .index = 0x7000,
                                         .payload = std::array<uint8_t, 4>{0x10, 1, 2, 3}});
  const uint64_t before = node_.drops("unknown_sender");
  node_.deliver(elsewhere, datagram);
  EXPECT_EQ(node_.drops("unknown_sender"), before + 1);
  EXPECT_TRUE(node_.strays.empty());
}

TEST_F(SwitchboardTest, LeavesAPathToThePeerThatUsesIt) {
  Guest& alice = node_.publish("stage", "alice");
  Guest& bob = node_.watch("stage", "bob");
  Guest& mallory = node_.watch("stage", "mallory");
  ASSERT_TRUE(
      node_.run_until([&] { return fresh(bob, kVideo) > 0 && fresh(mallory, kVideo) > 0; }));
  // Mallory has credentials of her own, and forges the source of her checks.
  node_.deliver(alice.address, mallory.peer.make_check(true));
  node_.deliver(bob.address, mallory.peer.make_check(true));
  fresh(bob, kVideo);
  node_.run(2s);
  EXPECT_GT(fresh(bob, kVideo), 200u);
  for (const auto& entry : node_.snapshot().connections) {
    if (entry.key == bob.key) {
      EXPECT_EQ(entry.report.remote, bob.address);
    }
  }
}

TEST_F(SwitchboardTest, FollowsAGuestToANewAddressOnceTheirMediaComesFromThere) {
  Guest& alice = node_.publish("stage", "alice");
  Guest& bob = node_.watch("stage", "bob");
  ASSERT_TRUE(node_.run_until([&] { return fresh(bob, kVideo) > 0; }));
  alice.address = Address::v4({198, 51, 100, 77}, 5000);
  node_.deliver(alice.address, alice.peer.make_check(true));
  node_.run(1s);
  fresh(bob, kVideo);
  node_.run(1s);
  EXPECT_GT(fresh(bob, kVideo), 100u);
  for (const auto& entry : node_.snapshot().connections) {
    if (entry.key == alice.key) {
      EXPECT_EQ(entry.report.remote, alice.address);
    }
  }
}

TEST_F(SwitchboardTest, GoesOnByTheNextCheckWhenAPathIsGone) {
  node_.publish("stage", "alice");
  Guest& bob = node_.watch("stage", "bob");
  ASSERT_TRUE(node_.run_until([&] { return fresh(bob, kVideo) > 0; }));
  EXPECT_TRUE(node_.switchboard().knows(bob.peer.server().username_fragment));
  EXPECT_TRUE(node_.switchboard().leads({0, bob.address}));
  const ice::Path old = {0, bob.address};
  bob.address.port = 4321;
  node_.switchboard().forget_path(old);
  EXPECT_FALSE(node_.switchboard().leads(old));
  fresh(bob, kVideo);
  node_.deliver(bob.address, bob.peer.make_check(true));
  node_.run(1s);
  EXPECT_GT(fresh(bob, kVideo), 100u);
  EXPECT_TRUE(node_.switchboard().leads({0, bob.address}));
  EXPECT_TRUE(node_.strays.empty());
}

TEST_F(SwitchboardTest, EndsAConnectionWhoseCertificateIsNotTheOneOfTheOffer) {
  const std::string other =
      dtls::Certificate::make(std::chrono::seconds(1'800'000'000)).fingerprint().to_string();
  Guest& mallory = node_.publish("stage", "mallory", {.fingerprint = other});
  node_.run(2s);
  EXPECT_EQ(node_.last_state(mallory), connection::State::kClosed);
  EXPECT_EQ(node_.changes().back().reason, connection::CloseReason::kFingerprint);
}

TEST_F(SwitchboardTest, ReportsWhatIsPublishedAndWatched) {
  Guest& alice = node_.publish("stage", "alice");
  Guest& bob = node_.watch("stage", "bob");
  ASSERT_TRUE(node_.run_until([&] { return fresh(bob, kVideo) > 0; }));
  node_.run(2s);
  for (const auto& entry : node_.snapshot().connections) {
    if (entry.key == alice.key) {
      ASSERT_EQ(entry.report.tracks.size(), 2u);
      EXPECT_EQ(entry.report.tracks[kVideo].state.layers[0].width, 1280);
      EXPECT_GT(entry.report.tracks[kVideo].state.layers[0].bitrate_bps, 1'000'000u);
    } else {
      ASSERT_EQ(entry.report.slots.size(), 2u);
      EXPECT_EQ(entry.report.slots[kVideo].state.participant, "alice");
    }
  }
}

}  // namespace
}  // namespace simpul::node
