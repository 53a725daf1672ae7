// What simpul-load sends and sees, through a relay.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>

#include "bench/load/viewer_media.h"
#include "rtp/rtcp_reader.h"
#include "tests/integration/live_node.h"

namespace simpul::testing {
namespace {

using enum rtp::Codec;

// A viewer who counts and answers.
struct Watcher {
  LiveGuest* guest = nullptr;
  load::ViewerMedia media{rtp::Ssrc(77)};
};

class SyntheticPeople : public ::testing::TestWithParam<rtp::Codec> {
 protected:
  static constexpr uint64_t kSeed = 3;

  LiveGuest& publish(const peer::VideoProfile& profile) {
    peer::Options options{.rids = {}, .codecs = {profile.codec}, .all_extensions = true};
    for (const auto& layer : profile.layers) {
      if (!layer.rid.empty()) options.rids.push_back(layer.rid);
    }
    LiveGuest& guest = live_.publish("stage", "alice", options);
    guest.socket->sources().clear();
    for (size_t i = 0; i < profile.layers.size(); ++i) {
      guest.socket->add_source(peer::MediaSource::video("1", profile, i, {.seed = kSeed}));
    }
    return guest;
  }
  Watcher& watch(peer::Options options = {}) {
    options.codecs = {kVp8, kVp9, kH264, kAv1};
    options.all_extensions = true;
    watchers_.push_back(std::make_unique<Watcher>());
    Watcher& watcher = *watchers_.back();
    watcher.guest = &live_.watch("stage", "viewer" + std::to_string(watchers_.size()), {},
                                 relay::LayerChoice::kHighest, {}, options);
    watcher.guest->on_rtp = [&watcher](const peer::Peer::Received& received, TimePoint now) {
      watcher.media.receive(received, now);
    };
    watcher.guest->on_rtcp = [this, &watcher](Bytes compound) {
      watcher.media.receive_rtcp(compound, live_.loop().now());
    };
    return watcher;
  }
  bool run_until(const std::function<bool()>& done) {
    return live_.run_until([&] {
      for (const auto& watcher : watchers_) {
        std::vector<std::vector<uint8_t>> compounds;
        watcher->media.write_due(net::EventLoop::clock_now(), compounds);
        if (!watcher->guest->connected()) continue;
        for (const auto& compound : compounds) {
          watcher->guest->socket->send(watcher->guest->socket->peer().seal_rtcp(compound));
        }
      }
      return done();
    });
  }
  // Runs until the publisher has made so many packets more, and all of them are there or lost.
  // Returns how many those are.
  uint64_t run_for_packets(LiveGuest& publisher, Watcher& watcher, uint64_t count) {
    peer::MediaSource& source = publisher.socket->sources().back();
    const uint64_t first = source.packets();
    watcher.media.measure(source.ssrc().value(), static_cast<uint32_t>(first));
    EXPECT_TRUE(run_until([&] { return source.packets() >= first + count; }));
    const uint64_t end = source.packets();
    watcher.media.measure_until(source.ssrc().value(), static_cast<uint32_t>(end));
    run_until([&] { return watcher.media.counts().packets >= end - first; });
    return end - first;
  }

