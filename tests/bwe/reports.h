#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "base/check.h"
#include "base/time.h"
#include "rtp/rtcp_reader.h"
#include "rtp/rtcp_writer.h"

namespace simpul::bwe::testing {

// When each packet came, from the first on; `kNever - TimePoint{}` for one that did not.
using Arrivals = std::vector<Duration>;

// A message as a receiver writes it.
class FeedbackMessage {
 public:
  FeedbackMessage(uint16_t base, const Arrivals& arrivals) {
    std::vector<TimePoint> times;
    for (const Duration arrival : arrivals) times.push_back(TimePoint{} + arrival);
    rtp::RtcpWriter writer(buffer_);
    const size_t written = writer.transport_feedback(
        {.sender = rtp::Ssrc(1), .media = rtp::Ssrc(2), .base = rtp::SequenceNumber(base)}, times);
    SIMPUL_CHECK(written == times.size());
    rtp::RtcpReader reader(writer.written());
    packet_ = reader.next();
  }

  const rtp::TransportFeedback& get() const { return std::get<rtp::TransportFeedback>(*packet_); }

 private:
  std::array<uint8_t, rtp::kRtcpSizeMax> buffer_{};
  std::optional<rtp::RtcpPacket> packet_;
};

}  // namespace simpul::bwe::testing
