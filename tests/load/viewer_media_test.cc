#include <gtest/gtest.h>

#include "rtp/rtcp_writer.h"
#include "tests/load/viewer_media_case.h"
#include "tests/support/allocation_counter.h"

namespace simpul::load {
namespace {

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

TEST_F(ViewerMediaTest, WhatIsSentOnceMoreByRtxIsNoDuplicate) {
  media_.measure(kSource, 0);
  for (const uint32_t number : {0u, 1u, 2u}) receive({.number = number});
  receive({.number = 1, .repair = true});
  receive({.number = 2});
  EXPECT_EQ(media_.counts().packets, 3u);
  EXPECT_EQ(media_.counts().repaired, 0u);
  EXPECT_EQ(media_.counts().repeated, 1u);
  EXPECT_EQ(media_.counts().duplicates, 1u);
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

TEST_F(ViewerMediaTest, TellsWhenEachPacketOfThePathCame) {
  for (const uint16_t number : std::to_array<uint16_t>({500, 501, 503})) {
    receive({.number = number, .transport = number});
    now_ += 1ms;
  }
  now_ += 100ms;
  const auto packets = said();
  ASSERT_EQ(count<rtp::TransportFeedback>(packets), 1u);
  for (const auto& packet : packets) {
    rtp::RtcpReader reader(packet);
    const auto part = reader.next();
    const auto* feedback = std::get_if<rtp::TransportFeedback>(&*part);
    if (feedback == nullptr) continue;
    EXPECT_EQ(feedback->base.value(), 500);
    EXPECT_EQ(feedback->status_count, 4u) << "the lost one too";
  }
  EXPECT_EQ(media_.feedback().transport_feedback, 1u);
  EXPECT_EQ(count<rtp::TransportFeedback>(said()), 0u) << "each once";
}

TEST_F(ViewerMediaTest, TellsOfThePathTenTimesASecondAtMost) {
  size_t messages = 0;
  for (uint16_t number = 0; number < 2'000; ++number) {
    receive({.number = number, .transport = number});
    now_ += 1ms;
    messages += count<rtp::TransportFeedback>(said());
  }
  EXPECT_GE(messages, 18u);
  EXPECT_LE(messages, 21u);
}

TEST_F(ViewerMediaTest, ItsReportsReferToTheSendersReports) {
  receive({.number = 0});
  std::array<uint8_t, 128> room{};
  rtp::RtcpWriter writer(room);
  writer.sender_report({.ssrc = rtp::Ssrc(11), .ntp_time = 0x1122334455667788}, {});
  media_.receive_rtcp(writer.written(), now_);
  now_ += 1s;
  for (const auto& packet : said()) {
    rtp::RtcpReader reader(packet);
    const auto part = reader.next();
    const auto* report = std::get_if<rtp::ReceiverReport>(&*part);
    if (report == nullptr) continue;
    ASSERT_EQ(report->blocks.size(), 1u);
    EXPECT_EQ(report->blocks[0].last_sender_report, 0x33445566u);
    EXPECT_EQ(report->blocks[0].delay_since_last_sender_report, 65'536u);
    return;
  }
  FAIL() << "no report";
}

TEST_F(ViewerMediaTest, AsksForAKeyFrameWhileItSeesNothingAndPacketsCome) {
  size_t requests = 0;
  uint32_t number = 0;
  const auto run = [&](Duration duration) {
    requests = 0;
    for (const TimePoint end = now_ + duration; now_ < end; now_ += 20ms) {
      receive({.number = number, .frame = static_cast<uint16_t>(number)});
      ++number;
      requests += count<rtp::Pli>(said());
    }
  };
  run(2s);
  EXPECT_EQ(requests, 3u);
  receive({.number = number, .key_frame = true, .frame = static_cast<uint16_t>(number)});
  ++number;
  now_ += 10s;  // nothing comes, so nothing is asked for
  EXPECT_EQ(count<rtp::Pli>(said()), 0u);
}

TEST_F(ViewerMediaTest, AsksForAKeyFrameWhenItGivesARepairUp) {
  receive({.number = 0, .encrypted = true});
  receive({.number = 3, .encrypted = true});
  size_t requests = 0;
  for (int i = 0; i < 150; ++i) {
    now_ += 20ms;
    receive({.number = static_cast<uint32_t>(4 + i), .encrypted = true});
    requests += count<rtp::Pli>(said());
  }
  EXPECT_EQ(requests, 1u);
  EXPECT_GE(media_.feedback().nacked, 4u) << "with retries before";
}

TEST_F(ViewerMediaTest, WhoListensCountsByTheRelaysNumbers) {
  receive({.number = 0, .encrypted = true});
  media_.measure_listening();
  for (const uint32_t number : {10u, 11u, 13u, 12u, 12u, 16u}) {
    receive({.number = number, .encrypted = true});
  }
  EXPECT_EQ(media_.counts().expected, 7u) << "from the first one after the beginning";
  EXPECT_EQ(media_.counts().packets, 5u);
  EXPECT_EQ(media_.counts().duplicates, 1u);
  EXPECT_EQ(media_.counts().reordered, 1u);
  receive({.number = 14, .repair = true});
  EXPECT_EQ(media_.counts().packets, 6u);
  EXPECT_EQ(media_.counts().repaired, 1u);
  media_.end_listening();
  receive({.number = 17, .encrypted = true});
  EXPECT_EQ(media_.counts().expected, 7u);
  receive({.number = 15, .repair = true});
  EXPECT_EQ(media_.counts().packets, 7u) << "what was asked for before";
  EXPECT_EQ(media_.counts().corrupt, 0u);
}

TEST_F(ViewerMediaTest, ListensAcrossTheWrap) {
  media_.measure_listening();
  for (uint32_t number = 65'000; number < 66'500; ++number) {
    receive({.number = number, .encrypted = true});
  }
  EXPECT_EQ(media_.counts().packets, 1'500u);
  EXPECT_EQ(media_.counts().expected, 1'500u);
}

TEST_F(ViewerMediaTest, KnowsABoundedNumberOfSources) {
  media_.measure(kSource, 0);
  receive({.number = 0});
  for (uint32_t i = 0; i < 3 * ViewerMedia::kSourcesMax; ++i) {
    receive({.number = 1 + i, .source = 100 + i});
    receive({.number = 1 + i});  // of the one that is heard all the time
  }
  EXPECT_EQ(media_.counts().packets, 1 + 3 * ViewerMedia::kSourcesMax);
}

TEST_F(ViewerMediaTest, AllocatesNothingForAPacket) {
  std::vector<std::vector<uint8_t>> packets;
  for (uint32_t number = 0; number < 1'000; ++number) {
    std::vector<uint8_t> payload(200, 0x10);
    peer::write_stamp({.source = kSource,
                       .number = number,
                       .made_at = now_,
                       .frame = static_cast<uint16_t>(number),
                       .key_frame = number % 100 == 0},
                      payload);
    packets.push_back(testing::make_packet({.payload_type = peer::kVp8PayloadType.value(),
                                            .sequence_number = static_cast<uint16_t>(number),
                                            .ssrc = rtp::Ssrc(11),
                                            .payload = payload}));
  }
  for (const bool decrypted : {true, false}) {
    uint64_t allocations = 0;
    for (size_t i = 0; i < packets.size(); ++i) {
      if (i == 10) allocations = testing::allocations();
      const auto view = rtp::PacketView::parse(packets[i]);
      media_.receive(*view, packets[i].size(), now_, decrypted);
    }
    EXPECT_EQ(testing::allocations(), allocations);
  }
}

}  // namespace
}  // namespace simpul::load
