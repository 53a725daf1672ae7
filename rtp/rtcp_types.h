#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

// The numbers of RTCP that reader and writer share.
namespace simpul::rtp {

// Packet types (RFC 3550 §12.1, RFC 4585 §6.1).
inline constexpr uint8_t kSenderReport = 200;
inline constexpr uint8_t kReceiverReport = 201;
inline constexpr uint8_t kSourceDescription = 202;
inline constexpr uint8_t kGoodbye = 203;
inline constexpr uint8_t kRtpFeedback = 205;
inline constexpr uint8_t kPayloadFeedback = 206;

// Formats of RTP feedback, then of payload-specific feedback.
inline constexpr uint8_t kFormatNack = 1;
inline constexpr uint8_t kFormatCongestion = 11;  // RFC 8888
inline constexpr uint8_t kFormatTransport = 15;
inline constexpr uint8_t kFormatPli = 1;
inline constexpr uint8_t kFormatFir = 4;
inline constexpr uint8_t kFormatApplication = 15;

inline constexpr uint8_t kSdesEnd = 0;
inline constexpr uint8_t kSdesCname = 1;

inline constexpr std::array<uint8_t, 4> kRembName = {'R', 'E', 'M', 'B'};
inline constexpr size_t kRembHeadSize = 8;  // name, count, bit rate

}  // namespace simpul::rtp
