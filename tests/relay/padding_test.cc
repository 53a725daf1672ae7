#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "relay/slot.h"
#include "tests/relay/scene.h"

namespace simpul::relay {
namespace {

using namespace testing;
using ::testing::Each;
using ::testing::Field;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr rtp::Ssrc kMedia(10);
constexpr rtp::Ssrc kRtx(11);

class PaddingTest : public ::testing::Test {
 protected:
  PaddingTest() {
    scene_.publish("ana", {audio_track(1), video_track(2)});
    watcher_ = scene_.watch({}, {audio_slot(1), video_slot(10)});
  }
  std::vector<Sent> pad(size_t bytes) { return pad(bytes, watcher_); }
  std::vector<Sent> pad(size_t bytes, SubscriberId subscriber) {
    std::vector<Sent> sent;
    SubscriberBatch batch;
    if (!scene_.relay.collect_padding(subscriber, bytes, scene_.now, batch)) return sent;
    EXPECT_EQ(batch.subscriber, subscriber);
    for (const auto& packet : batch.packets) sent.push_back(Scene::copy(subscriber, packet));
    return sent;
  }
  std::vector<Sent> send_frame(const Source::Frame& frame = {.packet_size = 1'000}) {
    return scene_.pass(2, picture_.frame(frame));
  }
  void send_sound() {
    std::vector<rtp::MediaPacket> packets;
    packets.push_back(voice_.audio());
    scene_.pass(1, std::move(packets));
  }
  static Bytes repeated(const Sent& sent) { return Bytes(sent.payload).subspan(2); }
  static uint16_t original_number(const Sent& sent) {
    return load_be16(Bytes(sent.payload).first<2>());
  }

  Scene scene_;
  Source picture_{scene_.pool, {}};
  Source voice_{scene_.pool, {.ssrc = 7, .codec = rtp::Codec::kOpus}};
  SubscriberId watcher_;
};

TEST_F(PaddingTest, RepeatsWhatThisReceiverWasSentAsRetransmissionsFromTheNewestBack) {
  const auto sent = send_frame({.key = true, .packets = 4, .packet_size = 1'000});
  const auto padding = pad(3'000);
  ASSERT_THAT(padding, SizeIs(3));
  for (size_t i = 0; i < padding.size(); ++i) {
    const Sent& original = sent[sent.size() - 1 - i];
    EXPECT_EQ(padding[i].ssrc, kRtx);
    EXPECT_EQ(padding[i].payload_type, kRtxType);
    EXPECT_EQ(padding[i].index, padding[0].index + i);
    EXPECT_EQ(padding[i].timestamp, original.timestamp);
    EXPECT_EQ(padding[i].marker, original.marker);
    EXPECT_EQ(padding[i].padding, 0);
    EXPECT_EQ(original_number(padding[i]), static_cast<uint16_t>(original.index));
    EXPECT_TRUE(std::ranges::equal(repeated(padding[i]), original.payload));
  }
}

TEST_F(PaddingTest, RepeatsOtherPacketsBeforeItBeginsAgain) {
  const auto sent = send_frame({.key = true, .packets = 4, .packet_size = 1'000});
  std::multiset<uint16_t> numbers;
  for (int i = 0; i < 8; ++i) {
    for (const auto& packet : pad(500)) numbers.insert(original_number(packet));
  }
  for (const Sent& original : sent) {
    EXPECT_EQ(numbers.count(static_cast<uint16_t>(original.index)), 2u);
  }
  EXPECT_THAT(numbers, SizeIs(8));
}

TEST_F(PaddingTest, IsPaddingAloneWherePacketsAreFarLargerThanWhatIsMissing) {
  const auto sent = send_frame({.key = true, .packet_size = 1'000});
  const auto padding = pad(300);
  ASSERT_THAT(padding, SizeIs(2));
  for (const Sent& packet : padding) {
    EXPECT_EQ(packet.ssrc, kRtx);
    EXPECT_EQ(packet.payload_type, kRtxType);
    EXPECT_EQ(packet.timestamp, sent.back().timestamp);
    EXPECT_FALSE(packet.marker);
    EXPECT_EQ(packet.padding, 255);
    EXPECT_THAT(packet.payload, IsEmpty());
  }
}

TEST_F(PaddingTest, IsPaddingAloneWhenNothingIsLeftToRepeat) {
  send_frame({.key = true});
  scene_.now += 5s;  // the video pauses, the sound goes on
  send_sound();
  const auto padding = pad(2'000);
  ASSERT_THAT(padding, SizeIs(7));
  EXPECT_THAT(padding, Each(Field(&Sent::padding, 255)));
}

TEST_F(PaddingTest, NeverGivesANumberOfTheRetransmissionsTwice) {
  const auto sent = send_frame({.key = true, .packets = 5, .packet_size = 1'000});
  std::set<uint64_t> indices;
  size_t count = 0;
  const auto add = [&](const std::vector<Sent>& packets) {
    for (const Sent& packet : packets) {
      EXPECT_EQ(packet.ssrc, kRtx);
      indices.insert(packet.index);
      ++count;
    }
  };
  const rtp::SequenceNumber missing(static_cast<uint16_t>(sent[2].index));
  for (int i = 0; i < 20; ++i) {
    scene_.relay.receive_nack(watcher_, kMedia, std::span(&missing, 1), scene_.now);
    add(pad(1'000));
    add(scene_.collect());
    add(pad(100));
    scene_.now += 40ms;
  }
  EXPECT_GT(count, 40u);
  EXPECT_EQ(indices.size(), count);
}

TEST_F(PaddingTest, LeavesTheNumbersAndTheReportsOfTheMediaAlone) {
  const auto before = send_frame({.key = true});
  pad(5'000);
  const auto after = send_frame();
  EXPECT_EQ(after.front().index, before.back().index + 1);
  scene_.advance(1s);
  send_frame();
  for (const SlotReport& report : scene_.advance(1s).reports) {
    if (report.ssrc != kMedia) continue;
    EXPECT_EQ(report.packets, 9u);
    EXPECT_EQ(report.octets, 3 * 200u + 6 * 1'000u);
  }
  EXPECT_EQ(scene_.relay.counters().retransmissions, 0u);
}

TEST_F(PaddingTest, IsNotSentBeforeTheFirstPicture) {
  EXPECT_THAT(pad(1'000), IsEmpty());
  send_sound();
  EXPECT_THAT(pad(1'000), IsEmpty());
}

TEST_F(PaddingTest, IsNotSentWithoutRetransmissions) {
  auto bare = video_slot(20);
  bare.rtx_ssrc.reset();
  const auto without_ssrc = scene_.watch({}, {bare});
  auto untyped = video_slot(30);
  for (SlotCodec& codec : untyped.codecs) codec.rtx_payload_type.reset();
  const auto without_type = scene_.watch({}, {untyped});
  send_frame({.key = true});
  EXPECT_THAT(pad(1'000, without_ssrc), IsEmpty());
  EXPECT_THAT(pad(1'000, without_type), IsEmpty());
  EXPECT_THAT(pad(1'000, SubscriberId(99)), IsEmpty());
}

TEST_F(PaddingTest, IsNotSentWhenNothingElseWasSentForASecond) {
  send_frame({.key = true});
  scene_.now += Relay::kPaddedFor - 1ms;
  EXPECT_THAT(pad(1'000), ::testing::Not(IsEmpty()));
  scene_.now += 1ms;
  EXPECT_THAT(pad(1'000), IsEmpty());
  send_frame({.key = true});
  EXPECT_THAT(pad(1'000), ::testing::Not(IsEmpty()));
}

TEST_F(PaddingTest, IsNoMoreThanItsLimitAtOnce) {
  send_frame({.key = true, .packets = 100, .packet_size = 1'000});
  const auto repeated = pad(1'000'000);
  EXPECT_EQ(repeated.size(), Slot::kRepeatedMax);
  scene_.now += 2s;
  send_sound();
  EXPECT_THAT(pad(1'000'000), SizeIs(Slot::kPaddingPacketsMax));
}

TEST_F(PaddingTest, OutlivesThePublisher) {
  send_frame({.key = true});
  const auto other = scene_.publish("bo", {video_track(3)});
  const auto watcher = scene_.watch({.participant = "bo"}, {audio_slot(40), video_slot(50)});
  Source source(scene_.pool, {.ssrc = 99});
  scene_.pass(3, source.frame({.key = true}));
  scene_.relay.remove_publisher(other, scene_.now);
  EXPECT_THAT(pad(1'000, watcher), Each(Field(&Sent::padding, 255)));
}

}  // namespace
}  // namespace simpul::relay
