#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "base/time.h"

namespace simpul::congestion {

// Decides when one TCP download sends its next packet: slow start and CUBIC (RFC 9438), with each
// packet acknowledged by itself. A packet is taken for lost when three that left later came
// (RFC 6675), or nothing came for long (RFC 6298), and is sent again. Sends nothing by itself.
class TcpSender {
 public:
  static constexpr size_t kPacketSize = 1'500;

  // So many packets have to arrive; their numbers begin with that.
  explicit TcpSender(uint64_t packets, uint64_t first_number = 0)
      : unsent_(packets), next_(first_number) {}

  uint64_t next_number() const { return next_; }

  // The number of a transmission that leaves now; nothing while the window is full, or nothing is
  // left to send.
  std::optional<uint64_t> take(Duration now);
  void on_acknowledged(uint64_t number, Duration now);
  // From time to time.
  void advance(Duration now);
  bool is_done() const { return unsent_ == 0 && in_flight_.empty(); }

 private:
  void measure(Duration round_trip);
  void grow(Duration now);
  void reduce(uint64_t lost, Duration now);
  Duration timeout() const;

  uint64_t unsent_;
  uint64_t next_;
  std::map<uint64_t, Duration> in_flight_;  // when each left
  double window_ = 10;                      // packets
  double threshold_ = 1e9;                  // where slow start ends
  uint64_t reduced_before_ = 0;             // what is lost of those that left earlier is no news
  double window_max_ = 0;                   // when it was last reduced
  double window_reno_ = 0;                  // what additive increase would have made of it since
  std::optional<Duration> epoch_;
  std::optional<double> round_trip_;  // seconds
  double deviation_ = 0;
  double patience_ = 1;  // of the timeout, twice as long each time
};

}  // namespace simpul::congestion
