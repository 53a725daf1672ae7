#include "control/application.h"

#include <string>
#include <utility>

#include "control/ice_links.h"
#include "control/join_api.h"
#include "control/json_documents.h"
#include "control/layers_api.h"
#include "control/rooms_api.h"
#include "control/slots_api.h"

namespace simpul::control {
namespace {

Response status_response(bool is_good, const std::string& bad) {
  return {.status = static_cast<uint16_t>(is_good ? 200 : 503),
          .headers = {{"Content-Type", "application/json"}, {"Cache-Control", "no-store"}},
          .body = status_document(is_good ? "ok" : bad)};
}

}  // namespace

Application::Application(Engine& engine, Options options)
    : engine_(engine), policy_(std::move(options.access)) {
  add_join_routes(router_, engine_, ice_links(options.ice_servers));
  add_rooms_routes(router_, engine_, std::move(options.now_unix_ms));
  add_slots_routes(router_, engine_);
  add_layers_routes(router_, engine_);
  add_status_routes();
  add_page_routes(router_, options.pages);
}

void Application::handle(const Request& request, Respond respond) {
  // What is needed of the request is copied: it may be gone when the answer comes.
  Response access;
  policy_.add_headers(request, router_.allowed(request), access);
  auto finish = [weak = weak_.handle(), label = std::string(router_.label(request)),
                 headers = std::move(access.headers),
                 respond = std::move(respond)](Response response) {
    auto* application = weak.target();
    if (application == nullptr) return;
    if (response.stream && response.stream->step != ResponseStream::Step::kBegin) {
      return respond(std::move(response));
    }
    application->counters_.count(label, response.status);
    response.headers.insert(response.headers.end(), headers.begin(), headers.end());
    respond(std::move(response));
  };
  if (!policy_.allows_host(request.host)) {
    return finish(problem_response({.type = ProblemType::kForbidden,
                                    .status = 403,
                                    .detail = "The Host header does not name this server."}));
  }
  router_.handle(request, finish);
}

void Application::add_status_routes() {
  router_.add(Method::kGet, "/healthz", [this](const Call&, const Respond& respond) {
    respond(status_response(engine_.healthy(), "unhealthy"));
  });
  // A node takes joins whenever it is well: there is no draining yet.
  router_.add(Method::kGet, "/readyz", [this](const Call&, const Respond& respond) {
    respond(status_response(engine_.healthy(), "not ready"));
  });
  router_.add(Method::kGet, "/metrics",
              [this](const Call&, const Respond& respond) { respond(metrics()); });
}

Response Application::metrics() const {
  const auto report = engine_.report();
  return {.status = 200,
          .headers = {{"Content-Type", std::string(kMetricsType)}, {"Cache-Control", "no-store"}},
          .body = metrics_text({.node = report,
                                .rooms = report.rooms,
                                .participants = report.participants,
                                .http = counters_})};
}

}  // namespace simpul::control
