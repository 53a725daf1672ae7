#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "connection/media_receiver.h"
#include "rtp/header_extensions.h"
#include "rtp/rtcp_reader.h"
#include "tests/support/rtp_packets.h"

namespace simpul::testing {

using namespace std::chrono_literals;

inline constexpr uint8_t kMidId = 4;
inline constexpr uint8_t kRidId = 10;
inline constexpr uint8_t kRepairedRidId = 11;
inline constexpr uint8_t kTransportSequenceId = 3;
inline constexpr uint8_t kAudioLevelId = 1;
inline constexpr uint8_t kOrientationId = 5;

inline rtp::ExtensionMap usual_extensions() {
  rtp::ExtensionMap ids;
  ids.set(rtp::ExtensionKind::kMid, kMidId);
  ids.set(rtp::ExtensionKind::kRid, kRidId);
  ids.set(rtp::ExtensionKind::kRepairedRid, kRepairedRidId);
  ids.set(rtp::ExtensionKind::kTransportSequence, kTransportSequenceId);
  ids.set(rtp::ExtensionKind::kAudioLevel, kAudioLevelId);
  ids.set(rtp::ExtensionKind::kVideoOrientation, kOrientationId);
  return ids;
}

inline connection::ReceivingLine audio_line(std::string mid, uint8_t payload_type = 111) {
  return {.mid = std::move(mid),
          .kind = rtp::MediaKind::kAudio,
          .codecs = {{.payload_type = rtp::PayloadType(payload_type), .rtx_payload_type = {}}},
          .rids = {},
          .sources = {}};
}

inline connection::ReceivingLine video_line(std::string mid, std::vector<std::string> rids = {}) {
  return {.mid = std::move(mid),
          .kind = rtp::MediaKind::kVideo,
          .codecs = {{.format = {rtp::Codec::kVp8},
                      .payload_type = rtp::PayloadType(96),
                      .rtx_payload_type = rtp::PayloadType(97),
                      .clock_rate = 90'000,
                      .nack = true,
                      .pli = true,
                      .fir = true}},
          .rids = std::move(rids),
          .sources = {},
          .transport_feedback = true};
}

using Extensions = std::vector<std::pair<uint8_t, std::string>>;

inline PacketFields with_extensions(PacketFields fields, const Extensions& extensions) {
  std::vector<rtp::ExtensionElement> elements;
  for (const auto& [id, text] : extensions) elements.push_back({id, as_bytes(text)});
  std::vector<uint8_t> block(256);
  block.resize(rtp::write_extensions(elements, block));
  fields.extension_words = static_cast<uint16_t>(block.size() / 4 - 1);
  fields.extension.assign(block.begin() + 4, block.end());
  return fields;
}

// A receiver, its packets, and what it wrote.
struct Receiving {
  explicit Receiving(std::vector<connection::ReceivingLine> lines, uint64_t bitrate_max = 0)
      : config{.receiving = std::move(lines),
               .sending = {},
               .extensions = usual_extensions(),
               .cname = "us",
               .bitrate_max = bitrate_max,
               .reduced_size_rtcp = true} {}

  std::optional<connection::ReceivedMedia> receive(const PacketFields& fields) {
    const auto bytes = make_packet(fields);
    PacketRef packet = pool.allocate();
    packet->size = static_cast<uint32_t>(bytes.size());
    std::ranges::copy(bytes, packet->bytes.begin());
    const auto view = rtp::PacketView::parse(packet->data());
    return receiver.receive(std::move(packet), *view, now);
  }
  // A retransmission of `original` on the source `ssrc`.
  static PacketFields rtx(uint32_t ssrc, uint16_t number, uint16_t original,
                          std::vector<uint8_t> payload = {9}) {
    std::vector<uint8_t> wrapped = {static_cast<uint8_t>(original >> 8),
                                    static_cast<uint8_t>(original)};
    wrapped.insert(wrapped.end(), payload.begin(), payload.end());
    return {.payload_type = 97,
            .sequence_number = number,
            .ssrc = rtp::Ssrc(ssrc),
            .payload = std::move(wrapped)};
  }

  // What is written after `pause`, of one kind; what borrows lives until the next call.
  template <class Kind>
  std::vector<Kind> written_after(Duration pause) {
    now += pause;
    compounds.clear();
    receiver.write_due(now, compounds);
    return written<Kind>();
  }
  template <class Kind>
  std::vector<Kind> written() const {
    std::vector<Kind> found;
    for (const auto& compound : compounds) {
      rtp::RtcpReader reader(compound);
      while (const auto part = reader.next()) {
        if (const auto* match = std::get_if<Kind>(&*part)) found.push_back(*match);
      }
    }
    return found;
  }
  static std::vector<uint16_t> missing_in(const std::vector<rtp::Nack>& nacks) {
    std::vector<rtp::SequenceNumber> missing;
    for (const auto& nack : nacks) nack.append_missing(missing);
    std::vector<uint16_t> numbers;
    for (const auto number : missing) numbers.push_back(number.value());
    return numbers;
  }

  PacketPool pool{256};
  connection::MediaConfig config;
  connection::MediaReceiver receiver{config, rtp::Ssrc(7)};
  TimePoint now{1h};
  std::vector<std::vector<uint8_t>> compounds;
};

}  // namespace simpul::testing
