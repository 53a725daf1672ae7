#include "bench/load/viewer_media.h"

#include <gtest/gtest.h>

#include "bench/peer/peer.h"
#include "rtp/rtcp_reader.h"
#include "tests/support/rtp_packets.h"

namespace simpul::load {
namespace {

using namespace std::chrono_literals;

class ViewerMediaTest : public ::testing::Test {
 protected:
  static constexpr uint32_t kSource = 7;

  struct Made {
    uint32_t number = 0;
    bool key_frame = false;
    uint16_t frame_packets = 1;
    bool repair = false;
    bool corrupt = false;
    uint32_t timestamp = 0;
  };
  // The sequence number that the relay gave is 100 above the source's number.
  void receive(const Made& made) {
    std::vector<uint8_t> payload(200, 0x10);
    peer::write_stamp({.source = kSource,
                       .number = made.number,
                       .made_at = now_,
                       .frame_packets = made.frame_packets,
                       .key_frame = made.key_frame},
                      true, payload);
    if (made.corrupt) payload.back() ^= 1;
    const auto original = static_cast<uint16_t>(made.number + 100);
    if (made.repair) {
      payload.insert(payload.begin(),
                     {static_cast<uint8_t>(original >> 8), static_cast<uint8_t>(original)});
    }
    const auto packet =
        testing::make_packet({.payload_type = made.repair ? peer::kRtxPayloadType.value()
                                                          : peer::kVp8PayloadType.value(),
                              .sequence_number = made.repair ? uint16_t{5} : original,
                              .timestamp = made.timestamp,
                              .ssrc = rtp::Ssrc(made.repair ? 22 : 11),
                              .payload = payload});
    const auto view = rtp::PacketView::parse(packet);
    ASSERT_TRUE(view);
    media_.receive(*view, packet.size(), now_);
  }
  // What it asks for again, and how many reports it writes.
  std::vector<uint16_t> asked_for(size_t* reports = nullptr) {
    std::vector<std::vector<uint8_t>> packets;
    media_.write_due(now_, packets);
    std::vector<rtp::SequenceNumber> missing;
    for (const auto& packet : packets) {
      rtp::RtcpReader reader(packet);
      while (const auto part = reader.next()) {
        if (const auto* nack = std::get_if<rtp::Nack>(&*part)) nack->append_missing(missing);
        if (reports != nullptr) *reports += std::holds_alternative<rtp::ReceiverReport>(*part);
      }
    }
    std::vector<uint16_t> numbers;
    for (const auto number : missing) numbers.push_back(number.value());
    return numbers;
  }

  TimePoint now_{1h};
  ViewerMedia media_{rtp::Ssrc(1)};
};

TEST_F(ViewerMediaTest, CountsFromTheNumberThatIsMeasured) {
  receive({.number = 0});
  media_.measure(kSource, 2);
  receive({.number = 1});  // was on its way
  for (uint32_t number = 2; number < 12; ++number) receive({.number = number});
  EXPECT_EQ(media_.counts().packets, 10u);
  EXPECT_EQ(media_.counts().duplicates, 0u);
  EXPECT_EQ(media_.counts().reordered, 0u);
}

TEST_F(ViewerMediaTest, TellsDuplicatesAndReorderingApart) {
  media_.measure(kSource, 0);
  for (const uint32_t number : {0u, 1u, 3u, 2u, 2u, 3u, 0u, 4u, 4u}) receive({.number = number});
  EXPECT_EQ(media_.counts().packets, 5u);
  EXPECT_EQ(media_.counts().reordered, 1u);
  EXPECT_EQ(media_.counts().duplicates, 4u);
}

TEST_F(ViewerMediaTest, StillTellsDuplicatesAfterALongGap) {
  media_.measure(kSource, 0);
  receive({.number = 1});
  for (const uint32_t number : {20'000u, 20'000u - 4'095u, 20'000u - 4'095u, 20'000u - 4'096u}) {
    receive({.number = number});
  }
  EXPECT_EQ(media_.counts().packets, 3u);
  EXPECT_EQ(media_.counts().duplicates, 2u);  // and what is too far back to tell
}

TEST_F(ViewerMediaTest, CountsCorruptPacketsAndDoesNotTakeThem) {
  media_.measure(kSource, 0);
  receive({.number = 0});
  receive({.number = 1, .corrupt = true});
  EXPECT_EQ(media_.counts().packets, 1u);
  EXPECT_EQ(media_.counts().corrupt, 1u);
}

TEST_F(ViewerMediaTest, AsksForWhatIsMissingUntilItIsRepaired) {
  media_.measure(kSource, 0);
  receive({.number = 0});
  receive({.number = 3});
  now_ += 10ms;
  EXPECT_EQ(asked_for(), (std::vector<uint16_t>{101, 102}));
  receive({.number = 1, .repair = true});
  now_ += 300ms;
  EXPECT_EQ(asked_for(), (std::vector<uint16_t>{102}));
  receive({.number = 2, .repair = true});
  now_ += 300ms;
  EXPECT_TRUE(asked_for().empty());
  EXPECT_EQ(media_.counts().packets, 4u);
  EXPECT_EQ(media_.counts().repaired, 2u);
  EXPECT_EQ(media_.counts().reordered, 0u);
}

TEST_F(ViewerMediaTest, ReportsOnceASecond) {
  receive({.number = 0});
  size_t reports = 0;
  for (int i = 0; i < 50; ++i) {
    now_ += 100ms;
    asked_for(&reports);
  }
  EXPECT_EQ(reports, 5u);
}

TEST_F(ViewerMediaTest, HasItsFirstFrameWhenAKeyFrameIsWhole) {
  receive({.number = 0, .frame_packets = 1, .timestamp = 1});  // no key frame
  receive({.number = 1, .key_frame = true, .frame_packets = 3, .timestamp = 2});
  receive({.number = 2, .key_frame = true, .frame_packets = 3, .timestamp = 2});
  // One packet of it never came; the next one is whole.
  for (uint32_t i = 0; i < 3; ++i) {
    EXPECT_FALSE(media_.first_frame_at());
    now_ += 1ms;
    receive({.number = 4 + i, .key_frame = true, .frame_packets = 3, .timestamp = 3});
  }
  EXPECT_EQ(media_.first_frame_at(), now_);
  receive({.number = 9, .key_frame = true, .frame_packets = 1, .timestamp = 4});
  EXPECT_EQ(media_.first_frame_at(), now_);
}

}  // namespace
}  // namespace simpul::load
