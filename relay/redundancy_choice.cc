#include "relay/redundancy_choice.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace simpul::relay {

bool RedundancyChoice::on_report(const Report& report, TimePoint now) {
  const Duration elapsed = std::max(now - latest_, Duration(0));
  const double kept =
      std::exp2(-static_cast<double>(elapsed.count()) / static_cast<double>(kHalfLife.count()));
  latest_ = now;
  packets_ = packets_ * kept + report.packets;
  lost_ = lost_ * kept + report.packets * std::clamp(report.loss, 0.0, 1.0);
  return choose();
}

bool RedundancyChoice::set_rates(const Rates& rates) {
  rates_ = rates;
  return choose();
}

size_t RedundancyChoice::wanted() const {
  if (packets_ < kPacketsMin) return wanted_;
  const double lost = loss();
  if (lost >= kSecondBegin || (wanted_ == 2 && lost >= kSecondEnd)) return 2;
  return lost >= kBegin || (wanted_ > 0 && lost >= kEnd) ? 1 : 0;
}

bool RedundancyChoice::fits(size_t frames) const {
  if (!rates_.path_bps) return true;
  return rates_.sound_bps * (1 + frames) + rates_.headers_bps <= *rates_.path_bps / kPathShare;
}

bool RedundancyChoice::choose() {
  wanted_ = wanted();
  size_t frames = wanted_;
  while (frames > 0 && !fits(frames)) --frames;
  return frames != std::exchange(frames_, frames);
}

}  // namespace simpul::relay
