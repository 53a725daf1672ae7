#include "control/join_api.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "control/http_target.h"
#include "control/if_match.h"
#include "control/layers_api.h"
#include "control/session_api.h"
#include "control/viewing_document.h"

namespace simpul::control {
namespace {

constexpr std::string_view kSdpType = "application/sdp";
constexpr const char* kPublishing = "/whip";

std::optional<relay::LayerChoice> parse_layer(std::string_view text) {
  if (text == "low") return relay::LayerChoice::kLow;
  if (text == "mid") return relay::LayerChoice::kMid;
  if (text == "high") return relay::LayerChoice::kHigh;
  return std::nullopt;
}

Expected<node::JoinRequest, Problem> make_join(const Call& call, node::Role role) {
  const auto& request = call.request;
  if (!has_media_type(request, kSdpType)) {
    return unexpected(Problem{.type = ProblemType::kUnsupportedMedia,
                              .status = 415,
                              .detail = "The body must be an offer of type application/sdp."});
  }
  node::JoinRequest join;
  join.role = role;
  join.room = call.names.at(0);
  join.offer = request.body;
  if (const auto* participant = request.parameter("participant")) {
    if (!is_valid_id(*participant)) {
      return unexpected(invalid_field("participant", "Must be 1 to 64 of A-Z a-z 0-9 _ . -"));
    }
    (role == node::Role::kWatcher ? join.watched : join.participant) = *participant;
  }
  if (const auto* layer = request.parameter("layer"); layer && role == node::Role::kWatcher) {
    const auto choice = parse_layer(*layer);
    if (!choice) return unexpected(invalid_field("layer", "Must be low, mid or high."));
    join.layer = *choice;
  }
  if (role == node::Role::kWatcher) {
    auto viewing = parse_viewing(request);
    if (!viewing) return unexpected(std::move(viewing.error()));
    join.viewing = *viewing;
  }
  return join;
}

Problem explain(const node::JoinError& error) {
  using Kind = node::JoinError::Kind;
  const auto problem = [&](ProblemType type, uint16_t status) {
    return Problem{.type = type, .status = status, .detail = error.detail};
  };
  switch (error.kind) {
    case Kind::kInvalidSdp:
      return problem(ProblemType::kInvalidSdp, 400);
    case Kind::kUnsupportedMedia:
      return problem(ProblemType::kUnsupportedMedia, 406);
    case Kind::kNoPublisher:
    case Kind::kConflict:
      return problem(ProblemType::kConflict, 409);
    case Kind::kFull:
      return problem(ProblemType::kFull, 503);
    case Kind::kStopping:
      return problem(ProblemType::kDraining, 503);
  }
  return problem(ProblemType::kInternal, 500);
}

Response make_error(const node::JoinError& error) {
  auto response = problem_response(explain(error));
  if (error.kind == node::JoinError::Kind::kNoPublisher) {
    response.headers.push_back({"Retry-After", "1"});
  }
  return response;
}

Response make_answer(std::string_view endpoint, const std::string& room,
                     const std::vector<Header>& links, node::Join join) {
  const std::string location = std::string(endpoint) + "/" + room + "/" + join.session;
  Response response{.status = 201,
                    .headers = {{"Location", location},
                                {"Content-Type", std::string(kSdpType)},
                                {"ETag", entity_tag(join.ice_session)},
                                {"Cache-Control", "no-store"}},
                    .body = std::move(join.answer)};
  response.headers.insert(response.headers.end(), links.begin(), links.end());
  if (endpoint == kPublishing) response.headers.push_back(layers_link(location));
  return response;
}

void add_endpoint(Router& router, Engine& engine, const std::string& endpoint, node::Role role,
                  const std::vector<Header>& links) {
  const auto pattern = endpoint + "/{room}";
  const auto post = [&engine, endpoint, role, links](const Call& call, const Respond& respond) {
    auto join = make_join(call, role);
    if (!join) return respond(problem_response(join.error()));
    auto done = [endpoint, room = join->room, links, respond](auto result) {
      respond(result ? make_answer(endpoint, room, links, *std::move(result))
                     : make_error(result.error()));
    };
    engine.join(*std::move(join), std::move(done));
  };
  // There is nothing to be got there, and that is no error (RFC 9725 §4.1).
  router.add(Method::kGet, pattern, [](const Call&, const Respond& respond) {
    respond({.status = 204, .headers = {{"Cache-Control", "no-store"}}});
  });
  router.add(Method::kPost, pattern, post);
  router.tell(pattern, {.header = {"Accept-Post", std::string(kSdpType)}});
  for (const Header& link : links) router.tell(pattern, {.header = link, .in_preflight = false});
  add_session_routes(router, engine, pattern + "/{session}");
}

}  // namespace

void add_join_routes(Router& router, Engine& engine, const std::vector<Header>& links) {
  add_endpoint(router, engine, kPublishing, node::Role::kPublisher, links);
  add_endpoint(router, engine, "/whep", node::Role::kWatcher, links);
}

}  // namespace simpul::control
