// A slot that begins with an earlier key frame catches up as fast as its path carries.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "relay/replay_queue.h"
#include "tests/relay/scene.h"

namespace simpul::relay {
namespace {

using namespace testing;
using ::testing::IsEmpty;

constexpr uint32_t kRate = 90'000;
constexpr int64_t kFrameTicks = 3'000;

struct Picture {
  int64_t ticks = 0;
  size_t bytes = 0;
};

// `frames` of 30 a second at so many bit/s behind a key frame of so many bytes.
std::vector<Picture> pictures(size_t key, size_t frames, uint64_t bps) {
  std::vector<Picture> made = {{0, key}};
  for (size_t i = 1; i <= frames; ++i) {
    made.push_back({static_cast<int64_t>(i) * kFrameTicks, static_cast<size_t>(bps / 8 / 30)});
  }
  return made;
}

std::optional<int64_t> speed_on(uint64_t path_bps, const std::vector<Picture>& pictures) {
  ReplayQueue queue(path_bps, kRate);
  for (const Picture& picture : pictures) {
    queue.add(picture.ticks, picture.bytes - ReplayQueue::kHeaders);
  }
  return queue.fastest(pictures.back().ticks);
}

TEST(ReplayQueueTest, TheNarrowerThePathTheSlowerIsTheReplay) {
  const auto layer = pictures(20'000, 45, 1'000'000);
  EXPECT_EQ(speed_on(4'000'000, layer), 4);
  EXPECT_EQ(speed_on(3'000'000, layer), 3);
  EXPECT_EQ(speed_on(2'000'000, layer), 2);
  EXPECT_EQ(speed_on(1'000'000, layer), std::nullopt);
  EXPECT_EQ(speed_on(0, layer), std::nullopt);
}

TEST(ReplayQueueTest, WhatIsSoonCaughtUpWithMayTakeMoreThanThePathCarries) {
  EXPECT_EQ(speed_on(1'100'000, pictures(20'000, 2, 1'000'000)), 4);
  EXPECT_EQ(speed_on(1'100'000, pictures(20'000, 60, 1'000'000)), std::nullopt);
}

TEST(ReplayQueueTest, AKeyFrameIsNoReasonToWaitForAnotherThatIsAsLarge) {
  EXPECT_EQ(speed_on(1'000'000, pictures(60'000, 30, 200'000)), 4);
}

// The bytes that a replay has in the queue of a path at most, the live stream behind it.
double queue_of(const std::vector<Picture>& pictures, int64_t speed, double bytes_a_second) {
  const double age = static_cast<double>(pictures.back().ticks) / kRate;
  const double mean = [&] {
    double sum = 0;
    for (size_t i = 1; i < pictures.size(); ++i) sum += static_cast<double>(pictures[i].bytes);
    return sum / static_cast<double>(pictures.size() - 1);
  }();
  auto all = pictures;
  const double live_from = age * static_cast<double>(speed) / static_cast<double>(speed - 1);
  while (static_cast<double>(all.back().ticks) / kRate < live_from) {
    all.push_back({all.back().ticks + kFrameTicks, static_cast<size_t>(mean)});
  }
  double queue = 0;
  double most = 0;
  double last = 0;
  for (const Picture& one : all) {
    const double at = static_cast<double>(one.ticks) / kRate / static_cast<double>(speed);
    queue = std::max(queue - (at - last) * bytes_a_second, 0.0) + static_cast<double>(one.bytes);
    most = std::max(most, queue);
    last = at;
  }
  return most;
}

TEST(ReplayQueueTest, WhateverTheLayerTheQueueStaysBounded) {
  std::mt19937 random(1);
  const auto any = [&](int low, int high) {
    return std::uniform_int_distribution<int>(low, high)(random);
  };
  size_t replayed = 0;
  for (int round = 0; round < 5'000; ++round) {
    std::vector<Picture> layer = {{0, static_cast<size_t>(any(1'000, 60'000))}};
    const int mean = any(100, 10'000);
    for (int i = 1; i <= any(2, 60); ++i) {
      layer.push_back({i * kFrameTicks, static_cast<size_t>(any(mean / 2, mean * 3 / 2))});
    }
    const int path_bps = any(50'000, 5'000'000);
    const auto speed = speed_on(static_cast<uint64_t>(path_bps), layer);
    if (!speed) continue;
    ++replayed;
    const double bytes_a_second = path_bps / 8.0;
    const double most = queue_of(layer, *speed, bytes_a_second);
    const double frame = mean;  // it may have come a moment later
    ASSERT_LE(most, static_cast<double>(layer[0].bytes) + 0.1 * bytes_a_second + 2 * frame);
  }
  EXPECT_GT(replayed, 1'000u);
}

constexpr uint32_t kTrack = 2;
constexpr uint32_t kSsrc = 10;
constexpr auto kFrameTime = Duration(33'333);

// Somebody sends a small layer of 0.13 Mbit/s and a large one of 1 Mbit/s; both have a key frame a
// second ago when somebody comes who is there after it.
class ReplaySpeedTest : public ::testing::Test {
 protected:
  ReplaySpeedTest() {
    scene_.publish("ana", {video_track(kTrack, {"q", "f"})});
    scene_.watch({.participant = "ana", .layer = LayerChoice::kLow}, {video_slot(50)});
    scene_.watch({.participant = "ana", .layer = LayerChoice::kHigh}, {video_slot(60)});
    for (int i = 0; i < 70; ++i) send(i % 40 == 0);
  }

  void send(bool key) {
    scene_.receive(kTrack, small_.frame({.key = key, .packets = 1, .packet_size = 500}), 0);
    scene_.receive(kTrack,
                   large_.frame({.key = key, .packets = key ? 12u : 4u, .packet_size = 1'000}), 1);
    for (int i = 0; i < 33; ++i) {
      requests_ += scene_.requests();
      keep();
      scene_.now += 1ms;
    }
    scene_.now += kFrameTime - 33ms;
  }
  void keep() {
    for (const Sent& sent : scene_.collect()) {
      if (sent.subscriber == joiner_) seen_.push_back(sent);
    }
  }
  void join(const std::optional<PathEstimate>& path) {
    requests_ = 0;
    joiner_ = scene_.relay.add_subscriber("room", {.participant = "ana"},
                                          std::vector{video_slot(kSsrc)}, scene_.now);
    scene_.relay.set_estimate(joiner_, path, scene_.now);
    scene_.relay.start_subscriber(joiner_, scene_.now);
    keep();
  }
  std::string layer() const { return scene_.relay.slots_of(joiner_)[0].layer.value_or("none"); }
  // How many frames of the publisher until the newest leaves as it comes.
  int frames_until_live() {
    for (int frames = 0; frames < 100; ++frames) {
      const uint32_t newest = large_.at().first_tag - 1;
      if (!seen_.empty() && seen_.back().tag() == newest &&
          scene_.relay.next_collect(0ms) == kNever) {
        return frames;
      }
      send(false);
    }
    return 100;
  }

  Scene scene_;
  Source small_{scene_.pool, {.ssrc = 9, .width = 320, .height = 180}};
  Source large_{scene_.pool, {.ssrc = 10, .width = 1280, .height = 720, .first_tag = 1'000'000}};
  SubscriberId joiner_;
  std::vector<Sent> seen_;
  size_t requests_ = 0;
};

TEST_F(ReplaySpeedTest, AWidePathIsCaughtUpOnSoonerThanANarrowOne) {
  join(PathEstimate{.bps = 6'000'000});
  EXPECT_EQ(layer(), "f");
  const int wide = frames_until_live();
  scene_.relay.remove_subscriber(joiner_);
  for (int i = 0; i < 30; ++i) send(i == 0);
  seen_.clear();
  join(PathEstimate{.bps = 2'200'000});
  EXPECT_EQ(layer(), "f");
  const int narrow = frames_until_live();
  EXPECT_LE(wide, 12) << "a third of a second";
  EXPECT_GE(narrow, 25) << "as long as the key frame was ago";
  EXPECT_LE(narrow, 34);
  EXPECT_EQ(requests_, 0u);
}

TEST_F(ReplaySpeedTest, WhereThePathIsTooNarrowASmallerLayerMakesDo) {
  join(PathEstimate{.bps = 900'000});
  EXPECT_EQ(layer(), "q");
  send(false);
  EXPECT_EQ(requests_, 1u) << "for the layer that it should carry";
}

TEST_F(ReplaySpeedTest, WhereNoLayerFitsTheNextKeyFrameIsWaitedFor) {
  join(PathEstimate{.bps = 50'000});
  send(false);
  EXPECT_THAT(seen_, IsEmpty());
  EXPECT_GE(requests_, 1u);
}

TEST_F(ReplaySpeedTest, NothingIsReplayedOntoAFullPath) {
  join(PathEstimate{.bps = 6'000'000, .is_full = true});
  send(false);
  EXPECT_THAT(seen_, IsEmpty());
  EXPECT_GE(requests_, 1u);
  send(true);
  EXPECT_EQ(layer(), "q") << "the smallest, while the path is full";
}

TEST_F(ReplaySpeedTest, WhatOtherSlotsAreSentIsNotThereForIt) {
  scene_.publish("bo", {video_track(kTrack + 1)});
  Source other(scene_.pool, {.ssrc = 12, .timestamp = 9, .first_tag = 2'000'000});
  requests_ = 0;
  joiner_ = scene_.watch({.participant = "bo"}, {video_slot(70)});
  const auto both = scene_.relay.add_subscriber(
      "room", {}, std::vector{video_slot(kSsrc), video_slot(20)}, scene_.now);
  scene_.relay.start_subscriber(both, scene_.now);
  for (int i = 0; i < 100; ++i) {
    scene_.receive(kTrack + 1, other.frame({.key = i == 0, .packets = 4, .packet_size = 1'000}));
    send(i == 70);
  }
  // 2.2 Mbit/s would do for the one alone; the other has nearly half of it.
  scene_.relay.set_estimate(both, PathEstimate{.bps = 2'200'000}, scene_.now);
  const auto before = scene_.relay.counters().starts_from_cache;
  for (const bool paused : {true, false}) {
    const auto slots = scene_.relay.slots_of(both);
    const auto slot = std::ranges::find(slots, "ana", &SlotState::participant);
    ASSERT_NE(slot, slots.end());
    scene_.relay.set_viewing(both, slot->ssrc, {.is_paused = paused}, scene_.now);
    scene_.advance(100ms);
    scene_.advance(100ms);
  }
  const auto slots = scene_.relay.slots_of(both);
  const auto slot = std::ranges::find(slots, "ana", &SlotState::participant);
  EXPECT_EQ(slot->layer, "q");
  EXPECT_EQ(scene_.relay.counters().starts_from_cache, before + 1);
}

TEST_F(ReplaySpeedTest, OnAPathOfWhichNothingIsKnownItBeginsAtOnceAndNoFasterThanASmallOneCarries) {
  join(std::nullopt);
  EXPECT_EQ(layer(), "f");
  EXPECT_FALSE(seen_.empty());
  const int frames = frames_until_live();
  EXPECT_GE(frames, 13) << "a megabit a second at three times its speed";
  EXPECT_LE(frames, 20);
}

}  // namespace
}  // namespace simpul::relay
