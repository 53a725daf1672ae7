#include "control/session_api.h"

#include <utility>

#include "control/if_match.h"

namespace simpul::control {
namespace {

constexpr std::string_view kFragmentType = "application/trickle-ice-sdpfrag";

Response no_such_session() {
  return problem_response(not_found("There is no such session, or it has ended."));
}

Response wrong_type() {
  auto response =
      problem_response({.type = ProblemType::kUnsupportedMedia,
                        .status = 415,
                        .detail = "The body must be of type " + std::string(kFragmentType) + "."});
  response.headers.push_back({"Accept-Patch", std::string(kFragmentType)});
  return response;
}

// RFC 9725 §4.3.1: 428 without a condition, 412 for another ICE session than the present one.
std::optional<Problem> refuse_condition(const Request& request, std::string_view ice_session) {
  const auto text = if_match_of(request);
  if (!text) {
    return Problem{.type = ProblemType::kPrecondition,
                   .status = 428,
                   .detail = "If-Match must name the ICE session, or be * to restart ICE."};
  }
  const auto condition = IfMatch::parse(*text);
  if (!condition) return invalid_field("If-Match", "Must be * or entity-tags in their quotes.");
  if (condition->matches(ice_session)) return std::nullopt;
  return Problem{.type = ProblemType::kPrecondition,
                 .status = 412,
                 .detail = "This is another ICE session than the present one."};
}

Problem explain(const node::IcePatchError& error) {
  using Kind = node::IcePatchError::Kind;
  const auto problem = [&](ProblemType type, uint16_t status) {
    return Problem{.type = type, .status = status, .detail = error.detail};
  };
  switch (error.kind) {
    case Kind::kNoSession:
      return problem(ProblemType::kNotFound, 404);
    case Kind::kInvalid:
      return problem(ProblemType::kInvalidSdp, 400);
    case Kind::kTooLarge:
      return problem(ProblemType::kTooLarge, 413);
    case Kind::kTooOften:
      return problem(ProblemType::kTooMany, 429);
    case Kind::kFull:
      return problem(ProblemType::kFull, 503);
  }
  return problem(ProblemType::kInternal, 500);
}

// A restart is told with its entity-tag; anything else must not bring one.
Response make_answer(node::IcePatched patched) {
  if (!patched.restarted) return {.status = 204, .headers = {{"Cache-Control", "no-store"}}};
  return {.status = 200,
          .headers = {{"Content-Type", std::string(kFragmentType)},
                      {"ETag", entity_tag(patched.restarted->ice_session)},
                      {"Cache-Control", "no-store"}},
          .body = std::move(patched.restarted->fragment)};
}

Response patch(Engine& engine, const Call& call) {
  const auto& request = call.request;
  const auto ice_session = engine.ice_session(call.names.at(0), call.names.at(1));
  if (!ice_session) return no_such_session();
  if (!has_media_type(request, kFragmentType)) return wrong_type();
  if (const auto refused = refuse_condition(request, *ice_session)) {
    return problem_response(*refused);
  }
  auto patched = engine.patch_ice(
      {.room = call.names.at(0), .session = call.names.at(1), .fragment = request.body});
  if (!patched) return problem_response(explain(patched.error()));
  return make_answer(*std::move(patched));
}

}  // namespace

bool has_media_type(const Request& request, std::string_view type) {
  const auto* value = request.header("content-type");
  if (value == nullptr) return false;
  const std::string_view text(*value);
  return equals_ignoring_case(trim(text.substr(0, text.find(';'))), type);
}

void add_session_routes(Router& router, Engine& engine, const std::string& pattern) {
  // There is nothing to be got there, and that is no error (§4.1).
  router.add(Method::kGet, pattern, [&engine](const Call& call, const Respond& respond) {
    if (!engine.ice_session(call.names.at(0), call.names.at(1))) return respond(no_such_session());
    respond({.status = 204, .headers = {{"Cache-Control", "no-store"}}});
  });
  router.add(Method::kPatch, pattern,
             [&engine](const Call& call, const Respond& respond) { respond(patch(engine, call)); });
  // Whatever its If-Match says (§4.3.1).
  router.add(Method::kDelete, pattern, [&engine](const Call& call, const Respond& respond) {
    if (engine.leave(call.names.at(0), call.names.at(1))) return respond({.status = 200});
    respond(no_such_session());
  });
  router.tell(pattern, {.header = {"Accept-Patch", std::string(kFragmentType)}});
}

}  // namespace simpul::control
