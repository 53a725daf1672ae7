// What becomes of a stream whose key frames the relay cannot tell from others: frames that are
// encrypted end to end, without a dependency descriptor.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "relay/key_frame_requests.h"
#include "tests/relay/scene.h"

namespace simpul::relay {
namespace {

using namespace testing;
using ::testing::AllOf;
using ::testing::Ge;
using ::testing::IsEmpty;
using ::testing::Le;
using ::testing::SizeIs;

constexpr uint32_t kTrack = 2;
constexpr auto kFrameTime = 33ms;
constexpr int kFramesPerSecond = 30;

class HiddenKeyFramesTest : public ::testing::Test {
 protected:
  void publish(const std::vector<std::string>& layers = {""}) {
    scene_.publish("ana", {video_track(kTrack, layers)});
  }
  SubscriberId watch(LayerChoice choice = LayerChoice::kHighest) {
    return scene_.watch({.participant = "ana", .layer = choice}, {video_slot(10)});
  }
  // A frame of which only the payload descriptor, six bytes, and the tag can be read.
  static std::vector<rtp::MediaPacket> encrypted(Source& source, bool key = false) {
    auto packets = source.frame({.key = key});
    for (auto& packet : packets) {
      for (size_t i = 6; i + 4 < packet.payload_size; ++i) {
        packet.packet->bytes[packet.payload_offset + i] ^= 0x5A;
      }
    }
    return packets;
  }
  // What leaves with the next frame, and how many key frames are asked for meanwhile.
  std::vector<Sent> next(bool key = false) {
    auto sent = scene_.pass(kTrack, encrypted(source_, key));
    requests_ += scene_.requests(kFrameTime);
    return sent;
  }
  // Frames until one leaves; each request is answered by a key frame.
  int frames_until_seen(int limit) {
    for (int frame = 0; frame < limit; ++frame) {
      const size_t before = requests_;
      first_ = next(std::exchange(key_wanted_, false));
      key_wanted_ = requests_ > before;
      if (!first_.empty()) return frame;
    }
    return limit;
  }

