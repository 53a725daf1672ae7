#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <map>
#include <set>

#include "relay/replay.h"
#include "rtp/dependency_descriptor.h"
#include "tests/relay/layered_source.h"

namespace simpul::relay::testing {

// A receiver of one slot that carries a layered stream. It takes nothing that a decoder would
// refuse: every frame whose references the relay could have sent must have them.
class LayerReceiver {
 public:
  LayerReceiver(const LayeredSource& source, const std::set<uint32_t>& arrived)
      : source_(source), arrived_(arrived), chain_(source.options().spatial_layers - size_t{1}) {}

  void receive(const Sent& sent) {
    ASSERT_TRUE(indices_.insert(sent.index).second) << "index " << sent.index << " left twice";
    if (sent.payload.empty()) {
      ++fillers;
      return;
    }
    sent_[sent.index] = sent;
    const LayeredPacket& packet = source_.by_tag.at(sent.tag());
    const LayeredFrame& frame = source_.frames.at(packet.frame);
    received_[packet.frame].insert(packet.part);
    check_references(packet.frame, frame);
    check_chain(sent, packet, frame);
    check_order(sent, frame);
    check_picture_id(sent, frame);
    if (sent.marker) markers_[frame.picture].insert(sent.index);
    last_index_[frame.picture] = std::max(last_index_[frame.picture], sent.index);
    highest_[frame.picture] = std::max(highest_[frame.picture], frame.spatial);
    newest_ = std::max(newest_, sent.index);
  }

  void receive_repair(const Sent& sent) {
    ASSERT_GE(sent.payload.size(), 2u);
    const uint16_t original = load_be16(Bytes(sent.payload).first<2>());
    const auto before = sent_.find(newest_ - static_cast<uint16_t>(newest_ - original));
    if (before == sent_.end()) return;  // empty, or late
    ++repairs;
    const std::vector<uint8_t> payload(sent.payload.begin() + 2, sent.payload.end());
    EXPECT_EQ(payload, before->second.payload);
    EXPECT_EQ(sent.marker, before->second.marker);
    EXPECT_EQ(sent.timestamp, before->second.timestamp);
  }

  // Where nothing was lost on the way to the relay.
  void expect_no_holes() const {
    ASSERT_FALSE(indices_.empty());
    EXPECT_EQ(*indices_.rbegin() - *indices_.begin() + 1, indices_.size());
    EXPECT_EQ(picture_holes, 0u);
  }
  void expect_holes_at_most(size_t lost) const {
    EXPECT_LE(*indices_.rbegin() - *indices_.begin() + 1 - indices_.size(), lost);
  }
  void expect_markers(int64_t from, int64_t before) const {
    for (const auto& [picture, last] : last_index_) {
      if (picture < from || picture >= before) continue;
      const auto found = markers_.find(picture);
      ASSERT_NE(found, markers_.end()) << "picture " << picture << " without a marker";
      EXPECT_EQ(found->second, std::set<uint64_t>{last}) << "picture " << picture;
    }
  }

  size_t pictures_since(int64_t picture) const {
    return static_cast<size_t>(std::distance(last_index_.lower_bound(picture), last_index_.end()));
  }
  // The highest layers of what left since a picture.
  std::pair<int, int> highest_since(int64_t picture) const {
    std::pair<int, int> highest{-1, -1};
    for (const auto& [id, parts] : received_) {
      const LayeredFrame& frame = source_.frames.at(id);
      if (frame.picture < picture) continue;
      highest.first = std::max(highest.first, int{frame.spatial});
      highest.second = std::max(highest.second, int{frame.temporal});
    }
    return highest;
  }
  uint64_t newest() const { return newest_; }

  size_t fillers = 0;
  size_t repairs = 0;
  size_t picture_holes = 0;

