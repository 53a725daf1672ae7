#pragma once

#include <cstddef>
#include <cstdint>

#include "dtls/srtp_keys.h"

namespace simpul::floor_bench {

// What is forwarded, to how many.
struct Shape {
  size_t publishers = 1;
  size_t subscribers = 200;
  size_t heard = 1;             // publishers that each subscriber gets, in turns
  size_t frame_packets = 9;     // 0: no video
  size_t packet_bytes = 1'200;  // of a video datagram as it leaves
  unsigned frames_per_second = 30;
  size_t burst_packets = 0;  // a frame comes in bursts of so many, 5 ms apart; 0: at once
  bool has_audio = true;     // 50 packets a second from each publisher
  dtls::SrtpProfile profile = dtls::SrtpProfile::kAeadAes128Gcm;
  double seconds = 3;
  double feedback_rate = 0;    // messages a second from each subscriber
  size_t feedback_bytes = 80;  // of such a message before it is sealed
};

inline constexpr size_t kHeaderBytes = 20;      // 12 and one extension of 4
inline constexpr size_t kAudioBytes = 80 + 36;  // of a datagram
inline constexpr size_t kBatchPacketsMax = 64;  // that leave as one message
inline constexpr uint8_t kLastOfBatch = 0x80;   // the marker bit
inline constexpr uint8_t kFeedbackType = 205;   // which no packet of media has in its second byte
inline constexpr size_t kFeedbackBytesMax = 1'200;

}  // namespace simpul::floor_bench
