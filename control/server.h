#pragma once

#include <memory>
#include <string>

#include "base/address.h"
#include "base/expected.h"

namespace simpul::config {
struct Config;
}
namespace simpul::net {
class EventLoop;
}
namespace simpul::node {
class Node;
}

namespace simpul::control {

class Engine;

// The control API, served: HTTP on config.http.listen with WHIP, WHEP, /v1, /metrics, /healthz,
// /readyz and the page. Lives on the thread of `loop`. Joins that are still running when it ends
// are answered into the void, so the node may end before or after it.
class Server {
 public:
  // Binds, or says why not. Nobody is asked for a token yet, so only loopback addresses are taken.
  static Expected<std::unique_ptr<Server>, std::string> start(const config::Config& config,
                                                              node::Node& node,
                                                              net::EventLoop& loop);
  static Expected<std::unique_ptr<Server>, std::string> start(const config::Config& config,
                                                              std::unique_ptr<Engine> engine,
                                                              net::EventLoop& loop);
  ~Server();

  // Where it listens; the port is the real one when 0 was asked for.
  Address address() const;

 private:
  struct State;
  explicit Server(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace simpul::control
