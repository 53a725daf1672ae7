#pragma once

#include <cstddef>
#include <string_view>

#include "base/expected.h"
#include "control/http_message.h"
#include "control/problem.h"

namespace simpul::control {

struct HttpLimits {
  size_t head_bytes = 16 * 1024;
  size_t headers = 100;
  size_t body_bytes = 256 * 1024;
};

// What a request says before its body.
struct Head {
  Request request;  // without the body
  size_t body_size = 0;
  bool wants_continue = false;  // Expect: 100-continue (RFC 9110 §10.1.1)
};

// Parses a whole request head, from the request line to the empty line, and settles how long the
// body is. Whatever two servers could understand differently is refused (RFC 9112 §6.3, §11.2).
Expected<Head, Problem> parse_head(std::string_view bytes, const HttpLimits& limits);

}  // namespace simpul::control