 private:
  void check_references(int64_t id, const LayeredFrame& frame) {
    for (const int64_t reference : frame.references) {
      if (received_.contains(reference)) continue;
      EXPECT_FALSE(has_arrived(reference))
          << "frame " << id << " (picture " << frame.picture << ", S" << int{frame.spatial} << " T"
          << int{frame.temporal} << ") refers to frame " << reference << ", which did not leave";
    }
  }
  // Nothing of the chain that protects the highest active decode target was left out.
  void check_chain(const Sent& sent, const LayeredPacket& packet, const LayeredFrame& frame) {
    if (!sent.frame_number || packet.part > 0) return;
    const auto temporals = source_.options().temporal_layers;
    if (sent.active.count > 0) {
      ASSERT_NE(sent.active.mask, 0u);
      chain_ = static_cast<size_t>(std::bit_width(sent.active.mask) - 1) / temporals;
    }
    const int64_t before = frame.chains_before[chain_];
    if (before < 0 || received_.contains(before)) return;
    EXPECT_FALSE(has_arrived(before))
        << "frame " << packet.frame << " of picture " << frame.picture << " leaves, and frame "
        << before << " in front of it in chain " << chain_ << " did not";
  }
  bool has_arrived(int64_t frame) const {
    return std::ranges::any_of(source_.packets_of.at(frame),
                               [&](uint32_t tag) { return arrived_.contains(tag); });
  }
  void check_order(const Sent& sent, const LayeredFrame& frame) {
    const auto [found, is_new] = timestamps_.emplace(frame.picture, sent.timestamp);
    EXPECT_EQ(found->second, sent.timestamp);
    if (!is_new || found == timestamps_.begin()) return;
    const auto& before = *std::prev(found);
    const int64_t step = sent.timestamp - before.second;
    const int64_t made = 3'000 * (frame.picture - before.first);
    // Who began with an earlier key frame catches up first.
    const bool is_faster = has_caught_up_ ? false : step < made;
    EXPECT_GE(step, is_faster ? made / Replay::kSpeedMax - 1 : made);
    EXPECT_LE(step, made);
    if (step == made && std::next(found) == timestamps_.end()) has_caught_up_ = true;
  }
  // VP8's are continuous over what leaves; the others keep their distance.
  void check_picture_id(const Sent& sent, const LayeredFrame& frame) {
    const auto numbers = sent.numbers();
    if (!numbers) return;
    const bool vp8 = sent.payload_type == kVp8Type;
    const auto [found, is_new] = picture_ids_.emplace(frame.picture, numbers->picture_id);
    EXPECT_EQ(found->second, numbers->picture_id);
    if (!is_new || found == picture_ids_.begin() || std::next(found) != picture_ids_.end()) return;
    const auto& before = *std::prev(found);
    const int mask = vp8 && !sent.vp8().long_picture_id ? 0x7F : 0x7FFF;
    const int64_t step = (numbers->picture_id - before.second) & mask;
    if (vp8) {
      EXPECT_GE(step, 1) << "picture " << frame.picture << " T" << int{frame.temporal} << " after "
                         << before.first;
      EXPECT_LE(step, frame.picture - before.first);
      picture_holes += step > 1;
    } else {
      EXPECT_EQ(step, frame.picture - before.first);
    }
  }

  const LayeredSource& source_;
  const std::set<uint32_t>& arrived_;
  size_t chain_;  // that protects what it receives
  std::set<uint64_t> indices_;
  std::map<uint64_t, Sent> sent_;
  std::map<int64_t, std::set<size_t>> received_;  // parts by frame
  std::map<int64_t, uint32_t> timestamps_;        // by picture, and so on
  std::map<int64_t, uint16_t> picture_ids_;
  std::map<int64_t, std::set<uint64_t>> markers_;
  std::map<int64_t, uint64_t> last_index_;
  std::map<int64_t, uint8_t> highest_;
  uint64_t newest_ = 0;
  bool has_caught_up_ = false;
};

}  // namespace simpul::relay::testing
