#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/time.h"
#include "rtp/rate_meter.h"
#include "rtp/rtcp.h"
#include "rtp/types.h"

namespace simpul::rtp {

// Counts what came of one SSRC and makes its report block (RFC 3550 §6.4.1, A.1, A.3, A.8).
// Retransmissions have an SSRC of their own (RFC 4588): they are not counted here.
class ReceiveStatistics {
 public:
  ReceiveStatistics(Ssrc ssrc, uint32_t clock_rate) : ssrc_(ssrc), clock_rate_(clock_rate) {}

  void on_packet(SequenceNumber sequence_number, uint32_t timestamp, size_t bytes, TimePoint now);
  void on_sender_report(uint64_t ntp_time, TimePoint now);

  // The numbers since the last call, for the next report; nothing before the first packet.
  std::optional<ReportBlock> make_report(TimePoint now);

  Ssrc ssrc() const { return ssrc_; }
  uint32_t clock_rate() const { return clock_rate_; }
  uint64_t packets() const { return packets_; }
  uint64_t bytes() const { return bytes_; }
  uint64_t bits_per_second(TimePoint now) const { return rate_.bits_per_second(now); }
  // Of the interval that the last report covered: 0 to 1.
  double loss() const { return fraction_lost_ / 256.0; }
  uint32_t jitter() const { return jitter_scaled_ >> 4; }  // in units of the RTP clock

 private:
  bool count_sequence(SequenceNumber sequence_number);
  void restart(SequenceNumber sequence_number);
  void update_jitter(uint32_t timestamp, TimePoint now);

  Ssrc ssrc_;
  uint32_t clock_rate_;
  uint64_t packets_ = 0;  // since the beginning, across restarts of the numbering
  uint64_t bytes_ = 0;
  RateMeter rate_;

  // The numbering, from its (re)start on.
  bool started_ = false;
  int64_t base_ = 0;
  int64_t highest_ = 0;
  int64_t received_ = 0;
  int64_t expected_prior_ = 0;
  int64_t received_prior_ = 0;
  std::optional<uint16_t> expected_after_jump_;  // A.1: two in sequence are a restart
  uint8_t fraction_lost_ = 0;

  std::optional<uint32_t> transit_;
  uint32_t jitter_scaled_ = 0;  // times 16

  uint32_t last_sender_report_ = 0;
  TimePoint sender_report_at_{};
};

}  // namespace simpul::rtp
