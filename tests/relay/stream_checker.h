#pragma once

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <unordered_map>

#include "tests/relay/scene.h"

namespace simpul::relay::testing {

// Where a packet comes from: which encoder's run of packets, its place there, its frame.
struct Origin {
  uint32_t stream = 0;
  int64_t place = 0;
  uint32_t timestamp = 0;
  uint16_t picture_id = 0;
  bool key_start = false;
};

// What the sources made, and what of it has come to the relay.
struct World {
  void made(uint32_t stream, int64_t place, const rtp::MediaPacket& packet) {
    const Bytes payload = packet.payload();
    if (payload.empty()) return;
    Origin origin{.stream = stream, .place = place, .timestamp = packet.timestamp};
    if (const auto vp8 = rtp::Vp8Descriptor::parse(payload); packet.codec == rtp::Codec::kVp8) {
      origin.picture_id = vp8->picture_id.value_or(0);
      origin.key_start = vp8->key_frame;
    }
    origins[tag_of(payload)] = origin;
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
      if (found == arrived[stream].end()) {
        ++missing;
      } else if (!found->second && padding.contains({stream, place})) {
        ++missing;
      }
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

  void check(const Sent& sent) {
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
    if (!started_ || origin.stream != origin_.stream) {
      check_start(sent, origin, highest);
    } else {
      check_next(sent, origin);
    }
    started_ = true;
    last_ = sent;
    origin_ = origin;
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
  void check_start(const Sent& sent, const Origin& origin, uint64_t highest) {
    ++starts;
    EXPECT_TRUE(origin.key_start || !is_video_) << "began inside a frame";
    if (!started_) return;
    EXPECT_EQ(sent.index, highest + 1) << "a hole between two streams";
    EXPECT_GT(static_cast<int32_t>(sent.timestamp - last_.timestamp), 0);
    if (is_video_) {
      EXPECT_EQ(*sent.vp8().picture_id, (*last_.vp8().picture_id + 1) & 0x7FFF);
      EXPECT_EQ(*sent.vp8().tl0_pic_idx, (*last_.vp8().tl0_pic_idx + 1) & 0xFF);
    }
  }
  void check_next(const Sent& sent, const Origin& origin) {
    EXPECT_EQ(sent.index - last_.index - 1,
              world_.missing_between(origin.stream, origin_.place, origin.place));
    EXPECT_EQ(sent.timestamp - last_.timestamp, origin.timestamp - origin_.timestamp);
    if (is_video_) {
      EXPECT_EQ((*sent.vp8().picture_id - *last_.vp8().picture_id) & 0x7FFF,
                (origin.picture_id - origin_.picture_id) & 0x7FFF);
    }
  }

  World& world_;
  bool is_video_;
  bool started_ = false;
  Sent last_;      // with the highest index
  Origin origin_;  // of it
  std::set<uint64_t> indices_;
  std::map<uint64_t, Sent> sent_;
  std::optional<uint64_t> repair_index_;
};

}  // namespace simpul::relay::testing
