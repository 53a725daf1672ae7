// Attacks by those who are let in: publishers who send too much or too long, and viewers whose
// feedback lies, while a call goes on (rows R20, R21 and C7 to C11 of docs/attacks.md).
#include <gmock/gmock.h>

#include <array>

#include "base/byte_writer.h"
#include "rtp/ntp_time.h"
#include "rtp/rtcp_reader.h"
#include "rtp/rtcp_writer.h"
#include "tests/integration/attack_test.h"
#include "tests/integration/flood.h"

namespace simpul::testing {
namespace {

// Somebody who publishes in a room of his own, with a viewer, on the worker of the call.
class AttackByAPublisher : public AttackTest {
 protected:
  AttackByAPublisher() = default;
  explicit AttackByAPublisher(const config::Config& config) : AttackTest(config) {}

  void SetUp() override {
    AttackTest::SetUp();
    ASSERT_TRUE(node_.run_until([&] { return carol_.video > 0 && carol_.audio > 0; }));
  }

  LiveGuest& eve_ = node_.publish("elsewhere", "eve");
  LiveGuest& carol_ = node_.watch("elsewhere", "carol");
};

// Where so little may be published that the slowest machine sends a multiple of it, and has time
// for the others.
class AttackAtALowRate : public AttackByAPublisher {
 protected:
  AttackAtALowRate() : AttackByAPublisher(low_rate()) {}

