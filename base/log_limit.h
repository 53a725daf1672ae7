#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace simpul::log {

// Decides which lines are written when there are too many of a kind: of each reason the first
// kLinesPerSecond of every second. Whoever provokes lines from outside fills no disk with them and
// hides nothing else. What is held back is counted, and told with the next line of that reason.
class LogLimit {
 public:
  static constexpr uint32_t kLinesPerSecond = 10;
  // Reasons that are kept apart; all others are one more.
  static constexpr size_t kReasonsMax = 256;
  using Time = std::chrono::seconds;  // since any beginning

  struct Verdict {
    bool is_written = true;
    uint64_t held_back = 0;  // lines of this reason in the seconds before
  };
  Verdict admit(std::string_view reason, Time now);

  struct HeldBack {
    std::string reason;
    uint64_t lines = 0;
  };
  // What has not been told yet, which it forgets.
  std::vector<HeldBack> take_held_back();

 private:
  struct Reason {
    Time second{};
    uint32_t written = 0;
    uint64_t held_back = 0;
  };

  std::map<std::string, Reason, std::less<>> reasons_;
};

}  // namespace simpul::log
