#pragma once

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <unordered_map>

#include "relay/replay.h"
#include "tests/relay/scene.h"

namespace simpul::relay::testing {

// Where a packet comes from: which encoder's run of packets, its place there, its frame.
struct Origin {
  uint32_t stream = 0;
  int64_t place = 0;
  uint32_t timestamp = 0;
  rtp::PictureNumbers numbers{};  // of VP8 and VP9
  uint16_t frame_number = 0;      // of AV1
  bool key_start = false;
};

// What the sources made, and what of it has come to the relay.
struct World {
  void made(uint32_t stream, int64_t place, const rtp::MediaPacket& packet) {
    const Bytes payload = packet.payload();
    if (payload.empty()) return;
    Origin origin{.stream = stream, .place = place, .timestamp = packet.timestamp};
    const auto info = rtp::read_payload(
        packet.format.codec, payload, packet.extension(rtp::ExtensionKind::kDependencyDescriptor));
    if (const auto numbers = info->numbers()) origin.numbers = *numbers;
    origin.frame_number = info->frame_number.value_or(0);
    origin.key_start = info->key_frame;
    if (packet.format.codec == rtp::Codec::kH264) origin.key_start = starts_h264(payload);
    origins[tag_of(payload)] = origin;
  }
  // Parameters as a Source has them in front of key frames.
  static bool starts_h264(Bytes payload) {
    const size_t at = payload[0] == 0x78 ? 3 : 0;
    return payload[at] == 0x67 && payload[at + 1] == 0x42;
  }
  void came(uint32_t stream, int64_t place, bool is_padding) {
    auto& places = arrived[stream];
    const bool is_late = !places.empty() && place < places.rbegin()->first;
    places.emplace(place, is_padding && !is_late);
  }
  // How many packets between the two a receiver has to miss: what did not come, and late padding.
  uint64_t missing_between(uint32_t stream, int64_t first, int64_t last) {
    uint64_t missing = 0;
    for (int64_t place = first + 1; place < last; ++place) {
      const auto found = arrived[stream].find(place);
      const bool came = found != arrived[stream].end();
      const bool late_padding = came && !found->second && padding.contains({stream, place});
      missing += !came || late_padding;
    }
    return missing;
  }

  std::unordered_map<uint32_t, Origin> origins;
  std::map<uint32_t, std::map<int64_t, bool>> arrived;  // place -> left out in its turn
  std::set<std::pair<uint32_t, int64_t>> padding;
};

// The switching contract, held to everything that leaves one slot.
class StreamChecker {
 public:
  StreamChecker(World& world, bool is_video) : world_(world), is_video_(is_video) {}

  void check(const Sent& sent, TimePoint now) {
    const uint64_t highest = indices_.empty() ? 0 : *indices_.rbegin();  // late padding included
    ASSERT_TRUE(indices_.insert(sent.index).second) << "index " << sent.index << " left twice";
    ASSERT_TRUE(started_ || sent.index < 0x8000) << "the first index is ambiguous";
    if (sent.payload.empty()) return;
    const auto found = world_.origins.find(sent.tag());
    ASSERT_NE(found, world_.origins.end());
    const Origin& origin = found->second;
    sent_[sent.index] = sent;
    if (started_ && sent.index <= last_.index) {
      EXPECT_EQ(origin.stream, origin_.stream) << "a late packet of another stream";
      EXPECT_LT(origin.place, origin_.place);
      return;
    }
    if (!started_ || origin.stream != origin_.stream || begins_again(sent, origin, highest)) {
      check_start(sent, origin, highest);
      check_pause(sent, now);
    } else {
      check_next(sent, origin);
    }
    started_ = true;
    last_ = sent;
    last_at_ = now;
    origin_ = origin;
    if (const auto numbers = sent.numbers()) numbers_ = numbers;
    if (sent.frame_number) frame_number_ = sent.frame_number;
  }

  void check_repair(const Sent& sent) {
    ASSERT_TRUE(!repair_index_ || sent.index == *repair_index_ + 1);
    repair_index_ = sent.index;
    ASSERT_GE(sent.payload.size(), 2u);
    const uint16_t original = load_be16(Bytes(sent.payload).first<2>());
    const auto index = last_.index - static_cast<uint16_t>(last_.index - original);
    const auto before = sent_.find(index);
    if (before == sent_.end()) return;  // came after the switch: the receiver lacks it
    const Sent& first = before->second;
    EXPECT_EQ(std::vector<uint8_t>(sent.payload.begin() + 2, sent.payload.end()), first.payload);
    EXPECT_EQ(sent.timestamp, first.timestamp);
    EXPECT_EQ(sent.marker, first.marker);
    ++repairs;
  }

