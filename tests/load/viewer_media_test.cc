#include "bench/load/viewer_media.h"

#include <gtest/gtest.h>

#include "bench/peer/peer.h"
#include "rtp/rtcp_reader.h"
#include "rtp/rtcp_writer.h"
#include "tests/support/allocation_counter.h"
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
    uint16_t frame = 0;
    uint8_t depends_on = 0;
    uint32_t source = kSource;
    uint32_t track = 0;
    bool encrypted = false;
    std::optional<uint16_t> transport = {};
    bool marker = false;
    std::optional<uint32_t> timestamp = {};  // otherwise one of its own
    uint32_t slot = 11;
  };
  // The sequence number that the relay gave is 100 above the source's number.
  void receive(const Made& made) {
    std::vector<uint8_t> payload(200, 0x10);
    peer::write_stamp({.source = made.source,
                       .number = made.number,
                       .made_at = now_,
                       .frame = made.frame,
                       .frame_packets = made.frame_packets,
                       .depends_on = made.depends_on,
                       .key_frame = made.key_frame},
                      payload);
    if (made.corrupt) payload.front() ^= 1;
    const auto original = static_cast<uint16_t>(made.number + 100);
    if (made.repair) {
      payload.insert(payload.begin(),
                     {static_cast<uint8_t>(original >> 8), static_cast<uint8_t>(original)});
    }
    testing::PacketFields fields{
        .payload_type = made.repair ? peer::kRtxPayloadType.value() : peer::kVp8PayloadType.value(),
        .sequence_number = made.repair ? uint16_t{5} : original,
        .timestamp = made.timestamp.value_or(made.number * 3'000),
        .ssrc = rtp::Ssrc(made.repair ? 22 : made.slot),
        .csrcs = {made.track},
        .payload = payload};
    fields.marker = made.marker;
    if (made.transport) {
      fields.extension_words = 1;
      fields.extension = {peer::kTransportSequenceExtension << 4 | 1,
                          static_cast<uint8_t>(*made.transport >> 8),
                          static_cast<uint8_t>(*made.transport), 0};
    }
    const auto packet = testing::make_packet(fields);
    const auto view = rtp::PacketView::parse(packet);
    ASSERT_TRUE(view);
    media_.receive(*view, packet.size(), now_, !made.encrypted);
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

  // All that it has to say now.
  std::vector<std::vector<uint8_t>> said() {
    std::vector<std::vector<uint8_t>> packets;
    media_.write_due(now_, packets);
    return packets;
  }
  template <class Part>
  static size_t count(const std::vector<std::vector<uint8_t>>& packets) {
    size_t found = 0;
    for (const auto& packet : packets) {
      rtp::RtcpReader reader(packet);
      while (const auto part = reader.next()) found += std::holds_alternative<Part>(*part);
    }
    return found;
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
  receive({.number = 0, .frame_packets = 1, .frame = 1});  // no key frame
  receive({.number = 1, .key_frame = true, .frame_packets = 3, .frame = 2});
  receive({.number = 2, .key_frame = true, .frame_packets = 3, .frame = 2});
  // One packet of it never came; the next one is whole.
  for (uint32_t i = 0; i < 3; ++i) {
    EXPECT_FALSE(media_.first_frame_at());
    now_ += 1ms;
    receive({.number = 4 + i, .key_frame = true, .frame_packets = 3, .frame = 3});
  }
  EXPECT_EQ(media_.first_frame_at(), now_);
  receive({.number = 9, .key_frame = true, .frame_packets = 1, .frame = 4});
  EXPECT_EQ(media_.first_frame_at(), now_);
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

TEST_F(ViewerMediaTest, TellsASwitchOfWhoIsSeen) {
  receive({.number = 0, .key_frame = true, .frame = 0, .track = 70});
  now_ += 80ms;
  receive({.number = 1, .key_frame = true, .frame = 9, .source = 8, .track = 80});
  EXPECT_EQ(media_.changes(), 1u);
  EXPECT_EQ(media_.last_change()->to, 80u);
  EXPECT_EQ(media_.last_change()->gap, 80ms);
}

TEST_F(ViewerMediaTest, WhoListensHasItsFirstFrameWhenARepairMakesItWhole) {
  receive({.number = 10, .encrypted = true, .timestamp = 3'000});
  receive({.number = 12, .encrypted = true, .marker = true, .timestamp = 3'000});
  EXPECT_EQ(media_.pictures(), 0u);
  now_ += 1ms;
  receive({.number = 11, .repair = true, .timestamp = 3'000});
  EXPECT_EQ(media_.pictures(), 1u);
  EXPECT_EQ(media_.first_frame_at(), now_);
}

TEST_F(ViewerMediaTest, TellsOfAPictureThatStoppedWhetherItDecryptsOrNot) {
  for (const bool encrypted : {false, true}) {
    media_ = ViewerMedia(rtp::Ssrc(1));
    for (uint32_t number = 0; number < 30; ++number) {
      now_ += 33ms;
      receive({.number = number,
               .key_frame = number == 0,
               .frame = static_cast<uint16_t>(number),
               .depends_on = 1,
               .encrypted = encrypted,
               .marker = true});
    }
    media_.measure_pictures();
    const TimePoint last = now_;
    now_ += 3s;
    EXPECT_EQ(media_.picture().freezes, 0u);
    media_.end_pictures(now_);
    EXPECT_EQ(media_.picture().freezes, 1u) << encrypted;
    EXPECT_EQ(media_.picture().longest_gap, 3s);
    EXPECT_EQ(media_.last_new_at(), last);
  }
}

TEST_F(ViewerMediaTest, OneOfSeveralPicturesThatStoppedIsTold) {
  const auto frame = [this](uint32_t number, uint32_t slot) {
    receive({.number = number,
             .key_frame = number == 0,
             .frame = static_cast<uint16_t>(number),
             .source = slot,
             .slot = slot});
  };
  frame(0, 31);
  frame(0, 32);
  EXPECT_EQ(media_.pictures(), 2u);
  const TimePoint stopped = now_;
  for (uint32_t number = 1; number < 100; ++number) {
    now_ += 33ms;
    frame(number, 31);
  }
  EXPECT_EQ(media_.last_new_at(), stopped);
}

TEST_F(ViewerMediaTest, KeepsHowLongSwitchesTookWhileTheyAreMeasured) {
  const auto show = [this](uint32_t source, uint16_t frame) {
    now_ += 40ms;
    receive({.number = frame, .key_frame = true, .frame = frame, .source = source});
  };
  show(1, 0);
  show(2, 1);
  EXPECT_EQ(media_.switches(), std::vector<Duration>{40ms});
  media_.measure_pictures();
  EXPECT_TRUE(media_.switches().empty());
  for (uint16_t i = 0; i < ViewerMedia::kSwitchesMax + 10; ++i) {
    show(i % 2 + 1u, static_cast<uint16_t>(2 + i));
  }
  EXPECT_EQ(media_.switches().size(), ViewerMedia::kSwitchesMax);
  media_.measure_pictures();
  media_.end_pictures(now_);
  show(9, 5'000);
  EXPECT_TRUE(media_.switches().empty());
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
