#include "relay/layer_options.h"

#include <algorithm>

namespace simpul::relay {
namespace {

bool belongs_to(const LayerOption& option, uint8_t encoding) {
  return option.id.encoding == encoding;
}

// The highest spatial and temporal layer of an encoding.
LayerId highest(uint8_t encoding, std::span<const LayerOption> options) {
  LayerId id{.encoding = encoding};
  for (const LayerOption& option : options) {
    if (!belongs_to(option, encoding)) continue;
    id.spatial = std::max(id.spatial, option.id.spatial);
    id.temporal = std::max(id.temporal, option.id.temporal);
  }
  return id;
}

LayerOption option_of(const Feed& feed, uint8_t encoding, bool any_sent) {
  const LayerNews news = feed.news();
  return {.id = {.encoding = encoding},
          .supply = news.active                  ? LayerSupply::kSent
                    : news.suspended && any_sent ? LayerSupply::kSuspended
                                                 : LayerSupply::kAbsent,
          .bitrate_bps = news.bitrate_bps,
          .width = news.width,
          .height = news.height,
          .frames_per_second = news.frames_per_second};
}

// One option for each of the encoding's layers. Their rates are of the last second, and shares of
// that of the whole; spatial layers whose sizes nobody told have twice the width of the one below.
void append_layers(const LayerOption& whole, const std::vector<LayerOptionState>& states,
                   const rtp::SpatialSizes& sizes, std::vector<LayerOption>& options) {
  uint8_t spatial_max = 0;
  uint64_t bps_max = 1;
  for (const LayerOptionState& state : states) {
    spatial_max = std::max(spatial_max, state.spatial);
    bps_max = std::max(bps_max, state.bitrate_bps);
  }
  for (const LayerOptionState& state : states) {
    LayerOption& option = options.emplace_back(whole);
    const int below = spatial_max - state.spatial;
    option.id.spatial = state.spatial;
    option.id.temporal = state.temporal;
    const rtp::PictureSize told = sizes[state.spatial % sizes.size()];
    option.width = told.width > 0 ? told.width : static_cast<uint16_t>(whole.width >> below);
    option.height = told.width > 0 ? told.height : static_cast<uint16_t>(whole.height >> below);
    option.frames_per_second = state.frames_per_second;
    const double share = static_cast<double>(state.bitrate_bps) / static_cast<double>(bps_max);
    option.bitrate_bps = static_cast<uint64_t>(share * static_cast<double>(whole.bitrate_bps));
    if (!state.active) option.supply = LayerSupply::kAbsent;
  }
}

}  // namespace

std::span<const LayerOption> LayerOptions::of(const std::vector<Feed>& feeds, TimePoint now) {
  if (made_at_ && now - *made_at_ < kAge) return options_;
  made_at_ = now;
  options_.clear();
  // Suspended layers are no choice while their publisher pauses altogether.
  const bool any_sent =
      std::ranges::any_of(feeds, [](const Feed& feed) { return feed.view().active; });
  for (size_t i = 0; i < feeds.size(); ++i) {
    const LayerOption whole = option_of(feeds[i], static_cast<uint8_t>(i), any_sent);
    // A suspended layer comes back as what it was.
    const TimePoint at = feeds[i].view().suspended ? feeds[i].last_media() : now;
    const auto states = feeds[i].meters().states(at);
    if (states.empty()) {
      options_.push_back(whole);
    } else {
      append_layers(whole, states, feeds[i].spatial_sizes(), options_);
    }
  }
  return options_;
}

LayerTarget target_of(const LayerId& id, std::span<const LayerOption> options) {
  const LayerId most = highest(id.encoding, options);
  return {.encoding = id.encoding,
          .spatial = id.spatial == most.spatial ? LayerTarget::kAll : id.spatial,
          .temporal = id.temporal == most.temporal ? LayerTarget::kAll : id.temporal};
}

std::optional<LayerId> id_of(const LayerTarget& target, std::span<const LayerOption> options) {
  const LayerId most = highest(target.encoding, options);
  const LayerId id{.encoding = target.encoding,
                   .spatial = std::min(target.spatial, most.spatial),
                   .temporal = std::min(target.temporal, most.temporal)};
  if (std::ranges::find(options, id, &LayerOption::id) == options.end()) return std::nullopt;
  return id;
}

std::string name_of(const LayerId& id, const std::vector<Feed>& feeds,
                    std::span<const LayerOption> options) {
  if (id.encoding >= feeds.size()) return {};
  std::string name = feeds[id.encoding].rid();
  const auto own = [&](const LayerOption& option) { return belongs_to(option, id.encoding); };
  if (std::ranges::count_if(options, own) < 2) return name;
  if (!name.empty()) name += "/";
  return name + "S" + std::to_string(id.spatial) + "T" + std::to_string(id.temporal);
}

}  // namespace simpul::relay
