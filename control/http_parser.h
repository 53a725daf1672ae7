#pragma once

#include <string>

#include "base/bytes.h"
#include "control/http_head.h"

namespace simpul::control {

// Reads the requests of one connection, however their bytes are cut (HTTP/1.1, RFC 9112). Decides
// where a request begins and ends and refuses what is malformed or too large; what happens with a
// request, and how long it may take, is up to the caller.
class HttpParser {
 public:
  enum class State : uint8_t {
    kIdle,      // between requests
    kHead,      // in a request line or headers
    kBody,      // in a body
    kComplete,  // take_request() has one; nothing more is read before
    kFailed,    // problem() says why; nothing more is ever read
  };

  explicit HttpParser(const HttpLimits& limits) : limits_(limits) {}

  // Takes bytes from the front and returns how many: fewer than given when a request ends there.
  size_t feed(Bytes bytes);
  State state() const { return state_; }

  // True once per request whose sender waits for "100 Continue" before the body.
  bool take_continue();
  Request take_request();
  const Problem& problem() const { return problem_; }

 private:
  size_t feed_head(Bytes bytes);
  size_t feed_body(Bytes bytes);
  // False when no request may have that byte there.
  bool is_legal(char c) const;
  void finish_head();
  void fail(Problem problem);

  HttpLimits limits_;
  State state_ = State::kIdle;
  std::string head_;
  bool skipped_empty_line_ = false;
  bool wants_continue_ = false;
  size_t body_size_ = 0;
  Request request_;
  Problem problem_;
};

}  // namespace simpul::control