  static config::Config low_rate() {
    config::Config config = LiveNode::test_config();
    config.limits.bitrate_per_track = 1'000'000;
    return config;
  }
};

TEST_F(AttackAtALowRate, R20_TenTimesTheRateIsHeldToTheRateAndHurtsNobodyElse) {
  const uint64_t before = node_.dropped("rate");
  auto& sources = eve_.socket->sources();
  sources.pop_back();
  eve_.socket->add_source(peer::MediaSource::video("1", {.bitrate_bps = 10'000'000}));
  ASSERT_TRUE(node_.ask_until(
      [&] { return sources.back().packets() > 2'000 && node_.dropped("rate") > before + 1'000; }));
  EXPECT_TRUE(eve_.connected());
  sources.pop_back();
  expect_unharmed();
}

TEST_F(AttackAtALowRate, R20_AFloodOfTinyPacketsIsHeldToTheRateAndHurtsNobodyElse) {
  const uint64_t before = node_.dropped("rate");
  eve_.socket->sources().clear();
  const TimePoint silent =
      net::EventLoop::clock_now() + 300ms;  // so that another source may follow
  ASSERT_TRUE(node_.run_until([&] { return net::EventLoop::clock_now() > silent; }));
  const std::array<uint8_t, 1> payload{0xfc};
  uint64_t index = 100;
  const Flood flood(target());
  EXPECT_TRUE(node_.ask_until([&] {
    // Never more at once than a socket holds, and enough for a slow machine to exceed the rate.
    for (int i = 0; i < 2'000; ++i) {
      if (i % 200 == 0) flood.wait_until_read();
      eve_.socket->send(eve_.socket->peer().seal({.ssrc = rtp::Ssrc(0xbad),
                                                  .payload_type = peer::kOpusPayloadType,
                                                  .index = index++,
                                                  .mid = index < 110 ? "0" : "",
                                                  .payload = payload}));
    }
    return node_.dropped("rate") > before + 1'000;
  }));
  expect_unharmed();
}

TEST_F(AttackByAPublisher, R21_WhatIsSentAfterTheEndGoesNowhere) {
  ASSERT_TRUE(node_.node().leave("elsewhere", eve_.session));
  connections_before_ -= 1;
  ASSERT_TRUE(node_.run_until([&] { return eve_.socket->peer().closed(); }));
  let_pass();
  const uint64_t before = node_.dropped("unknown_sender");
  carol_.audio = carol_.video = 0;
  const uint32_t ssrc = eve_.socket->sources()[0].ssrc().value();
  repeat(500, [&](int i) {
    eve_.socket->send(eve_.socket->peer().seal({.ssrc = rtp::Ssrc(ssrc),
                                                .payload_type = peer::kOpusPayloadType,
                                                .index = 0x8000 + static_cast<uint64_t>(i),
                                                .mid = "0",
                                                .payload = std::array<uint8_t, 40>{0xfc}}));
  });
  EXPECT_EQ(node_.dropped("unknown_sender"), before + 500);
  EXPECT_EQ(carol_.audio + carol_.video, 0u);
  expect_unharmed();
}

TEST_F(AttackByAPublisher, R21_ALayerThatNobodyWatchesIsDropped) {
  // Somebody sends three layers; the only viewer wants the lowest.
  connections_before_ += 2;
  LiveGuest& trudy = node_.publish("layers", "trudy", {.rids = {"q", "h", "f"}});
  LiveGuest& dave = node_.watch("layers", "dave", {}, relay::LayerChoice::kLow);
  ASSERT_TRUE(node_.run_until([&] { return dave.key_frames > 0 && dave.video > 30; }));
  const auto& sources = trudy.socket->sources();
  const uint64_t q_before = sources[1].packets();
  const uint64_t f_before = sources[3].packets();
  dave.video = 0;
  ASSERT_TRUE(node_.run_until([&] { return dave.video >= 60; }));
  EXPECT_LE(dave.video, sources[1].packets() - q_before + 10);
  EXPECT_GT(sources[3].packets(), f_before + 60);
  expect_unharmed();
}

class AttackWithFeedback : public AttackTest {
 protected:
  peer::MediaSource& video() { return alice_.socket->sources()[1]; }
  template <class Write>
  void send_from_bob(const Write& write) {
    std::array<uint8_t, rtp::kRtcpSizeMax> buffer;
    rtp::RtcpWriter writer(buffer);
    write(writer);
    bob_.socket->send(bob_.socket->peer().seal_rtcp(writer.written()));
  }
  rtp::Ssrc bobs_video() { return bob_.socket->peer().slots()[1]; }
  uint64_t retransmissions() {
    node_.refresh();
    return node_.node().report().workers[0].retransmissions;
  }
};

TEST_F(AttackWithFeedback, C7_ForgedRoundTripsAreHeldToTheirRange) {
  // The node's reports tell the time of day, which everybody knows: the answer can be anything.
  const auto now = [] {
    const Duration unix_time(net::EventLoop::wall_clock_unix_us());
    return rtp::compact_ntp(rtp::NtpClock(unix_time + rtp::kNtpToUnix).ntp_time(TimePoint{}));
  };
  constexpr uint32_t kSecond = 65'536;
  struct Lie {
    uint32_t ago;
    uint32_t delay;
  };
  const std::vector<Lie> lies = {{0, 0},
                                 {0, 5 * kSecond},
                                 {9 * kSecond, 0},
                                 {60 * kSecond, 0},
                                 {kSecond, 60 * kSecond},
                                 {0, 0xffffffff},
                                 {kSecond, kSecond},
                                 {30'000 * kSecond, kSecond},
                                 {1, 1}};
  for (const Lie& lie : lies) {
    repeat(20, [&](int) {
      const rtp::ReportBlock block{.ssrc = bobs_video(),
                                   .last_sender_report = now() - lie.ago,
                                   .delay_since_last_sender_report = lie.delay};
      send_from_bob([&](rtp::RtcpWriter& writer) {
        writer.receiver_report(rtp::Ssrc(1), std::span(&block, 1));
      });
    });
    const auto bob = node_.report_of(bob_);
    ASSERT_TRUE(bob && bob->round_trip_ms);
    EXPECT_GE(*bob->round_trip_ms, 1);
    EXPECT_LE(*bob->round_trip_ms, 2'000);
  }
  expect_unharmed();
}

TEST_F(AttackWithFeedback, C8_AStormOfKeyFrameRequestsCostsThePublisherOneASecond) {
  const uint64_t key_frames = video().key_frames();
  const TimePoint began = net::EventLoop::clock_now();
  repeat(2'000, [&](int i) {
    send_from_bob([&](rtp::RtcpWriter& writer) {
      const rtp::FirEntry entry{bobs_video(), static_cast<uint8_t>(i)};
      writer.pli(rtp::Ssrc(1), bobs_video());
      writer.fir(rtp::Ssrc(1), std::span(&entry, 1));
    });
  });
  const Duration passed = net::EventLoop::clock_now() - began;
  // A burst of two, and one for each second.
  EXPECT_LE(video().key_frames() - key_frames, 3 + static_cast<uint64_t>(passed / 1s));
  expect_unharmed();
}

TEST_F(AttackWithFeedback, C9_WhoComesLateIntoAStormStillGetsAPicture) {
  connections_before_ += 1;
  const auto storm = [&] {
    send_from_bob([&](rtp::RtcpWriter& writer) { writer.pli(rtp::Ssrc(1), bobs_video()); });
  };
  repeat(300, [&](int) { storm(); });
  LiveGuest& carol = node_.watch("stage", "carol");
  EXPECT_TRUE(node_.run_until([&] {
    storm();
    return carol.key_frames > 0 && carol.video > 10;
  }));
  expect_unharmed();
}

TEST_F(AttackWithFeedback, C10_AStormOfNacksIsAnsweredWithAShareOfTheMediaAtMost) {
  const uint64_t before = retransmissions();
  const uint64_t video_before = bob_.video;
  const TimePoint began = net::EventLoop::clock_now();
  // Everything that there is, and the same packet over and over.
  std::array<uint8_t, 1'100> nack{};
  repeat(600, [&](int i) {
    ByteWriter writer(nack);
    constexpr size_t kEntries = 250;
    writer.u8(0x81);
    writer.u8(205);
    writer.u16(2 + kEntries);
    writer.u32(1);
    writer.u32(bobs_video().value());
    for (size_t entry = 0; entry < kEntries; ++entry) {
      const size_t first = i % 2 == 0 ? (static_cast<size_t>(i) * kEntries + entry) * 17 : 7;
      writer.u16(static_cast<uint16_t>(first));
      writer.u16(0xffff);
    }
    bob_.socket->send(bob_.socket->peer().seal_rtcp(Bytes(nack).first(writer.size())));
  });
  const auto seconds = static_cast<uint64_t>((net::EventLoop::clock_now() - began) / 1s) + 1;
  const uint64_t sent = bob_.video - video_before;
  // A quarter of what was sent, what is always granted, and what had been saved up: 100 kB, and 10
  // kB each second, in packets of 500 bytes and more.
  EXPECT_LE(retransmissions() - before, sent / 4 + 20 * seconds + 200);
  expect_unharmed();
}

// A publisher whose packets are lost on their way up: every second one, and all repairs.
class AttackByLosing : public AttackTest {
 protected:
  void join() {
    const auto join = node_.join({.role = node::Role::kPublisher,
                                  .room = "elsewhere",
                                  .participant = "eve",
                                  .offer = eve_.peer().offer()});
    ASSERT_TRUE(join);
    ++connections_before_;
    ASSERT_TRUE(eve_.start(join->answer));
    ASSERT_TRUE(node_.run_until([&] { return eve_.peer().connected(); }));
  }
  void send_half() {
    std::vector<std::vector<uint8_t>> datagrams;
    source_.send_due(net::EventLoop::clock_now(), eve_.peer(), datagrams);
    for (const auto& datagram : datagrams) {
      bytes_made_ += datagram.size();
      // Never the first of a frame alone: which packets are lost changes from frame to frame.
      if (++made_ % 2 == 0) eve_.send(datagram);
    }
  }
  void take(Bytes compound) {
    rtp::RtcpReader reader(compound);
    while (const auto part = reader.next()) {
      key_frame_requests_ += std::holds_alternative<rtp::Pli>(*part);
      const auto* nack = std::get_if<rtp::Nack>(&*part);
      if (nack == nullptr) continue;
      nack_bytes_ += compound.size();
      std::vector<rtp::SequenceNumber> missing;
      nack->append_missing(missing);
      asked_ += missing.size();
    }
  }

  peer::MediaSource source_ = peer::MediaSource::video("1", {});
  uint64_t made_ = 0;
  uint64_t bytes_made_ = 0;
  uint64_t nack_bytes_ = 0;
  uint64_t asked_ = 0;
  uint64_t key_frame_requests_ = 0;
  peer::PeerSocket eve_{
      node_.loop(), peer::Options{.publishes = true}, node_.identity(),
      peer::PeerSocket::Handlers{
          .on_rtp = {}, .on_rtcp = [this](Bytes part) { take(part); }, .on_connected = {}}};
};

TEST_F(AttackByLosing, C11_HalfOfAStreamThatNeverComesIsAskedForWithinBounds) {
  join();
  ASSERT_TRUE(node_.run_until([&] {
    send_half();
    return made_ > 600;
  }));
  // Ten times each at most, in few bytes; then a key frame is asked for.
  EXPECT_GT(asked_, 300u);
  EXPECT_LE(asked_, made_ / 2 * 10);
  EXPECT_LE(nack_bytes_ * 20, bytes_made_);
  ASSERT_TRUE(node_.run_until([&] {
    send_half();
    return key_frame_requests_ > 0;
  }));
  expect_unharmed();
}

}  // namespace
}  // namespace simpul::testing
