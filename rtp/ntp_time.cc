#include "rtp/ntp_time.h"

namespace simpul::rtp {

std::optional<Duration> round_trip(uint32_t now_compact, uint32_t last_sender_report,
                                   uint32_t delay_since_last_sender_report) {
  if (last_sender_report == 0) return std::nullopt;
  // Modulo 2^32: the compact time wraps every 18 hours. Read as signed, because the other side's
  // clock may run a little fast.
  const uint32_t difference = now_compact - last_sender_report - delay_since_last_sender_report;
  const auto is_negative = difference > 0x80000000u;
  const Duration size = from_compact(is_negative ? 0u - difference : difference);
  if (size > kRoundTripNonsense) return std::nullopt;
  return is_negative ? Duration::zero() : std::min(size, kRoundTripMax);
}

}  // namespace simpul::rtp
