#include "control/rooms_api.h"

#include <algorithm>
#include <charconv>
#include <string>
#include <utility>
#include <vector>

#include "control/http_target.h"
#include "control/json_documents.h"
#include "control/merge_patch.h"
#include "control/pin_document.h"

namespace simpul::control {
namespace {

struct Page {
  size_t limit = kListDefault;
  std::string after;
};

Expected<Page, Problem> parse_page(const Request& request) {
  Page page;
  if (const auto* limit = request.parameter("limit")) {
    const auto* end = limit->data() + limit->size();
    const auto [parsed, error] = std::from_chars(limit->data(), end, page.limit);
    if (error != std::errc{} || parsed != end || page.limit == 0 || page.limit > kListMax) {
      return unexpected(invalid_field("limit", "Must be 1 to " + std::to_string(kListMax) + "."));
    }
  }
  if (const auto* after = request.parameter("after")) {
    if (!is_valid_id(*after)) {
      return unexpected(invalid_field("after", "Must be 1 to 64 of A-Z a-z 0-9 _ . -"));
    }
    page.after = *after;
  }
  return page;
}

// Sorts, and keeps the page and one more, which tells whether there is another page.
template <class Item, class Id>
void keep_page(std::vector<Item>& items, const Page& page, Id id_of) {
  std::ranges::sort(items, {}, id_of);
  const auto first = std::ranges::upper_bound(items, page.after, {}, id_of);
  items.erase(items.begin(), first);
  if (items.size() > page.limit + 1)
    items.erase(items.begin() + static_cast<long>(page.limit) + 1, items.end());
}

Response json_response(std::string body) {
  return {.status = 200,
          .headers = {{"Content-Type", "application/json"}, {"Cache-Control", "no-store"}},
          .body = std::move(body)};
}

Response no_room() { return problem_response(not_found("There is no such room.")); }

Response no_participant() {
  return problem_response(not_found("There is no such participant in the room."));
}

Response explain(node::PinError error) {
  switch (error) {
    case node::PinError::kNoParticipant:
      return no_participant();
    case node::PinError::kFull:
      return problem_response({.type = ProblemType::kConflict,
                               .status = 409,
                               .detail = "As many are pinned as may be heard at once.",
                               .field = "pinned"});
  }
  return problem_response({.type = ProblemType::kInternal, .status = 500});
}

Response change_participant(Engine& engine, const Call& call) {
  if (auto refusal = refuse_type(call.request)) return *std::move(refusal);
  const auto pinned = parse_pin(call.request.body);
  if (!pinned) return problem_response(pinned.error());
  const std::string& room = call.names.at(0);
  const std::string& participant = call.names.at(1);
  if (*pinned) {
    if (const auto error = engine.pin_speaker(room, participant, **pinned)) return explain(*error);
  } else if (!engine.participant(room, participant)) {
    return no_participant();
  }
  return {.status = 204, .headers = {{"Cache-Control", "no-store"}}};
}

Response list_rooms(const Engine& engine, const Request& request) {
  const auto page = parse_page(request);
  if (!page) return problem_response(page.error());
  auto names = engine.room_names();
  keep_page(names, *page, std::identity{});
  const bool has_more = names.size() > page->limit;
  if (has_more) names.pop_back();
  std::vector<node::RoomReport> rooms;
  for (const auto& name : names) {
    if (auto room = engine.room(name)) rooms.push_back(*std::move(room));
  }
  return json_response(rooms_document(rooms, has_more));
}

Response show_room(const Engine& engine, const std::string& name) {
  const auto room = engine.room(name);
  return room ? json_response(room_document(*room)) : no_room();
}

Response list_participants(const Engine& engine, const Call& call) {
  const auto page = parse_page(call.request);
  if (!page) return problem_response(page.error());
  auto room = engine.room(call.names.at(0));
  if (!room) return no_room();
  auto& participants = room->participants;
  keep_page(participants, *page, &node::ParticipantReport::id);
  const bool has_more = participants.size() > page->limit;
  if (has_more) participants.pop_back();
  return json_response(participants_document(participants, has_more));
}

Response show_participant(const Engine& engine, const Call& call) {
  const auto participant = engine.participant(call.names.at(0), call.names.at(1));
  return participant ? json_response(participant_document(*participant)) : no_participant();
}

}  // namespace

void add_rooms_routes(Router& router, Engine& engine, std::function<int64_t()> now_unix_ms) {
  const std::string room = "/v1/rooms/{room}";
  const std::string participants = room + "/participants";
  const std::string participant = participants + "/{participant}";
  router.add(Method::kGet, "/v1/rooms", [&engine](const Call& call, const Respond& respond) {
    respond(list_rooms(engine, call.request));
  });
  router.add(Method::kGet, room, [&engine](const Call& call, const Respond& respond) {
    respond(show_room(engine, call.names.at(0)));
  });
  router.add(Method::kDelete, room, [&engine](const Call& call, const Respond& respond) {
    respond(engine.remove_room(call.names.at(0)) ? Response{.status = 204} : no_room());
  });
  router.add(Method::kGet, participants, [&engine](const Call& call, const Respond& respond) {
    respond(list_participants(engine, call));
  });
  router.add(Method::kGet, participant, [&engine](const Call& call, const Respond& respond) {
    respond(show_participant(engine, call));
  });
  router.add(Method::kPatch, participant, [&engine](const Call& call, const Respond& respond) {
    respond(change_participant(engine, call));
  });
  router.tell(participant, {.header = accept_patch()});
  router.add(Method::kDelete, participant, [&engine](const Call& call, const Respond& respond) {
    const bool removed = engine.remove_participant(call.names.at(0), call.names.at(1));
    respond(removed ? Response{.status = 204} : no_participant());
  });
  router.add(Method::kGet, "/v1/node",
             [&engine, now = std::move(now_unix_ms)](const Call&, const Respond& respond) {
               respond(json_response(node_document(engine.report(), engine.healthy(), now())));
             });
}

}  // namespace simpul::control
