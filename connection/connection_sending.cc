// The part of a Connection that sends media, no faster than its path takes them, and finds out by
// probes whether it could send more.
#include <algorithm>

#include "connection/connection.h"

namespace simpul::connection {

void Connection::seal(std::span<const rtp::OutgoingPacket> packets, const MediaSender::Place& place,
                      MediaSender::Scratch& scratch, TimePoint now) {
  if (state_ == State::kConnected) seal_counted(packets, place, scratch, now);
}

// Returns the bytes that the peer reports on.
size_t Connection::seal_counted(std::span<const rtp::OutgoingPacket> packets,
                                const MediaSender::Place& place, MediaSender::Scratch& scratch,
                                TimePoint now) {
  if (estimator_ != nullptr) estimator_->prefetch_sent();
  sender_.seal(packets, *srtp_out_, place, scratch);
  if (estimator_ == nullptr) return 0;
  size_t bytes = 0;
  for (const NumberedPacket& packet : scratch.numbered()) {
    if (sent_numbers_) sent_numbers_->on_sent(packet);
    estimator_->on_sent(packet.transport_sequence, packet.size, now, probes_.on_sent(packet.size));
    bytes += packet.size;
  }
  return bytes;
}

void Connection::send(const Batch& batch, const MediaSender::Place& place,
                      MediaSender::Scratch& scratch, TimePoint now) {
  if (state_ != State::kConnected) return;
  const bool passes = paced_ == nullptr && pacer_.admits(batch.packets.size(), now);
  const auto leaving = passes ? batch.packets : batch.packets.first(batch.urgent);
  pacer_.on_sent(seal_counted(leaving, place, scratch, now), now);
  if (passes) return;
  const bool waits = paced_ != nullptr;
  hold(batch.packets.subspan(batch.urgent), now);
  waits ? send_paced(place, scratch, now) : release(place, scratch, now);
}

void Connection::hold(std::span<const rtp::OutgoingPacket> packets, TimePoint now) {
  if (packets.empty()) return;
  if (paced_ == nullptr) paced_ = std::make_unique<PacedPackets>();
  for (const rtp::OutgoingPacket& packet : packets) paced_->put(packet);
  pacer_.on_waiting(paced_->bytes(), now);
}

// In whole bursts, which are one message of the kernel each.
void Connection::send_paced(const MediaSender::Place& place, MediaSender::Scratch& scratch,
                            TimePoint now) {
  if (paced_ == nullptr) return;
  if (now >= pacer_.clear_at() || paced_->size() > PacedPackets::kMax) release(place, scratch, now);
}

void Connection::release(const MediaSender::Place& place, MediaSender::Scratch& scratch,
                         TimePoint now) {
  if (state_ != State::kConnected || paced_ == nullptr) return;
  const bool too_many = paced_->size() > PacedPackets::kMax;
  const auto leaving =
      paced_->first(too_many ? PacedPackets::kForcedMax : pacer_.bytes_admitted(now));
  if (leaving.empty()) return;
  pacer_.on_released(seal_counted(leaving, place, scratch, now), now);
  paced_->drop(leaving.size());
  if (paced_->size() > 0) return;
  forget_paced();
}

void Connection::forget_paced() {
  paced_.reset();
  pacer_.on_none_waiting();
}

// What arrives is carried, whatever the estimate has found so far; but not for long where it has
// just been found to be too much.
void Connection::pace(TimePoint now) {
  const auto draining = estimator_->draining_bps(now);
  if (draining) return pacer_.set_narrow_rate(*draining);
  const auto arriving = estimator_->acknowledged_bps();
  if (arriving) pacer_.set_rate(std::max(*arriving, estimator_->target_bps()));
}

void Connection::set_wanted(double bps) {
  // Where no probe can be sent, what is sent is all that the estimate can grow by.
  if (estimator_ != nullptr && sender_.numbers_retransmissions()) estimator_->set_wanted(bps);
}

size_t Connection::take_padding_due(TimePoint now) {
  if (state_ != State::kConnected) return 0;
  const size_t bytes = probes_.due(now);
  return paced_ == nullptr ? bytes : 0;  // there is enough to send
}

// The first are planned when the peer has shown that it reports.
void Connection::plan_probes(TimePoint now, Output& out) {
  estimator_->advance(now, planned_);
  begin_probes(out);
}

void Connection::begin_probes(Output& out) {
  for (const bwe::Probe& probe : planned_) probes_.add(probe);
  planned_.clear();
  out.padding_wanted = out.padding_wanted || probes_.next_deadline() != kNever;
}

}  // namespace simpul::connection
