#include "connection/media_loss.h"

#include <algorithm>
#include <cmath>

namespace simpul::connection {

void MediaLoss::on_parity(rtp::SequenceNumber transport_sequence, TimePoint now) {
  if (is_parity_ == nullptr) is_parity_ = std::make_unique<std::bitset<UINT16_MAX + 1>>();
  if (parities_.size() == kParitiesMax) forget_first();
  parities_.push_back({.number = transport_sequence.value(), .sent = now});
  is_parity_->set(transport_sequence.value());
}

void MediaLoss::forget_first() {
  is_parity_->reset(parities_.front().number);
  parities_.pop_front();
}

void MediaLoss::on_results(std::span<const bwe::PacketResult> results, TimePoint now) {
  while (!parities_.empty() && now - parities_.front().sent > bwe::SendHistory::kAge) {
    forget_first();
  }
  const Duration elapsed = std::max(now - latest_, Duration{});
  const double kept =
      std::exp2(-static_cast<double>(elapsed.count()) / static_cast<double>(kHalfLife.count()));
  latest_ = now;
  packets_ *= kept;
  lost_ *= kept;
  for (const bwe::PacketResult& result : results) {
    if (!parities_.empty() && is_parity_->test(result.number.value())) continue;
    if (result.was_lost) {  // and was counted then
      lost_ = std::max(lost_ - 1, 0.0);
      continue;
    }
    packets_ += 1;
    lost_ += result.arrived_at ? 0 : 1;
  }
}

}  // namespace simpul::connection