  uint64_t last_index() const { return last_.index; }
  bool started() const { return started_; }
  uint32_t stream() const { return origin_.stream; }

  size_t starts = 0;
  size_t repairs = 0;

 private:
  // With a key frame, after it was to carry another stream of which nothing came.
  bool begins_again(const Sent& sent, const Origin& origin, uint64_t highest) const {
    return origin.key_start && sent.index == highest + 1 &&
           sent.timestamp - last_.timestamp != origin.timestamp - origin_.timestamp;
  }
  void check_start(const Sent& sent, const Origin& origin, uint64_t highest) {
    ++starts;
    has_caught_up_ = false;
    EXPECT_TRUE(origin.key_start || !is_video_) << "began inside a frame";
    if (!started_) return;
    EXPECT_EQ(sent.index, highest + 1) << "a hole between two streams";
    EXPECT_GT(static_cast<int32_t>(sent.timestamp - last_.timestamp), 0);
    if (const auto numbers = sent.numbers()) {
      if (numbers_) {
        EXPECT_EQ(numbers->picture_id, (numbers_->picture_id + 1) & 0x7FFF);
        EXPECT_EQ(numbers->tl0_pic_idx, (numbers_->tl0_pic_idx + 1) & 0xFF);
        const bool is_vp8 = sent.payload_type == kVp8Type && last_.payload_type == kVp8Type;
        if (is_vp8) {
          EXPECT_EQ(numbers->key_idx, (numbers_->key_idx + 1) & 0x1F);
        }
      }
    }
    if (sent.frame_number && frame_number_) {
      EXPECT_EQ(*sent.frame_number, static_cast<uint16_t>(*frame_number_ + 1));
    }
  }
  // Between two streams about as much time has gone by as really has, whatever sender reports say.
  void check_pause(const Sent& sent, TimePoint now) const {
    if (!started_) return;
    constexpr Duration kOff = 1'500ms;  // a second of the reports, and what a replay leaves faster
    const int64_t step = static_cast<int32_t>(sent.timestamp - last_.timestamp);
    EXPECT_LE(step, (now - last_at_ + kOff).count() * (is_video_ ? 90 : 48) / 1'000);
  }
  void check_next(const Sent& sent, const Origin& origin) {
    EXPECT_EQ(sent.index - last_.index - 1,
              world_.missing_between(origin.stream, origin_.place, origin.place))
        << "stream " << origin.stream << " from " << origin_.place << " to " << origin.place;
    check_step(sent.timestamp - last_.timestamp, origin.timestamp - origin_.timestamp);
    if (const auto numbers = sent.numbers()) {
      EXPECT_EQ((numbers->picture_id - numbers_->picture_id) & 0x7FFF,
                (origin.numbers.picture_id - origin_.numbers.picture_id) & 0x7FFF);
      EXPECT_EQ((numbers->tl0_pic_idx - numbers_->tl0_pic_idx) & 0xFF,
                (origin.numbers.tl0_pic_idx - origin_.numbers.tl0_pic_idx) & 0xFF);
      EXPECT_EQ((numbers->key_idx - numbers_->key_idx) & 0x1F,
                (origin.numbers.key_idx - origin_.numbers.key_idx) & 0x1F);
    }
    if (sent.frame_number) {
      EXPECT_EQ(static_cast<uint16_t>(*sent.frame_number - *frame_number_),
                static_cast<uint16_t>(origin.frame_number - origin_.frame_number));
    }
  }

  // What began with an earlier key frame leaves faster than it was made, until it has caught up.
  void check_step(uint32_t sent, uint32_t made) {
    if (sent == made) {
      has_caught_up_ = has_caught_up_ || made > 0;
      return;
    }
    EXPECT_FALSE(has_caught_up_ || !is_video_) << sent << " ticks, and were " << made;
    EXPECT_GT(sent, 0u);
    EXPECT_LT(sent, made);
    EXPECT_GE(sent + 1, made / Replay::kSpeedMax);
  }

  World& world_;
  bool is_video_;
  bool has_caught_up_ = false;
  bool started_ = false;
  Sent last_;                                   // with the highest index
  TimePoint last_at_{};                         // when it left
  Origin origin_;                               // of it
  std::optional<rtp::PictureNumbers> numbers_;  // that left last, of either codec
  std::optional<uint16_t> frame_number_;
  std::set<uint64_t> indices_;
  std::map<uint64_t, Sent> sent_;
  std::optional<uint64_t> repair_index_;
};

}  // namespace simpul::relay::testing
