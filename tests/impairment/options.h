#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/expected.h"
#include "tests/impairment/relay.h"

namespace simpul::impairment {

// What the relay's command line may say; printed when it says something else.
std::string usage();

// Reads pairs of a name and a value. `--loss` and its like apply to both directions, `--up-loss`
// and `--down-loss` to one. The error is one line.
Expected<RelayOptions, std::string> parse_options(std::span<const char* const> arguments);

// Applies such pairs, in one line with blanks between them, to options that are in use: all but
// those that say where a relay listens, where it leads and how it draws.
Expected<RelayOptions, std::string> parse_change(const RelayOptions& now, std::string_view line);

// One line of JSON.
std::string counts_text(const RelayCounts& counts);

}  // namespace simpul::impairment
