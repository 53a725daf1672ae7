// The part of a Connection that sends media, no faster than its path takes them, and finds out by
// probes whether it could send more.
#include <algorithm>

#include "connection/connection.h"

namespace simpul::connection {

void Connection::seal(std::span<const rtp::OutgoingPacket> packets, const MediaSender::Place& place,
                      MediaSender::Scratch& scratch, TimePoint now) {
  if (state_ == State::kConnected) seal_counted(packets, place, scratch, now);
}

// Returns the bytes of the datagrams.
size_t Connection::seal_counted(std::span<const rtp::OutgoingPacket> packets,
                                const MediaSender::Place& place, MediaSender::Scratch& scratch,
                                TimePoint now) {
  if (estimator_ != nullptr) estimator_->prefetch_sent();
  sender_.set_time(now);
  sender_.seal(packets, *srtp_out_, place, scratch);
  if (estimator_ == nullptr) return scratch.bytes();
  if (!sender_.numbers()) note_unnumbered(scratch, now);
  for (const NumberedPacket& packet : scratch.numbered()) {
    if (sent_numbers_) sent_numbers_->on_sent(packet);
    estimator_->on_sent(packet.transport_sequence, packet.size, now, probes_.on_sent(packet.size));
  }
  if (protection_.share() > 0) note_parities(scratch.numbered(), now);
  return scratch.bytes();
}

// Who estimates by send times does so by the packets that have them.
void Connection::note_unnumbered(const MediaSender::Scratch& scratch, TimePoint now) {
  const size_t bytes = sender_.tells_time() ? scratch.timed_bytes() : scratch.bytes();
  if (bytes == 0) return;
  estimator_->on_sent_unnumbered(bytes, now);
  probes_.on_sent(bytes);
}

void Connection::note_parities(std::span<const NumberedPacket> packets, TimePoint now) {
  for (const NumberedPacket& packet : packets) {
    if (sender_.is_parity(packet.ssrc)) media_loss_->on_parity(packet.transport_sequence, now);
  }
}

void Connection::send(const rtp::OutgoingBatch& batch, const MediaSender::Place& place,
                      MediaSender::Scratch& scratch, TimePoint now) {
  if (state_ != State::kConnected) return;
  const bool passes = paced_ == nullptr && pacer_.admits(batch.packets.size(), now);
  if (passes) return pacer_.on_sent(seal_counted(batch.packets, place, scratch, now), now);
  pacer_.on_released(seal_counted(batch.urgent(), place, scratch, now), now);
  const bool waits = paced_ != nullptr;
  hold(batch, now);
  waits ? send_paced(place, scratch, now) : release(place, scratch, now);
}

void Connection::hold(const rtp::OutgoingBatch& batch, TimePoint now) {
  if (batch.repairs().empty() && batch.media().empty()) return;
  if (paced_ == nullptr) paced_ = std::make_unique<Waiting>();
  for (const rtp::OutgoingPacket& packet : batch.media()) {
    if (packet.begins_anew) give_up_before(packet);
    paced_->media.put(packet, now);
  }
  for (const rtp::OutgoingPacket& repair : batch.repairs()) hold_repair(repair, now);
  // Repairs hurry nothing: what is too late of them is of no use, and media is.
  if (!batch.media().empty()) pacer_.on_waiting(paced_->media.bytes(), now);
}

void Connection::hold_repair(const rtp::OutgoingPacket& repair, TimePoint now) {
  PacedPackets& repairs = paced_->repairs;
  if (repairs.size() >= kRepairsMax || repairs.has_repair(repair)) return give_up(repair);
  repairs.put(repair, now);
}

void Connection::give_up(const rtp::OutgoingPacket& repair) {
  count(Drop::kLateRepair);
  const auto line =
      std::ranges::find(config_.media.sending, std::optional(repair.ssrc), &SendingLine::rtx_ssrc);
  if (line == config_.media.sending.end()) return;
  unsent_.push_back({.ssrc = line->ssrc,
                     .sequence_number = PacedPackets::repaired_by(repair),
                     .size = repair.body.size()});
}

void Connection::give_up_late(TimePoint now) {
  const auto late = paced_->repairs.first(SIZE_MAX, now - Pacer::kWaitMax);
  for (const rtp::OutgoingPacket& repair : late) give_up(repair);
  paced_->repairs.drop(late.size());
}

// Media that wait do not go with them: their numbers are given.
void Connection::give_up_before(const rtp::OutgoingPacket& beginning) {
  const auto line = std::ranges::find(config_.media.sending, beginning.ssrc, &SendingLine::ssrc);
  if (line == config_.media.sending.end() || !line->rtx_ssrc) return;
  paced_->repairs.drop_stream(*line->rtx_ssrc,
                              [this](const rtp::OutgoingPacket& repair) { give_up(repair); });
}

// In whole bursts, which are one message of the kernel each.
void Connection::send_paced(const MediaSender::Place& place, MediaSender::Scratch& scratch,
                            TimePoint now) {
  if (paced_ == nullptr) return;
  if (now >= next_release() || paced_->has_too_many()) release(place, scratch, now);
}

void Connection::release(const MediaSender::Place& place, MediaSender::Scratch& scratch,
                         TimePoint now) {
  if (state_ != State::kConnected || paced_ == nullptr) return;
  auto& [repairs, media] = *paced_;
  give_up_late(now);
  // Whatever the rate, and although there are repairs.
  const TimePoint due = paced_->has_too_many() ? kNever : now - Pacer::kWaitMax;
  release_from(media, media.first(PacedPackets::kForcedMax, due), place, scratch, now);
  release_from(repairs, repairs.first(pacer_.bytes_admitted(now)), place, scratch, now);
  if (repairs.size() == 0) {
    release_from(media, media.first(pacer_.bytes_admitted(now)), place, scratch, now);
  }
  if (media.size() == 0) pacer_.on_none_waiting();
  if (paced_->is_empty()) paced_.reset();
}

void Connection::release_from(PacedPackets& packets, std::span<const rtp::OutgoingPacket> leaving,
                              const MediaSender::Place& place, MediaSender::Scratch& scratch,
                              TimePoint now) {
  if (leaving.empty()) return;
  pacer_.on_released(seal_counted(leaving, place, scratch, now), now);
  packets.drop(leaving.size());
}

void Connection::forget_paced() {
  if (paced_ == nullptr) return;
  for (const rtp::OutgoingPacket& repair : paced_->repairs.first(SIZE_MAX)) give_up(repair);
  paced_.reset();
  pacer_.on_none_waiting();
}

// What arrives is carried, whatever the estimate has found so far; but not for long where it has
// just been found to be too much.
void Connection::pace(TimePoint now) {
  const auto draining = estimator_->draining_bps(now);
  if (draining) return pacer_.set_narrow_rate(*draining);
  auto arriving = estimator_->acknowledged_bps();
  if (!sender_.numbers()) arriving = 0;  // the receiver's own estimate goes by it
  if (arriving) pacer_.set_rate(std::max(*arriving, estimator_->target_bps()));
}

void Connection::set_wanted(double bps) {
  // Where no probe can be sent, what is sent is all that the estimate can grow by.
  if (estimator_ != nullptr && (sender_.numbers_retransmissions() || may_fill())) {
    estimator_->set_wanted(bps);
  }
}

size_t Connection::take_padding_due(TimePoint now) {
  if (state_ != State::kConnected) return 0;
  const size_t bytes = probes_.due(now);
  return paced_ == nullptr ? bytes : 0;  // there is enough to send
}

// The first are planned when the peer has shown that it reports.
void Connection::plan_probes(TimePoint now, Output& out) {
  estimator_->advance(now, planned_);
  // A receiver that speaks of its own estimate and no more is sent what others are, at once.
  if (!sender_.numbers() && path_told_ && !estimator_->knows_path(now)) pacer_.forget_rate();
  begin_probes(out);
}

void Connection::begin_probes(Output& out) {
  for (const bwe::Probe& probe : planned_) probes_.add(probe);
  planned_.clear();
  out.padding_wanted = out.padding_wanted || probes_.next_deadline() != kNever;
}

}  // namespace simpul::connection
