#include "rtp/receive_statistics.h"

#include <algorithm>

#include "rtp/ntp_time.h"

namespace simpul::rtp {
namespace {

// RFC 3550 A.1: further ahead, or further back, is no packet of the same numbering.
constexpr int64_t kDropoutMax = 3000;
constexpr int64_t kMisorderMax = 100;
constexpr int64_t kCumulativeMax = 0x7fffff;
constexpr int64_t kCumulativeMin = -0x800000;
// A step of the sender's timestamps, not of the network.
constexpr uint32_t kTransitStepSeconds = 5;

}  // namespace

void ReceiveStatistics::on_packet(SequenceNumber sequence_number, uint32_t timestamp, size_t bytes,
                                  TimePoint now) {
  ++packets_;
  bytes_ += bytes;
  rate_.add(bytes, now);
  if (count_sequence(sequence_number)) update_jitter(timestamp, now);
}

void ReceiveStatistics::on_sender_report(uint64_t ntp_time, TimePoint now) {
  last_sender_report_ = compact_ntp(ntp_time);
  sender_report_at_ = now;
}

// False for a packet that may belong to another numbering: it is counted when the next proves it.
bool ReceiveStatistics::count_sequence(SequenceNumber sequence_number) {
  if (!started_) restart(sequence_number);
  const int64_t number = unwrap_near(highest_, sequence_number);
  const int64_t step = number - highest_;
  if (step > kDropoutMax || step < -kMisorderMax) {
    if (expected_after_jump_ != sequence_number.value()) {
      expected_after_jump_ = static_cast<uint16_t>(sequence_number.value() + 1);
      return false;
    }
    restart(sequence_number);
  } else {
    expected_after_jump_.reset();
    highest_ = std::max(highest_, number);
  }
  ++received_;
  return true;
}

void ReceiveStatistics::restart(SequenceNumber sequence_number) {
  started_ = true;
  base_ = sequence_number.value();
  highest_ = base_;
  received_ = 0;
  expected_prior_ = 0;
  received_prior_ = 0;
  expected_after_jump_.reset();
  transit_.reset();
}

// RFC 3550 A.8.
void ReceiveStatistics::update_jitter(uint32_t timestamp, TimePoint now) {
  // Split, so that no uptime overflows the product.
  const int64_t micros = now.time_since_epoch().count();
  const auto arrival = static_cast<uint32_t>(micros / 1'000'000 * clock_rate_ +
                                             micros % 1'000'000 * clock_rate_ / 1'000'000);
  const uint32_t transit = arrival - timestamp;
  const uint32_t before = transit_.value_or(transit);
  transit_ = transit;
  const auto signed_change = static_cast<int32_t>(transit - before);
  const uint32_t change = signed_change < 0 ? before - transit : transit - before;
  if (change > kTransitStepSeconds * clock_rate_) return;
  jitter_scaled_ += change - ((jitter_scaled_ + 8) >> 4);
}

// RFC 3550 A.3.
std::optional<ReportBlock> ReceiveStatistics::make_report(TimePoint now) {
  if (!started_) return std::nullopt;
  const int64_t expected = highest_ - base_ + 1;
  const int64_t expected_interval = expected - expected_prior_;
  const int64_t lost_interval = expected_interval - (received_ - received_prior_);
  expected_prior_ = expected;
  received_prior_ = received_;
  fraction_lost_ = 0;
  if (expected_interval > 0 && lost_interval > 0) {
    fraction_lost_ =
        static_cast<uint8_t>(std::min<int64_t>(255, (lost_interval << 8) / expected_interval));
  }
  ReportBlock block{.ssrc = ssrc_, .fraction_lost = fraction_lost_};
  block.cumulative_lost =
      static_cast<int32_t>(std::clamp(expected - received_, kCumulativeMin, kCumulativeMax));
  block.extended_highest = static_cast<uint32_t>(highest_);
  block.jitter = jitter();
  block.last_sender_report = last_sender_report_;
  if (last_sender_report_ != 0) {
    block.delay_since_last_sender_report = to_compact(now - sender_report_at_);
  }
  return block;
}

}  // namespace simpul::rtp
