#include "connection/connection.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/overloaded.h"
#include "base/prefetch.h"
#include "ice/demultiplex.h"
#include "rtp/packet_view.h"
#include "rtp/rtcp_reader.h"
#include "rtp/rtcp_writer.h"

namespace simpul::connection {
namespace {

Drop drop_of(dtls::SrtpError error) {
  switch (error) {
    case dtls::SrtpError::kTooShort:
    case dtls::SrtpError::kNotEncrypted:
      return Drop::kMalformed;
    case dtls::SrtpError::kAuthentication:
      return Drop::kAuthentication;
    case dtls::SrtpError::kReplayed:
    case dtls::SrtpError::kTooOld:
      return Drop::kReplay;
    case dtls::SrtpError::kTooManySources:
      return Drop::kTooManySources;
  }
  return Drop::kMalformed;
}

}  // namespace

std::string_view to_string(CloseReason reason) {
  switch (reason) {
    case CloseReason::kNone:
      return "none";
    case CloseReason::kIdle:
      return "idle";
    case CloseReason::kHandshake:
      return "handshake";
    case CloseReason::kFingerprint:
      return "fingerprint";
    case CloseReason::kByPeer:
      return "peer";
    case CloseReason::kByUs:
      return "us";
  }
  return "none";
}

std::string_view to_string(Drop drop) {
  switch (drop) {
    case Drop::kUnknownFirstByte:
      return "first_byte";
    case Drop::kStun:
      return "stun";
    case Drop::kPathNotValidated:
      return "path";
    case Drop::kDtls:
      return "dtls";
    case Drop::kBeforeKeys:
      return "before_keys";
    case Drop::kAuthentication:
      return "authentication";
    case Drop::kReplay:
      return "replay";
    case Drop::kTooManySources:
      return "sources";
    case Drop::kMalformed:
      return "malformed";
    case Drop::kUnknownSource:
      return "unknown_source";
    case Drop::kUnknownRtcp:
      return "unknown_rtcp";
    case Drop::kRate:
      return "rate";
    case Drop::kFalseReport:
      return "false_report";
    case Drop::kLateRepair:
      return "late_repair";
  }
  return "malformed";
}

void Output::clear() {
  datagrams.clear();
  media.clear();
  sender_reports.clear();
  nacks.clear();
  key_frame_requests.clear();
  receptions.clear();
  handshake_step.reset();
  validated.clear();
  state_changed = false;
  padding_wanted = false;
}

Connection::Connection(Config config, const dtls::Context& context, crypto::CipherEngine& engine,
                       TimePoint now)
    : config_(std::move(config)),
      engine_(engine),
      agent_(config_.ice, now),
      dtls_(context, config_.dtls),
      receiver_(config_.media, config_.own_ssrc),
      sender_(config_.media),
      last_heard_(now) {}

void Connection::receive(PacketRef packet, ice::Path from, TimePoint now, Output& out) {
  if (state_ == State::kClosed) return;
  switch (ice::classify(packet->data())) {
    case ice::DatagramKind::kStun:
      return receive_stun(packet, from, now, out);
    case ice::DatagramKind::kDtls:
      return receive_dtls(packet, from, now, out);
    case ice::DatagramKind::kRtp:
      return receive_rtp(std::move(packet), from, now, out);
    case ice::DatagramKind::kRtcp:
      return receive_rtcp(packet, from, now, out);
    case ice::DatagramKind::kUnknown:
      return count(Drop::kUnknownFirstByte);
  }
}

void Connection::receive_stun(const PacketRef& packet, ice::Path from, TimePoint now, Output& out) {
  agent_.receive(packet->data(), from, now, ice_out_);
  if (ice_out_.datagrams.empty() && ice_out_.events.empty()) count(Drop::kStun);
  if (!ice_out_.datagrams.empty() && agent_.is_validated(from)) last_heard_ = now;
  take_ice(now, out);
  if (!held_.empty()) release_held(now, out);
}

void Connection::receive_dtls(const PacketRef& packet, ice::Path from, TimePoint now, Output& out) {
  // Before a check has proved the path, not even a hello is looked at: whoever is first must not
  // get to choose the peer (the ClientHello race).
  if (!agent_.is_validated(from)) return count(Drop::kPathNotValidated);
  // A check alone can be replayed from elsewhere: nothing is begun on a path that the peer does not
  // say it uses. Its hello may have come before its nomination, though.
  if (!agent_.is_nominated(from) && !dtls_.handshake_over()) {
    if (held_.size() >= kHeldMax) return count(Drop::kDtls);
    held_.push_back({from, {packet->data().begin(), packet->data().end()}});
    return;
  }
  const uint64_t dropped = dtls_.counters().datagrams_dropped;
  dtls_.receive(packet->data(), now, dtls_out_);
  if (dtls_.counters().datagrams_dropped != dropped) count(Drop::kDtls);
  take_dtls(now, out);
}

void Connection::release_held(TimePoint now, Output& out) {
  for (const Datagram& held : std::exchange(held_, {})) {
    if (!agent_.is_nominated(held.path)) {
      held_.push_back(held);
      continue;
    }
    dtls_.receive(held.bytes, now, dtls_out_);
    take_dtls(now, out);
  }
}

void Connection::receive_rtp(PacketRef packet, ice::Path from, TimePoint now, Output& out) {
  if (!agent_.is_validated(from)) return count(Drop::kPathNotValidated);
  if (!srtp_in_) return count(Drop::kBeforeKeys);
  dtls::RtpToOpen job{.packet = packet->data()};
  srtp_in_->open(std::span(&job, 1));
  if (!job.opened) return count(drop_of(job.opened.error()));
  packet->size = static_cast<uint32_t>(*job.opened);
  note_heard(from, now, out);
  const auto view = rtp::PacketView::parse(packet->data());
  if (!view) return count(Drop::kMalformed);
  const uint64_t ignored = receiver_.ignored();
  const uint64_t over_rate = receiver_.over_rate();
  auto media = receiver_.receive(std::move(packet), *view, now);
  if (receiver_.ignored() != ignored) count(Drop::kUnknownSource);
  if (receiver_.over_rate() != over_rate) count(Drop::kRate);
  if (const auto sample = receiver_.take_round_trip_sample()) note_round_trip(*sample);
  if (media) out.media.push_back(std::move(*media));
}

void Connection::receive_rtcp(const PacketRef& packet, ice::Path from, TimePoint now, Output& out) {
  if (!agent_.is_validated(from)) return count(Drop::kPathNotValidated);
  if (!srtp_in_) return count(Drop::kBeforeKeys);
  const auto size = srtp_in_->open_rtcp(packet->data());
  if (!size) return count(drop_of(size.error()));
  note_heard(from, now, out);
  rtp::RtcpReader reader(Bytes(packet->data()).first(*size));
  while (const auto part = reader.next()) take_rtcp(*part, now, out);
  if (reader.error()) count(Drop::kMalformed);
}

void Connection::note_heard(ice::Path from, TimePoint now, Output& out) {
  last_heard_ = now;
  agent_.on_authenticated_media(from, now, ice_out_);
  if (!ice_out_.events.empty()) take_ice(now, out);
}

void Connection::take_ice(TimePoint now, Output& out) {
  for (ice::PathDatagram& datagram : ice_out_.datagrams) {
    out.datagrams.push_back({datagram.path, std::move(datagram.bytes)});
  }
  // The events are taken out first: what they cause may append to the same scratch.
  const auto events = std::exchange(ice_out_.events, {});
  ice_out_.datagrams.clear();
  for (const ice::AgentEvent& event : events) {
    std::visit(
        Overloaded{[&](const ice::PathValidated& validated) {
                     out.validated.push_back(validated.path);
                     if (state_ == State::kNew) {
                       enter(State::kChecking, CloseReason::kNone, out);
                     }
                   },
                   [&](const ice::PathSelected&) {
                     dtls_.start(now, dtls_out_);
                     take_dtls(now, out);
                   },
                   [&](const ice::Expired&) { enter(State::kClosed, CloseReason::kIdle, out); }},
        event);
  }
}

void Connection::take_dtls(TimePoint now, Output& out) {
  // Not where a datagram came from: before the end of the handshake anybody can have written it.
  const auto path = agent_.selected();
  for (std::vector<uint8_t>& bytes : dtls_out_.datagrams) {
    if (path) out.datagrams.push_back({*path, std::move(bytes)});
  }
  dtls_out_.datagrams.clear();
  if (dtls_out_.step) out.handshake_step = std::move(dtls_out_.step);
  const auto events = std::exchange(dtls_out_.events, {});
  for (const dtls::EndpointEvent& event : events) {
    std::visit(
        Overloaded{[&](const dtls::Connected& connected) {
                     srtp_in_.emplace(engine_, connected.remote);
                     srtp_out_.emplace(engine_, connected.local);
                     last_heard_ = now;
                     if (connected.round_trip) round_trip_.begin(*connected.round_trip);
                     if (round_trip_.value()) receiver_.set_round_trip(*round_trip_.value());
                     if (hears_of_path()) begin_estimate();
                     enter(State::kConnected, CloseReason::kNone, out);
                   },
                   [&](const dtls::Failed& failed) {
                     enter(State::kClosed,
                           failed.reason == dtls::HandshakeFailure::kFingerprint
                               ? CloseReason::kFingerprint
                               : CloseReason::kHandshake,
                           out);
                   },
                   [&](const dtls::Closed&) { enter(State::kClosed, CloseReason::kByPeer, out); }},
        event);
  }
}

void Connection::resume(std::unique_ptr<dtls::HandshakeStep> step, TimePoint now, Output& out) {
  dtls_.resume(std::move(step), now, dtls_out_);
  if (state_ == State::kClosed) {
    dtls_out_ = {};
    return;
  }
  take_dtls(now, out);
}

void Connection::advance(TimePoint now, Output& out) {
  if (state_ == State::kClosed) return;
  if (agent_.next_deadline() <= now) {
    agent_.advance(now, ice_out_);
    take_ice(now, out);
  }
  if (dtls_.next_deadline() <= now) {
    dtls_.advance(now, dtls_out_);
    take_dtls(now, out);
  }
  if (state_ != State::kConnected) return;
  if (estimator_ != nullptr && estimator_->next_deadline() <= now) plan_probes(now, out);
  if (receiver_.next_deadline() > now) return;
  rtcp_out_.clear();
  receiver_.write_due(now, rtcp_out_);
  for (const auto& plain : rtcp_out_) send_rtcp(plain, out);
}

TimePoint Connection::next_deadline() const {
  if (state_ == State::kClosed) return kNever;
  const TimePoint transport = std::min(agent_.next_deadline(), dtls_.next_deadline());
  if (state_ != State::kConnected) return transport;
  const TimePoint media = std::min(transport, receiver_.next_deadline());
  return estimator_ == nullptr ? media : std::min(media, estimator_->next_deadline());
}

void Connection::forget_path(ice::Path path) {
  agent_.forget(path);
  std::erase_if(held_, [path](const Datagram& held) { return held.path == path; });
}

void Connection::close(TimePoint, Output& out) {
  if (state_ == State::kClosed) return;
  if (state_ == State::kConnected && !config_.media.sending.empty()) {
    std::array<uint8_t, rtp::kRtcpSizeMax> buffer;
    rtp::RtcpWriter writer(buffer);
    // A compound begins with a report (RFC 3550 §6.1); there is nothing to report at the end.
    const rtp::Ssrc first = config_.media.sending.front().ssrc;
    writer.receiver_report(first, {});
    for (const SendingLine& line : config_.media.sending) writer.bye(std::span(&line.ssrc, 1));
    send_rtcp(writer.written(), out);
  }
  dtls_.close(dtls_out_);
  const auto path = agent_.selected();
  for (std::vector<uint8_t>& bytes : dtls_out_.datagrams) {
    if (path) out.datagrams.push_back({*path, std::move(bytes)});
  }
  dtls_out_ = {};
  held_.clear();
  enter(State::kClosed, CloseReason::kByUs, out);
}

void Connection::prefetch() const {
  agent_.prefetch();
  simpul::prefetch(&receiver_, sizeof receiver_);
  simpul::prefetch(&sender_, sizeof sender_);
  simpul::prefetch(&srtp_in_, sizeof srtp_in_);
  simpul::prefetch(&srtp_out_, sizeof srtp_out_);
  simpul::prefetch(&state_);
  simpul::prefetch(&last_heard_);
}

void Connection::prefetch_receiving() const {
  agent_.prefetch_paths();
  receiver_.prefetch();
  if (srtp_in_) srtp_in_->prefetch();
}

void Connection::prefetch_sending() const {
  sender_.prefetch();
  if (srtp_out_) srtp_out_->prefetch();
  if (estimator_) estimator_->prefetch();
}

void Connection::enter(State state, CloseReason reason, Output& out) {
  if (state_ == State::kClosed) return;
  state_ = state;
  close_reason_ = reason;
  out.state_changed = true;
}

}  // namespace simpul::connection
