// The part of a Connection that speaks RTCP: what the peer's reports and requests mean, and ours.
#include <algorithm>
#include <array>
#include <utility>

#include "base/overloaded.h"
#include "connection/connection.h"
#include "rtp/rtcp_reader.h"
#include "rtp/rtcp_writer.h"

namespace simpul::connection {

bool Connection::owns_source(rtp::Ssrc ssrc) const {
  return std::ranges::any_of(config_.media.sending, [ssrc](const SendingLine& line) {
    return line.ssrc == ssrc || line.rtx_ssrc == ssrc;
  });
}

void Connection::take_rtcp(const rtp::RtcpPacket& packet, TimePoint now, Output& out) {
  std::visit(
      Overloaded{
          [&](const rtp::SenderReport& report) {
            const auto seen = receiver_.receive_sender_report(report.sender, now);
            if (seen) out.sender_reports.push_back(*seen);
            take_report_blocks(report.blocks, now, out);
          },
          [&](const rtp::ReceiverReport& report) { take_report_blocks(report.blocks, now, out); },
          [&](const rtp::Bye& bye) {
            for (const rtp::Ssrc ssrc : bye.ssrcs) receiver_.receive_bye(ssrc);
          },
          [&](const rtp::Nack& nack) {
            if (!owns_source(nack.media)) return;
            NackReceived received{.ssrc = nack.media, .missing = {}};
            nack.append_missing(received.missing);
            out.nacks.push_back(std::move(received));
          },
          [&](const rtp::Pli& pli) {
            if (owns_source(pli.media)) out.key_frame_requests.push_back(pli.media);
          },
          [&](const rtp::Fir& fir) {
            for (const rtp::FirEntry entry : fir.entries) {
              if (owns_source(entry.ssrc)) out.key_frame_requests.push_back(entry.ssrc);
            }
          },
          [](const rtp::Sdes&) {},
          [&](const rtp::TransportFeedback& feedback) { take_feedback(feedback, now, out); },
          [&](const rtp::CongestionFeedback& feedback) { take_feedback(feedback, now, out); },
          [&](const rtp::Remb& remb) { take_remb(remb, now); },
          [&](const rtp::UnknownRtcp&) { count(Drop::kUnknownRtcp); },
      },
      packet);
}

bool Connection::hears_of_path() const {
  return config_.media.remb ||
         std::ranges::any_of(config_.media.sending, [](const SendingLine& line) {
           return line.transport_feedback || line.congestion_feedback;
         });
}

// There is padding, and only the receiver's own estimate to tell what comes of it.
bool Connection::may_fill() const {
  return config_.media.remb && !sender_.numbers() &&
         std::ranges::any_of(config_.media.sending,
                             [](const SendingLine& line) { return line.rtx_ssrc.has_value(); });
}

void Connection::begin_estimate() {
  const bool by_source =
      std::ranges::any_of(config_.media.sending, &SendingLine::congestion_feedback);
  estimator_ = std::make_unique<bwe::Estimator>(
      bwe::EstimatorConfig{.may_probe = sender_.numbers_retransmissions(),
                           .may_fill = may_fill(),
                           .single_each = by_source ? kSingleEach : Duration::zero()});
  if (round_trip_.value()) estimator_->on_round_trip(*round_trip_.value());
  if (sender_.may_protect()) media_loss_ = std::make_unique<MediaLoss>();
  for (const SendingLine& line : config_.media.sending) {
    if (!line.congestion_feedback) continue;
    if (sent_numbers_ == nullptr) sent_numbers_ = std::make_unique<SentNumbers>();
    sent_numbers_->add_source(line.ssrc);
    if (line.rtx_ssrc) sent_numbers_->add_source(*line.rtx_ssrc);
  }
}

bool Connection::admits_feedback(TimePoint now) {
  if (estimator_ == nullptr) return false;
  if (feedback_until_ - now > kFeedbackBurst * kFeedbackInterval) {
    count(Drop::kRate);
    return false;
  }
  feedback_until_ = std::max(feedback_until_, now) + kFeedbackInterval;
  return true;
}

void Connection::take_feedback(const rtp::TransportFeedback& feedback, TimePoint now, Output& out) {
  if (!admits_feedback(now)) return;
  if (!estimator_->on_feedback(feedback, now, planned_)) return count(Drop::kMalformed);
  path_was_told(now, out);
}

void Connection::take_feedback(const rtp::CongestionFeedback& feedback, TimePoint now,
                               Output& out) {
  if (sent_numbers_ == nullptr || !admits_feedback(now)) return;
  const auto reports = sent_numbers_->read(feedback);
  if (!reports) return count(Drop::kMalformed);
  estimator_->on_reports(*reports, rtp::kCongestionClockPeriod, now, planned_);
  path_was_told(now, out);
}

void Connection::path_was_told(TimePoint now, Output& out) {
  path_told_ = true;
  for (; false_reports_ < estimator_->false_reports(); ++false_reports_) {
    count(Drop::kFalseReport);
  }
  pace(now);
  if (sender_.may_protect()) judge_protection(now);
  if (!estimator_->has_begun_probing()) plan_probes(now, out);
  if (!planned_.empty()) begin_probes(out);
}

void Connection::take_remb(const rtp::Remb& remb, TimePoint now) {
  if (estimator_ == nullptr || !config_.media.remb) return;
  const double former_bps = estimator_->target_bps();
  estimator_->on_remb(static_cast<double>(remb.bitrate_bps), now);
  if (may_fill() && estimator_->target_bps() < former_bps) probes_.forget();
  path_told_ = true;
  pace(now);
}

std::optional<double> Connection::estimate_bps() const {
  return path_told_ ? std::optional(estimator_->target_bps()) : std::nullopt;
}

std::optional<Connection::PathRates> Connection::path_rates(TimePoint now) const {
  if (!path_told_ || !estimator_->knows_path(now)) return std::nullopt;
  if (estimator_->is_silent(now)) {
    return PathRates{.carried_bps = estimator_->allowed_bps(now), .is_silent = true};
  }
  // What parity packets take is not for layers.
  return PathRates{
      .carried_bps = estimator_->target_bps() / (1 + protection_.reserved()),
      .arriving_bps = estimator_->acknowledged_bps().value_or(0) / (1 + protection_.share()),
      .is_full = estimator_->is_full(now)};
}

void Connection::judge_protection(TimePoint now) {
  const Duration queue = estimator_->queue_delay();
  const Duration round_trip = round_trip_.value().value_or(Duration::zero());
  const double former = protection_.share();
  media_loss_->on_results(estimator_->results(), now);
  protection_.update({.round_trip = round_trip - std::min(queue, round_trip),
                      .queue_delay = queue,
                      .loss = media_loss_->value(),
                      .carried_bps = estimator_->knows_path(now) ? estimator_->target_bps() : 0,
                      .arriving_bps = estimator_->acknowledged_bps().value_or(0)});
  if (protection_.share() != former) sender_.set_protection(protection_.share());
}

void Connection::take_report_blocks(const rtp::WireList<rtp::ReportBlock>& blocks, TimePoint now,
                                    Output& out) {
  const uint32_t now_compact = rtp::compact_ntp(config_.clock.ntp_time(now));
  for (const rtp::ReportBlock block : blocks) {
    if (!owns_source(block.ssrc)) continue;
    sender_.source_is_known(block.ssrc);
    out.receptions.push_back({.ssrc = block.ssrc, .loss = block.fraction_lost / 256.0});
    const auto round_trip = rtp::round_trip(now_compact, block.last_sender_report,
                                            block.delay_since_last_sender_report);
    if (round_trip) note_round_trip(*round_trip);
  }
}

void Connection::send_report(const ReportToSend& report, Output& out) {
  if (state_ != State::kConnected) return;
  std::array<uint8_t, rtp::kRtcpSizeMax> buffer;
  rtp::RtcpWriter writer(buffer);
  writer.sender_report({.ssrc = report.ssrc,
                        .ntp_time = report.ntp_time,
                        .rtp_timestamp = report.rtp_timestamp,
                        .packets = report.packets,
                        .octets = report.octets},
                       {});
  writer.cname(report.ssrc, config_.media.cname);
  send_rtcp(writer.written(), out);
}

void Connection::send_rtcp(Bytes plain, Output& out) {
  const auto path = agent_.selected();
  if (!path || !srtp_out_) return;
  std::vector<uint8_t> bytes(plain.size() + dtls::kSrtcpOverheadMax);
  const size_t size = srtp_out_->seal_rtcp(plain, bytes);
  if (size == 0) return;
  bytes.resize(size);
  out.datagrams.push_back({*path, std::move(bytes)});
}

}  // namespace simpul::connection
