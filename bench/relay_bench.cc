#include <benchmark/benchmark.h>

#include "tests/relay/layered_source.h"
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

// The same of a layered stream, of which each slot carries two of three spatial and two of three
// temporal layers: `considered` counts what came for each slot, whether it left or not.
void collect_layers(benchmark::State& state, const LayeredSource::Options& options) {
  Scene scene;
  auto track = video_track(2);
  track.codec = options.codec;
  scene.publish("ana", {track});
  LayeredSource source(scene.pool, options);
  const auto pass = [&](bool key) {
    scene.now += 33ms;
    scene.receive(2, source.picture(key, 3));
  };
  for (int64_t i = 0; i < state.range(0); ++i) {
    const auto watcher = scene.watch({}, {video_slot(10)});
    scene.relay.set_target(watcher, rtp::Ssrc(10), LayerTarget{.spatial = 1, .temporal = 1},
                           scene.now);
  }
  pass(true);
  scene.collect();
  double considered = 0;
  for (auto _ : state) {
    state.PauseTiming();
    pass(false);
    state.ResumeTiming();
    SubscriberBatch batch;
    while (scene.relay.collect(scene.now, 0ms, batch)) benchmark::DoNotOptimize(batch);
    considered += 3.0 * options.spatial_layers * static_cast<double>(state.range(0));
  }
  state.counters["considered"] =
      benchmark::Counter(considered, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}
void BM_CollectVp8Layers(benchmark::State& state) {
  collect_layers(state, {.codec = rtp::Codec::kVp8, .spatial_layers = 1});
}
void BM_CollectVp9Layers(benchmark::State& state) { collect_layers(state, {}); }
void BM_CollectAv1Layers(benchmark::State& state) {
  collect_layers(state, {.codec = rtp::Codec::kAv1});
}
BENCHMARK(BM_CollectVp8Layers)->Arg(100);
BENCHMARK(BM_CollectVp9Layers)->Arg(100);
BENCHMARK(BM_CollectAv1Layers)->Arg(100);

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

// A NACK of sixteen packets, which are looked up, rewritten as RTX and collected.
void BM_ReceiveNack(benchmark::State& state) {
  constexpr size_t kMissing = 16;
  Scene scene;
  scene.publish("ana", {video_track(2)});
  const SubscriberId watcher = scene.watch({}, {video_slot(10)});
  scene.relay.set_round_trip(watcher, 20ms);
  Source source(scene.pool, {});
  size_t again = 0;
  for (auto _ : state) {
    state.PauseTiming();
    scene.now += 1s;  // what was asked for has not been asked for before
    const auto sent =
        scene.pass(2, source.frame({.key = true, .packets = kMissing, .packet_size = 1'100}));
    std::vector<rtp::SequenceNumber> missing;
    for (const Sent& packet : sent) {
      missing.push_back(rtp::SequenceNumber(static_cast<uint16_t>(packet.index)));
    }
    state.ResumeTiming();
    scene.relay.receive_nack(watcher, rtp::Ssrc(10), missing, scene.now);
    SubscriberBatch batch;
    while (scene.relay.collect(scene.now, 0ms, batch)) again += batch.packets.size();
  }
  state.counters["sent_again"] =
      static_cast<double>(again) / static_cast<double>(state.iterations());
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kMissing));
}
BENCHMARK(BM_ReceiveNack);

// A stream that begins anew: every slot takes its numbers from the first key frame. What a switch
// costs, to be compared with BM_CollectFrame.
void BM_Switch(benchmark::State& state) {
  Scene scene;
  scene.publish("ana", {video_track(2)});
  for (int64_t i = 0; i < state.range(0); ++i) scene.watch({}, {video_slot(10)});
  Source source(scene.pool, {});
  size_t packets = 0;
  for (auto _ : state) {
    state.PauseTiming();
    scene.now += 33ms;
    scene.relay.interrupt(TrackId(2), 0);
    scene.receive(2, source.frame({.key = true, .packets = 8, .packet_size = 1'100}));
    state.ResumeTiming();
    SubscriberBatch batch;
    while (scene.relay.collect(scene.now, 0ms, batch)) packets += batch.packets.size();
  }
  state.counters["per_packet"] = benchmark::Counter(
      static_cast<double>(packets), benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}
BENCHMARK(BM_Switch)->Arg(100);

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
