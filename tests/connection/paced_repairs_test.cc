// Retransmissions that are too many for the path: they wait before the media and behind the sound,
// and what would come too late is dropped.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>

#include "rtp/rtcp_writer.h"
#include "rtp/transport_feedback.h"
#include "tests/connection/watched_connection.h"

namespace simpul::connection {
namespace {

using namespace std::chrono_literals;

class PacedRepairs : public ::testing::Test {
 protected:
  static constexpr size_t kPayload = 1'000;

  // A path of which 300 kbit/s are known: bursts of 12.5 KB, 750 kbit/s.
  PacedRepairs() : PacedRepairs({.rtx = true, .transport_feedback = true}) {}
  explicit PacedRepairs(const testing::Agreed& agreed) : watched_(agreed) {
    std::vector<TimePoint> arrivals;
    for (int i = 0; i < 50; ++i) {
      watched_.pair().now += 20ms;
      watched_.send({.index = ++media_, .payload = 100});
      arrivals.push_back(now() + 20ms);
    }
    std::array<uint8_t, 512> room{};
    const auto written = rtp::write_transport_feedback({.sender = testing::WatchedConnection::kPeer,
                                                        .media = testing::WatchedConnection::kSlot,
                                                        .base = rtp::SequenceNumber(0),
                                                        .feedback_count = 0},
                                                       arrivals, room);
    watched_.say(Bytes(room).first(written.size));
  }
  TimePoint now() { return watched_.pair().now; }

  rtp::OutgoingPacket packet(rtp::Ssrc ssrc, uint64_t index, uint16_t original) {
    auto& media = packets_.emplace_back();
    media.packet = pool_.allocate();
    media.packet->size = kPayload;
    media.payload_size = kPayload;
    rtp::OutgoingPacket made{.index = index,
                             .ssrc = ssrc,
                             .payload_type = rtp::PayloadType(97),
                             .body = media.payload(),
                             .source = media.packet->data(),
                             .extensions = &media.extensions,
                             .packet = &media.packet};
    store_be16(std::span(made.head).first<2>(), original);
    made.head_size = 2;
    return made;
  }
  rtp::OutgoingPacket repair_of(uint16_t original) {
    return packet(testing::WatchedConnection::kRtx, ++repaired_, original);
  }
  std::vector<rtp::OutgoingPacket> repairs(size_t count) {
    std::vector<rtp::OutgoingPacket> made;
    for (size_t i = 0; i < count; ++i) made.push_back(repair_of(static_cast<uint16_t>(i)));
    return made;
  }
  void send(std::span<const rtp::OutgoingPacket> packets, size_t urgent, size_t repairs) {
    watched_.connection().send({packets, urgent, urgent + repairs}, place(), scratch_, now());
    scratch_.finish();
  }
  void run(Duration duration) {
    for (const TimePoint end = now() + duration; now() < end; watched_.pair().now += 1ms) {
      watched_.connection().send_paced(place(), scratch_, now());
      scratch_.finish();
    }
  }
  MediaSender::Place place() {
    return [this](size_t size) -> MutableBytes { return left_.emplace_back(size); };
  }
  // By the header, which is not encrypted.
  size_t left(rtp::Ssrc ssrc) const {
    return static_cast<size_t>(
        std::ranges::count(left_, ssrc.value(), [](const std::vector<uint8_t>& sealed) {
          return load_be32(std::span(sealed).subspan<8, 4>());
        }));
  }
  size_t repairs_left() const { return left(testing::WatchedConnection::kRtx); }
  size_t media_left() const { return left(testing::WatchedConnection::kSlot); }
  uint64_t dropped() {
    return watched_.connection().drops()[static_cast<size_t>(Drop::kLateRepair)];
  }

