#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/address.h"
#include "control/http_message.h"

namespace simpul::control {

// Decides which web pages may use the API (CORS, Fetch standard §3.2), and that a request names
// this server: a page whose own name has been pointed at our address (DNS rebinding) is of the
// same origin to its browser, and only the Host header tells.
class AccessPolicy {
 public:
  struct Options {
    bool any_origin = false;
    std::vector<std::string> allowed_origins;
    Address bound;
  };
  explicit AccessPolicy(Options options) : options_(std::move(options)) {}

  // True for loopback addresses and names and for the address that is listened on, any port.
  bool allows_host(std::string_view host) const;

  // Adds what a browser wants to read before it gives the response to a page. `allowed` are the
  // methods of the resource, for preflights.
  void add_headers(const Request& request, std::string_view allowed, Response& response) const;

 private:
  bool allows_origin(std::string_view origin) const;

  Options options_;
};

}  // namespace simpul::control
