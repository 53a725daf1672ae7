#pragma once

#include <string>
#include <string_view>

namespace simpul::load {

// A string as JSON has it, with its quotation marks (RFC 8259 §7).
std::string json_string(std::string_view text);
// Whatever is not finite is 0.
std::string json_number(double value);

}  // namespace simpul::load
