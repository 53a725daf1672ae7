#include "control/server.h"

#include <utility>

#include "base/log.h"
#include "config/config.h"
#include "control/application.h"
#include "control/http_server.h"
#include "control/node_engine.h"
#include "control/static_pages.h"
#include "net/event_loop.h"

namespace simpul::control {

// The order is that of the references: the server's answers need the application, which needs the
// engine.
struct Server::State {
  std::unique_ptr<Engine> engine;
  std::unique_ptr<Application> application;
  std::unique_ptr<HttpServer> http;
};

Expected<std::unique_ptr<Server>, std::string> Server::start(const config::Config& config,
                                                             node::Node& node,
                                                             net::EventLoop& loop) {
  return start(config, make_node_engine(node), loop);
}

Expected<std::unique_ptr<Server>, std::string> Server::start(const config::Config& config,
                                                             std::unique_ptr<Engine> engine,
                                                             net::EventLoop& loop) {
  if (!config.http.listen.is_loopback()) {
    return unexpected("http.listen: " + config.http.listen.to_string() +
                      " is not a loopback address, and calls are not authenticated yet");
  }
  auto state = std::make_unique<State>();
  state->engine = std::move(engine);
  state->application = std::make_unique<Application>(
      *state->engine, Application::Options{
                          .access = {.any_origin = config.dev,
                                     .allowed_origins = config.http.allowed_origins,
                                     .bound = config.http.listen},
                          .pages = embedded_files(),
                          .now_unix_ms = [] { return net::EventLoop::wall_clock_unix_us() / 1000; },
                          .ice_servers = config.media.ice_servers});
  HttpServer::Handlers handlers{
      .on_request = [application = state->application.get()](
                        const Request& request,
                        Respond respond) { application->handle(request, std::move(respond)); },
      .on_refused = [application = state->application.get()](
                        uint16_t status) { application->count_refused(status); }};
  auto http = HttpServer::start(loop, config.http.listen, {}, std::move(handlers));
  if (!http) return unexpected(std::move(http.error()));
  state->http = *std::move(http);
  log::info("http_listening", {{"address", state->http->address().to_string()}});
  return std::unique_ptr<Server>(new Server(std::move(state)));
}

Server::Server(std::unique_ptr<State> state) : state_(std::move(state)) {}

Server::~Server() = default;

Address Server::address() const { return state_->http->address(); }

}  // namespace simpul::control
