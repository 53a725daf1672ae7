#include "bwe/own_loss.h"

#include <algorithm>
#include <cmath>

namespace simpul::bwe {
namespace {

constexpr double kAgeing = 0.99;  // for each observation

}  // namespace

size_t OwnLoss::rate_of(double bps) {
  if (bps <= kFirst) return 0;
  const double place = std::log(bps / kFirst) / std::log(kStep);
  return static_cast<size_t>(std::min(place, static_cast<double>(kRates - 1)));
}

void OwnLoss::add(const Observation& observation) {
  if (!observation.is_application_limited && ++observed_ > kMemory) {
    former_bps_ = current_bps_;
    current_bps_ = 0;
    observed_ = 1;
  }
  current_bps_ = std::max(current_bps_, observation.arriving_bps);
  for (Rate& rate : rates_) {
    rate.packets *= kAgeing;
    rate.lost *= kAgeing;
  }
  Rate& received = rates_[rate_of(observation.received_bps)];
  received.packets += observation.packets;
  received.lost += observation.lost;
  sum_ = {};
  // The last of them only as far as it lies below as a whole.
  const size_t end = rate_of(kLittle * std::max(former_bps_, current_bps_));
  for (size_t i = 0; i < end; ++i) {
    sum_.packets += rates_[i].packets;
    sum_.lost += rates_[i].lost;
  }
}

void OwnLoss::limit(double loss) {
  if (sum_.lost <= loss * sum_.packets) return;
  const double share = loss * sum_.packets / sum_.lost;
  for (Rate& rate : rates_) rate.lost *= share;
  sum_.lost *= share;
}

std::optional<double> OwnLoss::value() const {
  if (sum_.packets < kPacketsNeeded) return std::nullopt;
  return std::min(sum_.lost / sum_.packets, kMax);
}

}  // namespace simpul::bwe
