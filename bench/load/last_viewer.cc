#include "bench/load/last_viewer.h"

#include <algorithm>

namespace simpul::load {

void LastViewer::add(const peer::MediaStamp& stamp, double delay_milliseconds) {
  if (stamp.frame_packets <= 1) return;
  const auto found = std::ranges::find(sources_, stamp.source, &Source::source);
  if (found == sources_.end()) {
    if (sources_.size() == kSourcesMax) return;
    sources_.push_back(
        {.source = stamp.source, .frame = stamp.frame, .latest = delay_milliseconds});
    return;
  }
  const auto ahead = static_cast<int16_t>(stamp.frame - found->frame);
  if (ahead < 0) return;  // its frame is counted already
  if (ahead > 0) {
    frames_.add(found->latest);
    found->frame = stamp.frame;
    found->latest = 0;
  }
  found->latest = std::max(found->latest, delay_milliseconds);
}

LastViewer& LastViewer::operator+=(const LastViewer& other) {
  frames_ += other.frames_;
  return *this;
}

}  // namespace simpul::load
