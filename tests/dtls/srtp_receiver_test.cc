#include "dtls/srtp_receiver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "tests/support/srtp_packets.h"
#include "tests/support/srtp_parameters.h"

namespace simpul::dtls {
namespace {

using ::simpul::testing::Buffer;
using ::simpul::testing::make_master_key;
using ::simpul::testing::make_rtcp;
using ::simpul::testing::make_rtp;
using ::simpul::testing::open_rtcp;
using ::simpul::testing::open_rtp;
using ::simpul::testing::RtpFields;
using ::simpul::testing::seal_rtcp;
using ::simpul::testing::seal_rtp;

constexpr uint32_t kSsrc = 0x11223344;

class SrtpReceiverTest : public ::simpul::testing::EachSrtp {
 protected:
  // In any order, which no sender may be asked for: each by another one.
  Buffer sealed(uint64_t round, uint16_t sequence_number, uint32_t ssrc = kSsrc) {
    const RtpFields fields{.sequence_number = sequence_number, .ssrc = ssrc, .payload_size = 40};
    SrtpSender sender(engine_, master_);
    return seal_rtp(sender, fields, round);
  }

  // "ok", or the error.
  std::string result(const Buffer& packet) {
    const auto opened = open_rtp(receiver_, packet);
    return opened ? "ok" : std::string(to_string(opened.error()));
  }
  std::string receive(uint64_t round, uint16_t sequence_number, uint32_t ssrc = kSsrc) {
    return result(sealed(round, sequence_number, ssrc));
  }
  std::string receive_rtcp(const Buffer& packet) {
    const auto opened = open_rtcp(receiver_, packet);
    return opened ? "ok" : std::string(to_string(opened.error()));
  }

  SrtpMasterKey master_ = make_master_key(profile());
  SrtpSender sender_{engine_, master_};
  SrtpReceiver receiver_{engine_, master_};
};

INSTANTIATE_TEST_SUITE_P(Srtp, SrtpReceiverTest, ::simpul::testing::each_srtp(),
                         ::simpul::testing::each_srtp_name);

TEST_P(SrtpReceiverTest, OpensWhatTheSenderSealed) {
  const Buffer plain = make_rtp({.sequence_number = 9, .csrc_count = 2, .extension_words = 3});
  EXPECT_EQ(open_rtp(receiver_, seal_rtp(sender_, plain, 12 + 8 + 16, 9)), plain);
}

TEST_P(SrtpReceiverTest, OpensAPacketWithoutPayload) {
  const Buffer plain = make_rtp({.payload_size = 0});
  EXPECT_EQ(open_rtp(receiver_, seal_rtp(sender_, plain, 12, 1)), plain);
}

TEST_P(SrtpReceiverTest, RefusesEveryShortDatagram) {
  std::mt19937 random(3);
  for (size_t size = 0; size <= 64; ++size) {
    for (int round = 0; round < 200; ++round) {
      // In memory of exactly this size, so that a sanitizer sees a read past its end.
      Buffer packet(size);
      for (auto& byte : packet) byte = static_cast<uint8_t>(random());
      if (size != 0) packet[0] = static_cast<uint8_t>(0x80 | (packet[0] & 0x3F));
      EXPECT_NE(result(packet), "ok") << size;
      if (size > 1) packet[1] = 201;
      EXPECT_NE(receive_rtcp(packet), "ok") << size;
    }
  }
  EXPECT_EQ(receiver_.source_count(), 0u);
}

TEST_P(SrtpReceiverTest, RefusesEveryTruncationAndThenTakesTheWhole) {
  const auto whole = seal_rtp(
      sender_, {.sequence_number = 1, .csrc_count = 3, .extension_words = 2, .payload_size = 5});
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_NE(result(Buffer(whole.begin(), whole.begin() + static_cast<long>(size))), "ok");
  }
  EXPECT_EQ(result(whole), "ok");

