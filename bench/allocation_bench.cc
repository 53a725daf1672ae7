#include <benchmark/benchmark.h>

#include <random>
#include <vector>

#include "relay/layer_allocator.h"

namespace simpul::relay {
namespace {

// One decision for twenty slots of three layers with two frame rates each, on a path that carries
// about half of what they would take: once a second for each viewer, and when something changes.
void BM_AllocateTwentySlots(benchmark::State& state) {
  constexpr size_t kSlots = 20;
  std::mt19937_64 random(1);
  std::vector<std::vector<LayerOption>> options(kSlots);
  std::vector<SlotDemand> demands;
  for (size_t slot = 0; slot < kSlots; ++slot) {
    for (uint8_t encoding = 0; encoding < 3; ++encoding) {
      for (uint8_t temporal = 0; temporal < 2; ++temporal) {
        const uint64_t bps = (60'000u + random() % 20'000) * (1 + temporal) << (2 * encoding);
        options[slot].push_back({.id = {.encoding = encoding, .temporal = temporal},
                                 .bitrate_bps = bps,
                                 .width = static_cast<uint16_t>(320u << encoding),
                                 .height = static_cast<uint16_t>(180u << encoding),
                                 .frames_per_second = temporal == 0 ? 15.0 : 30.0});
      }
    }
    demands.push_back({.track = TrackId(static_cast<uint32_t>(slot + 1)),
                       .options = options[slot],
                       .wanted_pixels = 640 * 360});
  }
  LayerAllocator allocator;
  Allocation allocation;
  TimePoint now{std::chrono::hours(1)};
  uint64_t changes = 0;
  for (auto _ : state) {
    now += std::chrono::milliseconds(100);
    // Up and down by a tenth.
    const uint64_t estimate = 7'000'000 + 700'000 * (++changes & 1);
    allocator.allocate({.estimate_bps = estimate, .audio_bps = 96'000, .slots = demands}, now,
                       allocation);
    benchmark::DoNotOptimize(allocation.video_bps);
  }
}
BENCHMARK(BM_AllocateTwentySlots);

}  // namespace
}  // namespace simpul::relay

BENCHMARK_MAIN();
