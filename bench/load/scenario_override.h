#pragma once

#include <string>

#include "bench/load/toml_section.h"

namespace simpul::load {

// Sets one key of a scenario that has been read but not checked: "phases[0].viewers=20",
// "clients.viewer.down.loss=0.01", "phases.keynote.duration=10s". In a list an element is named by
// its number or by its `name` (or `kind`). What is not a TOML value is taken as a string.
void override_key(toml::table& root, const std::string& text, Problems& problems);

}  // namespace simpul::load
