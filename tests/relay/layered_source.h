#pragma once

#include <array>
#include <map>
#include <random>
#include <set>
#include <vector>

#include "tests/relay/scene.h"

namespace simpul::relay::testing {

// What a frame of a layered stream is, as its encoder knows.
struct LayeredFrame {
  int64_t picture = 0;
  uint8_t spatial = 0;
  uint8_t temporal = 0;
  bool key = false;
  std::vector<int64_t> references;  // of frames, by their ids
  // The frame before it in each chain, one of which protects the targets of each spatial layer;
  // -1: there is none.
  std::array<int64_t, 4> chains_before{-1, -1, -1, -1};
};

// One packet of it.
struct LayeredPacket {
  int64_t frame = 0;  // its id
  size_t part = 0;
  size_t parts = 0;
};

// An encoder of spatial and temporal layers: VP8 (temporal alone), VP9, and AV1 and H.264 (temporal
// alone) with a dependency descriptor. Three temporal layers come as 0 2 1 2; layer 1 refers to
// itself too, but for every `sync_every`th time.
class LayeredSource {
 public:
  struct Options {
    rtp::Codec codec = rtp::Codec::kVp9;
    uint8_t spatial_layers = 3;
    uint8_t temporal_layers = 3;
    bool key_only = false;  // spatial layers depend on one another in key pictures only
    bool flexible = true;   // of VP9
    int sync_every = 2;
    uint16_t sequence_number = 65'400;
    uint16_t picture_id = 0x7FE0;
    bool short_picture_id = false;
    uint16_t frame_number = 65'450;
    uint32_t ssrc = 0x2000;
    uint32_t first_tag = 1;
    std::array<uint16_t, 4> widths = {320, 640, 1280, 1920};  // of spatial layers; 16:9
  };

  LayeredSource(PacketPool& pool, const Options& options) : pool_(&pool), options_(options) {
    timestamp_ = 0xFFFF'0000;
    offset_ = 0;
    next_tag_ = options.first_tag;
    picture_id_ = options.picture_id;
  }

  const Options& options() const { return options_; }

  uint8_t spatial_layers = 0;  // fewer than it has, when it lets some go; 0: all

  // The packets of the next picture.
  std::vector<rtp::MediaPacket> picture(bool key, size_t parts) {
    if (key) {
      cycle_ = 0;
      at_ = 0;
      last_.clear();
      last_in_chain_.fill(-1);
      // No template id means something in this structure and in the one before.
      offset_ = static_cast<uint8_t>(
          (offset_ + 2 * options_.spatial_layers * options_.temporal_layers) % 64);
    }
    const int temporal = temporal_at(at_);
    const bool sync = cycle_ % options_.sync_every == 0;
    std::vector<rtp::MediaPacket> packets;
    const uint8_t layers = spatial_layers > 0 ? spatial_layers : options_.spatial_layers;
    if (temporal == 0) ++tl0_;
    for (uint8_t spatial = 0; spatial < layers; ++spatial) {
      const int64_t id = next_id_++;
      LayeredFrame frame{.picture = picture_,
                         .spatial = spatial,
                         .temporal = static_cast<uint8_t>(temporal),
                         .key = key,
                         .references = {},
                         .chains_before = last_in_chain_};
      if (!key) refer(frame, sync);
      if (spatial > 0 && (key || !options_.key_only)) frame.references.push_back(id - 1);
      frames[id] = frame;
      note_chains(id, frame);
      for (size_t part = 0; part < parts; ++part) {
        const bool last = part + 1 == parts;
        packets.push_back(packet(id, frame, sync, part, last));
        packets.back().marker = last && spatial + 1 == layers;
        packets_of[id].push_back(next_tag_ - 1);
        by_tag[next_tag_ - 1] = {.frame = id, .part = part, .parts = parts};
      }
      last_[{spatial, temporal}] = id;
    }
    ++picture_;
    picture_id_ = static_cast<uint16_t>(picture_id_ + 1);
    timestamp_ += 3'000;
    at_ = (at_ + 1) % 4;
    if (at_ == 0) ++cycle_;
    return packets;
  }

