#pragma once

#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

#include "base/time.h"
#include "relay/layer_allocator.h"

namespace simpul::congestion {

// What a relay sends to one viewer: slots with a track of several layers each, shared out by the
// allocator. A layer is left or begun with a key frame, which takes a moment to come.
class LayeredSource {
 public:
  // The bitrates of the layers, lowest first; each is twice as wide as the one before.
  // A key frame is as large as so many ordinary ones.
  LayeredSource(const std::vector<double>& layers, size_t slots, double audio_bps,
                double key_frame_size);

  // Once a frame: how many bits leave now of all slots.
  double frame_bits(const std::optional<relay::PathEstimate>& estimate, TimePoint now);
  // What to probe for, 0 for nothing; not told while nothing is known of the path.
  std::optional<double> probe_bps() const { return probe_bps_; }
  // The layer that each slot carries; negative when it pauses.
  const std::vector<int>& layers() const { return carried_; }
  bool take_changed() { return std::exchange(is_changed_, false); }
  // Nobody repairs any more what left before.
  bool take_ended() { return std::exchange(is_ended_, false); }

 private:
  void allocate(const std::optional<relay::PathEstimate>& estimate, TimePoint now);

  std::vector<relay::LayerOption> options_;
  uint64_t audio_bps_;
  double key_frame_size_;
  relay::LayerAllocator allocator_;
  relay::Allocation allocation_;
  std::vector<int> carried_;
  std::vector<int> granted_;
  std::vector<TimePoint> key_frame_at_;
  bool is_changed_ = false;
  bool is_ended_ = false;
  bool knew_path_ = false;
  std::optional<double> probe_bps_;
};

}  // namespace simpul::congestion
