#pragma once

#include <deque>
#include <optional>
#include <span>
#include <stdexcept>
#include <vector>

#include "connection/connection.h"
#include "tests/support/connection_pair.h"

namespace simpul::connection::testing {

// What was agreed on with a peer who watches one slot.
struct Agreed {
  bool rtx = true;
  bool transport_feedback = true;
  bool remb = false;
  bool congestion_feedback = false;
  uint64_t hole_seed = 0;
  bool flexfec = false;
};

// A connection to a peer who watches. What is sent, and what the peer says of it, is the test's.
class WatchedConnection {
 public:
  static constexpr rtp::Ssrc kSlot{11};
  static constexpr rtp::Ssrc kRtx{12};
  static constexpr rtp::Ssrc kParity{13};
  static constexpr rtp::Ssrc kPeer{99};

  explicit WatchedConnection(const Agreed& agreed) : pair_(media(agreed)) {
    if (!pair_.connect()) throw std::runtime_error("not connected");
  }

  simpul::testing::ConnectionPair& pair() { return pair_; }
  Connection& connection() { return pair_.connection; }
  std::optional<double> estimate_bps() const { return pair_.connection.estimate_bps(); }

  struct Media {
    rtp::Ssrc ssrc = kSlot;
    uint64_t index = 0;
    uint32_t timestamp = 0;
    size_t payload = 0;
    uint8_t padding = 0;
  };
  // Returns the size of the datagrams.
  size_t send(const Media& media) {
    const std::vector<uint8_t> body(media.payload);
    const rtp::OutgoingPacket packet{.index = media.index,
                                     .timestamp = media.timestamp,
                                     .ssrc = media.ssrc,
                                     .payload_type = rtp::PayloadType(96),
                                     .padding = media.padding,
                                     .body = body,
                                     .source = body};
    std::deque<std::vector<uint8_t>> places;
    connection().seal(
        std::span(&packet, 1),
        [&](size_t bytes) -> MutableBytes { return places.emplace_back(bytes); }, scratch_,
        pair_.now);
    scratch_.finish();
    size_t size = 0;
    for (const auto& place : places) size += place.size();
    return size;
  }
  // Of what was sent last.
  std::span<const NumberedPacket> numbered() const { return scratch_.numbered(); }

  // The peer says it.
  void say(Bytes compound) { pair_.receive(pair_.seal_rtcp(compound)); }

 private:
  static MediaConfig media(const Agreed& agreed) {
    MediaConfig config{.receiving = {},
                       .sending = {{.mid = "0",
                                    .ssrc = kSlot,
                                    .rtx_ssrc = agreed.rtx ? std::optional(kRtx) : std::nullopt,
                                    .transport_feedback = agreed.transport_feedback,
                                    .congestion_feedback = agreed.congestion_feedback}},
                       .extensions = {},
                       .cname = "us",
                       .hole_seed = agreed.hole_seed,
                       .remb = agreed.remb};
    if (agreed.flexfec) {
      config.sending[0].flexfec = {.ssrc = kParity, .payload_type = rtp::PayloadType(49)};
    }
    config.extensions.set(rtp::ExtensionKind::kTransportSequence, 3);
    return config;
  }

  simpul::testing::ConnectionPair pair_;
  MediaSender::Scratch scratch_;
};

}  // namespace simpul::connection::testing
