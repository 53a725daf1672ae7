// Our SRTP against libsrtp: what one seals is byte for byte what the other seals, and each opens
// exactly what the other opens.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "tests/support/srtp_packets.h"
#include "tests/support/srtp_parameters.h"
#include "tests/support/srtp_reference.h"

namespace simpul::dtls {
namespace {

using ::simpul::testing::Buffer;
using ::simpul::testing::header_size_of;
using ::simpul::testing::make_master_key;
using ::simpul::testing::make_rtcp;
using ::simpul::testing::make_rtp;
using ::simpul::testing::open_rtcp;
using ::simpul::testing::open_rtp;
using ::simpul::testing::random_fields;
using ::simpul::testing::seal_rtcp;
using ::simpul::testing::seal_rtp;
using ::simpul::testing::SrtpReference;

class SrtpDifferentialTest : public ::simpul::testing::EachSrtp {
 protected:
  std::mt19937 random_{2024};
  SrtpMasterKey master_ = make_master_key(profile(), 42);
  SrtpSender sender_{engine_, master_};
  SrtpReceiver receiver_{engine_, master_};
  SrtpReference reference_sender_{master_, SrtpReference::Direction::kSend};
  SrtpReference reference_receiver_{master_, SrtpReference::Direction::kReceive};
  std::vector<size_t> sizes_;
};

INSTANTIATE_TEST_SUITE_P(Srtp, SrtpDifferentialTest, ::simpul::testing::each_srtp(),
                         ::simpul::testing::each_srtp_name);

TEST_P(SrtpDifferentialTest, SealsTheSameBytes) {
  uint64_t index = 60'000;
  for (int i = 0; i < 400; ++i, index += 1 + random_() % 600) {
    auto fields = random_fields(random_);
    fields.sequence_number = static_cast<uint16_t>(index);
    const Buffer plain = make_rtp(fields);
    const size_t head_size = std::min<size_t>(random_() % 9, fields.payload_size);
    const auto expected = reference_sender_.protect(plain);
    ASSERT_EQ(seal_rtp(sender_, plain, header_size_of(fields), index, head_size), expected) << i;
    ASSERT_EQ(open_rtp(receiver_, expected), plain) << i;
    ASSERT_EQ(reference_receiver_.unprotect(expected), plain) << i;
  }
  EXPECT_GT(index >> 16, 1u);  // more than one rollover on the way
}

TEST_P(SrtpDifferentialTest, SealsTheSameBytesInABatch) {
  constexpr size_t kCount = 60;
  std::vector<Buffer> plain;
  std::vector<Buffer> destinations(kCount, Buffer(2048));
  std::vector<RtpToSeal> batch;
  for (size_t i = 0; i < kCount; ++i) {
    auto fields = random_fields(random_);
    fields.sequence_number = static_cast<uint16_t>(i);
    plain.push_back(make_rtp(fields));
    const size_t header_size = header_size_of(fields);
    std::copy_n(plain[i].begin(), header_size, destinations[i].begin());
    batch.push_back({.destination = destinations[i],
                     .header_size = header_size,
                     .head = {},
                     .body = Bytes(plain[i]).subspan(header_size),
                     .index = i});
  }
  sender_.seal(batch);
  for (size_t i = 0; i < kCount; ++i) {
    destinations[i].resize(batch[i].sealed_size);
    ASSERT_EQ(destinations[i], reference_sender_.protect(plain[i])) << i;
  }
}

// As a relay does it: frames for many receivers, each with keys of its own, whose tags are made
// together. Between them is a packet that does not fit.
TEST_P(SrtpDifferentialTest, SealsTheSameBytesForManyReceiversTogether) {
  struct Receiver {
    Receiver(crypto::CipherEngine& engine, const SrtpMasterKey& master)
        : sender(engine, master), reference(master, SrtpReference::Direction::kSend) {}
    SrtpSender sender;
    SrtpReference reference;
    uint64_t index = 65'530;
  };
  std::vector<std::unique_ptr<Receiver>> receivers;
  for (uint8_t i = 0; i < 20; ++i) {
    receivers.push_back(std::make_unique<Receiver>(engine_, make_master_key(profile(), i)));
  }
  for (int frame = 0; frame < 8; ++frame) {
    crypto::TagBatch tags;
    std::vector<Buffer> sealed;
    std::vector<Buffer> expected;
    for (const auto& receiver : receivers) {
      const size_t count = 1 + random_() % 12;
      std::vector<Buffer> plain;
      std::vector<RtpToSeal> batch;
      std::vector<Buffer> destinations(count, Buffer(2048));
      for (size_t i = 0; i < count; ++i) {
        auto fields = random_fields(random_);
        fields.sequence_number = static_cast<uint16_t>(receiver->index);
        plain.push_back(make_rtp(fields));
        const size_t header_size = header_size_of(fields);
        std::copy_n(plain[i].begin(), header_size, destinations[i].begin());
        batch.push_back({.destination = destinations[i],
                         .header_size = header_size,
                         .head = {},
                         .body = Bytes(plain[i]).subspan(header_size),
                         .index = receiver->index++});
        expected.push_back(receiver->reference.protect(plain[i]));
      }
      Buffer too_small(20);
      batch.push_back({.destination = too_small, .header_size = 12, .head = {}, .body = plain[0]});
      receiver->sender.begin_seal(batch, tags);
      EXPECT_EQ(batch.back().sealed_size, 0u);
      for (size_t i = 0; i < count; ++i) {
        sealed.push_back(std::move(destinations[i]));  // the bytes stay where they are
        sizes_.push_back(batch[i].sealed_size);
      }
    }
    tags.finish();
    EXPECT_EQ(tags.waiting(), 0u);
    for (size_t i = 0; i < sealed.size(); ++i) {
      sealed[i].resize(sizes_[i]);
      ASSERT_EQ(sealed[i], expected[i]) << i;
    }
    sizes_.clear();
  }
  EXPECT_GT(receivers.front()->index, uint64_t{1} << 16);  // past a rollover
}

TEST_P(SrtpDifferentialTest, SealsTheSameRtcp) {
  for (uint32_t i = 0; i < 100; ++i) {
    const Buffer plain = make_rtcp(77, random_() % 300);
    const auto expected = reference_sender_.protect_rtcp(plain);
    ASSERT_EQ(seal_rtcp(sender_, plain), expected) << i;
    ASSERT_EQ(open_rtcp(receiver_, expected), plain) << i;
    ASSERT_EQ(reference_receiver_.unprotect_rtcp(expected), plain) << i;
  }
}

// Loss, reordering, duplicates, jumps, rollovers and forgeries.
TEST_P(SrtpDifferentialTest, OpensTheSamePackets) {
  std::vector<Buffer> sent;
  uint64_t index = 30'000;
  for (int i = 0; i < 700; ++i) {
    index += random_() % 40 == 0 ? random_() % 30'000 : 1 + random_() % 3;
    auto fields = random_fields(random_);
    fields.payload_size %= 100;
    fields.ssrc = 5;
    fields.sequence_number = static_cast<uint16_t>(index);
    sent.push_back(seal_rtp(sender_, fields, index >> 16));
  }
  size_t opened_count = 0;
  for (size_t i = 0; i < sent.size(); ++i) {
    const size_t back = random_() % 4 == 0 ? random_() % 30 : 0;
    Buffer packet = sent[i - std::min(i, back)];
    if (random_() % 8 == 0) packet[random_() % packet.size()] ^= 0x10;
    const auto expected = reference_receiver_.unprotect(packet);
    const auto opened = open_rtp(receiver_, packet);
    ASSERT_EQ(opened.value_or(Buffer{}), expected) << i;
    opened_count += opened ? 1 : 0;
  }
  EXPECT_GT(opened_count, sent.size() / 2);
  EXPECT_GT(index >> 16, 1u);
}

// The same, as the reading side has them: many at once.
TEST_P(SrtpDifferentialTest, OpensTheSamePacketsInBatches) {
  uint64_t index = 100;
  std::vector<Buffer> sent;
  for (int i = 0; i < 600; ++i) {
    index += random_() % 50 == 0 ? random_() % 20'000 : 1;
    auto fields = random_fields(random_);
    fields.ssrc = 9;
    fields.sequence_number = static_cast<uint16_t>(index);
    sent.push_back(reference_sender_.protect(make_rtp(fields)));
    ASSERT_FALSE(sent.back().empty());
  }
  size_t opened_count = 0;
  for (size_t at = 0; at < sent.size();) {
    std::vector<Buffer> packets;
    for (size_t count = 1 + random_() % 40; count > 0 && at < sent.size(); --count, ++at) {
      packets.push_back(sent[at - std::min<size_t>(at, random_() % 5 == 0 ? random_() % 50 : 0)]);
      if (random_() % 9 == 0) packets.back()[random_() % packets.back().size()] ^= 0x20;
    }
    std::vector<Buffer> expected;
    for (const auto& packet : packets) expected.push_back(reference_receiver_.unprotect(packet));
    std::vector<RtpToOpen> batch;
    for (auto& packet : packets) batch.push_back({.packet = packet});
    receiver_.open(batch);
    for (size_t i = 0; i < packets.size(); ++i) {
      packets[i].resize(batch[i].opened.value_or(0));
      ASSERT_EQ(packets[i], expected[i]) << at;
      opened_count += packets[i].empty() ? 0 : 1;
    }
  }
  EXPECT_GT(opened_count, sent.size() / 2);
}

// Every start around the wrap, with the packets around it lost, late or twice.
TEST_P(SrtpDifferentialTest, OpensTheSamePacketsAroundARollover) {
  uint32_t ssrc = 100;
  size_t opened_count = 0;
  for (uint64_t first = 65'500; first < 65'540; ++first, ++ssrc) {
    if (first >> 16 != 0) break;  // a source begins in the first round
    std::vector<Buffer> sent;
    for (uint64_t index = first; index < first + 60; ++index) {
      const ::simpul::testing::RtpFields fields{
          .sequence_number = static_cast<uint16_t>(index), .ssrc = ssrc, .payload_size = 20};
      sent.push_back(seal_rtp(sender_, fields, index >> 16));
      ASSERT_EQ(sent.back(), reference_sender_.protect(make_rtp(fields)));
    }
    for (size_t i = 0; i < sent.size(); ++i) {
      if (i > 0 && random_() % 3 == 0) continue;
      const Buffer& packet = sent[i - std::min<size_t>(i, random_() % 3 == 0 ? random_() % 40 : 0)];
      const auto opened = open_rtp(receiver_, packet);
      ASSERT_EQ(opened.value_or(Buffer{}), reference_receiver_.unprotect(packet)) << first;
      opened_count += opened ? 1 : 0;
    }
  }
  EXPECT_GT(opened_count, 500u);
}

// Loss, reordering within the window of both (libsrtp's for RTCP is 128), duplicates, forgeries.
TEST_P(SrtpDifferentialTest, OpensTheSameRtcp) {
  std::vector<Buffer> sent;
  for (int i = 0; i < 600; ++i) {
    sent.push_back(reference_sender_.protect_rtcp(make_rtcp(77, 4 * (random_() % 100))));
  }
  size_t opened_count = 0;
  for (size_t i = 0; i < sent.size(); ++i) {
    if (random_() % 4 == 0) continue;
    Buffer packet = sent[i - std::min<size_t>(i, random_() % 3 == 0 ? random_() % 100 : 0)];
    if (random_() % 6 == 0) packet[random_() % packet.size()] ^= 0x01;
    const auto opened = open_rtcp(receiver_, packet);
    ASSERT_EQ(opened.value_or(Buffer{}), reference_receiver_.unprotect_rtcp(packet)) << i;
    opened_count += opened ? 1 : 0;
  }
  EXPECT_GT(opened_count, sent.size() / 3);
}

// What one library has sealed opens by the other, on both sides.
TEST_P(SrtpDifferentialTest, SealsWhatTheOtherLibraryOpens) {
  using enum crypto::CipherImplementation;
  crypto::CipherEngine other(engine_.implementation() == kIpsecMb ? kOpenSsl : kIpsecMb);
  SrtpReceiver receiver(other, master_);
  for (uint64_t index = 0; index < 300; ++index) {
    auto fields = random_fields(random_);
    fields.ssrc = 4;
    fields.sequence_number = static_cast<uint16_t>(index);
    const Buffer plain = make_rtp(fields);
    ASSERT_EQ(open_rtp(receiver, seal_rtp(sender_, fields)), plain) << index;
    const Buffer rtcp = make_rtcp(4, random_() % 200);
    ASSERT_EQ(open_rtcp(receiver, seal_rtcp(sender_, rtcp)), rtcp) << index;
  }
}

}  // namespace
}  // namespace simpul::dtls
