#pragma once

#include <cstdint>
#include <optional>

#include "base/time.h"
#include "rtp/media_packet.h"
#include "rtp/vp8.h"

namespace simpul::relay {

// One packet of a feed, read once for all slots that will send it.
struct FeedPacket {
  rtp::MediaPacket media;
  // Its place in the feed, without holes for what the relay leaves out (FeedNumbering).
  int64_t number = 0;
  TimePoint arrival{};
  std::optional<rtp::Vp8Descriptor> vp8{};
  // Whether a slot can begin with it: the first packet of a VP8 key frame, and any packet of
  // audio and of the video codecs whose key frames are not read.
  bool starts_stream = false;
};

}  // namespace simpul::relay
