#include "bench/peer/media_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <set>

#include "bench/peer/media_stamp.h"
#include "rtp/rtcp_reader.h"
#include "rtp/rtcp_writer.h"
#include "rtp/rtx.h"
#include "rtp/vp8.h"
#include "tests/peer/far_end.h"

namespace simpul::peer {
namespace {

using namespace std::chrono_literals;
using enum rtp::ExtensionKind;
using simpul::testing::FarEnd;
using ::testing::ElementsAre;

constexpr rtp::NtpClock kClock{std::chrono::seconds(3'900'000'000)};

class MediaSourceTest : public ::testing::Test {
 protected:
  void join(Options options = {.publishes = true, .all_extensions = true}) {
    far_.emplace(std::move(options));
    ASSERT_TRUE(far_->connect());
  }
  // A source for so long, each millisecond.
  void run(MediaSource& source, Duration duration) {
    const TimePoint end = far_->now + duration;
    for (; far_->now < end; far_->now += 1ms) {
      MediaSource::Datagrams datagrams;
      source.send_due(far_->now, far_->peer, datagrams);
      for (size_t i = far_->packets.size(); i < far_->packets.size() + datagrams.size(); ++i) {
        sent_at_.push_back(far_->now);
      }
      far_->take(datagrams);
    }
  }
  void ask_for(MediaSource& source, std::vector<rtp::SequenceNumber> missing) {
    std::array<uint8_t, 512> room{};
    rtp::RtcpWriter writer(room);
    writer.nack(rtp::Ssrc(1), source.ssrc(), missing);
    rtp::RtcpReader reader(writer.written());
    const auto part = reader.next();
    MediaSource::Datagrams datagrams;
    source.repair(std::get<rtp::Nack>(*part), far_->now, far_->peer, datagrams);
    far_->packets.clear();
    far_->take(datagrams);
  }
  std::vector<FarEnd::Packet>& packets() { return far_->packets; }
  static std::vector<size_t> sizes_of(const std::vector<FarEnd::Packet>& packets) {
    std::vector<size_t> sizes;
    for (const auto& packet : packets) sizes.push_back(packet.sealed_size);
    return sizes;
  }
  std::vector<size_t> key_frames_at() {
    std::vector<size_t> at;
    for (size_t i = 0; i < packets().size(); ++i) {
      const auto stamp = read_stamp(packets()[i].view().payload());
      if (stamp->key_frame && (at.empty() || stamp->number >= at.back() + stamp->frame_packets)) {
        at.push_back(i);
      }
    }
    return at;
  }

  std::optional<FarEnd> far_;
  std::vector<TimePoint> sent_at_;  // of all packets so far
};

TEST_F(MediaSourceTest, SendsFramesWholeAtItsPaceWithTimestampsThatDoNotDrift) {
  join();
  auto source = MediaSource::video("1", VideoProfile{}, 0, {});
  run(source, 10s);
  std::set<uint32_t> timestamps;
  for (size_t i = 0; i < packets().size(); ++i) {
    const auto view = packets()[i].view();
    timestamps.insert(view.timestamp());
    const auto stamp = read_stamp(view.payload());
    ASSERT_TRUE(stamp);
    EXPECT_EQ(stamp->number, i);
    EXPECT_EQ(stamp->made_at, sent_at_[i]);
    EXPECT_EQ(view.sequence_number().value(),
              static_cast<uint16_t>(packets()[0].view().sequence_number().value() + i));
  }
  ASSERT_EQ(timestamps.size(), 300u);
  EXPECT_EQ(packets().back().view().timestamp() - packets().front().view().timestamp(),
            299u * 3'000);
  EXPECT_EQ(std::ranges::count_if(packets(), [](const auto& p) { return p.view().marker(); }), 300);
}

TEST_F(MediaSourceTest, SpreadsAFrameOverBursts) {
  join();
  auto source = MediaSource::video(
      "1", {.layers = {{.bitrate_bps = 2'400'000}}, .pacing = {.burst_packets = 3}}, 0, {});
  run(source, 2s);
  size_t in_burst = 0;
  for (size_t i = 1; i < packets().size(); ++i) {
    in_burst = sent_at_[i] == sent_at_[i - 1] ? in_burst + 1 : 0;
    ASSERT_LT(in_burst, 3u);
    if (packets()[i].view().timestamp() == packets()[i - 1].view().timestamp() && in_burst == 0) {
      EXPECT_EQ(sent_at_[i] - sent_at_[i - 1], 5ms);
    }
    EXPECT_EQ(read_stamp(packets()[i].view().payload())->number, i) << "nothing is given up";
  }
  EXPECT_GE(packets().size(), 500u);
}

TEST_F(MediaSourceTest, AnswersAKeyFrameRequestWithinOneFrameAndItsEncodingTime) {
  join();
  auto source = MediaSource::video("1", {.encode_time = 12ms}, 0, {});
  run(source, 1s);
  EXPECT_THAT(key_frames_at(), ElementsAre(0));
  const TimePoint asked = far_->now;
  source.request_key_frame(asked);
  source.request_key_frame(asked + 2ms);
  run(source, 1s);
  const auto at = key_frames_at();
  ASSERT_EQ(at.size(), 2u) << "two requests, one answer";
  EXPECT_GE(sent_at_[at[1]] - asked, 12ms) << "it could not know before";
  EXPECT_LE(sent_at_[at[1]] - asked, 12ms + 35ms);
  EXPECT_EQ(source.key_frames(), 2u);
}

TEST_F(MediaSourceTest, PutsTheExtensionsWhereLibwebrtcPutsThem) {
  join({.publishes = true, .codecs = {rtp::Codec::kAv1}, .all_extensions = true});
  auto source = MediaSource::video("1", {.codec = rtp::Codec::kAv1}, 0, {});
  run(source, 500ms);
  std::optional<uint16_t> number;
  for (const auto& packet : packets()) {
    const auto view = packet.view();
    const auto stamp = read_stamp(view.payload());
    const bool is_first = !packet.extension(kDependencyDescriptor).empty() &&
                          (packet.extension(kDependencyDescriptor)[0] & 0x80) != 0;
    EXPECT_EQ(as_text(packet.extension(kMid)), "1");
    EXPECT_EQ(packet.extension(kAbsSendTime).size(), 3u);
    const auto transport = rtp::read_transport_sequence(packet.extension(kTransportSequence));
    ASSERT_TRUE(transport);
    if (number) {
      EXPECT_EQ(*transport, static_cast<uint16_t>(*number + 1));
    }
    number = *transport;
    EXPECT_EQ(packet.extension(kPlayoutDelay).size(), stamp->key_frame && is_first ? 3u : 0u);
    const bool is_last_of_key_frame = stamp->key_frame && view.marker();
    EXPECT_EQ(packet.extension(kVideoOrientation).size(), is_last_of_key_frame ? 1u : 0u);
    EXPECT_EQ(packet.extension(kColorSpace).size(), is_last_of_key_frame ? 4u : 0u);
  }
}

TEST_F(MediaSourceTest, MakesTheFirstAndLastPacketOfAKeyFrameAsLargeAsTheOthers) {
  for (const auto& [codec, layers] : {std::pair(rtp::Codec::kVp8, 1),
                                      {rtp::Codec::kVp9, 3},
                                      {rtp::Codec::kH264, 1},
                                      {rtp::Codec::kAv1, 1},
                                      {rtp::Codec::kAv1, 3}}) {
    join({.publishes = true, .codecs = {codec}, .all_extensions = true});
    auto source = MediaSource::video(
        "1", {.codec = codec, .temporal_layers = static_cast<uint8_t>(layers)}, 0, {});
    run(source, 30ms);
    auto sizes = sizes_of(packets());
    ASSERT_GE(sizes.size(), 10u) << "a key frame";
    EXPECT_FALSE(packets().front().extension(kPlayoutDelay).empty());
    EXPECT_FALSE(packets().back().extension(kColorSpace).empty());
    if (codec == rtp::Codec::kH264) sizes.erase(sizes.begin());  // parameters
    if (codec == rtp::Codec::kAv1) sizes.pop_back();             // what is left
    const auto [least, most] = std::ranges::minmax(sizes);
    EXPECT_LE(most - least, codec == rtp::Codec::kAv1 ? 0u : 1u) << to_string(codec);
    EXPECT_TRUE(std::ranges::is_sorted(sizes)) << "larger ones last";
    EXPECT_LE(most, 1'200u + 16u) << "and the tag of SRTP";
  }
}

TEST_F(MediaSourceTest, WritesNoExtensionThatTheServerDidNotTake) {
  join({.publishes = true});
  auto source = MediaSource::video("1", VideoProfile{}, 0, {});
  run(source, 100ms);
  for (const auto& packet : packets()) {
    EXPECT_TRUE(packet.extension(kAbsSendTime).empty());
    EXPECT_TRUE(packet.extension(kPlayoutDelay).empty());
    EXPECT_FALSE(packet.extension(kTransportSequence).empty());
  }
}

TEST_F(MediaSourceTest, MakesThreeLayersWithRidsAndTheirSizes) {
  join({.publishes = true, .rids = {"q", "h", "f"}, .all_extensions = true});
  const VideoProfile profile{.layers = simulcast_layers()};
  size_t before = 0;
  for (size_t layer = 0; layer < 3; ++layer) {
    auto source = MediaSource::video("1", profile, layer, {.seed = 9});
    packets().clear();
    run(source, 2s);
    const auto descriptor = rtp::Vp8Descriptor::parse(packets()[0].view().payload());
    EXPECT_EQ(descriptor->width, profile.layers[layer].width);
    size_t bytes = 0;
    for (const auto& packet : packets()) {
      EXPECT_EQ(as_text(packet.extension(kRid)), profile.layers[layer].rid);
      bytes += packet.view().payload().size();
    }
    EXPECT_GT(bytes, 2 * before);
    before = bytes;
    ask_for(source, {rtp::SequenceNumber(0)});
  }
}

TEST_F(MediaSourceTest, SendsAgainWhatIsAskedForWithTheSamePayload) {
  join({.publishes = true, .rids = {"q"}, .all_extensions = true});
  auto source = MediaSource::video("1", {.layers = {{.rid = "q"}}}, 0, {});
  run(source, 1s);
  const auto original = packets()[20];
  const auto number = original.view().sequence_number();
  ask_for(source, {number, rtp::SequenceNumber(static_cast<uint16_t>(number.value() + 30'000))});
  ASSERT_EQ(packets().size(), 1u) << "what it never sent it cannot send again";
  const auto again = packets()[0].view();
  EXPECT_EQ(again.payload_type(), kRtxPayloadType);
  EXPECT_NE(again.ssrc(), source.ssrc());
  EXPECT_EQ(again.timestamp(), original.view().timestamp());
  EXPECT_EQ(again.marker(), original.view().marker());
  EXPECT_EQ(as_text(packets()[0].extension(kRepairedRid)), "q");
  EXPECT_TRUE(packets()[0].extension(kRid).empty());
  const auto rtx = rtp::unwrap_rtx(again.payload());
  ASSERT_TRUE(rtx);
  EXPECT_EQ(rtx->original, number);
  EXPECT_TRUE(std::ranges::equal(rtx->payload, original.view().payload()));
  EXPECT_EQ(source.retransmissions(), 1u);
}

TEST_F(MediaSourceTest, ForgetsWhatWasSentLongAgo) {
  join();
  auto source = MediaSource::video("1", VideoProfile{}, 0, {});
  run(source, 100ms);
  const auto number = packets()[0].view().sequence_number();
  run(source, 6s);
  ask_for(source, {number});
  EXPECT_TRUE(packets().empty());
}

TEST_F(MediaSourceTest, ReportsEverySecondByItsClock) {
  join();
  auto source = MediaSource::video("1", VideoProfile{}, 0, {.clock = kClock});
  const TimePoint began = far_->now;
  run(source, 3s);
  const uint32_t first = packets()[0].view().timestamp();
  ASSERT_EQ(far_->rtcp.size(), 3u);
  for (size_t i = 0; i < far_->rtcp.size(); ++i) {
    rtp::RtcpReader reader(far_->rtcp[i]);
    const auto part = reader.next();
    const auto& report = std::get<rtp::SenderReport>(*part).sender;
    EXPECT_EQ(report.ssrc, source.ssrc());
    EXPECT_EQ(report.ntp_time, kClock.ntp_time(began + static_cast<int64_t>(i) * 1s));
    EXPECT_EQ(report.rtp_timestamp - first, i * 90'000);
  }
}

TEST_F(MediaSourceTest, GoesOnFromNowAfterAStall) {
  join();
  auto source = MediaSource::video("1", VideoProfile{}, 0, {});
  run(source, 1s);
  const uint32_t before = packets().back().view().timestamp();
  far_->now += 5s;
  packets().clear();
  run(source, 100ms);
  std::set<uint32_t> timestamps;
  for (const auto& packet : packets()) timestamps.insert(packet.view().timestamp() - before);
  EXPECT_LE(timestamps.size(), 4u);
  EXPECT_GE(*timestamps.begin(), 5u * 90'000);
}

TEST_F(MediaSourceTest, SendsSomethingEachTimeWhereEveryTurnIsLate) {
  join();
  for (const bool is_video : {true, false}) {
    auto source =
        is_video ? MediaSource::video("1", VideoProfile{}, 0, {}) : MediaSource::audio("0");
    run(source, 100ms);
    for (int turn = 0; turn < 10; ++turn) {
      const uint64_t before = source.packets();
      far_->now += 1s;
      run(source, 1ms);
      EXPECT_GT(source.packets(), before);
    }
  }
}

SoundClip clip_of(const std::vector<size_t>& sizes) {
  SoundClip clip;
  for (const size_t size : sizes) {
    clip.packets.push_back({.at = static_cast<uint32_t>(clip.bytes.size()),
                            .size = static_cast<uint16_t>(size),
                            .level = 40,
                            .voice = size > 50});
    clip.bytes.resize(clip.bytes.size() + size, 0x42);
  }
  return clip;
}

TEST_F(MediaSourceTest, PlaysItsClipOverAndOver) {
  join();
  const SoundClip clip = clip_of({60, 70, 80});
  auto source = MediaSource::audio("0", clip, {});
  run(source, 1s);
  ASSERT_EQ(packets().size(), 50u);
  for (size_t i = 3; i < 50; ++i) {
    EXPECT_EQ(packets()[i].view().payload().size(), packets()[i - 3].view().payload().size());
    EXPECT_EQ(read_stamp(packets()[i].view().payload())->number, i);
    EXPECT_EQ(packets()[i].view().timestamp() - packets()[i - 1].view().timestamp(), 960u);
    EXPECT_FALSE(packets()[i].view().marker());
    EXPECT_THAT(packets()[i].extension(kAudioLevel), ElementsAre(0x80 | 40));
  }
}

TEST_F(MediaSourceTest, SilenceTakesNoNumbersAndASpurtBeginsWithTheMarker) {
  join();
  const SoundClip clip = clip_of({60, 60, 60, 0, 0});
  auto source = MediaSource::audio("0", clip, {.seed = 3});
  run(source, 2s);
  ASSERT_EQ(packets().size(), 60u);
  size_t markers = 0;
  for (size_t i = 1; i < packets().size(); ++i) {
    const auto view = packets()[i].view();
    const uint32_t step = view.timestamp() - packets()[i - 1].view().timestamp();
    EXPECT_EQ(static_cast<uint16_t>(view.sequence_number().value() -
                                    packets()[i - 1].view().sequence_number().value()),
              1);
    EXPECT_EQ(step, view.marker() ? 3u * 960 : 960u);
    markers += view.marker();
  }
  EXPECT_NEAR(static_cast<double>(markers), 20, 1);
}

}  // namespace
}  // namespace simpul::peer
