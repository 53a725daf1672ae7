#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/time.h"
#include "relay/allocation.h"
#include "relay/layer_ladder.h"

namespace simpul::relay {

// The least that an estimate was over the last one to two generations.
class RecentMinimum {
 public:
  static constexpr Duration kGeneration = std::chrono::milliseconds(1'250);

  void add(double value, TimePoint now);
  // Nothing before there was a whole generation.
  std::optional<double> value() const;
  // When a value that is there from now on counts at the latest.
  Duration settled_in(TimePoint now) const { return began_ + 2 * kGeneration - now; }

 private:
  std::optional<double> former_;
  std::optional<double> current_;
  TimePoint began_{};
};

// Shares out what the path to one connection carries over its video slots, and keeps the cause of
// each decision. Audio is taken off first. Everybody gets the lowest layer, by priority; then those
// climb who gain most by a bit. Where nothing tells what the path carries, everybody gets the most
// that is of use. A layer that is there stays for as long as it fits; a new one must
// have fitted for a while, with a margin. One that did not last is not tried again soon. The lowest
// layers are sent for a while although they do not fit; then video pauses, lowest priority first.
class LayerAllocator {
 public:
  // How much of the least recent estimate may be planned with for what is new.
  static constexpr double kNewShare = 0.9;
  static constexpr Duration kInterval = std::chrono::seconds(1);
  // A new layer that has to be left so soon is held back, twice as long each time.
  static constexpr Duration kLastedAfter = std::chrono::seconds(10);
  static constexpr Duration kHoldMin = std::chrono::seconds(10);
  static constexpr Duration kHoldMax = std::chrono::minutes(2);
  static constexpr Duration kPauseAfter = std::chrono::seconds(2);
  // Then they are tried again, whatever the estimate: where packets are lost without any queue, it
  // finds no way up by audio alone.
  static constexpr Duration kPauseMax = std::chrono::seconds(90);
  // The lowest layers are no reason to pause while a good part of what is sent arrives: an estimate
  // that losses or a moment's delay have lowered says less than that.
  static constexpr double kArrivingShare = 0.4;
  // Layers are taken from some for others when that is worth so much more, for so long.
  static constexpr double kMuchBetter = 1.1;
  static constexpr Duration kBetterFor = std::chrono::seconds(2);
  // Where a full path is sent more than so many times what it carries, layers that are to be left
  // end before the next ones begin.
  static constexpr double kFarOver = 2;

  // Of each report. True when allocate() should be called: what was granted does not fit any more,
  // what was probed for was found, or some time has passed.
  bool on_estimate(uint64_t bps, TimePoint now);

  // Decides for all slots; a slot is known by its place. To be called when a request is another
  // one, too.
  void allocate(const AllocationRequest& request, TimePoint now, Allocation& result);

 private:
  // What is remembered of a slot.
  struct Past {
    std::optional<TrackId> track = {};
    std::optional<LayerId> layer = {};  // that was granted
    double bps = 0;
    TimePoint climbed_at{};
    double failed_bps = 0;  // nothing of so much before:
    TimePoint held_until{};
    Duration hold = kHoldMin;
    std::optional<TimePoint> unfit_since = {};
    bool is_paused = false;  // its lowest layer does not fit
  };
  struct Decision;

  void recall(const AllocationRequest& request, TimePoint now, Decision& decision);
  void stand_lowest(const AllocationRequest& request, TimePoint now, Decision& decision);
  bool pauses(Past& slot, double sum, TimePoint now, const Decision& decision);
  void climb_all(TimePoint now, Decision& decision);
  void consider_better(TimePoint now, Decision& decision);
  void remember(const AllocationRequest& request, TimePoint now, const Decision& decision);
  void write(const AllocationRequest& request, TimePoint now, const Decision& decision,
             Allocation& result) const;
  void explain(const SlotDemand& demand, size_t index, TimePoint now, const Decision& decision,
               SlotGrant& grant) const;
  void explain_next(size_t index, TimePoint now, const Decision& decision, SlotGrant& grant) const;
  void end_carried(const AllocationRequest& request, Decision& decision) const;
  double resumed_bps(const Decision& decision) const;
  double probe_bps(const Decision& decision) const;

  RecentMinimum recent_;
  std::vector<Past> slots_;
  std::optional<TimePoint> better_since_;
  TimePoint allocated_at_{};
  double granted_bps_ = 0;  // audio and video
  double awaited_bps_ = 0;  // that makes the next layer of use possible; 0: none
};

}  // namespace simpul::relay
