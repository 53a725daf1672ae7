#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace simpul::load {

// A string as JSON has it, with its quotation marks (RFC 8259 §7).
std::string json_string(std::string_view text);
// Whatever is not finite, or not known, is null.
std::string json_number(std::optional<double> value);

}  // namespace simpul::load
