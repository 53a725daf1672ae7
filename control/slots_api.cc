#include "control/slots_api.h"

#include <string>
#include <utility>

#include "control/merge_patch.h"
#include "control/viewing_document.h"
#include "control/why_document.h"

namespace simpul::control {
namespace {

Response explain(node::SlotError error) {
  switch (error) {
    case node::SlotError::kNoSlot:
      return problem_response(not_found("There is no such slot."));
    case node::SlotError::kNoPublisher: {
      auto response = problem_response({.type = ProblemType::kConflict,
                                        .status = 409,
                                        .detail = "This participant does not publish.",
                                        .field = "participant"});
      response.headers.push_back({"Retry-After", "1"});
      return response;
    }
    case node::SlotError::kFull:
      return problem_response({.type = ProblemType::kFull,
                               .status = 503,
                               .detail = "Too many requests wait for the worker."});
  }
  return problem_response({.type = ProblemType::kInternal, .status = 500});
}

void tell_why(Engine& engine, const node::SlotName& slot, const Respond& respond) {
  engine.ask_slot(slot, std::nullopt, [respond](auto why) {
    if (!why) return respond(explain(why.error()));
    respond({.status = 200,
             .headers = {{"Content-Type", "application/json"}, {"Cache-Control", "no-store"}},
             .body = why_document(*why)});
  });
}

void change_viewing(Engine& engine, const node::SlotName& slot, const Request& request,
                    const Respond& respond) {
  if (auto refusal = refuse_type(request)) return respond(*std::move(refusal));
  const auto change = parse_viewing(request.body);
  if (!change) return respond(problem_response(change.error()));
  engine.ask_slot(slot, *change, [respond](auto why) {
    if (!why) return respond(explain(why.error()));
    respond({.status = 204, .headers = {{"Cache-Control", "no-store"}}});
  });
}

void add_slot(Router& router, Engine& engine, const std::string& pattern,
              node::SlotName (*name_of)(const Call&)) {
  router.add(Method::kPatch, pattern, [&engine, name_of](const Call& call, const Respond& respond) {
    change_viewing(engine, name_of(call), call.request, respond);
  });
  router.tell(pattern, {.header = accept_patch()});
  router.add(Method::kGet, pattern + "/why",
             [&engine, name_of](const Call& call, const Respond& respond) {
               tell_why(engine, name_of(call), respond);
             });
}

}  // namespace

void add_slots_routes(Router& router, Engine& engine) {
  add_slot(router, engine, "/v1/rooms/{room}/participants/{participant}/slots/{mid}",
           [](const Call& call) {
             return node::SlotName{.room = call.names.at(0),
                                   .participant = call.names.at(1),
                                   .mid = call.names.at(2)};
           });
  add_slot(router, engine, "/whep/{room}/{session}/slots/{mid}", [](const Call& call) {
    return node::SlotName{.room = call.names.at(0),
                          .participant = {},
                          .session = call.names.at(1),
                          .mid = call.names.at(2)};
  });
}

}  // namespace simpul::control
