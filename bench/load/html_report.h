#pragma once

#include <string>
#include <vector>

#include "bench/load/report.h"

namespace simpul::load {

// A page with plots that needs nothing else: no script, no font, no picture from elsewhere.
std::string to_html(const Report& report, const std::vector<std::string>& complaints);

}  // namespace simpul::load
