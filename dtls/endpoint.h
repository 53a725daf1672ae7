#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"
#include "dtls/fingerprint.h"
#include "dtls/handshake_filter.h"
#include "dtls/message_assembler.h"
#include "dtls/srtp_keys.h"

namespace simpul::dtls {

class Context;
class RecordCipher;
class Session;
struct Record;

// kServer waits for the peer's hello (setup:passive), kClient sends one (setup:active).
enum class Role : uint8_t { kServer, kClient };

struct EndpointLimits {
  Duration handshake_timeout = std::chrono::seconds(15);
  Duration first_resend = std::chrono::milliseconds(50);
  Duration resend_max = std::chrono::seconds(1);  // the pause doubles up to here
  int resends_max = 12;                           // of one flight
  int restarts_max = 5;                           // after errors before the handshake is complete
  size_t waiting_datagrams_max = 16;              // while a step is out
  size_t waiting_bytes_max = 20'000;
  // Signatures that are checked, which cost some hundred microseconds each: so many at once, and
  // one more for each pause. A peer repeats its flight a few times at most.
  int signatures_max = 32;
  Duration signature_pause = std::chrono::milliseconds(50);
};

struct EndpointConfig {
  Role role = Role::kServer;
  // What the peer's description says. Of every algorithm in it one must be that of the peer's
  // certificate; an empty list matches nothing.
  std::vector<Fingerprint> peer_fingerprints = {};
  EndpointLimits limits = {};
};

enum class HandshakeFailure : uint8_t {
  kTimeout,
  kFingerprint,    // the peer's certificate is not the one of its description
  kNoSrtpProfile,  // no SRTP profile in common
  kProtocol,       // errors, more often than restarts_max
};
std::string_view to_string(HandshakeFailure failure);

// The handshake is complete and the peer's certificate is the one of its description.
struct Connected {
  // From our flight to the authentic answer to it, unless we sent that flight twice.
  std::optional<Duration> round_trip = {};
  SrtpProfile profile{};
  SrtpMasterKey local;   // what we send with
  SrtpMasterKey remote;  // what the peer sends with
};
struct Failed {
  HandshakeFailure reason = HandshakeFailure::kTimeout;
};
// The peer said goodbye, authenticated. Comes once.
struct Closed {};
using EndpointEvent = std::variant<Connected, Failed, Closed>;

// What came of a handshake, and when.
struct HandshakeDatagram {
  std::vector<uint8_t> bytes;
  TimePoint arrived{};
};

// The part of a handshake that costs a millisecond of CPU. Whoever holds it runs it once, on any
// thread, and gives it back to the endpoint that it came from, on that endpoint's thread; or
// drops it, before or after running, when that endpoint is gone.
class HandshakeStep {
 public:
  ~HandshakeStep();
  HandshakeStep(const HandshakeStep&) = delete;
  HandshakeStep& operator=(const HandshakeStep&) = delete;

  void run();

 private:
  friend class Endpoint;
  HandshakeStep(std::unique_ptr<Session> session, std::vector<HandshakeDatagram> datagrams);

  std::unique_ptr<Session> session_;
  std::vector<HandshakeDatagram> datagrams_;
  TimePoint last_arrived_{};  // of those that the session has had
};

// Counted since the endpoint was made.
struct EndpointCounters {
  uint64_t datagrams_dropped = 0;  // malformed, unexpected, or more than may wait
  uint64_t flights_resent = 0;
  uint64_t restarts = 0;
  uint64_t data_records_dropped = 0;  // application data: nobody takes it yet
  uint64_t flights_taken = 0;         // of the peer, whose signature was looked at then
};

// One DTLS 1.2 association with DTLS-SRTP keys (RFC 6347, 5764). Decides what is taken from the
// network, when a flight is sent again (on the caller's clock), and when the handshake is over;
// OpenSSL does the rest. The caller lets in only datagrams from validated paths. Before the
// handshake is complete nothing that an unauthenticated datagram says ends it: plain alerts are
// ignored, a fatal error begins it anew, up to restarts_max times.
class Endpoint {
 public:
  struct Output {
    std::vector<std::vector<uint8_t>> datagrams;  // each at most 1,200 bytes
    std::vector<EndpointEvent> events;
    std::unique_ptr<HandshakeStep> step;  // to be run; never set while another one is out
  };

  // The context must live as long as the endpoint (not as long as its steps).
  Endpoint(const Context& context, EndpointConfig config);
  ~Endpoint();
  Endpoint(const Endpoint&) = delete;
  Endpoint& operator=(const Endpoint&) = delete;

  // The path is there: the handshake's time begins, a client sends its hello. For a server the
  // first datagram does the same. Calling it again does nothing.
  void start(TimePoint now, Output& out);
  void receive(Bytes datagram, TimePoint now, Output& out);
  void resume(std::unique_ptr<HandshakeStep> step, TimePoint now, Output& out);
  void advance(TimePoint now, Output& out);
  TimePoint next_deadline() const;
  // Says goodbye if there is somebody to say it to. Nothing happens afterwards.
  void close(Output& out);

  bool connected() const { return phase_ == Phase::kConnected; }
  // True when it is connected, failed or closed.
  bool handshake_over() const { return phase_ > Phase::kHandshake; }
  const EndpointCounters& counters() const { return counters_; }

 private:
  enum class Phase : uint8_t { kIdle, kHandshake, kConnected, kOver };

  void receive_handshake(Bytes datagram, TimePoint now, Output& out);
  bool admits(const Record& record) const;
  bool was_answered() const;
  void take_in(const Record& record, std::vector<uint8_t>& datagram, TimePoint now);
  void append_flight(std::vector<uint8_t>& datagram, TimePoint now);
  bool may_check_signature(TimePoint now);
  void receive_connected(Bytes datagram, TimePoint now, Output& out);
  void receive_protected(const Record& record, Output& out);
  void wait_with(HandshakeDatagram datagram);
  void hand_out_step(Output& out);
  void take_result(TimePoint answered, TimePoint now, Output& out);
  void send_flight(std::vector<std::vector<uint8_t>> flight, TimePoint now, Output& out);
  void resend_flight(TimePoint now, Output& out);
  void begin_anew(Output& out);
  void fail(HandshakeFailure reason, Output& out);
  void end();

  const Context& context_;
  const EndpointConfig config_;
  Phase phase_ = Phase::kIdle;
  HandshakeFilter filter_;
  MessageAssembler assembler_;
  bool has_news_ = false;             // a part of the peer's flight came with this datagram
  bool is_taken_ = false;             // the flight goes with this datagram already
  int signatures_ = 0;                // that were checked lately
  TimePoint signatures_at_{};         // when the last of them was forgotten
  bool has_proof_ = false;            // that flight is whole, and rightly signed
  std::unique_ptr<Session> session_;  // null before, while a step is out, and after the handshake
  std::unique_ptr<RecordCipher> record_cipher_;  // from then on
  bool step_is_out_ = false;
  std::vector<HandshakeDatagram> waiting_;
  size_t waiting_bytes_ = 0;
  std::vector<std::vector<uint8_t>> flight_;  // our last one, to be repeated
  TimePoint resend_at_ = kNever;
  TimePoint sent_{};  // when the flight left last
  Duration resend_pause_{};
  int resends_ = 0;
  TimePoint timeout_at_ = kNever;
  EndpointCounters counters_;
};

}  // namespace simpul::dtls
