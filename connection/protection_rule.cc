#include "connection/protection_rule.h"

#include <algorithm>
#include <array>

namespace simpul::connection {
namespace {

// More than these change little of what is shown in time; fewer do.
struct Step {
  double loss;
  double share;
};
constexpr std::array<Step, 4> kSteps = {{
    {0.0, 1.0 / 10},
    {0.02, 1.0 / 6},
    {0.04, 1.0 / 4},
    {0.08, ProtectionRule::kShareMax},
}};
constexpr double kLossMax = 0.9;  // what arrives says nothing of what was sent any more

}  // namespace

double ProtectionRule::share_for(double loss) {
  double share = 0;
  for (const Step& step : kSteps) {
    if (loss >= step.loss) share = step.share;
  }
  return share;
}

bool ProtectionRule::pays(const Path& path) const {
  const double held = wanted_ > 0 ? kStays : 1;
  const auto is_at_least = [held](Duration value, Duration least) {
    return static_cast<double>(value.count()) >= held * static_cast<double>(least.count());
  };
  if (is_at_least(path.round_trip, kFirstIsLate) && path.loss >= held * kLossThen) return true;
  return is_at_least(path.round_trip, kSecondIsLate) && path.loss >= held * kLossWithSecond;
}

void ProtectionRule::update(const Path& path) {
  const bool waits = path.queue_delay > kQueueMax;
  double wanted = pays(path) ? share_for(path.loss) : 0;
  // Less only when the loss is clearly less than what made it so.
  if (wanted > 0 && wanted < wanted_) wanted = std::min(wanted_, share_for(path.loss / kStays));
  wanted_ = waits ? std::min(wanted, wanted_) : wanted;
  const double sent_bps = path.arriving_bps / (1 - std::min(path.loss, kLossMax));
  const double media_bps = sent_bps / (1 + share_);
  const bool fits = media_bps > 0 && media_bps * (1 + wanted_) <= path.carried_bps;
  share_ = fits && !waits ? wanted_ : 0;
}

}  // namespace simpul::connection
