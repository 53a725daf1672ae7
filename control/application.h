#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "config/config.h"
#include "control/access_policy.h"
#include "control/engine.h"
#include "control/metrics_text.h"
#include "control/router.h"
#include "control/static_pages.h"
#include "control/weak_handle.h"

namespace simpul::control {

// The whole API as a function from requests to responses: it holds all routes to the access policy
// and counts their answers. Knows no socket; a response may come later, and in vain when all this
// is gone.
class Application {
 public:
  struct Options {
    AccessPolicy::Options access;
    std::span<const EmbeddedFile> pages;
    std::function<int64_t()> now_unix_ms;
    std::vector<config::IceServer> ice_servers = {};  // told to clients
  };
  Application(Engine& engine, Options options);
  Application(const Application&) = delete;
  Application& operator=(const Application&) = delete;

  void handle(const Request& request, Respond respond);
  // An answer to what was no request at all.
  void count_refused(uint16_t status) { counters_.count("none", status); }

 private:
  void add_status_routes();
  Response metrics() const;

  Engine& engine_;
  AccessPolicy policy_;
  Router router_;
  HttpCounters counters_;
  WeakHandle<Application>::Source weak_{*this};
};

}  // namespace simpul::control
