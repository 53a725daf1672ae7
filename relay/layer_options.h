#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/time.h"
#include "relay/allocation.h"
#include "relay/feed.h"
#include "relay/layer_target.h"

namespace simpul::relay {

// What there is of one track to choose from: its encodings, and where one has several spatial and
// temporal layers each of these. Written down once for all who watch it.
class LayerOptions {
 public:
  // What was measured since is not looked at.
  static constexpr Duration kAge = std::chrono::milliseconds(500);

  std::span<const LayerOption> of(const std::vector<Feed>& feeds, TimePoint now);
  // What is being sent has changed.
  void forget() { made_at_.reset(); }

 private:
  std::vector<LayerOption> options_;
  std::optional<TimePoint> made_at_;
};

// The layer as a slot is told of it: the highest of an encoding is all of it.
LayerTarget target_of(const LayerId& id, std::span<const LayerOption> options);
// The layer that a slot carries that was told so; nothing when there is no such option.
std::optional<LayerId> id_of(const LayerTarget& target, std::span<const LayerOption> options);
// How people call it: by its rid, and where that has several layers "rid/S1T2".
std::string name_of(const LayerId& id, const std::vector<Feed>& feeds,
                    std::span<const LayerOption> options);

}  // namespace simpul::relay
