#include "connection/stream_protection.h"

#include <algorithm>

namespace simpul::connection {

void StreamProtection::add(const rtp::ProtectedPacket& packet, uint32_t timestamp,
                           std::vector<rtp::FlexfecParity>& out) {
  if (!encoder_->takes(packet.sequence_number)) finish(out);
  if (!encoder_->add(packet)) return;
  if (encoder_->packets() == 1) began_ = timestamp;
  latest_ = timestamp;
  earned_ += share_;
}

void StreamProtection::end_burst(std::vector<rtp::FlexfecParity>& out) {
  const bool has_waited = latest_ - began_ >= kWaitMax;
  if (earned_ >= static_cast<double>(kRowsAimed) || (earned_ >= 1 && has_waited)) finish(out);
}

// What was earned and not spent counts for the next block, but never adds up.
void StreamProtection::finish(std::vector<rtp::FlexfecParity>& out) {
  const auto rows = static_cast<size_t>(std::max(earned_, 1.0));
  earned_ = std::min(earned_ - static_cast<double>(encoder_->finish(rows, out)), 1.0);
}

}  // namespace simpul::connection