  rtp::MediaPacket padding() { return finish({}); }

  std::map<int64_t, LayeredFrame> frames;
  std::map<uint32_t, LayeredPacket> by_tag;
  std::map<int64_t, std::vector<uint32_t>> packets_of;  // tags

 private:
  int width(size_t spatial) const { return options_.widths[spatial]; }
  int height(size_t spatial) const { return width(spatial) * 9 / 16; }
  void note_chains(int64_t id, const LayeredFrame& frame) {
    if (frame.temporal > 0) return;
    const bool is_of_higher = frame.key || !options_.key_only;
    for (size_t chain = frame.spatial; chain < last_in_chain_.size(); ++chain) {
      if (chain == frame.spatial || is_of_higher) last_in_chain_[chain] = id;
    }
  }
  int temporal_at(int at) const {
    if (options_.temporal_layers == 1) return 0;
    if (options_.temporal_layers == 2) return at % 2;
    constexpr std::array<int, 4> kOrder = {0, 2, 1, 2};
    return kOrder[static_cast<size_t>(at)];
  }
  // What it needs of earlier pictures. Layer 2 refers to layer 1 where that came in between.
  void refer(LayeredFrame& frame, bool sync) const {
    const auto last = [&](int temporal) {
      const auto found = last_.find({frame.spatial, temporal});
      return found == last_.end() ? -1 : found->second;
    };
    const auto add = [&](int64_t id) {
      if (id >= 0) frame.references.push_back(id);
    };
    add(last(0));
    if (frame.temporal == 1 && !sync) add(last(1));
    if (frame.temporal == 2 && at_ == 3) add(last(1));
  }
  bool needs_no_more_than_base(const LayeredFrame& frame, bool sync) const {
    return frame.temporal == 1 ? sync : frame.temporal == 2 ? at_ == 1 : true;
  }

  std::vector<uint8_t> head(const LayeredFrame& frame, bool sync, bool first, bool last) const {
    const auto id = static_cast<uint16_t>(picture_id_ & 0x7FFF);
    const bool key_start = frame.key && first && frame.spatial == 0;
    std::vector<uint8_t> bytes;
    if (options_.codec == rtp::Codec::kVp8) {
      bytes = {static_cast<uint8_t>(first ? 0x90 : 0x80), 0xE0};
      if (options_.short_picture_id) {
        bytes.push_back(id & 0x7F);
      } else {
        bytes.push_back(static_cast<uint8_t>(0x80 | id >> 8));
        bytes.push_back(static_cast<uint8_t>(id));
      }
      bytes.push_back(tl0_);
      bytes.push_back(static_cast<uint8_t>(
          frame.temporal << 6 |
          (frame.temporal > 0 && needs_no_more_than_base(frame, sync) ? 0x20 : 0)));
      const auto start = static_cast<uint8_t>(!first ? 0xAA : frame.key ? 0x10 : 0x11);
      const std::array<uint8_t, 10> frame_head = {start, 0, 0, 0x9D, 0x01, 0x2A, 0x40, 1, 0xF0, 0};
      bytes.insert(bytes.end(), frame_head.begin(), frame_head.end());
    } else if (options_.codec == rtp::Codec::kVp9) {
      const bool top = frame.spatial + 1 == options_.spatial_layers;
      const bool unused = top || (options_.key_only && !frame.key);
      const bool below = frame.spatial > 0 && (frame.key || !options_.key_only);
      // Later pictures of higher layers need none of these before this one.
      const bool up = frame.temporal == 0 ? sync || frame.key : true;
      bytes = {static_cast<uint8_t>(0xA0 | (frame.key ? 0 : 0x40) | (options_.flexible ? 0x10 : 0) |
                                    (first ? 0x08 : 0) | (last ? 0x04 : 0) |
                                    (key_start ? 0x02 : 0) | (unused ? 1 : 0)),
               static_cast<uint8_t>(0x80 | id >> 8), static_cast<uint8_t>(id),
               static_cast<uint8_t>(frame.temporal << 5 | (up ? 0x10 : 0) | frame.spatial << 1 |
                                    (below ? 1 : 0))};
      if (!options_.flexible) bytes.push_back(tl0_);
      if (options_.flexible && !frame.key) bytes.push_back(0x02);
      if (key_start) {
        const auto layers = static_cast<size_t>(options_.spatial_layers);
        bytes.push_back(static_cast<uint8_t>((layers - 1) << 5 | 0x10));
        for (size_t i = 0; i < layers; ++i) {
          for (const int side : {width(i), height(i)}) {
            bytes.push_back(static_cast<uint8_t>(side >> 8));
            bytes.push_back(static_cast<uint8_t>(side));
          }
        }
      }
    } else if (options_.codec == rtp::Codec::kH264) {
      bytes = {static_cast<uint8_t>(frame.key ? 0x65 : 0x41), 0x88, 0x80};
    } else {
      bytes = {static_cast<uint8_t>(key_start ? 0x18 : 0x10), 0x32};
    }
    return bytes;
  }

