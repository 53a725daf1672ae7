#include "dtls/srtp_sender.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/hex.h"
#include "tests/support/srtp_packets.h"
#include "tests/support/srtp_parameters.h"

namespace simpul::dtls {
namespace {

using ::simpul::testing::Buffer;
using ::simpul::testing::from_hex;
using ::simpul::testing::make_master_key;
using ::simpul::testing::make_rtcp;
using ::simpul::testing::make_rtp;
using ::simpul::testing::open_rtcp;
using ::simpul::testing::open_rtp;
using ::simpul::testing::seal_rtcp;
using ::simpul::testing::seal_rtp;

class SrtpSenderTest : public ::simpul::testing::EachSrtp {
 protected:
  SrtpMasterKey master_ = make_master_key(profile());
  SrtpSender sender_{engine_, master_};
  SrtpReceiver receiver_{engine_, master_};
};

INSTANTIATE_TEST_SUITE_P(Srtp, SrtpSenderTest, ::simpul::testing::each_srtp(),
                         ::simpul::testing::each_srtp_name);

TEST_P(SrtpSenderTest, AddsItsOverhead) {
  const auto sealed = seal_rtp(sender_, {.payload_size = 100});
  EXPECT_EQ(sealed.size(), 112 + sender_.overhead());
  EXPECT_EQ(sender_.overhead(), profile() == SrtpProfile::kAes128CmHmacSha1_80 ? 10u : 16u);
}

TEST_P(SrtpSenderTest, JoinsHeadBodyAndPadding) {
  const Buffer plain = make_rtp({.payload_size = 50});
  uint64_t index = 0;
  for (size_t head_size = 0; head_size <= 8; ++head_size) {
    for (const uint8_t padding : std::initializer_list<uint8_t>{0, 1, 2, 16, 255}) {
      Buffer destination(512, 0xEE);
      std::copy_n(plain.begin(), 12, destination.begin());
      RtpToSeal packet{.destination = destination,
                       .header_size = 12,
                       .head = Bytes(plain).subspan(12, head_size),
                       .body = Bytes(plain).subspan(12 + head_size),
                       .padding = padding,
                       .index = ++index};
      store_be16(std::span<uint8_t>(destination).subspan<2, 2>(), static_cast<uint16_t>(index));
      sender_.seal({&packet, 1});
      ASSERT_EQ(packet.sealed_size, 62 + padding + sender_.overhead());
      destination.resize(packet.sealed_size);
      SrtpReceiver receiver(engine_, master_);
      const auto opened = open_rtp(receiver, destination);
      ASSERT_TRUE(opened);
      Buffer expected = plain;
      expected[3] = static_cast<uint8_t>(index);
      expected.resize(62u + padding, 0);
      if (padding != 0) expected.back() = padding;
      EXPECT_EQ(*opened, expected);
    }
  }
}

TEST_P(SrtpSenderTest, SealsABatchAsItsPacketsOneByOne) {
  constexpr size_t kCount = 50;
  std::vector<Buffer> plain;
  std::vector<Buffer> destinations(kCount, Buffer(400));
  std::vector<RtpToSeal> batch;
  for (size_t i = 0; i < kCount; ++i) {
    const auto number = static_cast<uint16_t>(i);
    plain.push_back(make_rtp({.sequence_number = number, .payload_size = 3 + 7 * i}));
    std::copy_n(plain[i].begin(), 12, destinations[i].begin());
    batch.push_back({.destination = destinations[i],
                     .header_size = 12,
                     .head = {},
                     .body = Bytes(plain[i]).subspan(12),
                     .index = i});
  }
  sender_.seal(batch);
  for (size_t i = 0; i < kCount; ++i) {
    destinations[i].resize(batch[i].sealed_size);
    EXPECT_EQ(destinations[i], seal_rtp(sender_, plain[i], 12, i)) << i;
  }
}

TEST_P(SrtpSenderTest, WritesNothingWhenThePacketDoesNotFit) {
  const Buffer plain = make_rtp({.payload_size = 20});
  const size_t needed = plain.size() + sender_.overhead();
  for (size_t room = 12; room <= needed; ++room) {
    Buffer destination(room);
    std::copy_n(plain.begin(), 12, destination.begin());
    const Buffer before = destination;
    RtpToSeal packet{.destination = destination,
                     .header_size = 12,
                     .head = {},
                     .body = Bytes(plain).subspan(12),
                     .index = 1};
    sender_.seal({&packet, 1});
    EXPECT_EQ(packet.sealed_size, room < needed ? 0 : needed);
    EXPECT_EQ(destination == before, room < needed);
  }
}

TEST_P(SrtpSenderTest, GoesOnBehindAPacketThatDoesNotFit) {
  const Buffer plain = make_rtp({.payload_size = 20});
  std::vector<Buffer> destinations(3, plain);
  destinations[0].resize(100);
  destinations[2].resize(100);
  std::vector<RtpToSeal> batch;
  for (auto& destination : destinations) {
    batch.push_back({.destination = destination,
                     .header_size = 12,
                     .head = {},
                     .body = Bytes(plain).subspan(12),
                     .index = 1});
  }
  sender_.seal(batch);
  EXPECT_EQ(batch[1].sealed_size, 0u);
  EXPECT_EQ(batch[0].sealed_size, plain.size() + sender_.overhead());
  EXPECT_EQ(destinations[0], destinations[2]);
}

TEST_P(SrtpSenderTest, RefusesAHeaderThatIsNoneAndAnIndexOf49Bits) {
  Buffer destination(100);
  RtpToSeal packet{.destination = destination, .header_size = 11, .head = {}, .body = {}};
  sender_.seal({&packet, 1});
  EXPECT_EQ(packet.sealed_size, 0u);
  packet.header_size = 12;
  packet.index = uint64_t{1} << 48;
  sender_.seal({&packet, 1});
  EXPECT_EQ(packet.sealed_size, 0u);
  packet.index = (uint64_t{1} << 48) - 1;
  sender_.seal({&packet, 1});
  EXPECT_EQ(packet.sealed_size, 12 + sender_.overhead());
}

TEST_P(SrtpSenderTest, SealsTheSameBytesAgainForARetransmission) {
  const auto first = seal_rtp(sender_, {.sequence_number = 7});
  seal_rtp(sender_, {.sequence_number = 8});
  EXPECT_EQ(seal_rtp(sender_, {.sequence_number = 7}), first);
}

#ifndef NDEBUG
TEST_P(SrtpSenderTest, AbortsADebugBuildThatSealsOneIndexTwice) {
  const Buffer plain = make_rtp({.sequence_number = 7});
  Buffer with_another_timestamp = plain;
  with_another_timestamp[4] ^= 1;
  Buffer with_another_payload = plain;
  with_another_payload.back() ^= 1;
  seal_rtp(sender_, plain, 12, 7);
  EXPECT_DEATH(seal_rtp(sender_, with_another_timestamp, 12, 7), "check failed");
  EXPECT_DEATH(seal_rtp(sender_, with_another_payload, 12, 7), "check failed");
  EXPECT_EQ(seal_rtp(sender_, with_another_payload, 12, 8).size(), 112 + sender_.overhead());
}

TEST_P(SrtpSenderTest, AbortsADebugBuildThatPadsAPacketOtherwiseTheSecondTime) {
  const Buffer plain = make_rtp({.sequence_number = 7, .payload_size = 50});
  const auto seal_padded = [&](uint8_t padding, uint32_t ssrc) {
    Buffer destination(512);
    std::copy_n(plain.begin(), 12, destination.begin());
    store_be32(MutableBytes(destination).subspan<8, 4>(), ssrc);
    RtpToSeal packet{.destination = destination,
                     .header_size = 12,
                     .head = Bytes(plain).subspan(12, 2),  // as a retransmission has one
                     .body = Bytes(plain).subspan(14),
                     .padding = padding,
                     .index = 7};
    sender_.seal({&packet, 1});
  };
  seal_padded(3, 1);
  seal_padded(3, 1);    // the very same
  seal_padded(200, 2);  // a probe, under another SSRC
  EXPECT_DEATH(seal_padded(4, 1), "check failed");
  EXPECT_DEATH(seal_padded(199, 2), "check failed");
}
#endif

TEST_P(SrtpSenderTest, EncryptsEachIndexAndSsrcDifferently) {
  const auto text = [](const Buffer& packet) { return Buffer(packet.begin() + 12, packet.end()); };
  const Buffer plain = make_rtp({.payload_size = 64});
  Buffer other_ssrc = plain;
  other_ssrc[11] ^= 1;
  const auto one = text(seal_rtp(sender_, plain, 12, 1));
  EXPECT_NE(one, text(seal_rtp(sender_, plain, 12, 2)));
  EXPECT_NE(one, text(seal_rtp(sender_, plain, 12, 1 | 1 << 16)));
  EXPECT_NE(one, text(seal_rtp(sender_, plain, 12, 1 | uint64_t{1} << 47)));
  EXPECT_NE(one, text(seal_rtp(sender_, other_ssrc, 12, 1)));
}

TEST_P(SrtpSenderTest, SealsRtcpOfAnySize) {
  for (size_t size = 0; size < 70; ++size) {
    const Buffer plain = make_rtcp(9, size);
    const auto sealed = seal_rtcp(sender_, plain);
    EXPECT_EQ(sealed.size(), plain.size() + 4 + sender_.overhead());
    EXPECT_EQ(open_rtcp(receiver_, sealed), plain);
  }
}

TEST_P(SrtpSenderTest, RefusesRtcpThatIsTooShortOrDoesNotFit) {
  Buffer room(100);
  for (size_t size = 0; size < 8; ++size) {
    EXPECT_EQ(sender_.seal_rtcp(Buffer(size), room), 0u);
  }
  const Buffer plain = make_rtcp(9, 20);
  const size_t needed = plain.size() + 4 + sender_.overhead();
  EXPECT_EQ(sender_.seal_rtcp(plain, MutableBytes(room).first(needed - 1)), 0u);
  EXPECT_EQ(sender_.seal_rtcp(plain, MutableBytes(room).first(needed)), needed);
}

TEST_P(SrtpSenderTest, UsesEachRtcpIndexOnceAndStopsAtTheLast) {
  SrtpSender sender(engine_, master_, 0x7FFFFFFE);
  const Buffer plain = make_rtcp(9, 20);
  EXPECT_EQ(open_rtcp(receiver_, seal_rtcp(sender, plain)), plain);
  EXPECT_EQ(open_rtcp(receiver_, seal_rtcp(sender, plain)), plain);
  EXPECT_TRUE(seal_rtcp(sender, plain).empty());
  EXPECT_TRUE(seal_rtcp(sender, plain).empty());
}

// RFC 7714 gives session keys, not master keys.
SrtpSessionKeys rfc7714_keys(SrtpProfile profile) {
  SrtpSessionKeys keys;
  keys.profile = profile;
  for (SrtpSessionKey* key : {&keys.rtp, &keys.rtcp}) {
    for (size_t i = 0; i < master_key_size(profile); ++i) key->cipher[i] = static_cast<uint8_t>(i);
    std::ranges::copy(as_bytes("Quid pro quo"), key->salt.begin());
  }
  return keys;
}

struct Rfc7714 {
  SrtpProfile profile;
  std::string srtp;
  std::string srtcp;
};

const Rfc7714 kRfc7714[] = {
    {SrtpProfile::kAeadAes128Gcm,
     "8040f17b 8041f8d3 5501a0b2 f24de3a3 fb34de6c acba861c 9d7e4bca be633bd5 0d294e6f 42a5f47a"
     "51c7d19b 36de3adf 8833899d 7f27beb1 6a9152cf 765ee439 0cce",
     "81c8000d 4d617273 63e94885 dcdab67c a727d766 2f6b7e99 7ff5c0f7 6c06f32d c676a5f1 730d6fda"
     "4ce09b46 86303ded 0bb9275b c84aa458 96cf4d2f c5abf872 45d9eade 800005d4"},
    {SrtpProfile::kAeadAes256Gcm,
     "8040f17b 8041f8d3 5501a0b2 32b1de78 a822fe12 ef9f78fa 332e33aa b1801238 9a58e2f3 b50b2a02"
     "76ffae0f 1ba63799 b87b7aa3 db36dfff d6b0f9bb 7878d7a7 6c13",
     "81c8000d 4d617273 d50ae4d1 f5ce5d30 4ba297e4 7d470c28 2c3ece5d bffe0a50 a2eaa5c1 110555be"
     "8415f658 c61de047 6f1b6fad 1d1eb30c 4446839f 57ff6f6c b26ac3be 800005d4"}};

constexpr std::array kImplementations = {crypto::CipherImplementation::kIpsecMb,
                                         crypto::CipherImplementation::kOpenSsl};

// RFC 7714 §16.1.1, §16.1.2, §16.2.1, §16.2.2.
TEST(SrtpVectors, AreThoseOfRfc7714ForRtp) {
  Buffer plain = from_hex("8040f17b8041f8d35501a0b2");
  std::ranges::copy(as_bytes("Gallia est omnis divisa in partes tres"), std::back_inserter(plain));
  for (const auto implementation : kImplementations) {
    for (const Rfc7714& vector : kRfc7714) {
      crypto::CipherEngine engine(implementation);
      SrtpSender sender(engine, rfc7714_keys(vector.profile));
      SrtpReceiver receiver(engine, rfc7714_keys(vector.profile), SrtpReceiver::Limits{});
      EXPECT_EQ(seal_rtp(sender, plain, 12, 0xf17b), from_hex(vector.srtp));
      EXPECT_EQ(open_rtp(receiver, from_hex(vector.srtp)), plain);
    }
  }
}

// RFC 7714 §17.1, §17.2.
TEST(SrtpVectors, AreThoseOfRfc7714ForRtcp) {
  const Buffer plain = from_hex(
      "81c8000d 4d617273 4e545031 4e545032 52545020 0000042a 0000e930 4c756e61 deadbeef deadbeef"
      "deadbeef deadbeef deadbeef");
  for (const auto implementation : kImplementations) {
    for (const Rfc7714& vector : kRfc7714) {
      crypto::CipherEngine engine(implementation);
      SrtpSender sender(engine, rfc7714_keys(vector.profile), 0x5d4);
      SrtpReceiver receiver(engine, rfc7714_keys(vector.profile), SrtpReceiver::Limits{});
      EXPECT_EQ(seal_rtcp(sender, plain), from_hex(vector.srtcp));
      EXPECT_EQ(open_rtcp(receiver, from_hex(vector.srtcp)), plain);
    }
  }
}

// RFC 7714 §17.3: authentic, but in the clear.
TEST(SrtpVectors, DoNotMakeUsTakeRtcpInTheClear) {
  crypto::CipherEngine engine;
  SrtpReceiver receiver(engine, rfc7714_keys(SrtpProfile::kAeadAes128Gcm), SrtpReceiver::Limits{});
  const auto opened = open_rtcp(
      receiver,
      from_hex("81c8000d 4d617273 4e545031 4e545032 52545020 0000042a 0000e930 4c756e61 deadbeef"
               "deadbeef deadbeef deadbeef deadbeef 841dd968 3dd78ec9 2ae58790 125f62b3 000005d4"));
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error(), SrtpError::kNotEncrypted);
}

}  // namespace
}  // namespace simpul::dtls