  const auto rtcp = seal_rtcp(sender_, make_rtcp(1, 20));
  for (size_t size = 0; size < rtcp.size(); ++size) {
    EXPECT_NE(receive_rtcp(Buffer(rtcp.begin(), rtcp.begin() + static_cast<long>(size))), "ok");
  }
  EXPECT_EQ(receive_rtcp(rtcp), "ok");
}

TEST_P(SrtpReceiverTest, RefusesAHeaderThatClaimsMoreThanThereIs) {
  auto many_csrcs = sealed(0, 1);
  many_csrcs[0] |= 0x0F;
  EXPECT_EQ(result(many_csrcs), "srtp_too_short");

  auto long_extension = seal_rtp(sender_, {.sequence_number = 2, .extension_words = 1});
  long_extension[14] = 0xFF;
  EXPECT_EQ(result(long_extension), "srtp_too_short");

  // All but the last byte of the tag would be left.
  Buffer no_room_for_the_tag(12 + 4 + sender_.overhead() - 1);
  no_room_for_the_tag[0] = 0x81;
  EXPECT_EQ(result(no_room_for_the_tag), "srtp_too_short");
}

TEST_P(SrtpReceiverTest, RefusesEveryChangedBitAndKeepsNothingOfIt) {
  const auto packet = seal_rtp(sender_, {.payload_size = 10});
  for (size_t bit = 0; bit < 8 * packet.size(); ++bit) {
    auto forged = packet;
    forged[bit / 8] ^= static_cast<uint8_t>(1u << bit % 8);
    EXPECT_NE(result(forged), "ok") << bit;
  }
  EXPECT_EQ(receiver_.source_count(), 0u);
  EXPECT_EQ(result(packet), "ok");
}

TEST_P(SrtpReceiverTest, TakesEachPacketOnce) {
  EXPECT_EQ(receive(0, 1), "ok");
  EXPECT_EQ(receive(0, 1), "srtp_replayed");
  EXPECT_EQ(receive(0, 2), "ok");
  EXPECT_EQ(receive(0, 1), "srtp_replayed");
}

TEST_P(SrtpReceiverTest, RefusesAWholeSecondReplayed) {
  std::vector<Buffer> second;
  for (uint16_t i = 0; i < 300; ++i) second.push_back(sealed(0, i));
  for (const auto& packet : second) EXPECT_EQ(result(packet), "ok");
  for (const auto& packet : second) EXPECT_EQ(result(packet), "srtp_replayed");
}

TEST_P(SrtpReceiverTest, TakesLatePacketsUpTo1023Behind) {
  EXPECT_EQ(receive(0, 5000), "ok");
  for (const uint16_t behind :
       std::initializer_list<uint16_t>{1, 63, 64, 65, 127, 128, 129, 1023}) {
    const auto number = static_cast<uint16_t>(5000 - behind);
    EXPECT_EQ(receive(0, number), "ok") << behind;
    EXPECT_EQ(receive(0, number), "srtp_replayed") << behind;
  }
  EXPECT_EQ(receive(0, 5000 - 1024), "srtp_too_old");
  EXPECT_EQ(receive(0, 5000 - 1025), "srtp_too_old");
}

TEST_P(SrtpReceiverTest, DoesNotTakeAnotherSsrcForAReplay) {
  EXPECT_EQ(receive(0, 7, 1), "ok");
  EXPECT_EQ(receive(0, 7, 2), "ok");
  EXPECT_EQ(receiver_.source_count(), 2u);
}

TEST_P(SrtpReceiverTest, FollowsTheRolloverWithoutThePacketsAroundIt) {
  EXPECT_EQ(receive(0, 65530), "ok");
  EXPECT_EQ(receive(1, 20), "ok");
  EXPECT_EQ(receive(1, 21), "ok");
}

TEST_P(SrtpReceiverTest, FollowsTheRolloverInAnyOrder) {
  EXPECT_EQ(receive(0, 65530), "ok");
  EXPECT_EQ(receive(1, 2), "ok");
  EXPECT_EQ(receive(0, 65535), "ok");
  EXPECT_EQ(receive(1, 0), "ok");
  EXPECT_EQ(receive(0, 65534), "ok");
  EXPECT_EQ(receive(1, 1), "ok");
  EXPECT_EQ(receive(0, 65534), "srtp_replayed");
  EXPECT_EQ(receive(1, 0), "srtp_replayed");
}

TEST_P(SrtpReceiverTest, FollowsManyRollovers) {
  for (uint64_t index = 0; index < 40u << 16; index += 30'000) {
    EXPECT_EQ(receive(index >> 16, static_cast<uint16_t>(index)), "ok") << index;
  }
}

TEST_P(SrtpReceiverTest, FollowsAJumpOfHalfARoundAndNoFurther) {
  EXPECT_EQ(receive(0, 100), "ok");
  EXPECT_EQ(receive(0, 100 + 32767), "ok");
  EXPECT_EQ(receive(0, 65535), "ok");
  EXPECT_EQ(receive(1, 32766), "ok");
  EXPECT_EQ(receive(1, 32766 + 32768), "ok");
  // From the upper half of a round, half a round ahead is taken for half a round behind.
  EXPECT_EQ(receive(2, 32766), "srtp_too_old");
  EXPECT_EQ(receive(2, 32765), "ok");
  EXPECT_EQ(receive(2, 32764), "ok");
}

TEST_P(SrtpReceiverTest, StartsInTheFirstRound) {
  EXPECT_EQ(receive(1, 5), "srtp_authentication");
  EXPECT_EQ(receive(0, 5), "ok");
}

TEST_P(SrtpReceiverTest, IsNotMovedByAForgedSequenceNumber) {
  EXPECT_EQ(receive(0, 65000), "ok");
  for (const uint16_t far : std::initializer_list<uint16_t>{0, 100, 20'000, 30'000, 65'535}) {
    auto forged = sealed(0, 65001);
    store_be16(std::span<uint8_t>(forged).subspan<2, 2>(), far);
    EXPECT_EQ(result(forged), "srtp_authentication");
  }
  EXPECT_EQ(receive(0, 65001), "ok");
  EXPECT_EQ(receive(0, 64'000), "ok");  // still inside the window
}

TEST_P(SrtpReceiverTest, MakesNoEntryForAForgedSource) {
  for (uint32_t ssrc = 0; ssrc < 1000; ++ssrc) {
    auto forged = sealed(0, 1, ssrc);
    forged.back() ^= 1;
    EXPECT_EQ(result(forged), "srtp_authentication");
  }
  EXPECT_EQ(receiver_.source_count(), 0u);
}

TEST_P(SrtpReceiverTest, TakesAsManySourcesAsItsLimit) {
  const size_t sources_max = SrtpReceiver::Limits{}.sources_max;
  EXPECT_EQ(sources_max, 128u);
  for (uint32_t ssrc = 0; ssrc < 1000; ++ssrc) {
    EXPECT_EQ(receive(0, 1, ssrc), ssrc < sources_max ? "ok" : "srtp_too_many_sources");
  }
  EXPECT_EQ(receiver_.source_count(), sources_max);
  for (uint32_t ssrc = 0; ssrc < sources_max; ++ssrc) EXPECT_EQ(receive(0, 2, ssrc), "ok");
}

TEST_P(SrtpReceiverTest, TakesRtcpOfAsManySourcesAsItsLimit) {
  for (uint32_t ssrc = 0; ssrc < 200; ++ssrc) {
    const auto packet = seal_rtcp(sender_, make_rtcp(ssrc, 12));
    EXPECT_EQ(receive_rtcp(packet), ssrc < 128 ? "ok" : "srtp_too_many_sources");
  }
  EXPECT_EQ(receive(0, 1, 5000), "ok");  // RTP has its own
}

TEST_P(SrtpReceiverTest, TakesEachRtcpPacketOnce) {
  std::vector<Buffer> packets;
  for (int i = 0; i < 1100; ++i) packets.push_back(seal_rtcp(sender_, make_rtcp(1, 12)));
  EXPECT_EQ(receive_rtcp(packets[1099]), "ok");
  EXPECT_EQ(receive_rtcp(packets[1099]), "srtp_replayed");
  EXPECT_EQ(receive_rtcp(packets[1099 - 1023]), "ok");
  EXPECT_EQ(receive_rtcp(packets[1099 - 1023]), "srtp_replayed");
  EXPECT_EQ(receive_rtcp(packets[1099 - 1024]), "srtp_too_old");
}

TEST_P(SrtpReceiverTest, RefusesEveryChangedBitOfRtcp) {
  const auto packet = seal_rtcp(sender_, make_rtcp(1, 12));
  for (size_t bit = 0; bit < 8 * packet.size(); ++bit) {
    auto forged = packet;
    forged[bit / 8] ^= static_cast<uint8_t>(1u << bit % 8);
    EXPECT_NE(receive_rtcp(forged), "ok") << bit;
  }
  EXPECT_EQ(receive_rtcp(packet), "ok");
}

TEST_P(SrtpReceiverTest, RefusesRtcpWithoutItsEncryptedBit) {
  auto packet = seal_rtcp(sender_, make_rtcp(1, 12));
  const bool tag_is_last = profile() == SrtpProfile::kAes128CmHmacSha1_80;
  packet[packet.size() - (tag_is_last ? 14 : 4)] &= 0x7F;
  EXPECT_EQ(receive_rtcp(packet), "srtp_not_encrypted");
}

TEST_P(SrtpReceiverTest, RefusesAnotherKey) {
  SrtpReceiver other(engine_, make_master_key(profile(), 77));
  EXPECT_FALSE(open_rtp(other, sealed(0, 1)));
  EXPECT_FALSE(open_rtcp(other, seal_rtcp(sender_, make_rtcp(1, 12))));
}

// Opens the packets as one batch.
std::vector<bool> open_batch(SrtpReceiver& receiver, std::vector<Buffer>& packets) {
  std::vector<RtpToOpen> batch;
  for (auto& packet : packets) batch.push_back({.packet = packet});
  receiver.open(batch);
  std::vector<bool> opened;
  for (size_t i = 0; i < packets.size(); ++i) {
    opened.push_back(batch[i].opened.has_value());
    packets[i].resize(batch[i].opened.value_or(0));
  }
  return opened;
}

TEST_P(SrtpReceiverTest, FindsAReplayInsideABatch) {
  std::vector<Buffer> packets = {sealed(0, 1), sealed(0, 2), sealed(0, 2), sealed(0, 1),
                                 sealed(0, 3)};
  EXPECT_THAT(open_batch(receiver_, packets),
              ::testing::ElementsAre(true, true, false, false, true));
}

TEST_P(SrtpReceiverTest, FollowsTheRolloverOfANewSourceInsideABatch) {
  std::vector<Buffer> packets = {sealed(0, 65534), sealed(0, 65535), sealed(1, 0), sealed(1, 1)};
  EXPECT_THAT(open_batch(receiver_, packets), ::testing::Each(true));
}

TEST_P(SrtpReceiverTest, FollowsLongJumpsInsideABatch) {
  std::vector<Buffer> packets = {sealed(0, 10),     sealed(0, 30'000), sealed(0, 60'000),
                                 sealed(1, 20'000), sealed(1, 50'000), sealed(2, 10'000)};
  EXPECT_THAT(open_batch(receiver_, packets), ::testing::Each(true));
}

TEST_P(SrtpReceiverTest, CapsTheSourcesInsideABatch) {
  std::vector<Buffer> packets;
  for (uint32_t ssrc = 0; ssrc < 200; ++ssrc) packets.push_back(sealed(0, 1, ssrc));
  const auto opened = open_batch(receiver_, packets);
  EXPECT_EQ(std::ranges::count(opened, true), 128);
  EXPECT_EQ(receiver_.source_count(), 128u);
}

TEST_P(SrtpReceiverTest, OpensInABatchWhatItOpensOneByOne) {
  std::mt19937 random(11);
  SrtpReceiver one_by_one(engine_, master_);
  std::array<uint64_t, 3> newest = {100, 65'400, 40'000};
  for (int round = 0; round < 150; ++round) {
    std::vector<Buffer> packets;
    for (size_t i = 0, count = 1 + random() % 40; i < count; ++i) {
      const auto source = static_cast<uint32_t>(random() % 3);
      uint64_t& index = newest[source];
      index += random() % 20 == 0 ? random() % 20'000 : random() % 4;
      const uint64_t late = std::min<uint64_t>(index, random() % 3 == 0 ? random() % 1500 : 0);
      const uint64_t at = index - late;
      packets.push_back(sealed(at >> 16, static_cast<uint16_t>(at), source));
      if (random() % 10 == 0) packets.back()[random() % packets.back().size()] ^= 4;
    }
    std::vector<Buffer> expected;
    for (const auto& packet : packets) {
      expected.push_back(open_rtp(one_by_one, packet).value_or(Buffer{}));
    }
    open_batch(receiver_, packets);
    ASSERT_EQ(packets, expected) << round;
  }
}

}  // namespace
}  // namespace simpul::dtls
