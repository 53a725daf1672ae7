#pragma once

#include <optional>
#include <string_view>

#include "base/expected.h"
#include "sdp/session_description.h"

namespace simpul::sdp {

// What is wrong with a line, as a constant of the program.
using Checked = Expected<void, std::string_view>;
inline unexpected<std::string_view> wrong(std::string_view reason) {
  return unexpected<std::string_view>(reason);
}

// Takes one of a=ice-ufrag, ice-pwd, fingerprint and setup, which stand at the session or in a
// media section. True when `name` was one of them.
Expected<bool, std::string_view> read_transport_attribute(std::string_view name,
                                                          std::string_view value,
                                                          TransportDescription& transport);

// a=sendrecv and its kin, or nothing.
std::optional<Direction> direction_named(std::string_view name);

}  // namespace simpul::sdp
