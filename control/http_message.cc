#include "control/http_message.h"

#include <algorithm>
#include <array>
#include <utility>

namespace simpul::control {
namespace {

constexpr std::array<std::pair<Method, std::string_view>, 7> kMethods{{
    {Method::kGet, "GET"},
    {Method::kHead, "HEAD"},
    {Method::kPost, "POST"},
    {Method::kPut, "PUT"},
    {Method::kPatch, "PATCH"},
    {Method::kDelete, "DELETE"},
    {Method::kOptions, "OPTIONS"},
}};

constexpr std::array<std::pair<uint16_t, std::string_view>, 24> kReasons{{
    {200, "OK"},
    {201, "Created"},
    {204, "No Content"},
    {304, "Not Modified"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {415, "Unsupported Media Type"},
    {422, "Unprocessable Content"},
    {428, "Precondition Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {503, "Service Unavailable"},
    {505, "HTTP Version Not Supported"},
}};

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool is_control(char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f; }

template <class Pair>
const std::string* find_value(const std::vector<Pair>& pairs, std::string_view name) {
  const auto found = std::ranges::find(pairs, name, &Pair::name);
  return found == pairs.end() ? nullptr : &found->value;
}

void append_header(std::string& out, std::string_view name, std::string_view value) {
  out += name;
  out += ": ";
  std::ranges::copy_if(value, std::back_inserter(out), [](char c) { return !is_control(c); });
  out += "\r\n";
}

bool may_have_body(uint16_t status) { return status >= 200 && status != 204 && status != 304; }

}  // namespace

Method parse_method(std::string_view text) {
  const auto found = std::ranges::find(kMethods, text, &decltype(kMethods)::value_type::second);
  return found == kMethods.end() ? Method::kOther : found->first;
}

std::string_view to_string(Method method) {
  const auto found = std::ranges::find(kMethods, method, &decltype(kMethods)::value_type::first);
  return found == kMethods.end() ? "other" : found->second;
}

const std::string* Request::header(std::string_view name) const {
  return find_value(headers, name);
}

const std::string* Request::parameter(std::string_view name) const {
  return find_value(query, name);
}

const std::string* Response::header(std::string_view name) const {
  const auto found = std::ranges::find_if(
      headers, [&](const Header& header) { return equals_ignoring_case(header.name, name); });
  return found == headers.end() ? nullptr : &found->value;
}

std::string_view reason_phrase(uint16_t status) {
  const auto found = std::ranges::find(kReasons, status, &decltype(kReasons)::value_type::first);
  return found == kReasons.end() ? "Unknown" : found->second;
}

std::string write_response(const Response& response, ResponseFraming framing) {
  std::string out = "HTTP/1.1 " + std::to_string(response.status) + " ";
  out += reason_phrase(response.status);
  out += "\r\n";
  for (const auto& header : response.headers) append_header(out, header.name, header.value);
  if (may_have_body(response.status) && framing.has_length) {
    append_header(out, "Content-Length", std::to_string(response.body.size()));
  }
  append_header(out, "Connection", framing.keep_alive ? "keep-alive" : "close");
  out += "\r\n";
  if (framing.with_body && may_have_body(response.status)) out += response.body;
  return out;
}

std::string lower_case(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(), lower);
  return result;
}

bool equals_ignoring_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, lower, lower);
}

std::string_view trim(std::string_view text) {
  constexpr std::string_view kBlanks = " \t";
  const auto begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

}  // namespace simpul::control