  Scene scene_;
  Source source_{scene_.pool, {}};
  size_t requests_ = 0;
  bool key_wanted_ = false;
  std::vector<Sent> first_;
};

TEST_F(HiddenKeyFramesTest, AViewerWaitsTwoSecondsAndIsThenGivenWhatThereIs) {
  publish();
  watch();
  const int frames = frames_until_seen(10 * kFramesPerSecond);
  EXPECT_GE(frames, 2 * kFramesPerSecond);
  EXPECT_LE(frames, 3 * kFramesPerSecond);
  EXPECT_EQ(requests_, 3u);
  ASSERT_THAT(first_, SizeIs(3)) << "a whole frame";
  EXPECT_TRUE(first_[0].vp8().starts_frame());
  for (int i = 0; i < 3 * kFramesPerSecond; ++i) EXPECT_THAT(next(), SizeIs(3));
  EXPECT_EQ(requests_, 3u) << "nobody waits any more";
}

TEST_F(HiddenKeyFramesTest, TheNextViewersBeginAtOnceAndGetAKeyFrameToo) {
  publish();
  watch();
  frames_until_seen(10 * kFramesPerSecond);
  for (int viewer = 0; viewer < 3; ++viewer) {
    scene_.advance(2s);
    const size_t before = requests_;
    watch();
    next();
    EXPECT_THAT(next(), SizeIs(3u * (2 + static_cast<size_t>(viewer))));
    EXPECT_EQ(requests_, before + 1);
  }
}

TEST_F(HiddenKeyFramesTest, AComplaintIsPassedOnOnce) {
  publish();
  const auto watcher = watch();
  frames_until_seen(10 * kFramesPerSecond);
  scene_.advance(2s);
  const size_t before = requests_;
  scene_.relay.receive_key_frame_request(watcher, rtp::Ssrc(10), scene_.now);
  for (int i = 0; i < 5 * kFramesPerSecond; ++i) next();
  EXPECT_EQ(requests_, before + 1);
}

TEST_F(HiddenKeyFramesTest, AKeyFrameThatShowsIsWaitedForAgain) {
  publish();
  watch();
  frames_until_seen(10 * kFramesPerSecond);
  scene_.pass(kTrack, source_.frame({.key = true}));
  scene_.advance(2s);
  watch();
  EXPECT_THAT(next(), SizeIs(3)) << "of the first viewer alone";
  EXPECT_THAT(scene_.pass(kTrack, source_.frame({.key = true})), SizeIs(6));
}

TEST_F(HiddenKeyFramesTest, KeyFramesThatLoseTheirBeginningsHideNothing) {
  publish();
  watch();
  scene_.pass(kTrack, source_.frame({.key = true}));
  scene_.advance(3s);  // too long ago to begin with
  const auto second = watch();
  const auto sent_to_second = [&](std::vector<rtp::MediaPacket> packets) {
    const auto sent = scene_.pass(kTrack, std::move(packets));
    requests_ += scene_.requests(kFrameTime);
    return std::ranges::count(sent, second, &Sent::subscriber);
  };
  for (size_t answered = 0; answered < 4;) {
    auto frame = source_.frame({.key = requests_ > answered});
    if (requests_ > answered) {
      frame.erase(frame.begin());
      ++answered;
    }
    EXPECT_EQ(sent_to_second(std::move(frame)), 0) << "began in mid-stream";
  }
  EXPECT_EQ(sent_to_second(source_.frame({.key = true})), 3);
}

TEST_F(HiddenKeyFramesTest, ASourceThatSendsNothingHidesNothing) {
  publish();
  watch();
  next();
  for (int second = 0; second < 10; ++second) scene_.advance(1s);
  EXPECT_THAT(next(), IsEmpty());
  EXPECT_THAT(scene_.pass(kTrack, source_.frame({.key = true})), SizeIs(3));
}

TEST_F(HiddenKeyFramesTest, ALayerThatIsBeingSentIsNotLeftForOneThatHides) {
  publish({"q", "f"});
  Source large(scene_.pool, {.ssrc = 9, .width = 1280, .height = 720, .first_tag = 1'000'000});
  const auto watcher = watch(LayerChoice::kHigh);
  const auto carried = [&] { return scene_.relay.slots_of(watcher)[0].layer.value_or("none"); };
  scene_.pass(kTrack, source_.frame({.key = true}), 0);
  EXPECT_EQ(carried(), "q");
  const auto both = [&](bool small_too) {
    if (small_too) scene_.receive(kTrack, source_.frame({}), 0);
    scene_.pass(kTrack, encrypted(large), 1);
    scene_.advance(kFrameTime);
  };
  for (int i = 0; i < 5 * kFramesPerSecond; ++i) both(true);
  EXPECT_EQ(carried(), "q");
  for (int i = 0; i < 2 * kFramesPerSecond; ++i) both(false);
  EXPECT_EQ(carried(), "f") << "nothing is lost by it any more";
}

TEST_F(HiddenKeyFramesTest, ALayerThatIsWaitedForIsAskedForAgainButSlowly) {
  publish({"q", "f"});
  Source large(scene_.pool, {.ssrc = 9, .width = 1280, .height = 720, .first_tag = 1'000'000});
  const auto watcher = watch(LayerChoice::kHigh);
  const auto carried = [&] { return scene_.relay.slots_of(watcher)[0].layer.value_or("none"); };
  scene_.pass(kTrack, source_.frame({.key = true}), 0);
  const auto requests_in = [&](Duration time) {
    size_t requests = 0;
    for (Duration passed{}; passed < time; passed += kFrameTime) {
      scene_.receive(kTrack, source_.frame({}), 0);
      scene_.pass(kTrack, encrypted(large), 1);
      requests += scene_.requests(kFrameTime);
    }
    return requests;
  };
  requests_in(5s);
  const auto repetitions = static_cast<size_t>(1min / KeyFrameRequests::kRepeatHiddenAfter);
  EXPECT_THAT(requests_in(1min), AllOf(Ge(repetitions - 1), Le(repetitions)))
      << "one that was lost is made up for, and key frames that nobody can use cost little";
  EXPECT_EQ(carried(), "q");
  scene_.receive(kTrack, source_.frame({}), 0);
  scene_.pass(kTrack, large.frame({.key = true}), 1);
  EXPECT_EQ(carried(), "f");
  EXPECT_EQ(requests_in(1min), 0u);
}

}  // namespace
}  // namespace simpul::relay
