#pragma once

#include <bitset>
#include <cstdint>
#include <optional>

#include "relay/frame_references.h"
#include "relay/layer_target.h"
#include "relay/picture_view.h"
#include "rtp/dependency_descriptor.h"

namespace simpul::relay {

// Which frames of a stream leave, from some packet on.
struct LayerSelection {
  bool has_all = true;
  uint8_t spatial = LayerTarget::kAll;
  uint8_t temporal = LayerTarget::kAll;
  uint8_t decode_target = 0;  // of a stream with dependency descriptors
  uint8_t structure = 0;      // that it belongs to
  uint8_t target_count = 0;   // of that
  uint32_t active_mask = 0;   // the decode targets that are whole

  bool takes(const rtp::LayerInfo& layers) const;
  friend bool operator==(const LayerSelection&, const LayerSelection&) = default;
};

// Decides, picture by picture, which layers of a stream leave for one receiver: at most those that
// are wanted, down as soon as the frames that go on are whole, up only where the stream says that
// it is legal: VP8 layer sync (RFC 7741 §4.2), VP9 switching up points and frames that no earlier
// picture is needed for (RFC 9628 §4.2), the switch indication of a frame for which all that it
// needs came and was sent (dependency descriptor, RTP Payload Format for AV1, appendix A). Rewrites
// nothing.
class LayerSelector {
 public:
  // Frames whose having been sent is remembered; older references count as not sent.
  static constexpr size_t kFramesKept = 512;
  // Pictures in a row without the selected spatial layer, after which its sender has let it go.
  static constexpr int kPicturesWithoutMax = 8;
  // Pictures that one could switch with if something lost had come, after which it is not waited
  // for.
  static constexpr int kBrokenMax = 4;

  // `from_start`: the next packet begins the stream; else everything was sent up to here.
  LayerSelector(const LayerTarget& wanted, bool from_start);

  void want(const LayerTarget& wanted) { wanted_ = wanted; }
  const LayerTarget& wanted() const { return wanted_; }

  // The next picture in order. What leaves of it and from it on is current() then.
  void open(const PictureView& picture, const rtp::DependencyReader& dependencies,
            const FrameReferences& frames);
  // Its packets in order, and whether they leave.
  void note(const FeedPacket& packet, bool leaves);
  // A packet that came late.
  void note_late(const FeedPacket& packet, bool leaves);

  const LayerSelection& current() const { return current_; }
  // What leaves of the picture that is open: all of one that nobody can tell about.
  LayerSelection of_picture() const { return is_unknown_ ? LayerSelection() : current_; }
  // What is wanted cannot be had without a key frame.
  bool needs_key_frame() const { return needs_key_frame_; }

 private:
  using Dependencies = rtp::DependencyReader;

  void open_vp8(const FeedPacket& first);
  void open_vp9(const PictureView& picture);
  uint8_t nearest_vp9(const PictureView& picture) const;
  void descend(const PictureView& picture);
  void climb(const PictureView& picture);
  bool can_go_on(const PictureView& picture, size_t spatial) const;
  void note_vp9(const rtp::LayerInfo& layers, bool leaves);

  void open_dependencies(const PictureView& picture, const Dependencies& dependencies,
                         const FrameReferences& frames);
  // The decode target that comes nearest to what is wanted.
  static size_t nearest(const Dependencies& dependencies, const LayerTarget& wanted);
  enum class Switch : uint8_t { kNo, kBroken, kYes };  // broken: but for what was lost
  struct Reach {
    std::optional<size_t> target;
    bool is_broken = false;
  };
  Reach reachable(const PictureView& picture, const Dependencies& dependencies,
                  const FrameReferences& frames, size_t best) const;
  Switch can_switch(const PictureView& picture, const FrameReferences& frames,
                    size_t decode_target) const;
  void select(const Dependencies& dependencies, size_t decode_target);
  bool has_sent(uint16_t frame_number) const;
  void note_frame(uint16_t frame_number, bool leaves);

  void count_missing();

  LayerTarget wanted_;
  LayerSelection current_;
  bool is_unknown_ = false;
  bool needs_key_frame_ = false;
  bool has_selected_ = true;       // the picture has the selected spatial layer
  int pictures_without_ = 0;       // it, in a row
  int broken_ = 0;                 // pictures, since the last switch
  size_t picture_end_ = 0;         // one above the highest spatial layer that came of the picture
  size_t spatial_end_ = 0;         // of the picture before
  bool all_sent_;                  // nothing was left out so far
  uint8_t whole_;                  // VP9: spatial layers of which everything was sent; bits
  std::bitset<kFramesKept> sent_;  // by frame number modulo its size
  std::optional<uint16_t> newest_frame_;
};

}  // namespace simpul::relay
