#include "control/access_policy.h"

#include <algorithm>

namespace simpul::control {
namespace {

constexpr std::string_view kExposedHeaders =
    "Location, ETag, Link, Retry-After, Accept-Post, Accept-Patch, Allow";
constexpr std::string_view kRequestHeaders = "Authorization, Content-Type, If-Match, If-None-Match";
constexpr std::string_view kPreflightSeconds = "600";

// Without the port and the brackets of IPv6; empty when it is neither a name nor an address.
std::string_view host_name(std::string_view host) {
  if (host.starts_with('[')) {
    const auto end = host.find(']');
    return end == std::string_view::npos ? std::string_view() : host.substr(1, end - 1);
  }
  return host.substr(0, host.find(':'));
}

}  // namespace

bool AccessPolicy::allows_host(std::string_view host) const {
  const auto name = host_name(host);
  if (const auto address = Address::parse(name, options_.bound.port)) {
    return address->is_loopback() || *address == options_.bound;
  }
  const auto lower = lower_case(name);
  // Browsers resolve these to loopback themselves (RFC 6761 §6.3).
  return lower == "localhost" || lower.ends_with(".localhost");
}

bool AccessPolicy::allows_origin(std::string_view origin) const {
  return options_.any_origin ||
         std::ranges::any_of(options_.allowed_origins, [&](const auto& o) { return o == origin; });
}

void AccessPolicy::add_headers(const Request& request, std::string_view allowed,
                               Response& response) const {
  const auto* origin = request.header("origin");
  if (!options_.any_origin) response.headers.push_back({"Vary", "Origin"});
  if (origin == nullptr || !allows_origin(*origin)) return;
  // Never with credentials: there are no cookies, tokens are sent by the page itself.
  response.headers.push_back(
      {"Access-Control-Allow-Origin", options_.any_origin ? std::string("*") : *origin});
  response.headers.push_back({"Access-Control-Expose-Headers", std::string(kExposedHeaders)});
  if (request.method != Method::kOptions) return;
  if (request.header("access-control-request-method") == nullptr) return;
  response.headers.push_back({"Access-Control-Allow-Methods", std::string(allowed)});
  response.headers.push_back({"Access-Control-Allow-Headers", std::string(kRequestHeaders)});
  response.headers.push_back({"Access-Control-Max-Age", std::string(kPreflightSeconds)});
}

}  // namespace simpul::control
