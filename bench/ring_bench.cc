#include <benchmark/benchmark.h>

#include <memory>
#include <thread>

#include "node/spsc_ring.h"

namespace simpul::node {
namespace {

constexpr size_t kCapacity = 4'096;
struct Entry {
  uint64_t number = 0;
  void* packet = nullptr;
};
using Ring = SpscRing<Entry, kCapacity>;

// Batches from one side to the other of a ring, on one thread: what passing costs by itself.
void BM_PassBatch(benchmark::State& state) {
  const auto ring = std::make_unique<Ring>();
  const auto batch = static_cast<uint64_t>(state.range(0));
  Entry entry;
  for (auto _ : state) {
    for (uint64_t i = 0; i < batch; ++i) ring->push({.number = i});
    ring->publish();
    while (ring->pop(entry)) benchmark::DoNotOptimize(entry);
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_PassBatch)->ArgName("batch")->Arg(1)->Arg(9)->Arg(64);

// The same with the other side on a thread of its own, which moves cache lines between two cores.
void BM_PassBatchAcross(benchmark::State& state) {
  const auto ring = std::make_unique<Ring>();
  const auto batch = static_cast<uint64_t>(state.range(0));
  std::jthread consumer([&ring](const std::stop_token& stop) {
    Entry entry;
    while (!stop.stop_requested()) {
      while (ring->pop(entry)) benchmark::DoNotOptimize(entry);
      std::this_thread::yield();
    }
  });
  for (auto _ : state) {
    for (uint64_t i = 0; i < batch; ++i) {
      while (!ring->push({.number = i})) std::this_thread::yield();
    }
    ring->publish();
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_PassBatchAcross)->ArgName("batch")->Arg(9)->Arg(64)->Iterations(20'000)->UseRealTime();

}  // namespace
}  // namespace simpul::node

BENCHMARK_MAIN();
