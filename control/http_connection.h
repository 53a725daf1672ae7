#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "control/http_parser.h"

namespace simpul::control {

struct HttpTimeouts {
  Duration head = std::chrono::seconds(10);       // from the connection, or a request's first byte
  Duration body = std::chrono::seconds(20);       // from the end of the head
  Duration idle = std::chrono::seconds(30);       // between two requests
  Duration answer = std::chrono::seconds(15);     // for us to make the response
  Duration send = std::chrono::seconds(30);       // for the peer to read it
  Duration heartbeat = std::chrono::seconds(10);  // of a stream that has nothing to say
};

// The bytes that a client may send ahead while its request is being answered.
inline constexpr size_t kPipelinedMax = 64 * 1024;

// One HTTP connection without its socket: decides which request is answered next, when the peer
// was too slow (408) or too greedy, and when the connection ends. One request is answered at a
// time, and the next one begins when the last answer has left, so that a peer that does not read
// costs one response and is closed. What was sent ahead is read by the next advance(), which is due
// at once: others have their turn between two answers. An answer may be a stream of events: then no
// other request is read, and of what the peer does not read only the newest is kept.
class HttpConnection {
 public:
  struct Output {
    std::string bytes;               // to send
    std::optional<Request> request;  // to answer by respond() with `serial`
    uint64_t serial = 0;
    std::optional<uint16_t> refused;  // the status of an answer that no handler gave
    bool end = false;                 // close once `bytes` have left
    bool close = false;               // close now
  };

  HttpConnection(const HttpLimits& limits, const HttpTimeouts& timeouts, TimePoint now);

  void receive(Bytes bytes, TimePoint now, Output& out);
  // The peer sends no more.
  void receive_end(TimePoint now, Output& out);
  // The answer to the request of that serial number. Ignored when it comes too late.
  void respond(uint64_t serial, const Response& response, TimePoint now, Output& out);
  // All bytes given so far have left.
  void on_sent(TimePoint now, Output& out);
  void advance(TimePoint now, Output& out);
  // Answers what is no request, or comes in vain, and ends the connection.
  void refuse(const Problem& problem, TimePoint now, Output& out);
  TimePoint next_deadline() const { return deadline_; }
  // The answer goes on: respond() with that serial number adds to it.
  bool is_streaming() const { return phase_ == Phase::kStreaming; }

 private:
  enum class Phase : uint8_t { kReading, kAnswering, kSending, kStreaming, kPausing, kClosed };

  void read(Bytes bytes, TimePoint now, Output& out);
  void read_ahead(TimePoint now, Output& out);
  void keep(Bytes bytes);
  void send(const Response& response, TimePoint now, Output& out);
  void stream(const Response& response, TimePoint now, Output& out);
  void send_event(std::string bytes, TimePoint now, Output& out);
  void end(Output& out);
  void close(Output& out);

  HttpParser parser_;
  HttpTimeouts timeouts_;
  Phase phase_ = Phase::kReading;
  TimePoint deadline_;
  std::vector<uint8_t> pipelined_;
  uint64_t serial_ = 0;
  bool keep_alive_ = true;
  bool with_body_ = true;
  // Of a stream.
  bool is_sending_ = false;             // something has not left yet
  std::optional<std::string> waiting_;  // behind that
};

}  // namespace simpul::control
