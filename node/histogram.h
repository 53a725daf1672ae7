#pragma once

#include <algorithm>
#include <utility>
#include <vector>

#include "node/node.h"

namespace simpul::node {

// Counts of values up to each bound; adding searches a handful of bounds.
inline Histogram make_histogram(std::vector<double> bounds) {
  Histogram histogram;
  histogram.counts.resize(bounds.size() + 1);
  histogram.bounds = std::move(bounds);
  return histogram;
}

inline void add_to(Histogram& histogram, double value, uint64_t times = 1) {
  const auto at = std::ranges::lower_bound(histogram.bounds, value);
  histogram.counts[static_cast<size_t>(at - histogram.bounds.begin())] += times;
  histogram.sum += value * static_cast<double>(times);
}

}  // namespace simpul::node
