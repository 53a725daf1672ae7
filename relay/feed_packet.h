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

  // Whether a slot can begin with it: the first packet of a key frame, any packet of audio.
  bool starts_stream = false;
  // A slot that has nothing to lose begins with it: a frame's first packet, where key frames cannot
  // be told from others (KeyFrameRequests::are_hidden).
  bool may_start_stream = false;
};

}  // namespace simpul::relay
