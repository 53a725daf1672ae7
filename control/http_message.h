#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace simpul::control {

enum class Method : uint8_t { kGet, kHead, kPost, kPut, kPatch, kDelete, kOptions, kOther };

Method parse_method(std::string_view text);
std::string_view to_string(Method method);

struct Header {
  std::string name;
  std::string value;

  friend bool operator==(const Header&, const Header&) = default;
};

struct Parameter {
  std::string name;
  std::string value;

  friend bool operator==(const Parameter&, const Parameter&) = default;
};

// One request, checked and decoded: nothing in it is percent-encoded any more.
struct Request {
  Method method = Method::kGet;
  std::vector<std::string> path;  // "/v1/rooms" is {"v1", "rooms"}, "/" is {}
  std::vector<Parameter> query;
  std::vector<Header> headers;  // names in lower case
  std::string host;             // of an absolute target, else of the Host header
  std::string body;
  bool keep_alive = true;

  // The first header of that (lower case) name, or null.
  const std::string* header(std::string_view name) const;
  const std::string* parameter(std::string_view name) const;
};

// A response whose body goes on for as long as the connection does: each further one to the same
// request brings a body that says all that there is to say, so that only the newest has to wait.
struct ResponseStream {
  enum class Step : uint8_t { kBegin, kGoOn, kEnd };
  Step step = Step::kBegin;
  std::function<void()> gone = {};  // of the first: called once when the connection has ended
};

struct Response {
  uint16_t status = 200;
  std::vector<Header> headers{};  // Content-Length and Connection are added when it is written
  std::string body{};
  std::optional<ResponseStream> stream{};

  const std::string* header(std::string_view name) const;
};

std::string_view reason_phrase(uint16_t status);

struct ResponseFraming {
  bool keep_alive = true;
  bool with_body = true;   // false answers HEAD: the length is told, the body is not sent
  bool has_length = true;  // false: the body ends with the connection
};

// The bytes of a response. Control characters in header values are left out, so that no value can
// begin a line of its own.
std::string write_response(const Response& response, ResponseFraming framing);

// ASCII only, as HTTP's tokens are.
std::string lower_case(std::string_view text);
bool equals_ignoring_case(std::string_view a, std::string_view b);
// Without blanks and tabs at both ends.
std::string_view trim(std::string_view text);

}  // namespace simpul::control