  // What a frame is to the target of these layers.
  uint32_t indication(const LayeredFrame& frame, bool sync, int spatial, int temporal) const {
    constexpr uint32_t kNotPresent = 0;
    constexpr uint32_t kDiscardable = 1;
    constexpr uint32_t kSwitch = 2;
    constexpr uint32_t kRequired = 3;
    if (spatial < frame.spatial || temporal < frame.temporal) return kNotPresent;
    if (frame.key) return kSwitch;
    if (spatial > frame.spatial) return options_.key_only ? kNotPresent : kRequired;
    if (frame.temporal == 2) return kDiscardable;
    if (frame.temporal == 1) return kSwitch;
    return temporal == 0 || sync ? kSwitch : kRequired;
  }

  void describe(rtp::MediaPacket& made, int64_t id, const LayeredFrame& frame, bool sync,
                bool first, bool last) {
    const int temporals = options_.temporal_layers;
    // Two templates a layer: of key pictures and of others.
    const int index = 2 * (frame.spatial * temporals + frame.temporal) + (frame.key ? 0 : 1);
    const auto frame_number = static_cast<uint16_t>(options_.frame_number + id);
    simpul::testing::BitWriter writer;
    writer.bits(first ? 1 : 0, 1).bits(last ? 1 : 0, 1);
    writer.bits(static_cast<uint64_t>((offset_ + index) % 64), 6).bits(frame_number, 16);
    const bool structure = frame.key && first && frame.spatial == 0;
    writer.bits(structure ? 1 : 0, 1).bits(0, 1).bits(1, 1).bits(1, 1).bits(1, 1);
    if (structure) add_structure(writer);
    each_target([&](int s, int t) { writer.bits(indication(frame, sync, s, t), 2); });
    for (const int64_t reference : frame.references) {
      writer.bits(3, 2).bits(static_cast<uint64_t>(id - reference - 1), 12);
    }
    writer.bits(0, 2);
    for (size_t chain = 0; chain < options_.spatial_layers; ++chain) {
      const int64_t before = frame.chains_before[chain];
      writer.bits(before < 0 ? 0 : static_cast<uint64_t>(id - before), 8);
    }
    const auto& bytes = writer.bytes();
    const uint32_t at = made.packet->size;
    std::memcpy(made.packet->bytes.data() + at, bytes.data(), bytes.size());
    made.packet->size = static_cast<uint32_t>(at + bytes.size());
    made.extensions.items[0] = {.kind = rtp::ExtensionKind::kDependencyDescriptor,
                                .offset = static_cast<uint16_t>(at),
                                .size = static_cast<uint8_t>(bytes.size())};
    made.extensions.count = 1;
  }
  template <class Visit>
  void each_target(const Visit& visit) const {
    for (int s = 0; s < options_.spatial_layers; ++s) {
      for (int t = 0; t < options_.temporal_layers; ++t) visit(s, t);
    }
  }
  void add_structure(simpul::testing::BitWriter& writer) const {
    const int targets = options_.spatial_layers * options_.temporal_layers;
    writer.bits(offset_, 6).bits(static_cast<uint64_t>(targets - 1), 5);
    for (int i = 0; i < targets; ++i) {
      writer.bits(0, 2);
      const bool last = i + 1 == targets;
      writer.bits(last ? 3 : (i + 1) % options_.temporal_layers == 0 ? 2 : 1, 2);
    }
    each_target([&](int spatial, int temporal) {
      for (const bool key : {true, false}) {
        const LayeredFrame frame{.spatial = static_cast<uint8_t>(spatial),
                                 .temporal = static_cast<uint8_t>(temporal),
                                 .key = key,
                                 .references = {},
                                 .chains_before = {}};
        each_target([&](int s, int t) { writer.bits(indication(frame, false, s, t), 2); });
      }
    });
    for (int i = 0; i < 2 * targets; ++i) writer.bits(0, 1);
    add_non_symmetric(writer, options_.spatial_layers, targets + 1);
    each_target(
        [&](int spatial, int) { add_non_symmetric(writer, spatial, options_.spatial_layers); });
    for (int i = 0; i < 2 * targets * options_.spatial_layers; ++i) writer.bits(0, 4);
    writer.bits(1, 1);
    for (size_t s = 0; s < options_.spatial_layers; ++s) {
      writer.bits(static_cast<uint64_t>(width(s) - 1), 16);
      writer.bits(static_cast<uint64_t>(height(s) - 1), 16);
    }
  }

