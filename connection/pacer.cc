#include "connection/pacer.h"

namespace simpul::connection {

void Pacer::set(double bps, size_t packets, Duration burst) {
  byte_time_ = 8e6 / bps;
  burst_packets_ = packets;
  burst_ = burst;
  packet_time_ = Duration(static_cast<int64_t>(kPacketSize * byte_time_));
  burst_time_ = std::max(burst, static_cast<int64_t>(packets) * packet_time_);
}

// What left before is on the path as well, and gets no more time either.
void Pacer::on_waiting(size_t bytes, TimePoint now) {
  if (late_max_ == Duration{}) clear_at_ = std::max(clear_at_, now);  // it is late from here on
  late_max_ = kLateMax;
  const double owed = byte_time_ > 0 ? std::max(ahead(now), 0.0) / waiting_byte_time() : 0;
  drain_time_ = std::min(
      drain_time_, static_cast<double>(kWaitMax.count()) / (static_cast<double>(bytes) + owed));
  if (clear_at_ > now) {
    clear_at_ = now + Duration(static_cast<int64_t>(owed * waiting_byte_time()));
  }
}

size_t Pacer::bytes_admitted(TimePoint now) const {
  const double byte_time = waiting_byte_time();
  if (byte_time <= 0) return SIZE_MAX;
  const double burst = std::max(static_cast<double>(burst_packets_ * kPacketSize),
                                static_cast<double>(burst_.count()) / byte_time);
  return static_cast<size_t>(std::max(burst - ahead(now) / byte_time, 0.0));
}

}  // namespace simpul::connection
