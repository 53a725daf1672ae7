#include "control/layers_api.h"

#include <nlohmann/json.hpp>
#include <utility>

namespace simpul::control {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kRelation = "urn:ietf:params:whip:ext:simpul:layers";
constexpr std::string_view kLastSegment = "/events";

Response explain(node::FollowError error) {
  switch (error) {
    case node::FollowError::kNoSession:
      return problem_response(not_found("There is no such session, or it has ended."));
    case node::FollowError::kFull:
      return problem_response({.type = ProblemType::kFull,
                               .status = 503,
                               .detail = "Too many sessions are followed already."});
  }
  return problem_response({.type = ProblemType::kInternal, .status = 500});
}

// Proxies must not wait for more, and nobody may keep it.
Response beginning() {
  return {.status = 200,
          .headers = {{"Content-Type", "text/event-stream"},
                      {"Cache-Control", "no-store"},
                      {"X-Accel-Buffering", "no"}}};
}

void follow(Engine& engine, const Call& call, const Respond& respond) {
  if (call.request.method == Method::kHead) {
    const bool is_there = engine.publishes(call.names.at(0), call.names.at(1));
    return respond(is_there ? beginning() : explain(node::FollowError::kNoSession));
  }
  const auto told = [respond](const node::WantedLayers* wanted) {
    using Step = ResponseStream::Step;
    if (wanted == nullptr) return respond({.stream = {{.step = Step::kEnd}}});
    respond({.body = layers_events(*wanted), .stream = {{.step = Step::kGoOn}}});
  };
  const auto follower = engine.follow_layers(call.names.at(0), call.names.at(1), told);
  if (!follower) return respond(explain(follower.error()));
  Response response = beginning();
  response.body = ":\n\n";  // what is told comes soon
  response.stream = {.step = ResponseStream::Step::kBegin,
                     .gone = [&engine, follower = *follower] { engine.unfollow_layers(follower); }};
  respond(std::move(response));
}

}  // namespace

void add_layers_routes(Router& router, Engine& engine) {
  router.add(
      Method::kGet, "/whip/{room}/{session}" + std::string(kLastSegment),
      [&engine](const Call& call, const Respond& respond) { follow(engine, call, respond); });
}

Header layers_link(const std::string& location) {
  return {"Link",
          "<" + location + std::string(kLastSegment) + ">; rel=\"" + std::string(kRelation) + "\""};
}

std::string layers_events(const node::WantedLayers& wanted) {
  std::string events;
  for (const auto& line : wanted.lines) {
    Json rids = Json::array();
    for (const auto& layer : line.layers) {
      rids.push_back({{"rid", layer.rid}, {"active", layer.active}});
    }
    const Json document = {{"mid", line.mid}, {"rids", std::move(rids)}};
    // What clients sent may be no UTF-8: it is replaced, so that writing never fails.
    events +=
        "event: layers\ndata: " + document.dump(-1, ' ', false, Json::error_handler_t::replace) +
        "\n\n";
  }
  return events;
}

}  // namespace simpul::control
