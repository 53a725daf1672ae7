#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "node/node.h"

namespace simpul::control {

// Answers by route and status. Both are closed sets (patterns and our own codes), so it is small.
class HttpCounters {
 public:
  void count(std::string_view route, uint16_t status);
  const std::map<std::pair<std::string, uint16_t>, uint64_t>& counts() const { return counts_; }

 private:
  std::map<std::pair<std::string, uint16_t>, uint64_t> counts_;
};

struct MetricsInput {
  const node::NodeReport& node;
  size_t rooms = 0;
  size_t participants = 0;
  const HttpCounters& http;
};

inline constexpr std::string_view kMetricsType = "text/plain; version=0.0.4; charset=utf-8";

// The metrics in the text format of Prometheus, version 0.0.4.
std::string metrics_text(const MetricsInput& input);

}  // namespace simpul::control
