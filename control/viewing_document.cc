#include "control/viewing_document.h"

#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>

#include "control/http_target.h"
#include "control/merge_patch.h"

namespace simpul::control {
namespace {

using Json = nlohmann::json;

Problem bad_side(std::string_view field) {
  return invalid_field(field, "Must be 1 to " + std::to_string(kSideMax) + ", with the other one.");
}

Problem bad_priority() { return invalid_field("priority", "Must be 1 to 255."); }
Problem bad_pause() { return invalid_field("paused", "Must be true or false."); }

// A whole number of 1 to `most`.
std::optional<uint32_t> number_of(const Json& value, uint32_t most) {
  if (!value.is_number_unsigned()) return std::nullopt;
  const auto number = value.get<uint64_t>();
  if (number == 0 || number > most) return std::nullopt;
  return static_cast<uint32_t>(number);
}

std::optional<Problem> read_size(const Json& document, node::ViewingChange& change) {
  const auto width = document.find("width");
  const auto height = document.find("height");
  if (width == document.end() && height == document.end()) return std::nullopt;
  if (width == document.end()) return bad_side("width");
  if (height == document.end()) return bad_side("height");
  if (width->is_null() && height->is_null()) {
    change.wanted_pixels.emplace(std::nullopt);
    return std::nullopt;
  }
  const auto wide = number_of(*width, kSideMax);
  if (!wide) return bad_side("width");
  const auto high = number_of(*height, kSideMax);
  if (!high) return bad_side("height");
  change.wanted_pixels.emplace(*wide * *high);
  return std::nullopt;
}

std::optional<Problem> read_field(const std::string& name, const Json& value,
                                  node::ViewingChange& change) {
  if (name == "width" || name == "height") return std::nullopt;  // read together
  if (name == "priority") {
    const auto priority = number_of(value, UINT8_MAX);
    if (!priority) return bad_priority();
    change.priority = static_cast<uint8_t>(*priority);
    return std::nullopt;
  }
  if (name == "paused") {
    if (!value.is_boolean()) return bad_pause();
    change.paused = value.get<bool>();
    return std::nullopt;
  }
  if (name == "participant") {
    const auto* id = value.get_ptr<const std::string*>();
    if (!value.is_null() && (id == nullptr || !is_valid_id(*id))) {
      return invalid_field(name, "Must be a participant's id, or null.");
    }
    change.participant = id == nullptr ? std::string() : *id;
    return std::nullopt;
  }
  return unknown_field(name);
}

// The same, in a query.
std::optional<uint32_t> number_of(const std::string& text, uint32_t most) {
  uint32_t number = 0;
  const char* end = text.data() + text.size();
  const auto [parsed, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{} || parsed != end || number == 0 || number > most) return std::nullopt;
  return number;
}

std::optional<Problem> read_size(const Request& request, relay::Viewing& viewing) {
  const std::string* width = request.parameter("width");
  const std::string* height = request.parameter("height");
  if (width == nullptr && height == nullptr) return std::nullopt;
  const auto wide = width == nullptr ? std::nullopt : number_of(*width, kSideMax);
  if (!wide) return bad_side("width");
  const auto high = height == nullptr ? std::nullopt : number_of(*height, kSideMax);
  if (!high) return bad_side("height");
  viewing.wanted_pixels = *wide * *high;
  return std::nullopt;
}

}  // namespace

Expected<node::ViewingChange, Problem> parse_viewing(std::string_view body) {
  const auto document = read_merge_patch(body);
  if (!document) return unexpected(document.error());
  node::ViewingChange change;
  if (auto problem = read_size(*document, change)) return unexpected(*std::move(problem));
  for (const auto& [name, value] : document->items()) {
    if (auto problem = read_field(name, value, change)) return unexpected(*std::move(problem));
  }
  return change;
}

Expected<relay::Viewing, Problem> parse_viewing(const Request& request) {
  relay::Viewing viewing;
  if (auto problem = read_size(request, viewing)) return unexpected(*std::move(problem));
  if (const std::string* text = request.parameter("priority")) {
    const auto priority = number_of(*text, UINT8_MAX);
    if (!priority) return unexpected(bad_priority());
    viewing.priority = static_cast<uint8_t>(*priority);
  }
  if (const std::string* text = request.parameter("paused")) {
    if (*text != "true" && *text != "false") return unexpected(bad_pause());
    viewing.is_paused = *text == "true";
  }
  return viewing;
}

}  // namespace simpul::control
