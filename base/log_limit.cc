#include "base/log_limit.h"

#include <utility>

namespace simpul::log {

LogLimit::Verdict LogLimit::admit(std::string_view reason, Time now) {
  auto found = reasons_.find(reason);
  if (found == reasons_.end()) {
    const std::string_view name = reasons_.size() < kReasonsMax ? reason : "others";
    found = reasons_.try_emplace(std::string(name)).first;
  }
  Reason& known = found->second;
  Verdict verdict;
  if (known.second != now) {  // also when the clock went back
    known.second = now;
    known.written = 0;
    verdict.held_back = std::exchange(known.held_back, 0);
  }
  if (known.written < kLinesPerSecond) {
    ++known.written;
    return verdict;
  }
  ++known.held_back;
  verdict.is_written = false;
  return verdict;
}

std::vector<LogLimit::HeldBack> LogLimit::take_held_back() {
  std::vector<HeldBack> result;
  for (auto& [name, reason] : reasons_) {
    if (reason.held_back == 0) continue;
    result.push_back({name, std::exchange(reason.held_back, 0)});
  }
  return result;
}

}  // namespace simpul::log
