#include "control/json_documents.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>

#include "control/problem.h"

namespace simpul::control {
namespace {

using Json = nlohmann::ordered_json;

// What clients sent may be no UTF-8: it is replaced, so that writing never fails.
std::string text_of(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

template <class T>
Json or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

Json known(uint16_t value) { return value == 0 ? Json(nullptr) : Json(value); }

Json or_null(const std::optional<Address>& address) {
  return address ? Json(address->to_string()) : Json(nullptr);
}

std::string_view role_text(node::Role role) {
  return role == node::Role::kPublisher ? "whip" : "whep";
}

// What there is to choose of an encoding with several layers.
Json options_json(const std::vector<relay::LayerOptionState>& options) {
  Json list = Json::array();
  for (const auto& option : options) {
    list.push_back({{"spatial", option.spatial},
                    {"temporal", option.temporal},
                    {"fps", option.frames_per_second},
                    {"bitrate_bps", option.bitrate_bps},
                    {"active", option.active}});
  }
  return list;
}

Json track_json(const node::TrackReport& track) {
  Json layers = Json::array();
  for (size_t i = 0; i < track.state.layers.size(); ++i) {
    const auto& layer = track.state.layers[i];
    const bool has_loss = i < track.layer_loss.size();
    layers.push_back({{"rid", layer.rid},
                      {"width", known(layer.width)},
                      {"height", known(layer.height)},
                      {"fps", layer.frames_per_second},
                      {"bitrate_bps", layer.bitrate_bps},
                      {"loss", has_loss ? Json(track.layer_loss[i]) : Json(nullptr)},
                      {"packets", layer.packets},
                      {"active", layer.active},
                      {"suspended", layer.suspended}});
    if (!layer.options.empty()) layers.back()["options"] = options_json(layer.options);
  }
  return {{"id", track.state.id.value()},
          {"kind", rtp::to_string(track.state.kind)},
          {"codec", rtp::to_string(track.state.codec)},
          {"mid", track.mid},
          {"source", nullptr},
          {"muted", false},
          {"speaking", or_null(track.state.is_speaking)},
          {"layers", std::move(layers)}};
}

// The highest layers that leave of a stream that has several.
Json sublayers_json(const relay::SlotState& state) {
  if (!state.sublayers) return nullptr;
  return {{"spatial", state.sublayers->spatial}, {"temporal", state.sublayers->temporal}};
}

// One encoding without a name is known by its layers, as in the answer to why it is this one.
Json layer_json(const relay::SlotState& state) {
  if (!state.layer || !state.layer->empty() || !state.sublayers) return or_null(state.layer);
  const relay::LayerTarget& layers = *state.sublayers;
  return "S" + std::to_string(layers.spatial) + "T" + std::to_string(layers.temporal);
}

Json slot_json(const node::SlotReport& slot) {
  const auto& state = slot.state;
  const bool is_empty = !state.track;
  return {{"mid", slot.mid},
          {"kind", rtp::to_string(state.kind)},
          {"track", is_empty ? Json(nullptr) : Json(state.track->value())},
          {"participant", is_empty ? Json(nullptr) : Json(state.participant)},
          {"layer", layer_json(state)},
          {"sublayers", sublayers_json(state)},
          {"bitrate_bps", state.bitrate_bps},
          {"loss", slot.loss},
          {"redundancy", state.repeated_frames},
          {"paused", state.is_paused},
          {"pinned", state.is_pinned}};
}

Json path_json(const node::ConnectionReport& connection) {
  if (!connection.remote) return nullptr;
  return {{"protocol", connection.over_tcp ? "tcp" : "udp"},
          {"local", or_null(connection.local)},
          {"remote", or_null(connection.remote)},
          {"rtt_ms", or_null(connection.round_trip_ms)}};
}

Json connection_json(const node::ConnectionReport& connection) {
  Json tracks = Json::array();
  for (const auto& track : connection.tracks) tracks.push_back(track_json(track));
  Json slots = Json::array();
  for (const auto& slot : connection.slots) slots.push_back(slot_json(slot));
  std::optional<uint64_t> estimate;
  if (connection.estimate_bps) estimate = static_cast<uint64_t>(*connection.estimate_bps);
  return {{"id", connection.id},
          {"state", to_string(connection.phase)},
          {"role", role_text(connection.role)},
          {"worker", connection.worker},
          {"path", path_json(connection)},
          {"estimate_bps", or_null(estimate)},
          {"tracks", std::move(tracks)},
          {"slots", std::move(slots)}};
}

Json participant_json(const node::ParticipantReport& participant) {
  Json connections = Json::array();
  for (const auto& connection : participant.connections) {
    connections.push_back(connection_json(connection));
  }
  return {{"id", participant.id},         {"room", participant.room},
          {"name", participant.id},       {"joined_at", rfc3339(participant.joined_at_unix_ms)},
          {"pinned", participant.pinned}, {"connections", std::move(connections)}};
}

bool is_publisher(const node::ParticipantReport& participant) {
  return std::ranges::any_of(participant.connections, [](const auto& connection) {
    return connection.role == node::Role::kPublisher;
  });
}

bool is_speaker(const node::ParticipantReport& participant) {
  return std::ranges::any_of(participant.connections, [](const auto& connection) {
    return std::ranges::any_of(connection.tracks, [](const auto& track) {
      return track.state.is_speaking.value_or(false);
    });
  });
}

// Who speaks at this moment.
Json speakers_json(const node::RoomReport& room) {
  Json list = Json::array();
  for (const auto& participant : room.participants) {
    if (is_speaker(participant)) list.push_back(participant.id);
  }
  return list;
}

Json room_json(const node::RoomReport& room) {
  return {{"id", room.id},
          {"created_at", rfc3339(room.created_at_unix_ms)},
          {"participants", room.participants.size()},
          {"publishers", std::ranges::count_if(room.participants, is_publisher)},
          {"speakers", speakers_json(room)}};
}

Json worker_json(const node::WorkerReport& worker) {
  return {{"worker", worker.worker},
          {"busy_ratio", worker.busy_ratio},
          {"packets_received", worker.packets_received},
          {"packets_sent", worker.packets_sent},
          {"bytes_received", worker.bytes_received},
          {"bytes_sent", worker.bytes_sent}};
}

}  // namespace

std::string room_document(const node::RoomReport& room) { return text_of(room_json(room)); }

std::string rooms_document(const std::vector<node::RoomReport>& rooms, bool has_more) {
  Json list = Json::array();
  for (const auto& room : rooms) list.push_back(room_json(room));
  const Json next = has_more && !rooms.empty() ? Json(rooms.back().id) : Json(nullptr);
  return text_of({{"rooms", std::move(list)}, {"next", next}});
}

std::string participant_document(const node::ParticipantReport& participant) {
  return text_of(participant_json(participant));
}

std::string participants_document(const std::vector<node::ParticipantReport>& participants,
                                  bool has_more) {
  Json list = Json::array();
  for (const auto& participant : participants) list.push_back(participant_json(participant));
  const bool has_next = has_more && !participants.empty();
  const Json next = has_next ? Json(participants.back().id) : Json(nullptr);
  return text_of({{"participants", std::move(list)}, {"next", next}});
}

std::string node_document(const node::NodeReport& node, bool healthy, int64_t now_unix_ms) {
  Json workers = Json::array();
  for (const auto& worker : node.workers) workers.push_back(worker_json(worker));
  return text_of({{"version", SIMPUL_VERSION},
                  {"started_at", rfc3339(node.started_at_unix_ms)},
                  {"uptime_s", std::max<int64_t>(0, now_unix_ms - node.started_at_unix_ms) / 1000},
                  {"healthy", healthy},
                  {"draining", false},
                  {"workers", std::move(workers)}});
}

std::string status_document(const std::string& status) { return text_of({{"status", status}}); }

std::string rfc3339(int64_t unix_ms) {
  using namespace std::chrono;
  const sys_time<milliseconds> time{milliseconds(unix_ms)};
  const auto day = floor<days>(time);
  const year_month_day date(day);
  const hh_mm_ss clock(floor<seconds>(time - day));
  std::array<char, 48> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02dZ",
                static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                static_cast<unsigned>(date.day()), static_cast<int>(clock.hours().count()),
                static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()));
  return text.data();
}

std::string problem_document(const Problem& problem) {
  const auto title = problem.type == ProblemType::kPlain
                         ? std::string(reason_phrase(problem.status))
                         : std::string(title_of(problem.type));
  Json json = {{"type", type_uri(problem.type)},
               {"title", title},
               {"status", problem.status},
               {"detail", problem.detail}};
  if (!problem.field.empty()) json["field"] = problem.field;
  return text_of(json);
}

}  // namespace simpul::control
