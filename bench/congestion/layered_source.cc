#include "bench/congestion/layered_source.h"

namespace simpul::congestion {
namespace {

constexpr Duration kKeyFrameDelay = std::chrono::milliseconds(100);
constexpr double kFramesPerSecond = 30;
constexpr int kPaused = -1;

}  // namespace

LayeredSource::LayeredSource(const std::vector<double>& layers, size_t slots, double audio_bps,
                             double key_frame_size)
    : audio_bps_(static_cast<uint64_t>(audio_bps)),
      key_frame_size_(key_frame_size),
      carried_(slots, kPaused),
      granted_(slots, kPaused),
      key_frame_at_(slots) {
  for (size_t i = 0; i < layers.size(); ++i) {
    options_.push_back({.id = {.encoding = static_cast<uint8_t>(i)},
                        .bitrate_bps = static_cast<uint64_t>(layers[i]),
                        .width = static_cast<uint16_t>(240u << i),
                        .height = static_cast<uint16_t>(135u << i),
                        .frames_per_second = kFramesPerSecond});
  }
}

void LayeredSource::allocate(const std::optional<relay::PathEstimate>& estimate, TimePoint now) {
  std::vector<relay::SlotDemand> demands;
  for (size_t i = 0; i < carried_.size(); ++i) {
    relay::SlotDemand demand{.track = relay::TrackId(static_cast<uint32_t>(i + 1)),
                             .options = options_};
    if (carried_[i] != kPaused) demand.carried = options_[static_cast<size_t>(carried_[i])].id;
    demands.push_back(demand);
  }
  relay::AllocationRequest request{.audio_bps = audio_bps_, .slots = demands};
  if (estimate) {
    request.estimate_bps = estimate->bps;
    request.arriving_bps = estimate->arriving_bps;
    request.is_path_full = estimate->is_full;
  }
  allocator_.allocate(request, now, allocation_);
  if (estimate) probe_bps_ = static_cast<double>(allocation_.probe_bps);
  for (size_t i = 0; i < granted_.size(); ++i) {
    const auto& layer = allocation_.slots[i].layer;
    const int granted = layer ? layer->encoding : kPaused;
    if (granted != granted_[i]) key_frame_at_[i] = now + kKeyFrameDelay;
    granted_[i] = granted;
    if (!allocation_.slots[i].ends_carried) continue;
    carried_[i] = kPaused;
    is_ended_ = true;
  }
}

double LayeredSource::frame_bits(const std::optional<relay::PathEstimate>& estimate,
                                 TimePoint now) {
  const bool is_other = std::exchange(knew_path_, estimate.has_value()) != estimate.has_value();
  const bool is_due = estimate && (allocator_.on_estimate(estimate->bps, now) || estimate->is_full);
  if (is_due || is_other || allocation_.slots.empty()) allocate(estimate, now);
  double bits = 0;
  for (size_t i = 0; i < carried_.size(); ++i) {
    double size = 1;
    if (granted_[i] != carried_[i] && (granted_[i] == kPaused || now >= key_frame_at_[i])) {
      carried_[i] = granted_[i];
      is_changed_ = true;
      size = key_frame_size_;
    }
    if (carried_[i] == kPaused) continue;
    const auto& layer = options_[static_cast<size_t>(carried_[i])];
    bits += size * static_cast<double>(layer.bitrate_bps) / kFramesPerSecond;
  }
  return bits;
}

}  // namespace simpul::congestion
