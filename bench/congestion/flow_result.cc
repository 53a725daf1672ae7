#include "bench/congestion/flow_result.h"

#include <algorithm>
#include <optional>

namespace simpul::congestion {

double FlowResult::mean_bps(double from, double to) const {
  double sum = 0;
  size_t count = 0;
  for (const Sample& sample : samples) {
    if (sample.second < from || sample.second >= to) continue;
    sum += sample.sent_bps;
    ++count;
  }
  return count > 0 ? sum / static_cast<double>(count) : 0;
}

double FlowResult::switches_a_minute(double from, double to) const {
  const auto count = std::ranges::count_if(layer_switches, [&](const auto& change) {
    return change.first >= from && change.first < to;
  });
  return static_cast<double>(count) * 60 / (to - from);
}

double FlowResult::layer_settled(int layer, double from) const {
  std::optional<double> since;
  for (const Sample& sample : samples) {
    if (sample.second < from) continue;
    if (sample.layers.empty() || sample.layers.front() != layer) {
      since.reset();
    } else if (!since) {
      since = sample.second;
    }
    if (since && sample.second - *since >= 2) return *since;
  }
  return -1;
}

double FlowResult::queue_percentile(double share) const {
  if (queue_ms.empty()) return 0;
  std::vector<double> sorted = queue_ms;
  std::ranges::sort(sorted);
  return sorted[static_cast<size_t>(share * static_cast<double>(sorted.size() - 1))];
}

double FlowResult::longest_gap(double from, double to) const {
  double longest = 0;
  double last = from;
  for (const double picture : pictures) {
    if (picture < from || picture > to) continue;
    longest = std::max(longest, picture - last);
    last = picture;
  }
  return std::max(longest, to - last);
}

double FlowResult::reached(double bps, double from) const {
  for (const Sample& sample : samples) {
    if (sample.second >= from && sample.target_bps >= bps) return sample.second;
  }
  return -1;
}

double FlowResult::queue_settled(double milliseconds, double from) const {
  std::optional<double> since;
  for (const Sample& sample : samples) {
    if (sample.second < from) continue;
    if (sample.queue_ms > milliseconds) {
      since.reset();
    } else if (!since) {
      since = sample.second;
    }
    if (since && sample.second - *since >= 1) return *since;
  }
  return -1;
}

double fairness(const std::vector<double>& rates) {
  double sum = 0;
  double squares = 0;
  for (const double rate : rates) {
    sum += rate;
    squares += rate * rate;
  }
  return squares > 0 ? sum * sum / (static_cast<double>(rates.size()) * squares) : 1;
}

}  // namespace simpul::congestion
