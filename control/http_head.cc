#include "control/http_head.h"

#include <algorithm>
#include <boost/beast/http/basic_parser.hpp>
#include <charconv>
#include <optional>
#include <utility>

#include "control/http_target.h"

namespace simpul::control {
namespace {

namespace beast = boost::beast;
using ErrorCode = beast::error_code;

struct RawHead {
  std::string method;
  std::string target;
  int version = 11;
  std::vector<Header> headers;
};

// Beast finds the tokens and holds them to the grammar; what they mean is decided below.
class HeadReader final : public beast::http::basic_parser<true> {
 public:
  explicit HeadReader(const HttpLimits& limits) : headers_max_(limits.headers) {
    header_limit(static_cast<std::uint32_t>(limits.head_bytes));
    body_limit(boost::none);
    skip(true);  // ends behind the empty line
  }

  RawHead take() { return std::move(head_); }

 private:
  void on_request_impl(beast::http::verb, beast::string_view method, beast::string_view target,
                       int version, ErrorCode&) override {
    head_.method.assign(method.data(), method.size());
    head_.target.assign(target.data(), target.size());
    head_.version = version;
  }
  void on_field_impl(beast::http::field, beast::string_view name, beast::string_view value,
                     ErrorCode& error) override {
    if (head_.headers.size() == headers_max_) {
      error = beast::http::error::header_limit;
      return;
    }
    head_.headers.push_back(
        {lower_case({name.data(), name.size()}), std::string(trim({value.data(), value.size()}))});
  }
  void on_response_impl(int, beast::string_view, int, ErrorCode&) override {}
  void on_header_impl(ErrorCode&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, ErrorCode&) override {}
  std::size_t on_body_impl(beast::string_view body, ErrorCode&) override { return body.size(); }
  void on_chunk_header_impl(std::uint64_t, beast::string_view, ErrorCode&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, beast::string_view body, ErrorCode&) override {
    return body.size();
  }
  void on_finish_impl(ErrorCode&) override {}

  size_t headers_max_;
  RawHead head_;
};

Problem bad_request(std::string detail) {
  return {.type = ProblemType::kPlain, .status = 400, .detail = std::move(detail)};
}

// "GET /x HTTP/2.0": a version that we do not speak, and not a line of another shape.
bool names_a_version(std::string_view head) {
  const auto line = head.substr(0, head.find("\r\n"));
  if (std::ranges::count(line, ' ') != 2) return false;
  const auto version = line.substr(line.rfind(' ') + 1);
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  return version.size() == 8 && version.starts_with("HTTP/") && is_digit(version[5]) &&
         version[6] == '.' && is_digit(version[7]);
}

Problem explain(const ErrorCode& error, std::string_view head) {
  if (error == beast::http::error::header_limit) {
    return {.type = ProblemType::kTooLarge,
            .status = 431,
            .detail = "The request has too many headers."};
  }
  if (error == beast::http::error::bad_version && names_a_version(head)) {
    return {.type = ProblemType::kPlain,
            .status = 505,
            .detail = "HTTP/1.0 and HTTP/1.1 are spoken here."};
  }
  return bad_request("The request is malformed: " + error.message() + ".");
}

Expected<RawHead, Problem> read_head(std::string_view bytes, const HttpLimits& limits) {
  HeadReader reader(limits);
  ErrorCode error;
  const auto taken = reader.put({bytes.data(), bytes.size()}, error);
  if (error) return unexpected(explain(error, bytes));
  if (taken != bytes.size() || !reader.is_done()) {
    return unexpected(bad_request("The request ends before its head does."));
  }
  return reader.take();
}

size_t count_of(const Request& request, std::string_view name) {
  return static_cast<size_t>(std::ranges::count(request.headers, name, &Header::name));
}

bool has_token(const Request& request, std::string_view name, std::string_view token) {
  return std::ranges::any_of(request.headers, [&](const Header& header) {
    if (header.name != name) return false;
    std::string_view rest = header.value;
    while (!rest.empty()) {
      const auto end = std::min(rest.find(','), rest.size());
      if (equals_ignoring_case(trim(rest.substr(0, end)), token)) return true;
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return false;
  });
}

// A body in chunks is never read: WHIP offers and commands are short and have a length.
std::optional<Problem> refuse_transfer_encoding(const Request& request) {
  const auto* encoding = request.header("transfer-encoding");
  if (encoding == nullptr) return std::nullopt;
  if (count_of(request, "content-length") > 0) {
    return bad_request("Content-Length and Transfer-Encoding exclude one another.");
  }
  const std::string_view codings(*encoding);
  const auto last = trim(codings.substr(codings.rfind(',') + 1));
  if (count_of(request, "transfer-encoding") > 1 || !equals_ignoring_case(last, "chunked")) {
    return bad_request("The transfer encoding leaves the length of the body open.");
  }
  return Problem{.type = ProblemType::kLengthRequired,
                 .status = 411,
                 .detail = "Send the body with Content-Length instead of in chunks."};
}

bool needs_body(Method method) {
  return method == Method::kPost || method == Method::kPut || method == Method::kPatch;
}

Expected<size_t, Problem> body_size(const Request& request, const HttpLimits& limits) {
  if (auto problem = refuse_transfer_encoding(request)) return unexpected(*std::move(problem));
  const auto* length = request.header("content-length");
  if (length == nullptr) {
    if (!needs_body(request.method)) return size_t{0};
    return unexpected(Problem{.type = ProblemType::kLengthRequired,
                              .status = 411,
                              .detail = "A Content-Length is needed."});
  }
  const auto* end = length->data() + length->size();
  uint64_t size = 0;
  const auto [parsed, error] = std::from_chars(length->data(), end, size);
  if (count_of(request, "content-length") > 1 || error != std::errc{} || parsed != end) {
    return unexpected(bad_request("Content-Length is not one number."));
  }
  if (size > limits.body_bytes) {
    return unexpected(Problem{
        .type = ProblemType::kTooLarge,
        .status = 413,
        .detail = "The body may have " + std::to_string(limits.body_bytes) + " bytes at most."});
  }
  return static_cast<size_t>(size);
}

Expected<Request, Problem> make_request(RawHead raw) {
  auto target = parse_target(raw.target);
  if (!target) return unexpected(bad_request(std::move(target.error())));
  Request request{.method = parse_method(raw.method),
                  .path = std::move(target->path),
                  .query = std::move(target->query),
                  .headers = std::move(raw.headers),
                  .host = std::move(target->host),
                  .body = {},
                  .keep_alive = raw.version >= 11};
  const auto hosts = count_of(request, "host");
  if (hosts > 1 || (hosts == 0 && raw.version >= 11)) {
    return unexpected(bad_request("Exactly one Host header is needed."));
  }
  if (request.host.empty() && hosts == 1) request.host = *request.header("host");
  if (has_token(request, "connection", "close")) request.keep_alive = false;
  return request;
}

}  // namespace

Expected<Head, Problem> parse_head(std::string_view bytes, const HttpLimits& limits) {
  auto raw = read_head(bytes, limits);
  if (!raw) return unexpected(std::move(raw.error()));
  const bool is_current = raw->version >= 11;
  auto request = make_request(*std::move(raw));
  if (!request) return unexpected(std::move(request.error()));
  const auto size = body_size(*request, limits);
  if (!size) return unexpected(size.error());
  const bool wants_continue =
      is_current && *size > 0 && has_token(*request, "expect", "100-continue");
  return Head{.request = *std::move(request), .body_size = *size, .wants_continue = wants_continue};
}

}  // namespace simpul::control