  // ns(count), A.8.3.
  static void add_non_symmetric(simpul::testing::BitWriter& writer, int value, int count) {
    int width = 0;
    while ((count >> width) != 0) ++width;
    const int shorter = (1 << width) - count;
    const bool is_short = value < shorter;
    writer.bits(static_cast<uint64_t>(is_short ? value : value + shorter),
                is_short ? width - 1 : width);
  }

  rtp::MediaPacket packet(int64_t id, const LayeredFrame& frame, bool sync, size_t part,
                          bool last) {
    auto payload = head(frame, sync, part == 0, last);
    payload.resize(payload.size() + 40);
    store_be32(std::span(payload).last(4).first<4>(), next_tag_++);
    rtp::MediaPacket made = finish(payload);
    const bool is_described =
        options_.codec == rtp::Codec::kAv1 || options_.codec == rtp::Codec::kH264;
    if (is_described) describe(made, id, frame, sync, part == 0, last);
    return made;
  }
  rtp::MediaPacket finish(const std::vector<uint8_t>& payload) {
    constexpr uint16_t kHeader = 12;
    rtp::MediaPacket made;
    made.packet = pool_->allocate();
    if (!payload.empty()) {
      std::memcpy(made.packet->bytes.data() + kHeader, payload.data(), payload.size());
    }
    made.packet->size = static_cast<uint32_t>(kHeader + payload.size());
    made.payload_offset = kHeader;
    made.payload_size = static_cast<uint16_t>(payload.size());
    made.ssrc = rtp::Ssrc(options_.ssrc);
    made.sequence_number = rtp::SequenceNumber(options_.sequence_number++);
    made.timestamp = timestamp_;
    made.format = format_of(options_.codec);
    return made;
  }

  PacketPool* pool_;
  Options options_;
  uint32_t timestamp_;
  uint8_t offset_;
  uint8_t tl0_ = 250;
  uint16_t picture_id_;
  int64_t picture_ = 0;
  int64_t next_id_ = 0;
  uint32_t next_tag_;
  int cycle_ = 0;
  int at_ = 0;
  std::map<std::pair<int, int>, int64_t> last_;  // frame by spatial and temporal layer
  std::array<int64_t, 4> last_in_chain_{-1, -1, -1, -1};
};

}  // namespace simpul::relay::testing
