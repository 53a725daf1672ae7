#include "control/pin_document.h"

#include <nlohmann/json.hpp>

#include "control/merge_patch.h"

namespace simpul::control {

Expected<std::optional<bool>, Problem> parse_pin(std::string_view body) {
  const auto document = read_merge_patch(body);
  if (!document) return unexpected(document.error());
  std::optional<bool> pinned;
  for (const auto& [name, value] : document->items()) {
    if (name != "pinned") return unexpected(unknown_field(name));
    if (!value.is_boolean() && !value.is_null()) {
      return unexpected(invalid_field(name, "Must be true or false."));
    }
    pinned = !value.is_null() && value.get<bool>();
  }
  return pinned;
}

}  // namespace simpul::control
