#include "control/viewing_document.h"

#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>

namespace simpul::control {
namespace {

using Json = nlohmann::json;

Problem no_document(std::string_view detail) {
  return {.type = ProblemType::kInvalidJson, .status = 400, .detail = std::string(detail)};
}

Problem bad_side(std::string_view field) {
  return invalid_field(field, "Must be 1 to " + std::to_string(kSideMax) + ", with the other one.");
}

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
    if (!priority) return invalid_field(name, "Must be 1 to 255.");
    change.priority = static_cast<uint8_t>(*priority);
    return std::nullopt;
  }
  if (name == "paused") {
    if (!value.is_boolean()) return invalid_field(name, "Must be true or false.");
    change.paused = value.get<bool>();
    return std::nullopt;
  }
  return invalid_field(name.substr(0, 64), "There is no such field.");
}

std::optional<uint32_t> side_of(const std::string& text) {
  uint32_t side = 0;
  const char* end = text.data() + text.size();
  const auto [parsed, error] = std::from_chars(text.data(), end, side);
  if (error != std::errc{} || parsed != end || side == 0 || side > kSideMax) return std::nullopt;
  return side;
}

}  // namespace

Expected<node::ViewingChange, Problem> parse_viewing(std::string_view body) {
  if (body.size() > kViewingSizeMax) {
    return unexpected(Problem{
        .type = ProblemType::kTooLarge, .status = 413, .detail = "The document is too long."});
  }
  const Json document = Json::parse(body, nullptr, false);
  if (!document.is_object()) return unexpected(no_document("The body must be a JSON object."));
  node::ViewingChange change;
  if (auto problem = read_size(document, change)) return unexpected(*std::move(problem));
  for (const auto& [name, value] : document.items()) {
    if (auto problem = read_field(name, value, change)) return unexpected(*std::move(problem));
  }
  return change;
}

Expected<relay::Viewing, Problem> parse_viewing(const Request& request) {
  relay::Viewing viewing;
  const std::string* width = request.parameter("width");
  const std::string* height = request.parameter("height");
  if (width == nullptr && height == nullptr) return viewing;
  const auto wide = width == nullptr ? std::nullopt : side_of(*width);
  if (!wide) return unexpected(bad_side("width"));
  const auto high = height == nullptr ? std::nullopt : side_of(*height);
  if (!high) return unexpected(bad_side("height"));
  viewing.wanted_pixels = *wide * *high;
  return viewing;
}

}  // namespace simpul::control
