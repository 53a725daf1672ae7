#pragma once

#include <cstdint>
#include <vector>

#include "bench/load/histogram.h"
#include "bench/peer/media_stamp.h"

namespace simpul::load {

// How long a frame takes to the last of all who watch it: for each frame the largest delay that
// anybody told of. Frames of one packet are not counted, which sound is made of.
class LastViewer {
 public:
  static constexpr size_t kSourcesMax = 16;  // more are not counted

  void add(const peer::MediaStamp& stamp, double delay_milliseconds);
  // Of all frames that another one of their source has followed.
  const Histogram& frames() const { return frames_; }
  LastViewer& operator+=(const LastViewer& other);

 private:
  struct Source {
    uint32_t source = 0;
    uint16_t frame = 0;
    double latest = 0;
  };

  std::vector<Source> sources_;
  Histogram frames_;
};

}  // namespace simpul::load
