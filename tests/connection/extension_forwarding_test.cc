// What becomes of each header extension between a publisher and a receiver, byte for byte (row R23
// of docs/attacks.md): ids differ per connection, and what is private to one leg ends there.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "connection/media_receiver.h"
#include "connection/media_sender.h"
#include "crypto/srtp_cipher.h"
#include "rtp/header_extensions.h"
#include "rtp/packet_view.h"
#include "tests/support/hex.h"
#include "tests/support/rtp_packets.h"
#include "tests/support/srtp_packets.h"

namespace simpul::connection {
namespace {

using rtp::ExtensionKind;
using simpul::testing::from_hex;

constexpr rtp::Ssrc kSlot(9);
constexpr uint16_t kFrameNumber = 0xABCD;
constexpr uint16_t kOneByte = rtp::kOneByteProfile;
constexpr uint16_t kTwoByte = 0x1000;

enum class Fate : uint8_t {
  kPassed,     // as it came
  kRewritten,  // says the same of another stream or clock
  kOurs,       // written by us, with our own value
  kEnds,       // private to the publisher's leg
};

struct Row {
  ExtensionKind kind;
  Fate fate;
  const char* sent;
  const char* received;  // with both forms allowed and every id negotiated
};

// Every extension that we know, once.
const std::vector<Row>& table() {
  using enum ExtensionKind;
  static const std::vector<Row> kTable = {
      {kMid, Fate::kOurs, "76", "73"},  // "v" of the publisher, "s" of the receiver
      {kRid, Fate::kEnds, "71", ""},
      {kRepairedRid, Fate::kEnds, "71", ""},
      {kAudioLevel, Fate::kPassed, "9a", "9a"},
      {kTransportSequence, Fate::kEnds, "1234", ""},
      {kAbsSendTime, Fate::kEnds, "ffffff", ""},
      {kTimeOffset, Fate::kEnds, "000102", ""},
      {kVideoOrientation, Fate::kPassed, "0b", "0b"},
      {kPlayoutDelay, Fate::kPassed, "00a0ff", "00a0ff"},
      {kVideoContentType, Fate::kPassed, "01", "01"},
      {kVideoTiming, Fate::kPassed, "01000200030004000500060007", "01000200030004000500060007"},
      {kColorSpace, Fate::kPassed, "01020304 000102030405060708090a0b0c0d0e0f1011121314151617",
       "01020304 000102030405060708090a0b0c0d0e0f1011121314151617"},
      {kDependencyDescriptor, Fate::kRewritten, "81 0007", "81 abcd"},
      // One second of the capture clock, of which the publisher knows it is half a second ahead;
      // the publisher's is two seconds behind ours.
      {kAbsCaptureTime, Fate::kRewritten, "0000000100000000 0000000080000000",
       "0000000100000000 fffffffe80000000"},
      {kVideoLayersAllocation, Fate::kEnds, "0001020304", ""},
  };
  return kTable;
}

uint8_t id_at_publisher(ExtensionKind kind) { return static_cast<uint8_t>(kind) + 1; }

// Two lines of one publisher's packet; ids up to 15, of which 15 needs the two-byte form.
MediaConfig publisher() {
  MediaConfig config;
  config.receiving.resize(1);
  config.receiving[0].mid = "v";
  config.receiving[0].kind = rtp::MediaKind::kVideo;
  config.receiving[0].rids = {"q"};
  config.receiving[0].codecs.resize(1);
  config.receiving[0].codecs[0].format = {rtp::Codec::kVp8};
  config.receiving[0].codecs[0].payload_type = rtp::PayloadType(96);
  for (const Row& row : table()) config.extensions.set(row.kind, id_at_publisher(row.kind));
  return config;
}

std::vector<rtp::ExtensionElement> elements_of(uint16_t profile, Bytes block) {
  std::vector<rtp::ExtensionElement> elements;
  rtp::ExtensionReader reader(profile, block);
  while (const auto element = reader.next()) elements.push_back(*element);
  return elements;
}

class ExtensionForwarding : public ::testing::Test {
 protected:
  struct Left {
    uint16_t profile = 0;
    std::map<uint8_t, std::vector<uint8_t>> elements = {};  // by the receiver's ids
  };

