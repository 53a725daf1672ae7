#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/time.h"
#include "relay/relay.h"

namespace simpul::relay {

// What one connection's estimate is shared out among; more is not looked at.
inline constexpr size_t kSlotsMax = 32;
inline constexpr size_t kLayerOptionsMax = 16;  // of one track

// What of a track is carried: one encoding (by its place in the offer) and the spatial and temporal
// layers of it up to these.
struct LayerId {
  uint8_t encoding = 0;
  uint8_t spatial = 0;
  uint8_t temporal = 0;

  friend bool operator==(const LayerId&, const LayerId&) = default;
};

enum class LayerSupply : uint8_t {
  kSent,
  kSuspended,  // not sent because nobody watches it: comes when it is asked for
  kAbsent,
};

struct LayerOption {
  LayerId id;
  LayerSupply supply = LayerSupply::kSent;
  bool is_allowed = true;  // the viewer did not ask for smaller ones only
  // Of all that is sent for it, lower layers and headers included, over a few seconds: one key
  // frame is no reason to leave a layer. 0 until it was measured.
  uint64_t bitrate_bps = 0;
  uint16_t width = 0;  // 0 until a key frame told
  uint16_t height = 0;
  double frames_per_second = 0;  // 0 when it is not known
};

// One video slot and what could be in it.
struct SlotDemand {
  std::optional<TrackId> track = {};
  std::span<const LayerOption> options = {};  // in any order
  std::optional<uint32_t> wanted_pixels =
      {};                               // as large as it is shown; unknown: as large as it is
  uint8_t priority = 1;                 // of 255 that count so much more
  bool is_paused = false;               // by request
  std::optional<LayerId> carried = {};  // what leaves now
};

struct AllocationRequest {
  // What the path carries; nothing where nothing tells, and then nothing is held back.
  std::optional<uint64_t> estimate_bps = {};
  // Of all that is sent, what arrives; 0 where nothing tells.
  uint64_t arriving_bps = 0;
  bool is_path_full = false;    // its queue is: what is more than it carries is lost, or late
  bool is_path_silent = false;  // nothing tells any more: no layer was too much
  uint64_t audio_bps = 0;       // leaves first, whatever there is
  std::span<const SlotDemand> slots = {};
};

// Why a slot carries what it carries, and no more.
enum class GrantCause : uint8_t {
  kLargest,              // there is no more of this track
  kLargestWanted,        // more than it is shown with
  kLargestAsked,         // the viewer asked for no more
  kPublisherNotSending,  // nothing, or no larger layer
  kWaitingForKeyFrame,
  kWaitingForPublisher,  // to send a layer again that nobody watched
  kEstimate,             // more does not fit
  kSettling,             // more fits since a moment only
  kHeldBack,             // more was tried, and did not last
  kEstimateUnknown,
  kPausedByEstimate,  // not even the least fits
  kPausedByRequest,
  kEmpty,  // nobody is in this slot
};

struct SlotGrant {
  std::optional<LayerId> layer = {};
  uint64_t bitrate_bps = 0;  // its share
  uint8_t priority = 1;
  std::optional<uint32_t> wanted_pixels = {};
  GrantCause cause = GrantCause::kEmpty;
  // What is carried fills the path far beyond what it carries: it ends now, although what was
  // granted has to wait for its key frame.
  bool ends_carried = false;
  // The next layer that would be of use here, the estimate that it takes, and for how long it has
  // to wait yet, as far as time is what it waits for.
  std::optional<LayerId> next = {};
  uint64_t needed_bps = 0;
  Duration wait{};
};

struct Allocation {
  std::optional<uint64_t> estimate_bps = {};
  uint64_t audio_bps = 0;
  uint64_t video_bps = 0;  // of all grants
  // The estimate at which somebody gets the next layer that is of use; 0 when none is.
  uint64_t probe_bps = 0;
  std::vector<SlotGrant> slots = {};  // as they were asked for
};

// What was decided for one connection and why, in the order of its slots, with the layers' names.
struct Explanation {
  struct Slot {
    rtp::Ssrc ssrc;
    SlotGrant grant = {};
    std::optional<std::string> granted_layer = {};
    std::optional<std::string> next_layer = {};
  };
  std::optional<uint64_t> estimate_bps = {};
  uint64_t audio_bps = 0;
  std::vector<Slot> slots = {};
};

}  // namespace simpul::relay
