#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "control/http_message.h"
#include "control/problem.h"

namespace simpul::control {

using Respond = std::function<void(Response)>;

// A request at its route: `names` are what the pattern's placeholders stand for, in their order.
// All are valid ids.
struct Call {
  const Request& request;
  std::vector<std::string> names;
};

using Handler = std::function<void(const Call&, Respond)>;

// Finds the handler for a request and answers those that have none: 404, 405 with Allow, OPTIONS,
// and 400 for a name in the path that is no id. HEAD is GET without its body.
class Router {
 public:
  // Patterns are "/v1/rooms/{room}": each placeholder is one segment. Those of one pattern and
  // several methods are one resource.
  void add(Method method, std::string_view pattern, Handler handler);
  // What OPTIONS tells there besides Allow; some of it not to a browser that asks on its own
  // account (a preflight), because no page gets to read that.
  struct Told {
    Header header;
    bool in_preflight = true;
  };
  void tell(std::string_view pattern, Told told);

  // The pattern that the request belongs to, for counting; "other" when there is none.
  std::string_view label(const Request& request) const;
  // "GET, HEAD, OPTIONS" of the request's resource; empty when there is none.
  std::string allowed(const Request& request) const;
  void handle(const Request& request, const Respond& respond) const;

 private:
  struct Resource {
    std::string pattern;
    std::vector<std::string> segments;
    std::vector<std::pair<Method, Handler>> handlers;
    std::vector<Told> told;
  };

  Resource& resource(std::string_view pattern);
  const Resource* find(const Request& request) const;

  std::vector<Resource> resources_;
};

}  // namespace simpul::control