  // A packet with these elements in the publisher's numbers, in one form, with its MID and RID.
  std::optional<rtp::MediaPacket> receive(uint16_t profile,
                                          const std::vector<std::pair<uint8_t, Bytes>>& elements) {
    std::vector<uint8_t> block;
    for (const auto& [id, data] : elements) {
      if (profile == kTwoByte) {
        block.push_back(id);
        block.push_back(static_cast<uint8_t>(data.size()));
      } else {
        block.push_back(static_cast<uint8_t>(static_cast<size_t>(id << 4) | (data.size() - 1)));
      }
      block.insert(block.end(), data.begin(), data.end());
    }
    block.resize((block.size() + 3) / 4 * 4);
    const auto bytes =
        simpul::testing::make_packet({.sequence_number = ++sequence_number_,
                                      .csrcs = {0xBAD0BAD0},
                                      .extension_profile = profile,
                                      .extension_words = static_cast<uint16_t>(block.size() / 4),
                                      .extension = block,
                                      .payload = {0x10, 1, 2, 3}});
    PacketRef packet = pool_.allocate();
    std::ranges::copy(bytes, packet->bytes.begin());
    packet->size = static_cast<uint32_t>(bytes.size());
    const auto view = rtp::PacketView::parse(packet->data());
    auto media = receiver_.receive(std::move(packet), *view, TimePoint{});
    if (!media) return std::nullopt;
    return std::move(media->packet);
  }
  // How it leaves for a receiver.
  Left pass(const rtp::MediaPacket& media, const MediaConfig& config) {
    rtp::OutgoingPacket packet;
    packet.index = ++index_;
    packet.ssrc = kSlot;
    packet.payload_type = rtp::PayloadType(100);
    packet.csrc = 77;
    packet.body = media.payload();
    packet.source = Bytes(media.packet->data());
    packet.extensions = &media.extensions;
    packet.frame_number = kFrameNumber;
    packet.clock_ahead = clock_ahead_;
    MediaSender sender(config);
    std::vector<uint8_t> sent;
    MediaSender::Scratch scratch;
    sender.seal(
        {&packet, 1}, srtp_,
        [&](size_t room) {
          sent.resize(room);
          return MutableBytes(sent);
        },
        scratch);
    const auto plain = simpul::testing::open_rtp(peer_, sent);
    EXPECT_TRUE(plain);
    const auto view = rtp::PacketView::parse(*plain);
    EXPECT_EQ(view->csrcs().size(), 1u) << "the publisher's are not passed on";
    Left left{.profile = view->extension_profile()};
    for (const auto& element : elements_of(left.profile, view->extension())) {
      left.elements[element.id] = {element.data.begin(), element.data.end()};
    }
    return left;
  }
  // All of the table in one packet each, beside MID and RID.
  Left pass_row(const Row& row, uint16_t profile, const MediaConfig& config) {
    const auto data = from_hex(row.sent);
    const auto mid = from_hex("76");
    const auto rid = from_hex("71");
    std::vector<std::pair<uint8_t, Bytes>> elements = {{id_at_publisher(ExtensionKind::kMid), mid},
                                                       {id_at_publisher(ExtensionKind::kRid), rid}};
    if (row.kind != ExtensionKind::kMid && row.kind != ExtensionKind::kRid) {
      elements.emplace_back(id_at_publisher(row.kind), data);
    }
    const auto media = receive(profile, elements);
    EXPECT_TRUE(media) << rtp::uri_of(row.kind);
    return media ? pass(*media, config) : Left{};
  }
  // Everything negotiated, each with another id than the publisher's.
  static MediaConfig watcher(rtp::ExtensionForms forms) {
    MediaConfig config;
    config.sending.push_back({.mid = "s", .ssrc = kSlot, .rtx_ssrc = {}});
    config.extension_forms = forms;
    for (const Row& row : table()) config.extensions.set(row.kind, id_at_watcher(row.kind));
    return config;
  }
  static uint8_t id_at_watcher(ExtensionKind kind) {
    return static_cast<uint8_t>((static_cast<uint8_t>(kind) + 5) % rtp::kExtensionKinds + 1);
  }

