// Attacks with RTP and RTCP, while a call goes on (rows R and C of docs/attacks.md).
#include <gmock/gmock.h>

#include <array>

#include "base/byte_writer.h"
#include "crypto/random.h"
#include "tests/integration/attack_test.h"

namespace simpul::testing {
namespace {

class AttackWithMedia : public AttackTest {
 protected:
  peer::MediaSource& video() { return alice_.socket->sources()[1]; }
  peer::Peer& sender() { return alice_.socket->peer(); }

  // A header with an extension block of random bytes that says it has `words` words.
  static std::vector<uint8_t> header_with_extension(uint16_t profile, uint16_t words, size_t size) {
    std::vector<uint8_t> header(16 + size);
    crypto::random_bytes(std::span(header).subspan(16));
    header[0] = 0x90;
    header[1] = peer::kVp8PayloadType.value();
    store_be32(std::span(header).subspan<8, 4>(), 0xbad);
    store_be16(std::span(header).subspan<12, 2>(), profile);
    store_be16(std::span(header).subspan<14, 2>(), words);
    return header;
  }

  // An authentic packet of a source of its own, so that the call's numbers stay whole.
  std::vector<uint8_t> authentic(uint64_t index, Bytes payload, uint8_t padding = 0) {
    return sender().seal({.ssrc = rtp::Ssrc(0xbad),
                          .payload_type = peer::kVp8PayloadType,
                          .index = index,
                          .payload = payload,
                          .padding = padding});
  }
};

TEST_F(AttackWithMedia, R1_SprayedRtpGetsNothingAndGoesNowhere) {
  // While somebody sets a call up, and in the middle of another one.
  std::string answer;
  const auto carol = joined("stage", "carol", answer);
  std::array<uint8_t, 172> spray{0x80, 0};
  const uint64_t before = node_.dropped("unknown_sender");
  repeat(2000, [&](int) { mallory_.send(spray, target()); });
  EXPECT_EQ(node_.dropped("unknown_sender"), before + 2000);
  ASSERT_TRUE(carol->start(answer));
  ASSERT_TRUE(node_.run_until([&] {
    mallory_.send(spray, target());
    return carol->peer().connected();
  }));
  EXPECT_EQ(mallory_.bytes_received(), 0u);
  expect_unharmed();
}

TEST_F(AttackWithMedia, R2_WrongTagsFromTheRightAddressDoNotStopTheStream) {
  const uint64_t before = node_.dropped("authentication");
  constexpr uint64_t kCount = 5000;
  for (uint64_t i = 0; i < kCount; ++i) {
    auto packet = sender().seal({.ssrc = video().ssrc(),
                                 .payload_type = peer::kVp8PayloadType,
                                 .index = 0x4000 + i * 13 % 0x8000,
                                 .payload = std::array<uint8_t, 40>{0x10},
                                 .is_forged = true});
    packet.back() ^= 1;
    alice_.socket->send(packet);
    if (i % 200 == 0) let_pass();
  }
  let_pass();
  EXPECT_EQ(node_.dropped("authentication"), before + kCount);
  expect_unharmed();
}

TEST_F(AttackWithMedia, R3_EveryShortLengthIsDropped) {
  // Of a stranger, of a guest who has no keys yet, and of one who has.
  std::string answer;
  const auto carol = joined("stage", "carol", answer);
  ASSERT_TRUE(carol->peer().accept(answer));
  prove_path(carol->peer(), true);
  mallory_.forget_received();
  RawSocket stranger(node_.loop(), "127.0.0.3");
  const uint64_t malformed = node_.dropped("malformed");
  const uint64_t before_keys = node_.dropped("before_keys");
  for (const uint8_t second :
       std::initializer_list<uint8_t>{uint8_t{96}, uint8_t{0xc8}, uint8_t{0xc9}, uint8_t{0xce}}) {
    for (size_t size = 0; size <= 64; ++size) {
      std::vector<uint8_t> packet(size);
      if (size > 0) packet[0] = 0x80;
      if (size > 1) packet[1] = second;
      mallory_.send(packet, target());
      stranger.send(packet, target());
      alice_.socket->send(packet);
    }
    let_pass();
  }
  EXPECT_GT(node_.dropped("malformed"), malformed + 60);
  EXPECT_GT(node_.dropped("before_keys"), before_keys + 200);
  EXPECT_EQ(stranger.received(), 0u);
  expect_unharmed();
}

TEST_F(AttackWithMedia, R4_ReplayedPacketsAreDropped) {
  const uint64_t before = node_.dropped("replay");
  std::vector<std::vector<uint8_t>> packets;
  for (uint64_t i = 0; i < 50; ++i) {
    packets.push_back(authentic(100 + i, std::array<uint8_t, 30>{0x00, 1, 2}));
  }
  for (int round = 0; round < 3; ++round) {
    for (const auto& packet : packets) alice_.socket->send(packet);
  }
  let_pass();
  EXPECT_EQ(node_.dropped("replay"), before + 100);
  expect_unharmed();
}

TEST_F(AttackWithMedia, R9_HeadersThatRunPastTheEndAreDropped) {
  for (int first = 0; first < 256; ++first) {
    std::array<uint8_t, 60> packet{static_cast<uint8_t>(first), 96};
    crypto::random_bytes(std::span(packet).subspan(12));
    alice_.socket->send(packet);
    if (first % 100 == 99) let_pass();
  }
  for (const uint16_t words : std::initializer_list<uint16_t>{16, 255, 65535}) {
    alice_.socket->send(header_with_extension(0xBEDE, words, 20));
  }
  let_pass();
  expect_unharmed();
}

TEST_F(AttackWithMedia, R9_ExtensionsThatLieAreHarmlessThoughAuthentic) {
  uint64_t index = 5000;
  const std::array<uint8_t, 20> payload{0x10, 0x01};
  for (const uint16_t profile : std::initializer_list<uint16_t>{0xBEDE, 0x1000, 0x100F, 0x1234}) {
    for (const uint16_t words : std::initializer_list<uint16_t>{0, 1, 2, 15, 100, 255}) {
      // The block has its size; what is inside, random ids and lengths, lies.
      for (int i = 0; i < 10; ++i) {
        auto header = header_with_extension(profile, words, size_t{words} * 4);
        store_be16(std::span(header).subspan<2, 2>(), static_cast<uint16_t>(index));
        const auto packet = sender().seal_raw(header, payload, index++);
        ASSERT_FALSE(packet.empty());
        alice_.socket->send(packet);
      }
    }
    let_pass();
  }
  for (uint8_t count = 0; count < 16; ++count) {  // CSRCs
    std::vector<uint8_t> header(12 + count * 4u, 1);
    header[0] = static_cast<uint8_t>(0x80 | count);
    header[1] = peer::kVp8PayloadType.value();
    store_be16(std::span(header).subspan<2, 2>(), static_cast<uint16_t>(index));
    alice_.socket->send(sender().seal_raw(header, payload, index++));
  }
  let_pass();
  expect_unharmed();
}

TEST_F(AttackWithMedia, R10_PaddingThatLiesIsDroppedAndProbesAreNotForwarded) {
  const uint64_t before = node_.dropped("malformed");
  for (uint64_t i = 0; i < 20; ++i) {  // a count larger than the packet, and zero
    std::vector<uint8_t> payload(20);
    payload.back() = i % 2 == 0 ? 200 : 0;
    std::array<uint8_t, 12> header{0xa0, peer::kVp8PayloadType.value()};
    store_be16(std::span(header).subspan<2, 2>(), static_cast<uint16_t>(1000 + i));
    store_be32(std::span(header).subspan<8, 4>(), 0xbad);
    alice_.socket->send(sender().seal_raw(header, payload, 1000 + i));
  }
  // Probes of padding alone are fine, and are nobody's media.
  for (uint64_t i = 0; i < 20; ++i) alice_.socket->send(authentic(2000 + i, {}, 100));
  let_pass();
  EXPECT_EQ(node_.dropped("malformed"), before + 20);
  expect_unharmed();
}

TEST_F(AttackWithMedia, R11_EmptyAndOneBytePayloadsAreHarmless) {
  for (uint64_t i = 0; i < 256; ++i) {
    const std::array<uint8_t, 1> one{static_cast<uint8_t>(i)};
    alice_.socket->send(authentic(3000 + 2 * i, one));
    alice_.socket->send(authentic(3001 + 2 * i, {}));
    if (i % 64 == 63) let_pass();
  }
  let_pass();
  expect_unharmed();
}

TEST_F(AttackWithMedia, C2_CompoundsThatLieAreReadUpToTheFault) {
  const uint64_t before = node_.dropped("malformed");
  std::vector<std::vector<uint8_t>> lies;
  for (const uint8_t type :
       std::initializer_list<uint8_t>{200, 201, 202, 203, 204, 205, 206, 207}) {
    for (const uint8_t first : std::initializer_list<uint8_t>{0x80, 0x81, 0x9f, 0xa0, 0xbf}) {
      for (const uint16_t words : std::initializer_list<uint16_t>{0, 1, 2, 6, 100, 65535}) {
        std::vector<uint8_t> compound(32);
        crypto::random_bytes(compound);
        compound[0] = first;
        compound[1] = type;
        store_be16(std::span(compound).subspan<2, 2>(), words);
        lies.push_back(std::move(compound));
      }
    }
  }
  std::vector<uint8_t> nested;  // a hundred empty receiver reports
  for (int i = 0; i < 100; ++i) {
    const std::array<uint8_t, 8> report{0x80, 201, 0, 1, 0, 0, 0, 1};
    nested.insert(nested.end(), report.begin(), report.end());
  }
  lies.push_back(nested);
  repeat(static_cast<int>(lies.size()), [&](int i) {
    const auto& lie = lies[static_cast<size_t>(i)];
    alice_.socket->send(sender().seal_rtcp(lie));
    bob_.socket->send(bob_.socket->peer().seal_rtcp(lie));
  });
  EXPECT_GT(node_.dropped("malformed"), before + 100);
  expect_unharmed();
}

}  // namespace
}  // namespace simpul::testing
