#include <benchmark/benchmark.h>

#include <vector>

#include "rtp/header_extensions.h"
#include "rtp/nack_tracker.h"
#include "rtp/packet_view.h"
#include "tests/support/rtp_packets.h"

namespace simpul::rtp {
namespace {

using namespace std::chrono_literals;

// 500,000 packets a second and core are 2 µs each: parsing may take a hundredth of that.
void BM_ParsePacket(benchmark::State& state) {
  auto bytes = testing::make_packet({.payload = std::vector<uint8_t>(1'100)});
  for (auto _ : state) {
    benchmark::DoNotOptimize(bytes.data());
    benchmark::DoNotOptimize(PacketView::parse(bytes));
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_ParsePacket);

// Header extensions as a browser's video packet has them: mid, send time, transport-wide number.
void BM_ReadExtensions(benchmark::State& state) {
  const std::vector<uint8_t> mid = {'1'};
  const std::vector<uint8_t> time = {1, 2, 3};
  const std::vector<uint8_t> number = {4, 5};
  const std::vector<ExtensionElement> elements = {{4, mid}, {2, time}, {3, number}};
  std::vector<uint8_t> block(64);
  block.resize(write_extensions(elements, block));
  const Bytes data = Bytes(block).subspan(4);
  for (auto _ : state) {
    ExtensionReader reader(load_be16(Bytes(block).first<2>()), data);
    size_t count = 0;
    while (reader.next()) ++count;
    benchmark::DoNotOptimize(count);
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_ReadExtensions);

// A stream in which every n-th packet is lost, asked for and repaired.
void BM_TrackLosses(benchmark::State& state) {
  const auto every = static_cast<uint64_t>(state.range(0));
  NackTracker tracker;
  std::vector<SequenceNumber> due;
  TimePoint now{10s};
  uint64_t number = 1;
  uint64_t lost = 0;
  for (auto _ : state) {
    now += 1ms;
    if (++number % every == 0) {
      lost = number;
      continue;
    }
    tracker.on_packet(SequenceNumber(static_cast<uint16_t>(number)), now);
    if (tracker.next_deadline() > now) continue;
    due.clear();
    tracker.collect_due(now, due);
    if (lost != 0) tracker.on_packet(SequenceNumber(static_cast<uint16_t>(lost)), now);
    lost = 0;
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_TrackLosses)->ArgName("every")->Arg(1'000'000)->Arg(100)->Arg(20);

}  // namespace
}  // namespace simpul::rtp

BENCHMARK_MAIN();