  PacketPool pool_{64};
  MediaConfig config_ = publisher();
  MediaReceiver receiver_{config_, rtp::Ssrc(1)};
  crypto::CipherEngine engine_;
  dtls::SrtpMasterKey key_ = simpul::testing::make_master_key(dtls::SrtpProfile::kAeadAes128Gcm);
  dtls::SrtpSender srtp_{engine_, key_};
  dtls::SrtpReceiver peer_{engine_, key_};
  uint16_t sequence_number_ = 0;
  uint64_t index_ = 0;
  std::optional<int64_t> clock_ahead_ = -(int64_t{2} << 32);
};

TEST_F(ExtensionForwarding, R23_TheTableNamesEveryExtensionOnce) {
  ASSERT_EQ(table().size(), rtp::kExtensionKinds);
  for (size_t i = 0; i < table().size(); ++i) {
    const Row& row = table()[i];
    EXPECT_EQ(static_cast<size_t>(row.kind), i);
    const bool passed = row.fate == Fate::kPassed || row.fate == Fate::kRewritten;
    EXPECT_EQ(rtp::is_passed_on(row.kind), passed) << rtp::uri_of(row.kind);
  }
}

TEST_F(ExtensionForwarding, R23_EachGetsTheReceiversIdOrEndsHere) {
  const auto config = watcher(rtp::ExtensionForms::kMixed);
  for (const uint16_t profile : {kOneByte, kTwoByte}) {
    for (const Row& row : table()) {
      const auto data = from_hex(row.sent);
      const bool fits = data.size() <= 16 && id_at_publisher(row.kind) < 15;
      if (profile == kOneByte && !fits) continue;
      const Left left = pass_row(row, profile, config);
      std::map<uint8_t, std::vector<uint8_t>> expected = {
          {id_at_watcher(ExtensionKind::kMid), from_hex("73")}};
      if (row.fate != Fate::kEnds) expected[id_at_watcher(row.kind)] = from_hex(row.received);
      EXPECT_EQ(left.elements, expected) << rtp::uri_of(row.kind) << " profile " << profile;
    }
  }
}

TEST_F(ExtensionForwarding, R23_WhatTheReceiverDidNotNegotiateDoesNotReachIt) {
  for (const Row& row : table()) {
    auto config = watcher(rtp::ExtensionForms::kMixed);
    config.extensions = {};
    const Left left = pass_row(row, kTwoByte, config);
    EXPECT_TRUE(left.elements.empty()) << rtp::uri_of(row.kind);
    EXPECT_EQ(left.profile, 0);
  }
}

TEST_F(ExtensionForwarding, R23_TheOneByteFormLeavesOutWhatItCannotCarry) {
  const auto config = watcher(rtp::ExtensionForms::kOneByte);
  for (const Row& row : table()) {
    const Left left = pass_row(row, kTwoByte, config);
    EXPECT_TRUE(left.profile == kOneByte || left.profile == 0) << rtp::uri_of(row.kind);
    const bool fits = from_hex(row.received).size() <= 16 && id_at_watcher(row.kind) < 15;
    const bool reaches = row.fate != Fate::kEnds && fits;
    EXPECT_EQ(left.elements.contains(id_at_watcher(row.kind)), reaches) << rtp::uri_of(row.kind);
  }
}

TEST_F(ExtensionForwarding, R23_WhatNobodyNegotiatedEndsHere) {
  const std::vector<uint8_t> secret(8, 0x5E);
  std::vector<std::pair<uint8_t, Bytes>> elements;
  const auto mid = from_hex("76");
  const auto rid = from_hex("71");
  elements.emplace_back(id_at_publisher(ExtensionKind::kMid), mid);
  elements.emplace_back(id_at_publisher(ExtensionKind::kRid), rid);
  for (const uint8_t id : {uint8_t{16}, uint8_t{100}, uint8_t{255}})
    elements.emplace_back(id, secret);
  const auto media = receive(kTwoByte, elements);
  ASSERT_TRUE(media);
  EXPECT_EQ(media->extensions.count, 0);
  EXPECT_EQ(pass(*media, watcher(rtp::ExtensionForms::kMixed)).elements.size(), 1u) << "our MID";
}

TEST_F(ExtensionForwarding, ACaptureTimeIsPassedOnWithoutAnOffsetThatNobodyKnows) {
  const auto config = watcher(rtp::ExtensionForms::kMixed);
  const uint8_t id = id_at_watcher(ExtensionKind::kAbsCaptureTime);
  const Row without = {ExtensionKind::kAbsCaptureTime, Fate::kPassed, "0000000100000000", ""};
  EXPECT_EQ(pass_row(without, kOneByte, config).elements[id], from_hex("0000000100000000"));
  clock_ahead_.reset();  // no report of the publisher yet
  const Row with = {ExtensionKind::kAbsCaptureTime, Fate::kPassed,
                    "0000000100000000 0000000080000000", ""};
  EXPECT_EQ(pass_row(with, kOneByte, config).elements[id], from_hex("0000000100000000"));
}

TEST_F(ExtensionForwarding, ACaptureTimeOfAnotherSizeIsNone) {
  const auto config = watcher(rtp::ExtensionForms::kMixed);
  for (const char* sent :
       {"00", "00000001000000", "000000010000000000", "00000001000000000000000080"}) {
    const Row row = {ExtensionKind::kAbsCaptureTime, Fate::kEnds, sent, ""};
    EXPECT_EQ(pass_row(row, kTwoByte, config).elements.size(), 1u) << sent;
  }
}

}  // namespace
}  // namespace simpul::connection
