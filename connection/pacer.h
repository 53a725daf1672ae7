#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "base/time.h"

namespace simpul::connection {

// Decides how much may leave at once towards one receiver, so that no burst fills a queue on its
// path: what leaves takes its time at the pacing rate, and no more may be ahead of that time than
// the larger of kBurstPackets and kBurst; on a path whose queue is long, what it carries and a
// packet or two. Whoever has packets wait is woken a little late each time: what the path could
// have taken meanwhile may leave then. Without a rate everything may leave. Keeps no packets.
class Pacer {
 public:
  static constexpr double kFactor = 2.5;  // of what the path carries
  static constexpr size_t kBurstPackets = 10;
  static constexpr Duration kBurst = std::chrono::milliseconds(10);
  static constexpr size_t kNarrowPackets = 2;  // where no queue is left to put more into
  // What has to wait leaves within this time, whatever the rate: later it would be of no use.
  static constexpr Duration kWaitMax = std::chrono::milliseconds(250);
  // How much lateness of the caller's is made up for, while packets wait. It adds nothing to a
  // queue on the path: that had as long to become shorter.
  static constexpr Duration kLateMax = std::chrono::milliseconds(5);

  // What the path carries.
  void set_rate(double bps) { set(kFactor * bps, kBurstPackets, kBurst); }
  // The same while packets that were too many wait on it: no more may come on top of them.
  void set_narrow_rate(double bps) { set(bps, kNarrowPackets, Duration{}); }

  // Nothing is known of the path any more.
  void forget_rate() {
    byte_time_ = 0;
    packet_time_ = burst_time_ = {};
  }

  // Whether so many packets may leave now: the one question where nothing waits.
  bool admits(size_t packets, TimePoint now) const {
    return std::max(clear_at_, now) + static_cast<int64_t>(packets) * packet_time_ <=
           now + burst_time_;
  }
  void on_sent(size_t bytes, TimePoint now) { clear_at_ = std::max(clear_at_, now) + time(bytes); }

  // So many bytes wait in all: from now on what waits leaves at a rate at which they do so in time.
  void on_waiting(size_t bytes, TimePoint now);
  // The last of them has left.
  void on_none_waiting() {
    drain_time_ = kAnyTime;
    late_max_ = {};
  }
  // How much of what waits may leave now, and that so much left while something waits. What left
  // without waiting delays the rest by no more than that takes itself.
  size_t bytes_admitted(TimePoint now) const;
  void on_released(size_t bytes, TimePoint now) {
    clear_at_ = std::max(clear_at_, now - late_max_) + time(bytes);
  }
  // When a burst may leave again.
  TimePoint clear_at() const { return clear_at_; }

 private:
  // An IPv6 datagram of video, with room for its headers.
  static constexpr size_t kPacketSize = 1'250;

  double waiting_byte_time() const { return std::min(byte_time_, drain_time_); }
  // How far ahead of its time it is, in µs; negative when it is behind.
  double ahead(TimePoint now) const {
    return static_cast<double>(std::max(clear_at_ - now, -late_max_).count());
  }
  void set(double bps, size_t packets, Duration burst);
  Duration time(size_t bytes) const {
    return Duration(static_cast<int64_t>(static_cast<double>(bytes) * waiting_byte_time()));
  }

  static constexpr double kAnyTime = std::numeric_limits<double>::infinity();

  double byte_time_ = 0;          // µs that each byte takes
  double drain_time_ = kAnyTime;  // the same, at most, of what waits
  size_t burst_packets_ = kBurstPackets;
  Duration burst_{};
  Duration packet_time_{};
  Duration burst_time_{};  // of the larger of both
  TimePoint clear_at_{};   // when all that has left will have had its time
  Duration late_max_{};    // kLateMax while something waits
};

}  // namespace simpul::connection
