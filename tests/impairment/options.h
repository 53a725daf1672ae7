#pragma once

#include <span>
#include <string>

#include "base/expected.h"
#include "tests/impairment/relay.h"

namespace simpul::impairment {

// What the relay's command line may say; printed when it says something else.
std::string usage();

// Reads pairs of a name and a value. `--loss` and its like apply to both directions, `--up-loss`
// and `--down-loss` to one. The error is one line.
Expected<RelayOptions, std::string> parse_options(std::span<const char* const> arguments);

// One line of JSON.
std::string counts_text(const RelayCounts& counts);

}  // namespace simpul::impairment
