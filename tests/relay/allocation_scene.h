#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "relay/layer_allocator.h"

namespace simpul::relay::testing {

using namespace std::chrono_literals;

inline constexpr uint32_t kSmallPixels = 320 * 180;
inline constexpr uint32_t kMediumPixels = 640 * 360;

inline LayerOption simulcast(uint8_t encoding, uint64_t bps) {
  const auto width = static_cast<uint16_t>(320u << encoding);
  return {.id = {.encoding = encoding},
          .bitrate_bps = bps,
          .width = width,
          .height = static_cast<uint16_t>(width / 16 * 9),
          .frames_per_second = 30};
}

// 320 x 180, 640 x 360 and 1280 x 720.
inline std::vector<LayerOption> three_layers() {
  return {simulcast(0, 150'000), simulcast(1, 500'000), simulcast(2, 1'500'000)};
}

// One connection: its slots, what they carry, and an allocator that is asked ten times a second.
class AllocationScene {
 public:
  struct Seat {
    uint32_t track = 1;
    std::vector<LayerOption> options = three_layers();
    std::optional<uint32_t> wanted_pixels = {};
    uint8_t priority = 1;
    bool is_paused = false;
    std::optional<LayerId> carried = {};
  };

  const Allocation& allocate(std::optional<uint64_t> estimate_bps) {
    std::vector<SlotDemand> demands;
    for (const Seat& seat : seats) {
      demands.push_back(
          {.track = seat.track == 0 ? std::nullopt : std::optional<TrackId>(seat.track),
           .options = seat.options,
           .wanted_pixels = seat.wanted_pixels,
           .priority = seat.priority,
           .is_paused = seat.is_paused,
           .carried = seat.carried});
    }
    allocator.allocate({.estimate_bps = estimate_bps,
                        .arriving_bps = arriving_bps,
                        .is_path_full = is_path_full,
                        .is_path_silent = is_path_silent,
                        .audio_bps = audio_bps,
                        .slots = demands},
                       now, result);
    return result;
  }
  // What is granted is carried at once.
  const Allocation& run(std::optional<uint64_t> estimate_bps, Duration duration) {
    for (const TimePoint end = now + duration; now < end; now += 100ms) {
      allocate(estimate_bps);
      carry();
    }
    return allocate(estimate_bps);
  }
  // What comes of an estimate that stays for long, in few steps.
  const Allocation& settle(uint64_t estimate_bps) {
    for (int step = 0; step < 4; ++step, now += RecentMinimum::kGeneration) {
      allocate(estimate_bps);
      carry();
    }
    return allocate(estimate_bps);
  }
  void carry() {
    for (size_t i = 0; i < result.slots.size(); ++i) seats[i].carried = result.slots[i].layer;
  }
  // The encoding that a slot carries; -1 for none.
  int encoding(size_t slot) const {
    const auto& layer = result.slots[slot].layer;
    return layer ? layer->encoding : -1;
  }
  std::vector<int> encodings() const {
    std::vector<int> all;
    for (size_t slot = 0; slot < result.slots.size(); ++slot) all.push_back(encoding(slot));
    return all;
  }
  GrantCause cause(size_t slot = 0) const { return result.slots[slot].cause; }

  std::vector<Seat> seats{Seat{}};
  uint64_t audio_bps = 0;
  uint64_t arriving_bps = 0;
  bool is_path_full = false;
  bool is_path_silent = false;
  TimePoint now{1h};
  LayerAllocator allocator;
  Allocation result;
};

}  // namespace simpul::relay::testing
