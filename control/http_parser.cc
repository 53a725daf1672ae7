#include "control/http_parser.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace simpul::control {

size_t HttpParser::feed(Bytes bytes) {
  size_t taken = 0;
  while (taken < bytes.size()) {
    switch (state_) {
      case State::kIdle:
      case State::kHead:
        taken += feed_head(bytes.subspan(taken));
        break;
      case State::kBody:
        taken += feed_body(bytes.subspan(taken));
        break;
      case State::kComplete:
      case State::kFailed:
        return taken;
    }
  }
  return taken;
}

bool HttpParser::take_continue() { return std::exchange(wants_continue_, false); }

Request HttpParser::take_request() {
  SIMPUL_CHECK(state_ == State::kComplete);
  state_ = State::kIdle;
  return std::exchange(request_, {});
}

size_t HttpParser::feed_head(Bytes bytes) {
  size_t taken = 0;
  for (const char c : as_text(bytes)) {
    ++taken;
    if (!is_legal(c)) {
      fail({.status = 400, .detail = "The request is malformed: a byte that no head has there."});
      return taken;
    }
    head_.push_back(c);
    state_ = State::kHead;
    if (head_ == "\r\n" && !skipped_empty_line_) {  // some clients end a body so (RFC 9112 §2.2)
      skipped_empty_line_ = true;
      head_.clear();
    } else if (c == '\n' && head_.ends_with("\r\n\r\n")) {
      finish_head();
      return taken;
    } else if (head_.size() >= limits_.head_bytes) {
      fail({.type = ProblemType::kTooLarge,
            .status = 431,
            .detail = "The request line and the headers may have " +
                      std::to_string(limits_.head_bytes) + " bytes at most."});
      return taken;
    }
  }
  return taken;
}

// Bare line feeds, bare carriage returns and folded lines are read differently by different
// servers; other control characters mean that this is no HTTP at all, which is told at once.
bool HttpParser::is_legal(char c) const {
  const char last = head_.empty() ? '\0' : head_.back();
  if ((last == '\r') != (c == '\n')) return false;
  if (last == '\n' && (c == ' ' || c == '\t')) return false;
  return static_cast<unsigned char>(c) >= 0x20 ? c != 0x7f : c == '\r' || c == '\n' || c == '\t';
}

void HttpParser::finish_head() {
  auto head = parse_head(head_, limits_);
  head_.clear();
  skipped_empty_line_ = false;
  if (!head) return fail(std::move(head.error()));
  request_ = std::move(head->request);
  body_size_ = head->body_size;
  wants_continue_ = head->wants_continue;
  state_ = body_size_ == 0 ? State::kComplete : State::kBody;
}

size_t HttpParser::feed_body(Bytes bytes) {
  const auto size = std::min(bytes.size(), body_size_ - request_.body.size());
  request_.body += as_text(bytes.first(size));
  if (request_.body.size() == body_size_) {
    state_ = State::kComplete;
    wants_continue_ = false;  // the sender did not wait for it
  }
  return size;
}

void HttpParser::fail(Problem problem) {
  problem_ = std::move(problem);
  head_.clear();
  state_ = State::kFailed;
}

}  // namespace simpul::control
