#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "relay/drop_map.h"
#include "relay/feed_packet.h"
#include "relay/layer_selection.h"
#include "relay/picture_view.h"
#include "rtp/dependency_descriptor.h"

namespace simpul::relay {

// What a packet leaves with besides its segment's numbers.
struct Placement {
  int64_t place = 0;  // its number, without those left out before it
  uint16_t pictures_left_out = 0;
  bool marker = false;
  bool is_filler = false;  // leaves empty: the receiver waits for its number, and wants no more
  rtp::ActiveTargets active{};
};

// What was left out of a stream for one receiver, as long as a retransmission or a late packet may
// ask: the same packet always gets the same placement.
class LayerMap {
 public:
  static constexpr size_t kNumberBlocks = 16;  // 1,024 packets
  static constexpr size_t kPictureBlocks = 4;  // 256 pictures of VP8
  static constexpr size_t kChangesMax = 8;     // of the selection; what is older is forgotten

  explicit LayerMap(int64_t first_number) : numbers_(first_number) {}

  // The selection that holds from a picture on, whose first packet that came is `opening`.
  void select(const FeedPacket& opening, const LayerSelection& selection);
  const LayerSelection* selection_of(const FeedPacket& packet) const;

  int64_t newest() const { return numbers_.newest(); }
  void take(const FeedPacket& packet);
  void leave_out(const FeedPacket& packet);
  void leave_out(int64_t number) { numbers_.drop(number); }
  void mark(const FeedPacket& packet) { numbers_.mark(packet.number); }

  // Nothing when it was left out, or nobody knows any more.
  std::optional<Placement> find(const FeedPacket& packet) const;
  std::optional<int64_t> number_at(int64_t place) const { return numbers_.number_at(place); }

 private:
  struct Change {
    int64_t first_number = 0;  // what is lost between them belongs to it by its timestamp
    int64_t opening_number = 0;
    uint32_t timestamp = 0;
    LayerSelection selection{};
  };

  std::optional<int64_t> picture_of(const FeedPacket& packet) const;

  DropMap<kNumberBlocks> numbers_;
  std::optional<DropMap<kPictureBlocks>> pictures_;  // of VP8, whose ids may have no holes
  std::array<Change, kChangesMax> changes_{};        // a ring
  size_t change_count_ = 0;                          // ever
};

// Leaves out of one stream the layers that its receiver does not get, once for each frame: what
// goes on looks as if there had never been more. The marker moves to the last packet of a picture
// that is sent.
class LayerFilter {
 public:
  // Of a stream that begins with `first_number`.
  LayerFilter(const LayerTarget& wanted, int64_t first_number)
      : selector_(wanted, true), map_(first_number) {}
  // Of one of which everything was sent in front of `first_number`, up to a packet with this
  // timestamp, whose picture goes on as it began.
  LayerFilter(const LayerTarget& wanted, int64_t first_number, uint32_t timestamp)
      : selector_(wanted, false), map_(first_number), has_timestamp_(true), timestamp_(timestamp) {}

  void want(const LayerTarget& wanted) { selector_.want(wanted); }
  const LayerSelector& selector() const { return selector_; }

  // Whether open() is due before the packet is placed.
  bool opens_picture(const FeedPacket& packet) const {
    return packet.number > map_.newest() &&
           (!has_timestamp_ || packet.media.timestamp != timestamp_);
  }
  void open(const PictureView& picture, const rtp::DependencyReader& dependencies,
            const FrameReferences& frames);
  // What a packet leaves with, late ones too; nothing when it does not.
  std::optional<Placement> place(const FeedPacket& packet);

  const LayerMap& map() const { return map_; }

 private:
  std::optional<Placement> place_late(const FeedPacket& packet);
  void leave_out(const FeedPacket& packet);
  bool ends_picture(const FeedPacket& packet) const;

  LayerSelector selector_;
  LayerSelection selection_;  // of the picture that is open
  LayerMap map_;
  bool has_timestamp_ = false;
  uint32_t timestamp_ = 0;  // of the picture that is open
  bool is_complete_ = false;
  int64_t marker_number_ = -1;  // of its packet that gets the marker; -1: not known
  // The spatial layer of the last packet that was left out, while that is the newest.
  std::optional<uint8_t> leaving_out_;
};

}  // namespace simpul::relay
