#include "control/http_connection.h"

#include <utility>

namespace simpul::control {
namespace {

constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
constexpr std::string_view kHeartbeat = ":\n\n";  // a comment of server-sent events

Problem too_slow(std::string_view what) {
  return {.status = 408, .detail = std::string(what) + " did not arrive in time."};
}

}  // namespace

HttpConnection::HttpConnection(const HttpLimits& limits, const HttpTimeouts& timeouts,
                               TimePoint now)
    : parser_(limits), timeouts_(timeouts), deadline_(now + timeouts.head) {}

void HttpConnection::receive(Bytes bytes, TimePoint now, Output& out) {
  switch (phase_) {
    case Phase::kReading:
      return read(bytes, now, out);
    case Phase::kAnswering:
    case Phase::kSending:
    case Phase::kPausing:
      return keep(bytes);
    case Phase::kStreaming:
    case Phase::kClosed:
      return;
  }
}

void HttpConnection::read(Bytes bytes, TimePoint now, Output& out) {
  const auto before = parser_.state();
  const auto taken = parser_.feed(bytes);
  const auto after = parser_.state();
  if (parser_.take_continue()) out.bytes += kContinue;
  switch (after) {
    case HttpParser::State::kIdle:
      return;
    case HttpParser::State::kHead:
      // The first request's time runs from the connection on.
      if (before == HttpParser::State::kIdle && serial_ > 0) deadline_ = now + timeouts_.head;
      return;
    case HttpParser::State::kBody:
      if (before != HttpParser::State::kBody) deadline_ = now + timeouts_.body;
      return;
    case HttpParser::State::kFailed:
      return refuse(parser_.problem(), now, out);
    case HttpParser::State::kComplete:
      break;
  }
  out.request = parser_.take_request();
  out.serial = ++serial_;
  keep_alive_ = keep_alive_ && out.request->keep_alive;
  with_body_ = out.request->method != Method::kHead;
  phase_ = Phase::kAnswering;
  deadline_ = now + timeouts_.answer;
  keep(bytes.subspan(taken));
}

// A client that sends too far ahead gets the answer that it waits for, and no other.
void HttpConnection::keep(Bytes bytes) {
  if (!keep_alive_) return;
  if (pipelined_.size() + bytes.size() > kPipelinedMax) {
    keep_alive_ = false;
    pipelined_.clear();
    return;
  }
  pipelined_.insert(pipelined_.end(), bytes.begin(), bytes.end());
}

void HttpConnection::receive_end(TimePoint now, Output& out) {
  switch (phase_) {
    case Phase::kReading:
      if (parser_.state() == HttpParser::State::kIdle) return close(out);
      return refuse({.status = 400, .detail = "The request ends in its middle."}, now, out);
    case Phase::kAnswering:
    case Phase::kSending:
    case Phase::kPausing:
      // What was pipelined is dropped: a peer that stops half way is gone more often than not.
      keep_alive_ = false;
      return;
    case Phase::kStreaming:
      return close(out);
    case Phase::kClosed:
      return;
  }
}

void HttpConnection::respond(uint64_t serial, const Response& response, TimePoint now,
                             Output& out) {
  if (serial != serial_) return;
  if (phase_ == Phase::kStreaming) return stream(response, now, out);
  if (phase_ != Phase::kAnswering) return;
  send(response, now, out);
}

void HttpConnection::stream(const Response& response, TimePoint now, Output& out) {
  if (!response.stream) return;
  switch (response.stream->step) {
    case ResponseStream::Step::kBegin:
      return;
    case ResponseStream::Step::kGoOn:
      // Nothing to say: there would be no word either of its having been sent.
      if (response.body.empty()) return;
      if (is_sending_) {
        waiting_ = response.body;
      } else {
        send_event(response.body, now, out);
      }
      return;
    case ResponseStream::Step::kEnd:
      return end(out);
  }
}

void HttpConnection::send_event(std::string bytes, TimePoint now, Output& out) {
  out.bytes = std::move(bytes);
  is_sending_ = true;
  deadline_ = now + timeouts_.send;
}

void HttpConnection::send(const Response& response, TimePoint now, Output& out) {
  const bool goes_on = response.stream && with_body_;
  if (response.stream) keep_alive_ = false;
  out.bytes += write_response(
      response,
      {.keep_alive = keep_alive_, .with_body = with_body_, .has_length = !response.stream});
  if (goes_on) {
    phase_ = Phase::kStreaming;
    pipelined_.clear();
    return send_event(std::exchange(out.bytes, {}), now, out);
  }
  phase_ = Phase::kSending;
  deadline_ = now + timeouts_.send;
  if (!keep_alive_) end(out);
}

void HttpConnection::refuse(const Problem& problem, TimePoint now, Output& out) {
  keep_alive_ = false;
  out.refused = problem.status;
  send(problem_response(problem), now, out);
}

void HttpConnection::on_sent(TimePoint now, Output& out) {
  if (phase_ == Phase::kStreaming) {
    is_sending_ = false;
    deadline_ = now + timeouts_.heartbeat;
    if (waiting_) send_event(*std::exchange(waiting_, std::nullopt), now, out);
    return;
  }
  if (phase_ != Phase::kSending) return;
  if (!keep_alive_) return end(out);
  phase_ = pipelined_.empty() ? Phase::kReading : Phase::kPausing;
  deadline_ = pipelined_.empty() ? now + timeouts_.idle : now;
}

void HttpConnection::read_ahead(TimePoint now, Output& out) {
  if (!keep_alive_) return end(out);
  phase_ = Phase::kReading;
  deadline_ = now + timeouts_.idle;
  const auto bytes = std::exchange(pipelined_, {});
  read(bytes, now, out);
}

void HttpConnection::advance(TimePoint now, Output& out) {
  if (now < deadline_) return;
  switch (phase_) {
    case Phase::kReading:
      if (parser_.state() == HttpParser::State::kBody) {
        return refuse(too_slow("The body"), now, out);
      }
      if (parser_.state() == HttpParser::State::kIdle && serial_ > 0) return close(out);
      return refuse(too_slow("A request"), now, out);
    case Phase::kAnswering:
      return refuse({.type = ProblemType::kInternal,
                     .status = 500,
                     .detail = "The answer was not ready in time."},
                    now, out);
    case Phase::kSending:
      return close(out);
    case Phase::kStreaming:
      if (is_sending_) return close(out);  // it does not read
      return send_event(std::string(kHeartbeat), now, out);
    case Phase::kPausing:
      return read_ahead(now, out);
    case Phase::kClosed:
      return;
  }
}

void HttpConnection::end(Output& out) {
  phase_ = Phase::kClosed;
  deadline_ = kNever;
  out.end = true;
}

void HttpConnection::close(Output& out) {
  phase_ = Phase::kClosed;
  deadline_ = kNever;
  out.close = true;
}

}  // namespace simpul::control
