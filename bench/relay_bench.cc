#include <benchmark/benchmark.h>

#include "tests/relay/scene.h"

namespace simpul::relay {
namespace {

using namespace testing;

// What the relay itself costs for each packet that leaves: one frame of eight packets to so many
// subscribers. Beside it a packet costs 250 ns to encrypt and send in the best case, so this may
// be a few tens.
void BM_CollectFrame(benchmark::State& state) {
  constexpr size_t kPackets = 8;
  Scene scene;
  scene.publish("ana", {audio_track(1), video_track(2)});
  for (int64_t i = 0; i < state.range(0); ++i) scene.watch({}, {audio_slot(1), video_slot(10)});
  Source source(scene.pool, {});
  const auto pass = [&](bool key) {
    scene.now += 33ms;
    scene.receive(2, source.frame({.key = key, .packets = kPackets, .packet_size = 1'100}));
  };
  const auto collect = [&] {
    size_t packets = 0;
    SubscriberBatch batch;
    while (scene.relay.collect(scene.now, 0ms, batch)) {
      packets += batch.packets.size();
      benchmark::DoNotOptimize(batch.packets.data());
    }
    return packets;
  };
  pass(true);
  collect();

  size_t packets = 0;
  for (auto _ : state) {
    state.PauseTiming();
    pass(false);
    state.ResumeTiming();
    packets += collect();
  }
  state.counters["per_packet"] = benchmark::Counter(
      static_cast<double>(packets), benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}
BENCHMARK(BM_CollectFrame)->Arg(100)->Arg(500)->Arg(3000);

// The same for one packet of audio, where visiting the subscriber is most of it.
void BM_CollectAudio(benchmark::State& state) {
  Scene scene;
  scene.publish("ana", {audio_track(1), video_track(2)});
  for (int64_t i = 0; i < state.range(0); ++i) scene.watch({}, {audio_slot(1), video_slot(10)});
  Source source(scene.pool, {.codec = rtp::Codec::kOpus});
  size_t packets = 0;
  for (auto _ : state) {
    state.PauseTiming();
    scene.now += 20ms;
    std::vector<rtp::MediaPacket> voice;
    voice.push_back(source.audio());
    scene.receive(1, std::move(voice));
    state.ResumeTiming();
    SubscriberBatch batch;
    while (scene.relay.collect(scene.now, 0ms, batch)) packets += batch.packets.size();
  }
  state.counters["per_packet"] = benchmark::Counter(
      static_cast<double>(packets), benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}
BENCHMARK(BM_CollectAudio)->Arg(500)->Arg(3000);

// What comes in: numbered, read, kept.
void BM_ReceiveFrame(benchmark::State& state) {
  Scene scene;
  scene.publish("ana", {video_track(2)});
  scene.watch({}, {video_slot(10)});
  Source source(scene.pool, {});
  SubscriberBatch batch;
  for (auto _ : state) {
    state.PauseTiming();
    auto frame = source.frame({.key = false, .packets = 8, .packet_size = 1'100});
    scene.now += 33ms;
    state.ResumeTiming();
    scene.receive(2, std::move(frame));
    while (scene.relay.collect(scene.now, 0ms, batch)) {
    }
  }
  state.SetItemsProcessed(state.iterations() * 8);
}
BENCHMARK(BM_ReceiveFrame);

}  // namespace
}  // namespace simpul::relay

BENCHMARK_MAIN();
