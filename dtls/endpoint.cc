#include "dtls/endpoint.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/protocol_core.h"
#include "dtls/peer_flight.h"
#include "dtls/record.h"
#include "dtls/record_cipher.h"
#include "dtls/session.h"

namespace simpul::dtls {

static_assert(ProtocolCore<Endpoint>);

namespace {

// RFC 5246 §7.2.
constexpr uint8_t kLevelWarning = 1;
constexpr uint8_t kLevelFatal = 2;
constexpr uint8_t kCloseNotify = 0;

bool is_final_alert(Bytes content) {
  return content.size() == 2 && (content[0] == kLevelFatal || content[1] == kCloseNotify);
}

}  // namespace

HandshakeStep::HandshakeStep(std::unique_ptr<Session> session,
                             std::vector<HandshakeDatagram> datagrams)
    : session_(std::move(session)), datagrams_(std::move(datagrams)) {}

HandshakeStep::~HandshakeStep() = default;

void HandshakeStep::run() {
  auto next = datagrams_.begin();
  while (next != datagrams_.end() && session_->status() == Session::Status::kUnderWay) {
    session_->handshake(next->bytes);
    last_arrived_ = next++->arrived;
  }
  datagrams_.erase(datagrams_.begin(), next);
}

Endpoint::Endpoint(const Context& context, EndpointConfig config)
    : context_(context), config_(std::move(config)), filter_(config_.role) {}

Endpoint::~Endpoint() = default;

void Endpoint::start(TimePoint now, Output& out) {
  if (phase_ != Phase::kIdle) return;
  phase_ = Phase::kHandshake;
  timeout_at_ = now + config_.limits.handshake_timeout;
  if (config_.role == Role::kClient) {
    waiting_.emplace_back();  // no datagram: the hello needs none
    hand_out_step(out);
  }
}

void Endpoint::receive(Bytes datagram, TimePoint now, Output& out) {
  start(now, out);
  switch (phase_) {
    case Phase::kIdle:
    case Phase::kOver:
      break;
    case Phase::kHandshake:
      return receive_handshake(datagram, now, out);
    case Phase::kConnected:
      return receive_connected(datagram, now, out);
  }
}

void Endpoint::receive_handshake(Bytes datagram, TimePoint now, Output& out) {
  bool passed = false;
  std::vector<uint8_t> whole;
  is_taken_ = false;
  RecordReader reader(datagram);
  while (const auto record = reader.next()) {
    if (!admits(*record)) continue;
    passed = true;
    take_in(*record, whole, now);
  }
  if (!passed) {
    ++counters_.datagrams_dropped;
    return;
  }
  append_flight(whole, now);
  if (whole.empty()) return;  // a part of a message
  wait_with({std::move(whole), now});
  hand_out_step(out);
}

// Appends what OpenSSL may have of an admitted record: hellos once they are whole.
void Endpoint::take_in(const Record& record, std::vector<uint8_t>& datagram, TimePoint now) {
  if (record.epoch > 0 || record.type != ContentType::kHandshake) {
    append_flight(datagram, now);
    datagram.insert(datagram.end(), record.whole.begin(), record.whole.end());
    return;
  }
  Bytes content = record.content;
  while (const auto fragment = take_fragment(content)) {
    const bool begins = is_hello(fragment->type);
    // A client says nothing but its hello before that is answered, and not again afterwards.
    if (config_.role == Role::kServer && begins == was_answered()) continue;
    if (has_proof_) continue;
    const bool is_whole = assembler_.add(*fragment);
    if (!begins) {
      has_news_ = true;
    } else if (is_whole) {
      append_message_record(*assembler_.whole(fragment->type), datagram);
      assembler_.forget(fragment->type);
    }
  }
}

// Appends the flight in which the peer signs, if it is whole. Each time that something of it came:
// what is not signed rightly may have been forged, and what was, does no harm again.
void Endpoint::append_flight(std::vector<uint8_t>& datagram, TimePoint now) {
  if (is_taken_ || !std::exchange(has_news_, false)) return;
  const auto flight = signed_flight(config_.role, assembler_);
  if (flight.empty() || !may_check_signature(now)) return;
  is_taken_ = true;
  ++counters_.flights_taken;
  for (const Fragment& message : flight) append_message_record(message, datagram);
}

bool Endpoint::may_check_signature(TimePoint now) {
  const auto& limits = config_.limits;
  const int64_t forgotten = (now - signatures_at_) / limits.signature_pause;
  signatures_ = static_cast<int>(std::max<int64_t>(0, signatures_ - forgotten));
  signatures_at_ += forgotten * limits.signature_pause;
  if (signatures_ >= limits.signatures_max) return false;
  ++signatures_;
  return true;
}

// Whether the peer has got something of us that it can go on from.
bool Endpoint::was_answered() const { return config_.role == Role::kClient || !flight_.empty(); }

bool Endpoint::admits(const Record& record) const {
  // Before a hello is answered there is no cipher to change to, and no Finished.
  const bool is_early = record.epoch > 0 || record.type != ContentType::kHandshake;
  return (was_answered() || !is_early) && filter_.passes(record);
}

// The oldest make room: what is genuine comes again, and is then behind what was forged.
void Endpoint::wait_with(HandshakeDatagram datagram) {
  const auto& limits = config_.limits;
  waiting_bytes_ += datagram.bytes.size();
  waiting_.push_back(std::move(datagram));
  while (waiting_.size() > limits.waiting_datagrams_max ||
         waiting_bytes_ > limits.waiting_bytes_max) {
    waiting_bytes_ -= waiting_.front().bytes.size();
    waiting_.erase(waiting_.begin());
    ++counters_.datagrams_dropped;
  }
}

void Endpoint::hand_out_step(Output& out) {
  if (step_is_out_ || waiting_.empty()) return;
  if (!session_) {
    session_ = std::make_unique<Session>(context_, config_.role, config_.peer_fingerprints);
  }
  step_is_out_ = true;
  waiting_bytes_ = 0;
  out.step.reset(new HandshakeStep(std::move(session_), std::exchange(waiting_, {})));
}

void Endpoint::resume(std::unique_ptr<HandshakeStep> step, TimePoint now, Output& out) {
  if (!step || !step_is_out_) return;
  step_is_out_ = false;
  if (phase_ != Phase::kHandshake) return;  // ended meanwhile
  session_ = std::move(step->session_);
  if (session_->has_flight() && !std::exchange(has_proof_, true)) assembler_.reset();
  // What the step left comes before what arrived while it was out.
  auto& left = step->datagrams_;
  for (const auto& datagram : left) waiting_bytes_ += datagram.bytes.size();
  waiting_.insert(waiting_.begin(), std::make_move_iterator(left.begin()),
                  std::make_move_iterator(left.end()));
  take_result(step->last_arrived_, now, out);
}

// `answered` is when the last of what the session has had came.
void Endpoint::take_result(TimePoint answered, TimePoint now, Output& out) {
  auto written = session_->take_written();
  switch (session_->status()) {
    case Session::Status::kUnderWay:
      if (!written.empty()) send_flight(std::move(written), now, out);
      return hand_out_step(out);
    case Session::Status::kComplete: {
      auto connected = *session_->take_keys();
      if (resends_ == 0) connected.round_trip = answered - sent_;
      send_flight(std::move(written), now, out);
      phase_ = Phase::kConnected;
      resend_at_ = timeout_at_ = kNever;
      waiting_.clear();  // repetitions of what is complete
      assembler_.reset();
      record_cipher_ = std::make_unique<RecordCipher>(*session_->take_record_cipher());
      out.events.emplace_back(std::move(connected));
      session_.reset();
      return;
    }
    case Session::Status::kBroken:
      return begin_anew(out);
    case Session::Status::kWrongFingerprint:
      return fail(HandshakeFailure::kFingerprint, out);
    case Session::Status::kNoSrtpProfile:
      return fail(HandshakeFailure::kNoSrtpProfile, out);
  }
}

void Endpoint::send_flight(std::vector<std::vector<uint8_t>> flight, TimePoint now, Output& out) {
  flight_ = std::move(flight);
  assembler_.reset();  // pieces of what has been answered
  out.datagrams.insert(out.datagrams.end(), flight_.begin(), flight_.end());
  sent_ = now;
  resends_ = 0;
  resend_pause_ = config_.limits.first_resend;
  resend_at_ = now + resend_pause_;
}

void Endpoint::resend_flight(TimePoint now, Output& out) {
  out.datagrams.insert(out.datagrams.end(), flight_.begin(), flight_.end());
  sent_ = now;
  ++counters_.flights_resent;
}

void Endpoint::begin_anew(Output& out) {
  if (counters_.restarts >= static_cast<uint64_t>(config_.limits.restarts_max)) {
    return fail(HandshakeFailure::kProtocol, out);
  }
  ++counters_.restarts;
  session_.reset();
  assembler_.reset();
  has_proof_ = false;
  flight_.clear();
  resend_at_ = kNever;
  if (config_.role == Role::kClient) waiting_.insert(waiting_.begin(), HandshakeDatagram());
  hand_out_step(out);
}

// Whoever says something of the handshake has not got our last flight. The answer is not larger
// than the handshake's end and comes at most once in `first_resend`, so a forger gains nothing.
void Endpoint::receive_connected(Bytes datagram, TimePoint now, Output& out) {
  bool repeats = false;
  RecordReader reader(datagram);
  while (const auto record = reader.next()) {
    if (record->type == ContentType::kHandshake) {
      repeats = true;
    } else {
      receive_protected(*record, out);
      if (phase_ != Phase::kConnected) return;
    }
  }
  if (repeats && config_.role == Role::kServer && now - sent_ >= config_.limits.first_resend) {
    resend_flight(now, out);
  }
}

// Whatever is not protected, not genuine or not new changes nothing.
void Endpoint::receive_protected(const Record& record, Output& out) {
  const auto content = record_cipher_->open(record);
  if (!content) return;
  if (record.type == ContentType::kApplicationData) ++counters_.data_records_dropped;
  if (record.type != ContentType::kAlert || !is_final_alert(*content)) return;
  end();
  out.events.emplace_back(Closed{});
}

void Endpoint::advance(TimePoint now, Output& out) {
  if (now >= timeout_at_) return fail(HandshakeFailure::kTimeout, out);
  if (now < resend_at_) return;
  resend_flight(now, out);
  resend_pause_ = std::min(2 * resend_pause_, config_.limits.resend_max);
  resend_at_ = ++resends_ < config_.limits.resends_max ? now + resend_pause_ : kNever;
}

TimePoint Endpoint::next_deadline() const { return std::min(timeout_at_, resend_at_); }

void Endpoint::close(Output& out) {
  if (phase_ == Phase::kConnected) {
    constexpr std::array kGoodbye = {kLevelWarning, kCloseNotify};
    auto goodbye = record_cipher_->seal(ContentType::kAlert, kGoodbye);
    if (!goodbye.empty()) out.datagrams.push_back(std::move(goodbye));
  }
  end();
}

void Endpoint::fail(HandshakeFailure reason, Output& out) {
  end();
  out.events.emplace_back(Failed{reason});
}

void Endpoint::end() {
  phase_ = Phase::kOver;
  session_.reset();
  record_cipher_.reset();
  assembler_.reset();
  waiting_.clear();
  flight_.clear();
  resend_at_ = timeout_at_ = kNever;
}

std::string_view to_string(HandshakeFailure failure) {
  switch (failure) {
    case HandshakeFailure::kTimeout:
      return "timeout";
    case HandshakeFailure::kFingerprint:
      return "fingerprint";
    case HandshakeFailure::kNoSrtpProfile:
      return "no_srtp_profile";
    case HandshakeFailure::kProtocol:
      return "protocol";
  }
  return "unknown";
}

}  // namespace simpul::dtls