  PacketPool pool_{2'000};
  std::deque<rtp::MediaPacket> packets_;
  testing::WatchedConnection watched_;
  MediaSender::Scratch scratch_;
  std::vector<std::vector<uint8_t>> left_;
  uint64_t media_ = 0;
  uint64_t repaired_ = 0;
};

// The same path, of which the peer says it itself and reports on no packet.
class PacedByThePeersOwnEstimate : public PacedRepairs {
 protected:
  PacedByThePeersOwnEstimate()
      : PacedRepairs({.rtx = true, .transport_feedback = false, .remb = true}) {
    std::array<uint8_t, 64> room{};
    rtp::RtcpWriter writer(room);
    writer.receiver_report(testing::WatchedConnection::kPeer, {});
    const rtp::Ssrc slot = testing::WatchedConnection::kSlot;
    writer.remb(testing::WatchedConnection::kPeer, 300'000, std::span(&slot, 1));
    watched_.say(writer.written());
  }
  void pass(Duration duration) {
    for (const TimePoint end = now() + duration; now() < end;) watched_.pair().advance(100ms);
  }
};

TEST_F(PacedByThePeersOwnEstimate, WhatLeavesTakesItsTime) {
  send(repairs(8), 0, 8);
  EXPECT_EQ(repairs_left(), 8u);
  send(repairs(8), 0, 8);
  EXPECT_LT(repairs_left(), 14u);
  run(Pacer::kWaitMax);
  EXPECT_EQ(repairs_left(), 16u);
}

TEST_F(PacedByThePeersOwnEstimate, NothingTakesItsTimeWhenThatIsForgotten) {
  for (int i = 0; i < 60; ++i) {
    send(repairs(1), 0, 1);
    pass(100ms);
  }
  pass(bwe::ReportSilence::kForgottenAfter + 1s);
  const size_t before = repairs_left();
  send(repairs(20), 0, 20);
  EXPECT_EQ(repairs_left(), before + 20);
}

TEST_F(PacedRepairs, AFewLeaveAtOnce) {
  send(repairs(8), 0, 8);
  EXPECT_EQ(repairs_left(), 8u);
}

TEST_F(PacedRepairs, OfManyABurstLeavesAtOnceAndTheRestAtThePaceOfThePath) {
  send(repairs(25), 0, 25);
  EXPECT_GE(repairs_left(), 8u);
  EXPECT_LE(repairs_left(), 13u);
  run(50ms);
  EXPECT_LT(repairs_left(), 25u);
  run(Pacer::kWaitMax);
  EXPECT_EQ(repairs_left(), 25u);
  EXPECT_EQ(dropped(), 0u);
}

TEST_F(PacedRepairs, WhatWouldComeTooLateIsDroppedAndCounted) {
  send(repairs(150), 0, 150);
  run(Pacer::kWaitMax + 200ms);
  const size_t in_time = repairs_left();
  EXPECT_GE(in_time, 25u);
  EXPECT_LE(in_time, 75u);
  EXPECT_EQ(in_time + dropped(), 150u);
  EXPECT_EQ(pool_.in_use(), 150u) << "what the test holds";
  packets_.clear();
  EXPECT_EQ(pool_.in_use(), 0u);
}

TEST_F(PacedRepairs, NoMoreWaitThanTheirLimit) {
  send(repairs(400), 0, 400);
  EXPECT_EQ(dropped(), 400u - Connection::kRepairsMax);
}

TEST_F(PacedRepairs, OneThatWaitsAlreadyIsNotQueuedAgain) {
  send(repairs(30), 0, 30);
  const size_t at_once = repairs_left();
  ASSERT_LT(at_once, 29u);
  const auto again = repair_of(29);
  send(std::span(&again, 1), 0, 1);
  EXPECT_EQ(dropped(), 1u);
  const auto after = repair_of(0);
  send(std::span(&after, 1), 0, 1);
  EXPECT_EQ(dropped(), 1u) << "the first has left, and may be lost";
}

TEST_F(PacedRepairs, TheyLeaveBeforeMediaAndBehindSound) {
  auto batch = repairs(20);
  batch.insert(batch.begin(), packet(rtp::Ssrc(77), 1, 0));
  for (int i = 0; i < 15; ++i) {
    batch.push_back(packet(testing::WatchedConnection::kSlot, ++media_, 0));
  }
  send(batch, 1, 20);
  EXPECT_EQ(left(rtp::Ssrc(77)), 1u);
  EXPECT_EQ(media_left(), 0u);
  const auto sound = packet(rtp::Ssrc(77), 2, 0);
  send(std::span(&sound, 1), 1, 0);
  EXPECT_EQ(left(rtp::Ssrc(77)), 2u) << "which never waits";
  for (int i = 0; i < 600 && media_left() == 0; ++i) run(1ms);
  EXPECT_EQ(repairs_left() + dropped(), 20u);
  run(1s);
  EXPECT_EQ(media_left(), 15u) << "of media nothing is dropped";
}

TEST_F(PacedRepairs, MediaLeaveInTimeThoughThereAreMoreAndMoreRepairs) {
  send(repairs(30), 0, 30);
  const auto media = packet(testing::WatchedConnection::kSlot, ++media_, 0);
  send(std::span(&media, 1), 0, 0);
  for (uint16_t original = 100; original < 124; ++original) {
    run(10ms);
    const auto batch =
        std::array{repair_of(original), repair_of(static_cast<uint16_t>(original + 100))};
    send(batch, 0, 2);
  }
  EXPECT_EQ(media_left(), 0u);
  run(11ms);
  EXPECT_EQ(media_left(), 1u);
  EXPECT_LT(repairs_left() + dropped(), 78u) << "some still wait";
}

TEST_F(PacedRepairs, WhatWasBeforeAKeyFrameOfTheirStreamIsDropped) {
  send(repairs(30), 0, 30);
  const size_t at_once = repairs_left();
  auto key = packet(testing::WatchedConnection::kSlot, ++media_, 0);
  key.begins_anew = true;
  const auto batch = std::array{repair_of(1'000), key};
  send(batch, 0, 1);
  EXPECT_EQ(dropped(), 30 - at_once);
  run(1s);
  EXPECT_EQ(repairs_left(), at_once + 1) << "what belongs to the key frame leaves";
  EXPECT_EQ(media_left(), 1u);
}

TEST_F(PacedRepairs, AKeyFrameOfAnotherStreamDropsNone) {
  send(repairs(20), 0, 20);
  auto key = packet(rtp::Ssrc(77), 1, 0);
  key.begins_anew = true;
  send(std::span(&key, 1), 0, 0);
  run(1s);
  EXPECT_EQ(repairs_left(), 20u);
}

TEST_F(PacedRepairs, TellsOfThoseThatWaitedWhereThereIsNoPathAnyMore) {
  send(repairs(100), 0, 100);
  const size_t sent = repairs_left();
  ASSERT_LT(sent, 100u);
  watched_.connection().forget_paced();
  EXPECT_EQ(watched_.connection().unsent().size(), 100 - sent);
}

TEST_F(PacedRepairs, TellsWhichWereDropped) {
  send(repairs(400), 0, 400);
  const auto unsent = watched_.connection().unsent();
  ASSERT_EQ(unsent.size(), 400u - Connection::kRepairsMax);
  EXPECT_EQ(unsent[0].ssrc, testing::WatchedConnection::kSlot);
  EXPECT_EQ(unsent[0].sequence_number, rtp::SequenceNumber(Connection::kRepairsMax));
  EXPECT_EQ(unsent[0].size, kPayload);
  watched_.connection().forget_unsent();
  EXPECT_TRUE(watched_.connection().unsent().empty());
  run(Pacer::kWaitMax + 200ms);
  EXPECT_EQ(watched_.connection().unsent().size() + repairs_left(), Connection::kRepairsMax);
}

}  // namespace
}  // namespace simpul::connection
