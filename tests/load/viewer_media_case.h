#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <vector>

#include "bench/load/viewer_media.h"
#include "bench/peer/peer.h"
#include "rtp/rtcp_reader.h"
#include "tests/support/rtp_packets.h"

namespace simpul::load {

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

}  // namespace simpul::load
