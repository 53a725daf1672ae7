#pragma once

#include <cstdint>

#include "base/time.h"
#include "rtp/media_packet.h"
#include "rtp/payload_info.h"

namespace simpul::relay {

// One packet of a feed, read once for all slots that will send it.
struct FeedPacket {
  rtp::MediaPacket media;
  // Its place in the feed, without holes for what the relay leaves out (FeedNumbering).
  int64_t number = 0;
  TimePoint arrival{};
  rtp::PayloadInfo payload{};

  // Whether a slot can begin because of it: the first packet of a key frame, any packet of audio;
  // of H.264 the one that shows the frame to be one, so many numbers behind its first.
  bool starts_stream = false;
  uint16_t back_to_start = 0;
  // A slot that has nothing to lose begins with it: a frame's first packet, where key frames cannot
  // be told from others (KeyFrameRequests::are_hidden).
  bool may_start_stream = false;

  // The number that such a slot begins with.
  int64_t start() const { return number - back_to_start; }
};

}  // namespace simpul::relay
