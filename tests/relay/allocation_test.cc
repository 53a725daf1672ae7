#include <gtest/gtest.h>

#include <cstdlib>
#include <new>

#include "tests/relay/scene.h"

namespace {

size_t allocations = 0;

}  // namespace

// Counts what the whole program allocates.
void* operator new(size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }

namespace simpul::relay {
namespace {

using namespace testing;

TEST(RelayAllocation, ForwardsAHundredThousandPacketsWithoutAllocating) {
  constexpr size_t kSubscribers = 50;
  constexpr size_t kFrames = 250;
  Scene scene;
  scene.publish("ana", {audio_track(1), video_track(2)});
  for (size_t i = 0; i < kSubscribers; ++i) scene.watch({}, {audio_slot(1), video_slot(10)});
  Source source(scene.pool, {});
  Source voice(scene.pool, {.ssrc = 7, .codec = rtp::Codec::kOpus});
  Output out;
  out.reports.reserve(2 * kSubscribers);
  size_t packets = 0;
  size_t counted = 0;
  const auto pass = [&](bool key) {
    auto frame = source.frame({.key = key, .packets = 8, .packet_size = 1'100});
    auto sound = voice.audio();
    scene.now += 33ms;
    const size_t before = allocations;
    for (auto& packet : frame) scene.relay.receive(TrackId(2), 0, std::move(packet), scene.now);
    scene.relay.receive(TrackId(1), 0, std::move(sound), scene.now);
    SubscriberBatch batch;
    while (scene.relay.collect(scene.now, 0ms, batch)) packets += batch.packets.size();
    out.reports.clear();
    out.key_frame_requests.clear();
    scene.relay.advance(scene.now, out);
    counted += allocations - before;
  };
  // Every buffer gets its size.
  for (int i = 0; i < 10; ++i) pass(i == 0);

  packets = 0;
  counted = 0;
  for (size_t i = 0; i < kFrames; ++i) pass(false);
  EXPECT_EQ(packets, kFrames * 9 * kSubscribers);
  EXPECT_GE(packets, 100'000u);
  EXPECT_EQ(counted, 0u);
}

}  // namespace
}  // namespace simpul::relay
