#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "rtp/ntp_time.h"
#include "rtp/types.h"

namespace simpul::peer {

// When the packets of one frame leave.
struct Pacing {
  uint32_t burst_packets = 0;  // 0: the whole frame at once, as today's libwebrtc
  Duration interval = std::chrono::milliseconds(5);  // between bursts
};

// One encoding of a picture: the only one, or one of simulcast's.
struct VideoLayer {
  std::string rid = {};  // empty without simulcast
  uint32_t bitrate_bps = 1'500'000;
  uint16_t width = 1280;
  uint16_t height = 720;
};

// Three encodings as browsers make them of 1280x720: a quarter, a half and all of its width.
std::vector<VideoLayer> simulcast_layers();

// What a camera's encoder makes, and how it is sent. Key frames only when asked for, and the first.
struct VideoProfile {
  rtp::Codec codec = rtp::Codec::kVp8;
  std::vector<VideoLayer> layers = {{}};
  uint32_t frames_per_second = 30;
  uint8_t temporal_layers = 1;  // or 3, but for H.264
  Pacing pacing = {};
  // From the moment that a frame is taken to its first packet. A request for a key frame is
  // answered with the next frame that is taken: one frame interval and this time later at most.
  Duration encode_time = std::chrono::milliseconds(5);
  size_t payload_max = 1'160;       // descriptor included; libwebrtc's packets have 1,200 bytes
  double size_variation = 0.25;     // delta frames differ from the mean by up to this share
  double key_frame_factor_min = 4;  // key frames are so many times as large as a delta frame
  double key_frame_factor_max = 6;
  bool retransmits = true;  // answers NACKs with RTX
};

// What a microphone gives.
struct AudioProfile {
  enum class Talk : uint8_t {
    kSpurts,  // somebody talks for a while, listens for a while
    kAlways,  // never silent
  };
  uint32_t bitrate_bps = 32'000;  // with the stamp that each packet carries; 16,000 to 256,000
  bool dtx = false;               // what is silent is hardly sent
  Talk talk = Talk::kSpurts;
  Duration talk_mean = std::chrono::seconds(3);
  Duration pause_mean = std::chrono::seconds(5);
};

// Of one source.
struct SourceSetup {
  uint64_t seed = 1;  // frame sizes, where the sound begins; the same seed makes the same
  // Sender reports are sent by this clock, one a second; without it none are.
  std::optional<rtp::NtpClock> clock = {};
};

}  // namespace simpul::peer