  LiveNode live_;
  std::vector<std::unique_ptr<Watcher>> watchers_;
};

TEST_P(SyntheticPeople, ShowTheirPicturesWhole) {
  LiveGuest& alice = publish({.codec = GetParam()});
  size_t feedback = 0;
  alice.on_rtcp = [&](Bytes compound) {
    rtp::RtcpReader reader(compound);
    while (const auto part = reader.next()) {
      feedback += std::holds_alternative<rtp::TransportFeedback>(*part);
    }
  };
  Watcher& bob = watch();
  ASSERT_TRUE(run_until([&] { return bob.media.first_frame_at().has_value(); }));
  const uint64_t sent = run_for_packets(alice, bob, 500);
  EXPECT_EQ(bob.media.counts().packets, sent);
  EXPECT_EQ(bob.media.counts().corrupt, 0u);
  EXPECT_GE(bob.media.picture().frames, 60u);
  EXPECT_GT(bob.media.feedback().reports, 0u);
  EXPECT_GT(feedback, 5u) << "of the relay, for the numbers that her packets have";
  EXPECT_GT(alice.socket->sources().back().key_frames(), 0u);
}

TEST_P(SyntheticPeople, TellThePictureSizeOfEachLayer) {
  LiveGuest& alice = publish({.codec = GetParam(), .layers = peer::simulcast_layers()});
  const auto sizes = [&] {
    std::vector<unsigned> found;
    const auto report = live_.report_of(alice);
    if (!report || report->tracks.empty()) return found;
    for (const auto& track : report->tracks) {
      if (track.state.kind != rtp::MediaKind::kVideo) continue;
      for (const auto& layer : track.state.layers) found.push_back(layer.width);
    }
    std::ranges::sort(found);
    return found;
  };
  const std::vector<unsigned> expected = {320, 640, 1280};
  EXPECT_TRUE(live_.ask_until([&] { return sizes() == expected; }))
      << ::testing::PrintToString(sizes());
}

INSTANTIATE_TEST_SUITE_P(EachCodec, SyntheticPeople, ::testing::Values(kVp8, kVp9, kH264, kAv1),
                         [](const auto& codec) { return std::string(to_string(codec.param)); });

using SyntheticNetworks = SyntheticPeople;

TEST_P(SyntheticNetworks, OfAViewersOwnLoseWhatIsRepaired) {
  LiveGuest& alice = publish({});
  Watcher& bob = watch();
  Watcher& carol = watch();
  bob.guest->socket->impair({.delay = 10ms}, {.loss = 0.05, .delay = 10ms}, kSeed);
  ASSERT_TRUE(run_until([&] {
    return bob.media.first_frame_at().has_value() && carol.media.first_frame_at().has_value();
  }));
  const uint64_t sent = run_for_packets(alice, bob, 500);
  EXPECT_EQ(bob.media.counts().packets, sent);
  EXPECT_GT(bob.media.counts().repaired, 5u);
  EXPECT_EQ(carol.media.feedback().nacked, 0u) << "whose network is good";
}

TEST_P(SyntheticNetworks, OfAPublishersOwnLoseWhatIsRepaired) {
  LiveGuest& alice = publish({});
  Watcher& bob = watch();
  ASSERT_TRUE(run_until([&] { return bob.media.first_frame_at().has_value(); }));
  alice.socket->impair({.burst = {.to_bad = 0.01, .to_good = 0.3}}, {}, kSeed);
  const uint64_t sent = run_for_packets(alice, bob, 700);
  EXPECT_EQ(bob.media.counts().packets, sent);
  EXPECT_GT(alice.socket->sources().back().retransmissions(), 3u);
}

TEST_P(SyntheticNetworks, AreTheSameForWhoListensWithoutDecrypting) {
  publish({});
  Watcher& bob =
      watch({.srtp_profile = dtls::SrtpProfile::kAes128CmHmacSha1_80, .decrypts = false});
  Watcher& carol = watch({.srtp_profile = dtls::SrtpProfile::kAeadAes256Gcm, .decrypts = false});
  carol.guest->socket->impair({}, {.loss = 0.05}, kSeed);
  ASSERT_TRUE(run_until([&] {
    return bob.media.first_frame_at().has_value() && carol.media.first_frame_at().has_value();
  }));
  bob.media.measure_listening();
  carol.media.measure_listening();
  ASSERT_TRUE(run_until([&] { return bob.media.counts().packets >= 500; }));
  EXPECT_EQ(bob.media.counts().packets, bob.media.counts().expected);
  EXPECT_EQ(bob.media.counts().corrupt, 0u);
  EXPECT_GT(bob.media.feedback().reports, 0u);
  carol.media.end_listening();
  EXPECT_TRUE(run_until([&] {
    return carol.media.counts().packets == carol.media.counts().expected;
  })) << "though some had to be sent again";
  EXPECT_GT(carol.media.counts().repaired, 5u);
}

INSTANTIATE_TEST_SUITE_P(Vp8, SyntheticNetworks, ::testing::Values(kVp8));

}  // namespace
}  // namespace simpul::testing
